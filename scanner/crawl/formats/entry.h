/* One entry of a keystore: the certificates that it holds under one alias, as their store orders them. */
#ifndef SCANNER_CRAWL_FORMATS_ENTRY_H
#define SCANNER_CRAWL_FORMATS_ENTRY_H

#include "scanner/crawl/job.h"

/* Tells the chain, at most CM_LIMIT_CHAIN_CERTS of it, without what is no certificate: each such place is told as a problem of the entry.
 * What trails a certificate in its slice is cut. Returns how many certificates were told; a chain of none is not told. */
size_t entry_tell(struct job *job, const struct found_chain *chain);
/* The name of an entry for records: name without what follows a NUL, or the ordinal where name is empty. Lends from out, which is emptied. */
const char *entry_name(struct buf *out, struct slice name, size_t ordinal);

#endif
