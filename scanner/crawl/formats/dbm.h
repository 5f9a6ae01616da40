/* Berkeley DB 1.85 hash files, read in one pass: every pair of key and data that stands in a bucket. Pure, no I/O. */
#ifndef SCANNER_CRAWL_FORMATS_DBM_H
#define SCANNER_CRAWL_FORMATS_DBM_H

#include "certmuster/buf.h"

enum { DBM_HEADER_BYTES = 260 };

typedef void dbm_take(void *context, struct slice key, struct slice data);

bool dbm_is(struct slice head);
/* Calls take for each pair; both slices lend for the length of the call. 0; CM_EMALFORMED when pages are damaged or missing: what could be reached
 * was told. Each page is read once at most, whatever the file says. */
CM_MUST_CHECK int dbm_each(struct slice file, dbm_take *take, void *context);

#endif
