/* Finds PEM blocks (RFC 7468, RFC 1421) wherever they stand in any bytes: pure, no I/O, linear time on any input. */
#ifndef SCANNER_CRAWL_PEM_H
#define SCANNER_CRAWL_PEM_H

#include <stdbool.h>
#include <stddef.h>

#include "certmuster/buf.h"
#include "certmuster/cursor.h"

enum {
    PEM_BLOCK_MAX =
        6 * 1024 * 1024, /* from BEGIN to END: revocation lists of large CAs; less than a window of search.h */
    PEM_LABEL_MAX = 64,
    PEM_MARGIN_MAX = 60, /* what stands before a BEGIN on its line: less than a window keeps */
};

enum pem_result {
    PEM_END,   /* no block is left */
    PEM_MORE,  /* what begins at `at` may go on behind these bytes: keep from there, add bytes, scan again */
    PEM_BLOCK, /* *block is one, BEGIN to END */
    PEM_CUT,   /* *block has no END line: the next BEGIN came first, or the end */
    PEM_NONE,  /* what stands there begins no block: pem_at() alone */
};

struct pem_scan {
    const char *data;
    size_t size;
    bool last;                     /* no bytes follow these */
    size_t at;                     /* everything before it is done */
    char label[PEM_LABEL_MAX + 1]; /* of the last block, where it had to be written anew */
};

struct pem_block {
    struct slice label; /* "CERTIFICATE" */
    struct slice text;  /* between the BEGIN and the END line */
    struct slice
        margin; /* what stands before the BEGIN on its line: "+" in a patch, "// ", the date in a log; empty when it is long */
    size_t offset;      /* of the BEGIN line in the scan's bytes */
    bool plus_is_space; /* as in a form: "BEGIN+CERTIFICATE" */
};

void pem_scan_init(struct pem_scan *scan, const void *bytes, size_t size, bool last);
enum pem_result pem_next(struct pem_scan *scan, struct pem_block *block);
/* The block that begins with the "-----BEGIN" at this offset: PEM_BLOCK, PEM_CUT, PEM_MORE or PEM_NONE. scan->at moves as with pem_next(). */
enum pem_result pem_at(struct pem_scan *scan, size_t begin, struct pem_block *block);

bool pem_label_is(const struct pem_block *block, const char *label);
/* RFC 1421 header "Proc-Type: 4,ENCRYPTED". */
bool pem_says_encrypted(const struct pem_block *block);
/* The bytes that the text stands for: indentation, line ends of any kind, headers, quotation marks, the escapes of strings, of URLs and of HTML are
 * seen through. scratch holds the text on its way; the caller cleanses both when the block may hold a key. CM_EMALFORMED or CM_ELIMIT. */
CM_MUST_CHECK int pem_decode(const struct pem_block *block, struct buf *scratch, struct buf *out);
/* True when the text is no more than an example in a manual ("MIIB...", "<your certificate>"): nothing that anybody could have lost. */
bool pem_is_placeholder(const struct pem_block *block);

#endif
