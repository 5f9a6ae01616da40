/* The spool's readers: what waits, in which order, and the records of a segment. Its writer is in spool.c.
 *
 * Called by submit (and by the writer, for how full the directory is). A segment may come from a machine that lost power, so nothing in
 * it is believed without its CRC. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "certmuster/ids.h"
#include "certmuster/limits.h"
#include "lib/spool_private.h"

static int fail_io(struct cm_error *error, const char *reason, const char *path)
{
    return error_setf(error, CM_EIO, 0, reason, "%s: %s", path, strerror(errno));
}

bool spool_name_read(const char *name, char run[static SPOOL_RUN_SIZE + 1], uint32_t *number, bool *part)
{
    uint8_t id[CM_UUID_SIZE];
    char text[SPOOL_RUN_SIZE + 1], *end;
    if (strnlen(name, SPOOL_NAME_SIZE) <= SPOOL_RUN_SIZE + 1 || name[SPOOL_RUN_SIZE] != '-')
        return false;
    memcpy(text, name, SPOOL_RUN_SIZE);
    text[SPOOL_RUN_SIZE] = 0;
    const char *digits = name + SPOOL_RUN_SIZE + 1;
    if (uuid_read(text, id) != CM_OK || *digits < '0' || *digits > '9')
        return false;
    unsigned long long value = strtoull(digits, &end, 10);
    bool is_part = strcmp(end, SPOOL_PART_SUFFIX) == 0;
    if (value > UINT32_MAX || (!is_part && strcmp(end, SPOOL_SUFFIX) != 0))
        return false;
    memcpy(run, text, sizeof text);
    *number = (uint32_t)value;
    *part = is_part;
    return true;
}

void spool_crc_write(char out[static SPOOL_CRC_SIZE], const char *record, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    uint32_t crc = (uint32_t)crc32_z(0, (const unsigned char *)record, size);
    for (int i = 0; i < 8; i++)
        out[i] = digits[crc >> (28 - 4 * i) & 15];
    out[8] = ' ';
}

bool spool_line_good(const char *line, size_t size)
{
    char crc[SPOOL_CRC_SIZE];
    if (size <= SPOOL_CRC_SIZE)
        return false;
    spool_crc_write(crc, line + SPOOL_CRC_SIZE, size - SPOOL_CRC_SIZE);
    return memcmp(crc, line, sizeof crc) == 0;
}

int spool_sync_dir(const char *dir, struct cm_error *error)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_io(error, "cannot sync the spool", dir);
    int code = fsync(fd) == 0 || errno == EINVAL ? CM_OK : fail_io(error, "cannot sync the spool", dir);
    close(fd);
    return code;
}

const char *const spool_sources[SPOOL_SOURCES + 1] = {"watch", "crawl", NULL};

char *spool_own_dir(const char *dir, const char *source)
{
    size_t size = strlen(dir) + strlen(source) + 2;
    char *own = cm_malloc(size);
    snprintf(own, size, "%s-%s", dir, source);
    return own;
}

int spool_make_dir(const char *dir, struct cm_error *error)
{
    char path[SPOOL_PATH_SIZE];
    size_t size = strlen(dir);
    if (size == 0 || size >= sizeof path)
        return error_set(error, CM_EINVAL, 0, "the spool's path is empty or too long");
    memcpy(path, dir, size + 1);
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        char end = path[i];
        path[i] = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST && (end == 0 || errno != EACCES))
            return fail_io(error, "cannot make the spool", path);
        path[i] = end;
    }
    return CM_OK;
}

int spool_usage(const char *dir, struct spool_usage *out, struct cm_error *error)
{
    struct spool_usage usage = {0, 0};
    DIR *stream = opendir(dir);
    if (!stream)
        return fail_io(error, "cannot read the spool", dir);
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        char run[SPOOL_RUN_SIZE + 1];
        uint32_t number;
        bool part;
        struct stat status;
        if (!spool_name_read(entry->d_name, run, &number, &part) ||
            fstatat(dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
            continue;
        usage.bytes += (uint64_t)status.st_size;
        usage.segments++;
    }
    closedir(stream);
    *out = usage;
    return CM_OK;
}

int spool_take(const char *path, int *fd, struct cm_error *error)
{
    struct stat by_fd, by_path;
    int taken = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (taken < 0)
        return errno == ENOENT ? error_setf(error, CM_ENOTFOUND, 0, "the segment is gone", "%s", path)
                               : fail_io(error, "cannot read a segment", path);
    if (flock(taken, LOCK_EX | LOCK_NB) != 0) {
        int code = errno == EWOULDBLOCK ? error_setf(error, CM_ECONFLICT, 0, "another has the segment", "%s", path)
                                        : fail_io(error, "cannot lock a segment", path);
        close(taken);
        return code;
    }
    if (fstat(taken, &by_fd) != 0 || lstat(path, &by_path) != 0 || by_fd.st_ino != by_path.st_ino ||
        by_fd.st_dev != by_path.st_dev) {
        close(taken);
        return error_setf(error, CM_ENOTFOUND, 0, "the segment is gone", "%s", path);
    }
    *fd = taken;
    return CM_OK;
}

/* A .part whose writer is gone becomes a segment; one without any record goes away. False when there is nothing to deliver (yet). */
static bool adopt(char *path)
{
    int fd;
    struct stat status;
    char closed[SPOOL_PATH_SIZE];
    size_t size = strlen(path) - (sizeof SPOOL_PART_SUFFIX - sizeof SPOOL_SUFFIX);
    if (spool_take(path, &fd, NULL) != CM_OK)
        return false;
    memcpy(closed, path, size);
    closed[size] = 0;
    bool adopted = false;
    if (fstat(fd, &status) == 0 && status.st_size == 0)
        unlink(path);
    else
        adopted = fsync(fd) == 0 && rename(path, closed) == 0;
    close(fd);
    if (adopted)
        path[size] = 0;
    return adopted;
}

