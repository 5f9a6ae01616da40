/* The entries of BouncyCastle's keystores, which BKS holds in the clear and UBER encrypted. */
#ifndef SCANNER_CRAWL_FORMATS_BKS_ENTRIES_H
#define SCANNER_CRAWL_FORMATS_BKS_ENTRIES_H

#include "scanner/crawl/formats/keystore.h"

enum { BKS_DIGEST_BYTES = 20, BKS_SALT_BYTES = 20, BKS_SALT_MIN = 8, BKS_SALT_MAX = 64 };

/* What both begin with. CM_ETRUNCATED, CM_EMALFORMED. */
struct bks_head {
    uint32_t version;
    struct slice salt;
    uint32_t iterations;
};
CM_MUST_CHECK int bks_read_head(struct cursor *cursor, struct bks_head *head);

/* True when an entry begins at the cursor by its shape, as far as it goes. */
bool bks_is_entry(struct cursor cursor);
/* Tells all entries, and moves the cursor behind the zero that ends them. False when that end is not known: an entry was damaged, or time is over;
 * that is told, too. */
bool bks_read_entries(struct keystore *store, struct cursor *cursor);

/* size bytes from a password by the key derivation of PKCS#12 (RFC 7292 §B.2) with SHA-1; id 1 makes keys, 2 vectors, 3 keys of a MAC. */
CM_MUST_CHECK bool bks_derive(const struct bks_head *head, const struct java_password *password, int id, uint8_t *out,
                              size_t size);

/* UBER, in a content that format_bks looked at and did not take. */
bool uber_begins(const struct bks_head *head);
void uber_read(struct job *job, uint8_t *bytes, size_t size);
/* What the encryption of an UBER holds: entries and their digest. whole: no byte is missing. Returns the store's integrity. */
const char *uber_read_opened(struct keystore *store, struct slice plain, bool whole);

#endif
