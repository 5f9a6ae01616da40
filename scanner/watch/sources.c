/* Paths to descriptors. Regular files of directories only; hidden ones left out, since editors and rsync leave such, and so are compressed copies of files that
 * are there or were read (tcpdump -z), or everything in them would be counted twice. */
#include "scanner/watch/sources.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/error.h"
#include "certmuster/timefmt.h"
#include "scanner/watch/hash.h"

enum {
    LOOK_MS = 250,
    LOOK_SHARE = 20 /* of the time at most */,
    HEAD_SIZE = 64 /* a file header and the time of the first packet */
};

struct known { /* while following: a file that was given out */
    dev_t device;
    ino_t inode;
    uint64_t name; /* hash of its path, which may change */
    struct timespec changed;
    off_t size;
    size_t head_size;
    char head[HEAD_SIZE];
    bool still_there;
};

struct found {
    char *path;
    struct stat status;
};

struct sources {
    const char *const *paths;
    size_t count, at; /* at: the next path, while not following */
    bool follow;
    uint64_t total_bytes;
    struct found *waiting; /* found and not given out yet, in order */
    size_t waiting_count, waiting_at;
    struct known *known;
    size_t known_count;
    bool *complained; /* per path: it was told that it is not there */
    int64_t look_ms;  /* when to look again */
};

/* --- directories ------------------------------------------------------------------------------------------------------- */

static int by_age(const void *a, const void *b)
{
    const struct found *left = a, *right = b;
    const struct timespec *before = &left->status.st_mtim, *after = &right->status.st_mtim;
    if (before->tv_sec != after->tv_sec)
        return before->tv_sec < after->tv_sec ? -1 : 1;
    if (before->tv_nsec != after->tv_nsec)
        return before->tv_nsec < after->tv_nsec ? -1 : 1;
    return strcmp(left->path, right->path);
}

static void add_found(struct sources *sources, char *path, const struct stat *status)
{
    size_t count = sources->waiting_count++;
    sources->waiting = cm_realloc(sources->waiting, sources->waiting_count * sizeof *sources->waiting);
    sources->waiting[count] = (struct found){path, *status};
}

static char *join(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = cm_malloc(size);
    snprintf(path, size, "%s/%s", directory, name);
    return path;
}

/* How long the path is without the suffix of a compressed file; 0: it has none. */
static size_t stem_size(const char *path)
{
    static const char *const suffixes[] = {".gz", ".zst", ".xz", ".bz2", ".lz4"};
    size_t size = strlen(path);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t suffix = strlen(suffixes[i]);
        if (size > suffix && strcmp(path + size - suffix, suffixes[i]) == 0)
            return size - suffix;
    }
    return 0;
}

/* Being compressed just now: the one that was written is still there. */
static bool has_original(const char *path)
{
    char *stem = cm_strndup(path, stem_size(path));
    bool there = stem[0] && access(stem, F_OK) == 0;
    free(stem);
    return there;
}

/* 0, or errno. */
static int list_directory(struct sources *sources, const char *directory)
{
    struct dirent *entry;
    struct stat status;
    DIR *dir = opendir(directory);
    if (!dir)
        return errno;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &status, 0) || !S_ISREG(status.st_mode))
            continue;
        char *path = join(directory, entry->d_name);
        if (has_original(path))
            free(path);
        else
            add_found(sources, path, &status);
    }
    closedir(dir);
    return 0;
}

static void forget_found(struct sources *sources)
{
    for (size_t i = sources->waiting_at; i < sources->waiting_count; i++)
        free(sources->waiting[i].path);
    sources->waiting_count = sources->waiting_at = 0;
}

static void sort_found(struct sources *sources)
{
    if (sources->waiting_count)
        qsort(sources->waiting, sources->waiting_count, sizeof *sources->waiting, by_age);
}

/* Adds the path itself or what stands in it. 0, or errno. */
static int look_at(struct sources *sources, const char *path)
{
    struct stat status;
    if (stat(path, &status))
        return errno;
    if (S_ISDIR(status.st_mode))
        return list_directory(sources, path);
    add_found(sources, cm_strdup(path), &status);
    return 0;
}

/* For a progress line: what regular files hold now. */
static uint64_t sum_bytes(struct sources *sources)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < sources->count; i++) {
        if (strcmp(sources->paths[i], "-") != 0 && look_at(sources, sources->paths[i]))
            continue;
    }
    for (size_t i = 0; i < sources->waiting_count; i++) {
        if (S_ISREG(sources->waiting[i].status.st_mode))
            sum += (uint64_t)sources->waiting[i].status.st_size;
        else
            sum = 0; /* the size of a pipe is nobody's to know */
    }
    forget_found(sources);
    return sum;
}

struct sources *sources_new(const char *const *paths, size_t count, bool follow)
{
    struct sources *sources = cm_calloc(1, sizeof *sources);
    sources->paths = paths;
    sources->count = count;
    sources->follow = follow;
    sources->complained = cm_calloc(count + 1, sizeof *sources->complained);
    sources->look_ms = clock_monotonic_ms();
    if (!follow)
        sources->total_bytes = sum_bytes(sources);
    return sources;
}

void sources_free(struct sources *sources)
{
    if (!sources)
        return;
    forget_found(sources);
    free(sources->waiting);
    free(sources->known);
    free(sources->complained);
    free(sources);
}

/* --- giving out -------------------------------------------------------------------------------------------------------- */

