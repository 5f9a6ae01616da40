/* PKCS#12 files (RFC 7292, RFC 9579): certificates, the presence of keys, and how the file is protected. */
#ifndef SCANNER_CRAWL_PKCS12_H
#define SCANNER_CRAWL_PKCS12_H

#include "scanner/crawl/found.h"
#include "scanner/crawl/passwords.h"

struct pkcs12_options {
    const struct passwords *passwords;
    uint64_t max_iterations; /* of one key derivation: a file may ask for 2^31 */
};

enum { PKCS12_ITERATIONS_MAX = 5000000 }; /* about two seconds; real files use up to 1,000,000 */

/* Tells what it finds: a chain per key entry and per other certificate, a key per key bag, one store, problems. Returns what the bytes had
 * of a PFX: 0, or CM_EMALFORMED when they are none (a problem was told then too). */
int pkcs12_read(struct slice bytes, const struct pkcs12_options *options, const struct found_ops *ops);
/* Frees what the first call loaded (OpenSSL's providers). */
void pkcs12_done(void);

#endif
