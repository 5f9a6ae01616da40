/* The spool's writer: appends records to the current segment, closes segments by size and age. Its readers are in spool_list.c.
 *
 * Called by emit, one thread. Promises: a record that was acknowledged is in the kernel at once and on the disk when its segment is closed;
 * a record that was not acknowledged is never read back. So every record is one pwrite at a known offset, undone when it fails, and
 * the segment's bytes are remembered until fsync has taken them (a failed fsync marks pages clean: only writing them again helps). */
#include "certmuster/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/limits.h"
#include "certmuster/timefmt.h"
#include "lib/spool_private.h"

enum { LOOK_EVERY_MS = 200, SEGMENT_MAX = CM_LIMIT_SEGMENT_BYTES + CM_LIMIT_RECORD_BYTES + 64 * 1024 };

struct spool {
    char *dir;
    char *scanner;
    char run[SPOOL_RUN_SIZE + 1];
    uint64_t max_bytes;
    uint64_t others_bytes; /* of the directory without the current segment, as last looked */
    int64_t looked_ms;
    uint64_t closed; /* segments */
    uint32_t number; /* of the current segment, or of the last one */
    int fd;          /* of the current segment, -1: none */
    char part_path[SPOOL_PATH_SIZE], path[SPOOL_PATH_SIZE];
    struct buf bytes;   /* what the current segment holds, until fsync took it */
    size_t head_size;   /* the first line of it */
    int64_t opened_ms;  /* monotonic */
    bool must_rewrite;  /* the last fsync failed */
    struct buf scratch; /* one line */
};

static int fail_io(struct cm_error *error, const char *reason, const char *path)
{
    return error_setf(error, CM_EIO, 0, reason, "%s: %s", path, strerror(errno));
}

/* All of it or an error; what was written of it before the error is the caller's to undo. */
static int write_at(int fd, const char *bytes, size_t size, off_t offset)
{
    while (size > 0) {
        ssize_t written = pwrite(fd, bytes, size, offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            if (written == 0)
                errno = ENOSPC;
            return -1;
        }
        bytes += written;
        size -= (size_t)written;
        offset += written;
    }
    return 0;
}

static void look(struct spool *spool, bool force)
{
    struct spool_usage usage;
    int64_t now = clock_monotonic_ms();
    if (!force && now - spool->looked_ms < LOOK_EVERY_MS)
        return;
    spool->looked_ms = now;
    if (spool_usage(spool->dir, &usage, NULL) == CM_OK)
        spool->others_bytes = usage.bytes > spool->bytes.size ? usage.bytes - spool->bytes.size : 0;
}

uint64_t spool_bytes(const struct spool *spool)
{
    return spool->others_bytes + spool->bytes.size;
}

uint64_t spool_closed(const struct spool *spool)
{
    return spool->closed;
}

bool spool_full(struct spool *spool)
{
    look(spool, false);
    return spool_bytes(spool) >= spool->max_bytes;
}

static void free_spool(struct spool *spool)
{
    if (spool->fd >= 0)
        close(spool->fd);
    buf_done(&spool->bytes);
    buf_done(&spool->scratch);
    free(spool->dir);
    free(spool->scanner);
    free(spool);
}

int spool_open(const char *dir, const char *scanner, const char *run, uint64_t max_bytes, struct spool **out,
               struct cm_error *error)
{
    if (strlen(run) != SPOOL_RUN_SIZE || strchr(run, '/'))
        return error_set(error, CM_EINVAL, 0, "a run is named by a UUID");
    if (strlen(dir) + 2 * SPOOL_NAME_SIZE > SPOOL_PATH_SIZE)
        return error_set(error, CM_EINVAL, 0, "the spool's path is too long");
    int code = spool_make_dir(dir, error);
    if (code)
        return code;
    if (access(dir, W_OK | X_OK) != 0)
        return fail_io(error, "cannot write to the spool", dir);
    struct spool *spool = cm_calloc(1, sizeof *spool);
    spool->dir = cm_strdup(dir);
    spool->scanner = cm_strdup(scanner);
    memcpy(spool->run, run, SPOOL_RUN_SIZE + 1);
    spool->max_bytes = max_bytes;
    spool->fd = -1;
    buf_init(&spool->bytes, SEGMENT_MAX);
    buf_init(&spool->scratch, SEGMENT_MAX);
    look(spool, true);
    if (spool_bytes(spool) >= max_bytes) {
        code = error_setf(error, CM_ELIMIT, 0, "the spool is full", "%s holds %llu bytes of at most %llu", dir,
                          (unsigned long long)spool_bytes(spool), (unsigned long long)max_bytes);
        free_spool(spool);
        return code;
    }
    *out = spool;
    return CM_OK;
}

/* One line with its CRC into scratch. */
static void frame(struct spool *spool, const char *record, size_t size)
{
    char crc[SPOOL_CRC_SIZE];
    spool_crc_write(crc, record, size);
    buf_reset(&spool->scratch);
    buf_append(&spool->scratch, crc, sizeof crc);
    buf_append(&spool->scratch, record, size);
    buf_append_char(&spool->scratch, '\n');
}

/* Ends a segment that cannot be used: what it holds, if anything, is on the way to the disk or remembered elsewhere. */
static void forget_segment(struct spool *spool, bool unlink_it)
{
    if (unlink_it)
        unlink(spool->part_path);
    close(spool->fd);
    spool->fd = -1;
    spool->must_rewrite = false;
    buf_reset(&spool->bytes);
}

