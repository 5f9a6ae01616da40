/* The table that a person reads: file, entry, subject, expiry, key. */
#ifndef SCANNER_CRAWL_ROWS_H
#define SCANNER_CRAWL_ROWS_H

#include "certmuster/cert.h"
#include "scanner/crawl/found.h"

struct rows;
struct rows *rows_new(void);                                             /* on standard output */
CM_MUST_CHECK int rows_flush(struct rows *rows, struct cm_error *error); /* as table_flush; NULL: 0 */
void rows_free(struct rows *rows);
/* leaf NULL: it cannot be decoded. */
void rows_chain(struct rows *rows, const char *path, const char *entry, const struct cert *leaf, size_t count);
void rows_key(struct rows *rows, const char *path, const struct found_key *key);
void rows_problem(struct rows *rows, const char *path, const char *entry, const char *error, const char *detail);

#endif