static enum sources_answer give(const struct sources *sources, const char *name, int fd, int trouble,
                                struct source *out)
{
    *out = (struct source){.fd = fd, .trouble = trouble, .total_bytes = sources->total_bytes};
    snprintf(out->name, sizeof out->name, "%s", name);
    return SOURCES_ONE;
}

static enum sources_answer give_path(const struct sources *sources, const char *path, struct source *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return give(sources, path, fd, fd < 0 ? errno : 0, out);
}

static enum sources_answer give_waiting(struct sources *sources, struct source *out)
{
    char *path = sources->waiting[sources->waiting_at++].path;
    enum sources_answer answer = give_path(sources, path, out);
    free(path);
    return answer;
}

static enum sources_answer next_once(struct sources *sources, struct source *out)
{
    while (sources->waiting_at == sources->waiting_count) {
        forget_found(sources);
        if (sources->at == sources->count)
            return SOURCES_END;
        const char *path = sources->paths[sources->at++];
        if (strcmp(path, "-") == 0)
            return give(sources, "standard input", fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0), errno, out);
        int trouble = look_at(sources, path);
        if (trouble)
            return give(sources, path, -1, trouble, out);
        sort_found(sources);
    }
    return give_waiting(sources, out);
}

/* --- following --------------------------------------------------------------------------------------------------------- */

static uint64_t hash_path(const char *path, size_t size)
{
    return hash_bytes(0, path, size, UINT64_C(0x9e3779b97f4a7c15));
}

static bool was_read_unpacked(const struct sources *sources, const char *path)
{
    uint64_t stem = hash_path(path, stem_size(path));
    for (size_t i = 0; stem_size(path) && i < sources->known_count; i++) {
        if (sources->known[i].name == stem)
            return true;
    }
    return false;
}

static void remember_head(struct known *known, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t got = fd < 0 ? -1 : pread(fd, known->head, HEAD_SIZE, 0);
    known->head_size = got > 0 ? (size_t)got : 0;
    if (fd >= 0)
        close(fd);
}

/* The file that was given out begins with other bytes than it did, or is shorter. */
static bool is_written_anew(struct known *known, const struct found *found)
{
    struct known now = *known;
    const struct timespec *changed = &found->status.st_mtim;
    bool same_time = changed->tv_sec == known->changed.tv_sec && changed->tv_nsec == known->changed.tv_nsec;
    bool shorter = found->status.st_size < known->size;
    if (same_time && !shorter)
        return false;
    remember_head(&now, found->path);
    bool differs = now.head_size < known->head_size || memcmp(now.head, known->head, known->head_size) != 0;
    now.changed = *changed;
    now.size = found->status.st_size;
    *known = now;
    return shorter || differs;
}

static bool is_news(struct sources *sources, const struct found *found)
{
    for (size_t i = 0; i < sources->known_count; i++) {
        struct known *known = &sources->known[i];
        if (known->device != found->status.st_dev || known->inode != found->status.st_ino)
            continue;
        known->still_there = true;
        known->name = hash_path(found->path, strlen(found->path));
        return is_written_anew(known, found);
    }
    bool copy = was_read_unpacked(sources, found->path);
    sources->known = cm_realloc(sources->known, (sources->known_count + 1) * sizeof *sources->known);
    struct known *known = &sources->known[sources->known_count++];
    *known = (struct known){.device = found->status.st_dev,
                            .inode = found->status.st_ino,
                            .name = hash_path(found->path, strlen(found->path)),
                            .changed = found->status.st_mtim,
                            .size = found->status.st_size,
                            .still_there = true};
    remember_head(known, found->path);
    return !copy;
}

static void keep_news(struct sources *sources)
{
    size_t kept = 0;
    for (size_t i = 0; i < sources->known_count; i++)
        sources->known[i].still_there = false;
    for (size_t i = 0; i < sources->waiting_count; i++) {
        if (is_news(sources, &sources->waiting[i]))
            sources->waiting[kept++] = sources->waiting[i];
        else
            free(sources->waiting[i].path);
    }
    sources->waiting_count = kept;
    kept = 0; /* files that are gone are forgotten: their numbers come again */
    for (size_t i = 0; i < sources->known_count; i++) {
        if (sources->known[i].still_there)
            sources->known[kept++] = sources->known[i];
    }
    sources->known_count = kept;
}

static enum sources_answer next_followed(struct sources *sources, struct source *out)
{
    int64_t now_ms = clock_monotonic_ms();
    if (sources->waiting_at < sources->waiting_count)
        return give_waiting(sources, out);
    if (now_ms < sources->look_ms)
        return SOURCES_NONE_YET;
    forget_found(sources);
    for (size_t i = 0; i < sources->count; i++) {
        int trouble = look_at(sources, sources->paths[i]);
        bool complain = trouble && !sources->complained[i];
        sources->complained[i] = trouble != 0;
        if (complain) { /* once; the others are looked at the next time */
            forget_found(sources);
            return give(sources, sources->paths[i], -1, trouble, out);
        }
    }
    sort_found(sources);
    keep_news(sources);
    sources->look_ms = now_ms + LOOK_MS + LOOK_SHARE * (clock_monotonic_ms() - now_ms);
    return sources->waiting_count ? give_waiting(sources, out) : SOURCES_NONE_YET;
}

enum sources_answer sources_next(struct sources *sources, struct source *out)
{
    return sources->follow ? next_followed(sources, out) : next_once(sources, out);
}
