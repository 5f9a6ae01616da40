/* A hash table from addresses to short lists of names.
 *
 * Owns every name it holds until the end, so that a probe may lend one while other threads add more. The hash is keyed, for whoever
 * answers our lookups chooses addresses. */
#include "scanner/scan/names.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "certmuster/hostname.h"
#include "certmuster/log.h"
#include "scanner/scan/permute.h"

enum { FIRST_BUCKETS = 64, LINE_MAX_BYTES = 4096 };

struct known { /* one name of one address; those of an address in the order of their sources */
    struct known *next;
    struct ipaddr ip;
    uint8_t source;
    char name[];
};

struct names {
    pthread_mutex_t lock;
    struct known **buckets;
    size_t count, bucket_count, bytes;
    uint64_t key;
    const char *hosts; /* NULL once it is read */
    bool said;
};

struct names *names_new(const char *hosts)
{
    struct names *names = cm_calloc(1, sizeof *names);
    pthread_mutex_init(&names->lock, NULL);
    names->hosts = hosts;
    if (getrandom(&names->key, sizeof names->key, 0) != (ssize_t)sizeof names->key)
        names->key = (uint64_t)(uintptr_t)names;
    return names;
}

void names_free(struct names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < names->bucket_count; i++) {
        for (struct known *at = names->buckets[i], *next; at; at = next) {
            next = at->next;
            free(at);
        }
    }
    free(names->buckets);
    pthread_mutex_destroy(&names->lock);
    free(names);
}

static bool same(const struct ipaddr *a, const struct ipaddr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
}

static struct known **bucket_of(const struct names *names, const struct ipaddr *ip)
{
    uint64_t halves[2] = {0, 0};
    memcpy(halves, ip->bytes, ip->family == 4 ? 4 : 16);
    uint64_t hash = mix64(mix64(halves[0] + ip->family, names->key) ^ halves[1], names->key);
    return &names->buckets[hash & (names->bucket_count - 1)];
}

static void grow(struct names *names)
{
    struct known **before = names->buckets;
    size_t count = names->bucket_count;
    names->bucket_count = count ? count * 2 : FIRST_BUCKETS;
    names->buckets = cm_calloc(names->bucket_count, sizeof(struct known *));
    for (size_t i = 0; i < count; i++) {
        for (struct known *at = before[i], *next; at; at = next) {
            struct known **end = bucket_of(names, &at->ip);
            next = at->next;
            at->next = NULL;
            while (*end) /* those of one address keep their order */
                end = &(*end)->next;
            *end = at;
        }
    }
    free(before);
}

static void add(struct names *names, const struct ipaddr *ip, const char *name, enum names_source source)
{
    size_t length = strlen(name), size = sizeof(struct known) + length + 1;
    unsigned of_address = 0;
    if (names->count >= names->bucket_count)
        grow(names);
    struct known **at = bucket_of(names, ip);
    for (struct known *known = *at; known; known = known->next) {
        if (!same(&known->ip, ip))
            continue;
        if (strcmp(known->name, name) == 0)
            return;
        of_address++;
    }
    if (of_address >= NAMES_PER_ADDRESS)
        return;
    if (names->bytes + size > NAMES_BYTES_MAX) {
        if (!names->said)
            say_error("more names than fit into 16 MiB: servers that insist on a further one will be told as failures");
        names->said = true;
        return;
    }
    while (*at && !(same(&(*at)->ip, ip) && (*at)->source > source))
        at = &(*at)->next;
    struct known *known = cm_malloc(size);
    *known = (struct known){.next = *at, .ip = *ip, .source = (uint8_t)source};
    memcpy(known->name, name, length + 1);
    *at = known;
    names->bytes += size;
    names->count++;
}

void names_add(struct names *names, const struct ipaddr *ip, const char *name, enum names_source source)
{
    pthread_mutex_lock(&names->lock);
    add(names, ip, name, source);
    pthread_mutex_unlock(&names->lock);
}

/* What this host calls itself within itself; no server here waits to be called by it. */
static bool is_ours_alone(const struct ipaddr *ip, enum names_source source)
{
    return source == NAMES_OF_HOST && ipaddr_is_host_local(ip);
}

/* "ADDRESS NAME…", '#' begins a comment (hosts(5)). False when it makes no sense. */
static bool take_line(struct names *names, char *line, enum names_source source)
{
    static const char blanks[] = " \t\r\n";
    struct ipaddr ip;
    char *rest = NULL, name[HOSTNAME_SIZE];
    bool good = true;
    line[strcspn(line, "#")] = '\0';
    char *word = strtok_r(line, blanks, &rest);
    if (!word)
        return true;
    if (strchr(word, '%')) /* a zone: nothing that a target can name */
        return true;
    if (ipaddr_read(word, &ip))
        return false;
    while ((word = strtok_r(NULL, blanks, &rest))) {
        if (hostname_read(word, strlen(word), name, NULL))
            good = false;
        else if (!is_ours_alone(&ip, source))
            add(names, &ip, name, source);
    }
    return good;
}

enum line { LINE_END, LINE_GOOD, LINE_BAD };

/* The next line, whole or bad: one that is too long, or has a NUL in it, means nothing. */
static enum line read_line(FILE *file, char out[static LINE_MAX_BYTES])
{
    size_t size = 0;
    bool bad = false;
    int c;
    while ((c = getc_unlocked(file)) != EOF && c != '\n') {
        bad = bad || c == '\0' || size == LINE_MAX_BYTES - 1;
        if (!bad)
            out[size++] = (char)c;
    }
    out[size] = '\0';
    return bad ? LINE_BAD : c == EOF && size == 0 ? LINE_END : LINE_GOOD;
}

static int read_file(struct names *names, const char *path, enum names_source source, uint64_t *damaged,
                     struct cm_error *error)
{
    char line[LINE_MAX_BYTES];
    enum line state;
    FILE *file = fopen(path, "re");
    if (!file)
        return error_setf(error, CM_EIO, 0, "cannot read names", "%s: %s", path, strerror(errno));
    while ((state = read_line(file, line)) != LINE_END) {
        if (state == LINE_BAD || !take_line(names, line, source))
            ++*damaged;
    }
    bool bad = ferror(file);
    int trouble = errno;
    fclose(file);
    return bad ? error_setf(error, CM_EIO, 0, "cannot read names", "%s: %s", path, strerror(trouble)) : 0;
}

int names_read(struct names *names, const char *path, uint64_t *damaged, struct cm_error *error)
{
    pthread_mutex_lock(&names->lock);
    int code = read_file(names, path, NAMES_OF_FILE, damaged, error);
    pthread_mutex_unlock(&names->lock);
    return code;
}

/* A host without /etc/hosts, or with lines in it that we do not understand, is none of our business. */
static void read_hosts(struct names *names)
{
    uint64_t damaged = 0;
    const char *path = names->hosts;
    names->hosts = NULL;
    if (path && read_file(names, path, NAMES_OF_HOST, &damaged, NULL))
        log_event(LOG_LEVEL_INFO, "no_hosts_file", "path=%s", path);
}

const char *names_get(struct names *names, const struct ipaddr *ip, unsigned nth, const char *but)
{
    const char *found = NULL;
    pthread_mutex_lock(&names->lock);
    read_hosts(names);
    for (const struct known *at = names->bucket_count ? *bucket_of(names, ip) : NULL; at && !found; at = at->next) {
        if (same(&at->ip, ip) && strcmp(at->name, but) != 0 && nth-- == 0)
            found = at->name;
    }
    pthread_mutex_unlock(&names->lock);
    return found;
}
