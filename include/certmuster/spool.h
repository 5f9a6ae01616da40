/* The spool: segment files of records that wait for delivery (DESIGN, Delivery). Nothing appended is ever dropped here.
 *
 * Layout of a spool directory: <run>-<number>.seg.part while written, <run>-<number>.seg once closed and fsynced (rename, then fsync of
 * the directory). A segment holds lines "<crc32 of the record, 8 hex digits> <record>\n"; the record is one NDJSON line. A torn tail
 * (power loss) ends at the last whole line with a right CRC; a damaged line in the middle is reported and skipped.
 * rejected/ keeps refused lines with the reason. A .part whose writer is gone (flock) is adopted as it stands.
 * Key of a segment: <scanner>/<run>/<number>. */
#ifndef CERTMUSTER_SPOOL_H
#define CERTMUSTER_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/error.h"

struct spool; /* a writer: one per process and run */

/* Makes dir (0700) when missing. CM_ELIMIT when the spool already holds max_bytes (the run is refused), CM_EIO on disk trouble. */
CM_MUST_CHECK int spool_open(const char *dir, const char *scanner, const char *run, uint64_t max_bytes,
                             struct spool **out, struct cm_error *error);
/* One record, line feed included or not. The very first line of each segment is {"v":1,"type":"run",…} (a started record given to
 * spool_open's caller) only for the first segment: a segment need not stand alone. CM_ELIMIT or CM_EIO (disk full): the record
 * was NOT kept, nothing of it is on disk, and the caller stops starting probes and says so; it may retry later. */
CM_MUST_CHECK int spool_append(struct spool *spool, const char *record, size_t size, struct cm_error *error);
/* Closes the segment when it is CM_LIMIT_SEGMENT_SECONDS old; call at least once a second. */
CM_MUST_CHECK int spool_tick(struct spool *spool, int64_t now_monotonic_ms, struct cm_error *error);
/* Closes, fsyncs and renames the last segment; frees the writer whatever happens. */
CM_MUST_CHECK int spool_close(struct spool *spool, struct cm_error *error);
/* Bytes that the directory holds, by this or any writer. */
uint64_t spool_bytes(const struct spool *spool);

struct spool_segment {
    char *path;    /* owned */
    char *scanner; /* read from the segment's file name or head line; owned */
    char run[37];
    uint32_t number;
};

/* Closed segments, oldest run first, then by number; adopts orphaned .part files. free with spool_list_free. */
CM_MUST_CHECK int spool_list(const char *dir, struct spool_segment **out, size_t *count, struct cm_error *error);
void spool_list_free(struct spool_segment *segments, size_t count);

typedef int (*spool_record_fn)(const char *record, size_t size, void *context);
/* Calls fn for every whole record; *damaged counts lines that fail their CRC. A negative answer of fn ends the walk and is returned. */
CM_MUST_CHECK int spool_read(const char *path, spool_record_fn fn, void *context, uint64_t *damaged,
                             struct cm_error *error);

#endif