/* Appends scratch to the current segment, or leaves the segment as it was. */
static int put_scratch(struct spool *spool, struct cm_error *error)
{
    const struct buf *line = &spool->scratch;
    off_t offset = (off_t)spool->bytes.size;
    if (write_at(spool->fd, line->data, line->size, offset) != 0) {
        int code = fail_io(error, "cannot write to the spool", spool->part_path);
        /* A torn line must not stand in front of the next one. Should even this fail, the next pwrite at the same offset
         * covers it or leaves a line whose CRC is wrong, which readers skip. */
        if (ftruncate(spool->fd, offset) != 0)
            spool->must_rewrite = true;
        return code;
    }
    buf_append(&spool->bytes, line->data, line->size);
    return CM_OK;
}

static int write_head(struct spool *spool, struct cm_error *error)
{
    struct buf head;
    buf_init(&head, CM_LIMIT_RECORD_BYTES);
    spool_head_write(&head, spool->scanner);
    frame(spool, head.data, head.size);
    buf_done(&head);
    int code = put_scratch(spool, error);
    spool->head_size = spool->bytes.size;
    return code;
}

/* The file at the path is the one behind fd: nobody adopted or removed it between open and flock. */
static bool still_there(int fd, const char *path)
{
    struct stat by_fd, by_path;
    return fstat(fd, &by_fd) == 0 && lstat(path, &by_path) == 0 && by_fd.st_ino == by_path.st_ino &&
           by_fd.st_dev == by_path.st_dev;
}

static int open_segment(struct spool *spool, struct cm_error *error)
{
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        spool->number++;
        snprintf(spool->path, sizeof spool->path, "%.*s/%s-%08u%s", SPOOL_PATH_SIZE - SPOOL_NAME_SIZE - 2, spool->dir,
                 spool->run, spool->number, SPOOL_SUFFIX);
        snprintf(spool->part_path, sizeof spool->part_path, "%.*s/%s-%08u%s", SPOOL_PATH_SIZE - SPOOL_NAME_SIZE - 2,
                 spool->dir, spool->run, spool->number, SPOOL_PART_SUFFIX);
        int fd = open(spool->part_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0) {
            if (errno == EEXIST)
                continue;
            spool->number--;
            return fail_io(error, "cannot write to the spool", spool->part_path);
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !still_there(fd, spool->part_path)) {
            close(fd); /* a reader took it for an orphan in that moment */
            continue;
        }
        spool->fd = fd;
        spool->opened_ms = clock_monotonic_ms();
        look(spool, true);
        int code = write_head(spool, error);
        if (code) {
            forget_segment(spool, true);
            spool->number--;
        }
        return code;
    }
    return error_setf(error, CM_EIO, 0, "cannot write to the spool", "%s: no free segment name", spool->dir);
}

/* fsync, rename, fsync of the directory. On failure the segment stays open and its bytes remembered, so that it can be tried again. */
static int close_segment(struct spool *spool, struct cm_error *error)
{
    if (spool->fd < 0)
        return CM_OK;
    if (spool->bytes.size == spool->head_size) {
        forget_segment(spool, true);
        return CM_OK;
    }
    if (spool->must_rewrite && (write_at(spool->fd, spool->bytes.data, spool->bytes.size, 0) != 0 ||
                                ftruncate(spool->fd, (off_t)spool->bytes.size) != 0))
        return fail_io(error, "cannot write to the spool", spool->part_path);
    if (fsync(spool->fd) != 0) {
        spool->must_rewrite = true;
        return fail_io(error, "cannot sync the spool", spool->part_path);
    }
    spool->must_rewrite = false;
    if (rename(spool->part_path, spool->path) != 0)
        return fail_io(error, "cannot close a segment", spool->path);
    spool->others_bytes += spool->bytes.size;
    spool->closed++;
    forget_segment(spool, false);
    return spool_sync_dir(spool->dir, error);
}

int spool_append(struct spool *spool, const char *record, size_t size, struct cm_error *error)
{
    if (size && record[size - 1] == '\n')
        size--;
    if (size == 0 || size > CM_LIMIT_RECORD_BYTES || memchr(record, '\n', size))
        return error_set(error, CM_EINVAL, size, "a record is one line of at most 2 MiB");
    size_t line = size + SPOOL_CRC_SIZE + 1;
    uint64_t hard = spool->max_bytes + CM_LIMIT_SPOOL_RESERVE_BYTES;
    if (spool_bytes(spool) + line > hard)
        look(spool, false);
    if (spool_bytes(spool) + line > hard)
        return error_setf(error, CM_ELIMIT, 0, "the spool is full", "%s holds %llu bytes of at most %llu", spool->dir,
                          (unsigned long long)spool_bytes(spool), (unsigned long long)spool->max_bytes);
    if (spool->fd >= 0 && spool->bytes.size > spool->head_size && spool->bytes.size + line > CM_LIMIT_SEGMENT_BYTES) {
        int code = close_segment(spool, error);
        if (code)
            return code;
    }
    if (spool->fd < 0) {
        int code = open_segment(spool, error);
        if (code)
            return code;
    }
    frame(spool, record, size);
    return put_scratch(spool, error);
}

int spool_tick(struct spool *spool, int64_t now_monotonic_ms, struct cm_error *error)
{
    if (spool->fd < 0 || now_monotonic_ms - spool->opened_ms < CM_LIMIT_SEGMENT_SECONDS * 1000)
        return CM_OK;
    return close_segment(spool, error);
}

int spool_close(struct spool *spool, struct cm_error *error)
{
    if (!spool)
        return CM_OK;
    int code = close_segment(spool, error);
    free_spool(spool); /* an unclosed .part is adopted by the next reader */
    return code;
}
