/* A part of a content in memory: a signature at the end of a program of any size. */
#ifndef SCANNER_CRAWL_FORMATS_PART_H
#define SCANNER_CRAWL_FORMATS_PART_H

#include "scanner/crawl/job.h"

struct part {
    struct slice bytes;
    uint8_t *owned; /* NULL: they lend from the content */
    size_t taken;   /* of the job's memory */
    struct job *job;
};

/* The bytes from an offset on, fewer where the content ends. CM_ELIMIT when they cannot be had: a stream too large to be held, or more than
 * CM_LIMIT_FILE_BYTES or than memory is left. CM_EIO. The part is to be released in any case. */
CM_MUST_CHECK int part_read(struct part *part, struct job *job, struct content *content, uint64_t offset,
                            uint64_t size);
void part_done(struct part *part);
/* How many bytes there are, of a content that is seekable or can be held; UINT64_MAX else. */
uint64_t part_end(struct content *content);

#endif
