/* The table of secrets: open addressing by a keyed hash of the client random. A line is believed when its numbers have the sizes that TLS gives them. */
#include "scanner/watch/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "certmuster/buf.h"
#include "certmuster/encode.h"
#include "scanner/watch/hash.h"

enum {
    FIRST_ENTRIES = 64,
    ENTRIES_MAX = 1 << 18, /* handshakes; 45 MiB */
    LINE_MAX_BYTES = 512,
    READ_BYTES = 64 * 1024,
    FILES_MAX = 16,
    REMEMBERED = 1024,            /* sessions whose Certificate message is kept, … */
    REMEMBERED_BYTES = 16 * 1024, /* … if it is no longer than this */
};

struct entry {
    bool used;
    uint8_t random[KEYLOG_RANDOM_SIZE];
    struct keylog_secrets secrets;
};

struct keylog_file {
    int fd;
    struct buf line; /* a line whose end has not been written yet */
};

struct remembered {
    uint8_t master[KEYLOG_SECRET_MAX];
    uint8_t *certificate; /* NULL: an empty row */
    size_t size;
};

struct keylog {
    pthread_mutex_t lock;
    uint64_t seed; /* captures bring secrets blocks, and choose the randoms in them */
    struct entry *entries;
    size_t capacity;
    atomic_size_t count; /* read without the lock by who only wants to know whether there is anything */
    struct keylog_file files[FILES_MAX];
    size_t file_count;
    struct remembered *remembered; /* NULL until there is one */
};

struct keylog *keylog_new(void)
{
    struct keylog *keylog = cm_calloc(1, sizeof *keylog);
    pthread_mutex_init(&keylog->lock, NULL);
    if (getrandom(&keylog->seed, sizeof keylog->seed, 0) != (ssize_t)sizeof keylog->seed)
        keylog->seed = (uint64_t)(uintptr_t)keylog;
    return keylog;
}

void keylog_free(struct keylog *keylog)
{
    if (!keylog)
        return;
    for (size_t i = 0; i < keylog->file_count; i++) {
        close(keylog->files[i].fd);
        buf_done(&keylog->files[i].line);
    }
    for (size_t i = 0; keylog->remembered && i < REMEMBERED; i++)
        free(keylog->remembered[i].certificate);
    if (keylog->remembered)
        OPENSSL_cleanse(keylog->remembered, REMEMBERED * sizeof *keylog->remembered);
    free(keylog->remembered);
    if (keylog->entries)
        OPENSSL_cleanse(keylog->entries, keylog->capacity * sizeof *keylog->entries);
    free(keylog->entries);
    pthread_mutex_destroy(&keylog->lock);
    free(keylog);
}

/* --- the table --------------------------------------------------------------------------------------------------------- */

static struct entry *find(const struct keylog *keylog, const uint8_t *random)
{
    size_t at = hash_bytes(0, random, KEYLOG_RANDOM_SIZE, keylog->seed) & (keylog->capacity - 1);
    while (keylog->entries[at].used && memcmp(keylog->entries[at].random, random, KEYLOG_RANDOM_SIZE) != 0)
        at = (at + 1) & (keylog->capacity - 1);
    return &keylog->entries[at];
}

static void grow(struct keylog *keylog)
{
    struct entry *before = keylog->entries;
    size_t count = keylog->capacity;
    keylog->capacity = count ? count * 2 : FIRST_ENTRIES;
    keylog->entries = cm_calloc(keylog->capacity, sizeof *keylog->entries);
    for (size_t i = 0; i < count; i++) {
        if (before[i].used)
            *find(keylog, before[i].random) = before[i];
    }
    if (before)
        OPENSSL_cleanse(before, count * sizeof *before);
    free(before);
}

/* NULL when there is no room for another handshake. */
static struct entry *find_or_add(struct keylog *keylog, const uint8_t *random)
{
    if (keylog->count * 2 >= keylog->capacity) {
        if (keylog->capacity >= ENTRIES_MAX)
            return NULL;
        grow(keylog);
    }
    struct entry *entry = find(keylog, random);
    if (!entry->used) {
        entry->used = true;
        memcpy(entry->random, random, KEYLOG_RANDOM_SIZE);
        keylog->count++;
    }
    return entry;
}

/* --- lines ------------------------------------------------------------------------------------------------------------- */

static struct slice take_word(struct slice *line)
{
    size_t size = 0;
    while (size < line->size && line->data[size] != ' ')
        size++;
    struct slice word = {line->data, size};
    size_t skip = size < line->size ? size + 1 : size;
    line->data += skip;
    line->size -= skip;
    return word;
}