static int read_whole(const char *path, struct buf *out, struct cm_error *error)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? error_setf(error, CM_ENOTFOUND, 0, "the segment is gone", "%s", path)
                               : fail_io(error, "cannot read a segment", path);
    int code = CM_OK;
    while (!code) {
        char chunk[65536];
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            code = fail_io(error, "cannot read a segment", path);
        if (got <= 0)
            break;
        buf_append(out, chunk, (size_t)got);
        if (out->failed)
            code = error_setf(error, CM_ELIMIT, 0, "the segment is too large", "%s", path);
    }
    close(fd);
    return code;
}

int spool_read(const char *path, spool_record_fn fn, void *context, uint64_t *damaged, struct cm_error *error)
{
    struct buf bytes;
    buf_init(&bytes, CM_LIMIT_BATCH_BYTES);
    int code = read_whole(path, &bytes, error);
    *damaged = 0;
    const char *at = bytes.data, *end = bytes.data + bytes.size;
    while (!code && at < end) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        if (!feed)
            break; /* a torn tail, which was never acknowledged */
        size_t size = (size_t)(feed - at);
        if (!spool_line_good(at, size))
            ++*damaged;
        else if (!spool_is_head(at + SPOOL_CRC_SIZE, size - SPOOL_CRC_SIZE))
            code = fn(at + SPOOL_CRC_SIZE, size - SPOOL_CRC_SIZE, context);
        at = feed + 1;
        if (code > 0)
            code = CM_OK;
    }
    buf_done(&bytes);
    return code;
}

/* Of a segment whose first line is whole; else "". */
static char *read_scanner(const char *path)
{
    char line[4096];
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, line, sizeof line);
    if (fd >= 0)
        close(fd);
    const char *feed = got > 0 ? memchr(line, '\n', (size_t)got) : NULL;
    if (!feed || !spool_line_good(line, (size_t)(feed - line)))
        return cm_strdup("");
    return spool_head_read(line + SPOOL_CRC_SIZE, (size_t)(feed - line) - SPOOL_CRC_SIZE);
}

static int compare(const void *a, const void *b)
{
    const struct spool_segment *one = a, *other = b;
    int by_run = strcmp(one->run, other->run); /* version 7 UUIDs sort by time */
    return by_run ? by_run : (one->number > other->number) - (one->number < other->number);
}

int spool_list(const char *dir, struct spool_segment **out, size_t *count, struct cm_error *error)
{
    struct spool_segment *list = NULL;
    size_t used = 0, capacity = 0;
    DIR *stream = opendir(dir);
    if (!stream && errno != ENOENT)
        return fail_io(error, "cannot read the spool", dir);
    for (struct dirent *entry; stream && (entry = readdir(stream)) != NULL;) {
        struct spool_segment segment;
        char path[SPOOL_PATH_SIZE];
        struct stat status;
        bool part;
        if (!spool_name_read(entry->d_name, segment.run, &segment.number, &part) ||
            (size_t)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name) >= sizeof path || (part && !adopt(path)) ||
            lstat(path, &status) != 0 || !S_ISREG(status.st_mode))
            continue;
        segment.path = cm_strdup(path);
        segment.scanner = read_scanner(path);
        segment.size_bytes = (uint64_t)status.st_size;
        if (used == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            list = cm_realloc(list, capacity * sizeof *list);
        }
        list[used++] = segment;
    }
    if (stream)
        closedir(stream);
    if (used)
        qsort(list, used, sizeof *list, compare);
    *out = list;
    *count = used;
    return CM_OK;
}

void spool_list_free(struct spool_segment *segments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(segments[i].path);
        free(segments[i].scanner);
    }
    free(segments);
}
