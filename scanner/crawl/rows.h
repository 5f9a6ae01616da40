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
/* The next three decode what they are given; weak or broken stores alone have a row. */
void rows_request(struct rows *rows, const char *path, const char *entry, struct slice der);
void rows_crl(struct rows *rows, const char *path, const char *entry, struct slice der);
void rows_ssh_certificate(struct rows *rows, const char *path, const char *entry, struct slice blob);
void rows_store(struct rows *rows, const char *path, const struct found_store *store);
void rows_problem(struct rows *rows, const char *path, const char *entry, const char *error, const char *detail);

#endif