static const struct {
    const char *label;
    size_t offset; /* of the secret in keylog_secrets */
} labels[] = {
    {"SERVER_HANDSHAKE_TRAFFIC_SECRET", offsetof(struct keylog_secrets, server)},
    {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", offsetof(struct keylog_secrets, client)},
    {"CLIENT_RANDOM", offsetof(struct keylog_secrets, master)},
};

static void take_line(struct keylog *keylog, struct slice line)
{
    uint8_t random[KEYLOG_RANDOM_SIZE];
    struct keylog_secret secret = {0};
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    struct slice label = take_word(&line), random_hex = take_word(&line), hex = take_word(&line);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        if (strlen(labels[i].label) != label.size || memcmp(labels[i].label, label.data, label.size) != 0)
            continue;
        secret.size = (uint8_t)(hex.size == 64 ? 32 : hex.size == 96 ? 48 : 0);
        if (!secret.size || hex_read((const char *)random_hex.data, random_hex.size, random, sizeof random) ||
            hex_read((const char *)hex.data, hex.size, secret.bytes, secret.size))
            return;
        struct entry *entry = find_or_add(keylog, random);
        if (entry)
            memcpy((uint8_t *)&entry->secrets + labels[i].offset, &secret, sizeof secret);
        return;
    }
}

static void take_text(struct keylog *keylog, struct slice text)
{
    while (text.size > 0) {
        const uint8_t *feed = memchr(text.data, '\n', text.size);
        size_t size = feed ? (size_t)(feed - text.data) : text.size;
        take_line(keylog, (struct slice){text.data, size});
        size += feed != NULL;
        text.data += size;
        text.size -= size;
    }
}

void keylog_add(struct keylog *keylog, struct slice text)
{
    pthread_mutex_lock(&keylog->lock);
    take_text(keylog, text);
    pthread_mutex_unlock(&keylog->lock);
}

/* --- files ------------------------------------------------------------------------------------------------------------- */

/* Reads on to the end; the last line waits for its line feed. */
static void read_on(struct keylog *keylog, struct keylog_file *file)
{
    char bytes[READ_BYTES];
    ssize_t got;
    while ((got = read(file->fd, bytes, sizeof bytes)) > 0) {
        const char *at = bytes, *end = bytes + got;
        for (const char *feed; (feed = memchr(at, '\n', (size_t)(end - at))); at = feed + 1) {
            buf_append(&file->line, at, (size_t)(feed - at));
            if (!file->line.failed)
                take_line(keylog, buf_slice(&file->line));
            buf_reset(&file->line);
        }
        buf_append(&file->line, at, (size_t)(end - at));
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
}

int keylog_open(struct keylog *keylog, const char *path, struct cm_error *error)
{
    if (keylog->file_count == FILES_MAX)
        return error_set(error, CM_ELIMIT, 0, "more than 16 key logs");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_setf(error, CM_EIO, 0, "cannot read the key log", "%s: %s", path, strerror(errno));
    struct keylog_file *file = &keylog->files[keylog->file_count++];
    file->fd = fd;
    buf_init(&file->line, LINE_MAX_BYTES);
    pthread_mutex_lock(&keylog->lock);
    read_on(keylog, file);
    pthread_mutex_unlock(&keylog->lock);
    return 0;
}

/* --- sessions ---------------------------------------------------------------------------------------------------------- */

/* Direct-mapped: a newer session takes the place of an older one. */
static struct remembered *row_of(const struct keylog *keylog, const struct keylog_secret *master)
{
    uint64_t hash = hash_bytes(0, master->bytes, KEYLOG_SECRET_MAX, keylog->seed);
    return &keylog->remembered[hash % REMEMBERED];
}

void keylog_remember(struct keylog *keylog, const struct keylog_secret *master, struct slice certificate)
{
    if (certificate.size == 0 || certificate.size > REMEMBERED_BYTES)
        return;
    pthread_mutex_lock(&keylog->lock);
    if (!keylog->remembered)
        keylog->remembered = cm_calloc(REMEMBERED, sizeof *keylog->remembered);
    struct remembered *row = row_of(keylog, master);
    row->certificate = cm_realloc(row->certificate, certificate.size);
    memcpy(row->certificate, certificate.data, certificate.size);
    row->size = certificate.size;
    memcpy(row->master, master->bytes, sizeof row->master);
    pthread_mutex_unlock(&keylog->lock);
}

bool keylog_recall(struct keylog *keylog, const struct keylog_secret *master, struct buf *certificate)
{
    pthread_mutex_lock(&keylog->lock);
    const struct remembered *row = keylog->remembered ? row_of(keylog, master) : NULL;
    bool known = row && row->certificate && memcmp(row->master, master->bytes, sizeof row->master) == 0;
    if (known)
        buf_append(certificate, row->certificate, row->size);
    pthread_mutex_unlock(&keylog->lock);
    return known;
}

/* --- asking ------------------------------------------------------------------------------------------------------------ */

bool keylog_is_used(const struct keylog *keylog)
{
    return keylog && (keylog->count > 0 || keylog->file_count > 0);
}

bool keylog_find(struct keylog *keylog, const uint8_t random[static KEYLOG_RANDOM_SIZE], struct keylog_secrets *out)
{
    bool found = false;
    pthread_mutex_lock(&keylog->lock);
    for (int tries = 0; tries < 2 && !found; tries++) {
        for (size_t i = 0; tries > 0 && i < keylog->file_count; i++)
            read_on(keylog, &keylog->files[i]);
        const struct entry *entry = keylog->capacity ? find(keylog, random) : NULL;
        found = entry && entry->used;
        if (found)
            *out = entry->secrets;
    }
    pthread_mutex_unlock(&keylog->lock);
    return found;
}
