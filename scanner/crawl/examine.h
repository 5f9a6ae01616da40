/* Reads one file's contents and tells everything in them: the prefilter, the windows over large files, and the call of each format's reader. */
#ifndef SCANNER_CRAWL_EXAMINE_H
#define SCANNER_CRAWL_EXAMINE_H

#include "certmuster/buf.h"
#include "scanner/crawl/found.h"
#include "scanner/crawl/pkcs12.h"

enum {
    EXAMINE_WINDOW_BYTES = 8 * 1024 * 1024,  /* of files too large to read whole */
    EXAMINE_SCAN_BYTES = 1024 * 1024 * 1024, /* read of one file at most; what lies behind is told as a problem */
};

struct examine {
    struct pkcs12_options pkcs12;
    struct found_ops ops;
    struct buf bytes;   /* the file, or a window of it */
    struct buf scratch; /* PEM text on its way to bytes */
    struct buf decoded;
};

void examine_init(struct examine *examine, const struct pkcs12_options *pkcs12, const struct found_ops *ops);
void examine_done(struct examine *examine);
/* Reads fd from its start; does not close it. size_bytes is a hint. */
void examine_fd(struct examine *examine, int fd, uint64_t size_bytes);
/* The same over bytes in memory: a whole file. bytes may be changed. */
void examine_bytes(struct examine *examine, uint8_t *bytes, size_t size);

#endif
