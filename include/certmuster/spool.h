/* The spool: segment files of records that wait for delivery (DESIGN, Delivery). Nothing appended is ever dropped here.
 *
 * Layout of a spool directory: <run>-<number>.seg.part while written, <run>-<number>.seg once closed and fsynced (rename, then fsync of
 * the directory). A segment holds lines "<crc32 of the record, 8 hex digits> <record>\n"; the record is one NDJSON line. The first is the
 * segment's own head, {"v":1,"type":"segment","scanner":"…"}, which is not delivered. A torn tail (power loss) ends at the last whole line
 * with a right CRC; a damaged line in the middle is reported and skipped. A .part whose writer is gone (flock) is adopted as it
 * stands. Beside the segments, kept by certmuster-submit: rejected/ (refused lines with the reason), refused/ (whole
 * segments), sent/ (delivered segments whose certificates the same run may still need).
 * Key of a segment: <scanner>/<run>/<number>. */
#ifndef CERTMUSTER_SPOOL_H
#define CERTMUSTER_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/error.h"

struct spool; /* a writer: one per process and run */

/* The spool of a scanner that gives up root's rights: a directory beside `dir`, "<dir>-<source>", which belongs to the user that it goes on as. The
 * caller frees it. Where records of this machine wait is therefore dir and spool_own_dir() of each of spool_sources, which ends with NULL. */
enum { SPOOL_SOURCES = 2 };
extern const char *const spool_sources[SPOOL_SOURCES + 1];
char *spool_own_dir(const char *dir, const char *source);

/* Makes dir (0700, parents too) when missing. CM_ELIMIT when the spool already holds max_bytes (the run is refused), CM_EIO on disk
 * trouble. */
CM_MUST_CHECK int spool_open(const char *dir, const char *scanner, const char *run, uint64_t max_bytes,
                             struct spool **out, struct cm_error *error);
/* One record, line feed included or not. 0: the kernel has it, so that it survives the end of this process; after the segment
 * is closed it survives the end of the machine. CM_ELIMIT or CM_EIO (disk full): the record was NOT kept, nothing of it is read back, and
 * the caller stops starting work and says so; it may retry later. Work that is under way may still be told past max_bytes, up to
 * CM_LIMIT_SPOOL_RESERVE_BYTES; CM_ELIMIT comes after that. */
CM_MUST_CHECK int spool_append(struct spool *spool, const char *record, size_t size, struct cm_error *error);
/* The directory holds max_bytes: start nothing new. Looks at the directory at most five times a second. */
bool spool_full(struct spool *spool);
/* Closes the segment when it is CM_LIMIT_SEGMENT_SECONDS old; call at least once a second. */
CM_MUST_CHECK int spool_tick(struct spool *spool, int64_t now_monotonic_ms, struct cm_error *error);
/* Closes, fsyncs and renames the last segment; frees the writer whatever happens. */
CM_MUST_CHECK int spool_close(struct spool *spool, struct cm_error *error);
/* Bytes that wait in the directory, by this or any writer, as last looked. */
uint64_t spool_bytes(const struct spool *spool);
/* Segments that this writer has closed so far. */
uint64_t spool_closed(const struct spool *spool);

struct spool_segment {
    char *path;    /* owned */
    char *scanner; /* from the head line; "" when that is damaged; owned */
    char run[37];
    uint32_t number;
    uint64_t size_bytes;
};

/* Closed segments, oldest run first, then by number; adopts orphaned .part files. A directory that is not there holds none. free with
 * spool_list_free. */
CM_MUST_CHECK int spool_list(const char *dir, struct spool_segment **out, size_t *count, struct cm_error *error);
void spool_list_free(struct spool_segment *segments, size_t count);

typedef int (*spool_record_fn)(const char *record, size_t size, void *context);
/* Calls fn for every whole record; *damaged counts lines that fail their CRC. A negative answer of fn ends the walk and is returned. */
CM_MUST_CHECK int spool_read(const char *path, spool_record_fn fn, void *context, uint64_t *damaged,
                             struct cm_error *error);

/* Takes a segment for delivery (flock), so that two submits never send it at the same time. CM_ECONFLICT: another has it. CM_ENOTFOUND: it is
 * gone. The lock ends with close(*fd). */
CM_MUST_CHECK int spool_take(const char *path, int *fd, struct cm_error *error);
/* Makes a directory and its parents, 0700, when missing. */
CM_MUST_CHECK int spool_make_dir(const char *dir, struct cm_error *error);
/* Waiting segments and their bytes, for messages and for the limit. */
struct spool_usage {
    uint64_t bytes;
    uint64_t segments; /* .seg and .seg.part */
};
CM_MUST_CHECK int spool_usage(const char *dir, struct spool_usage *out, struct cm_error *error);

#endif
