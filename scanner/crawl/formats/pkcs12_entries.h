/* The entries of a PKCS#12 file: which certificates belong to which key, and under which alias. */
#ifndef SCANNER_CRAWL_PKCS12_ENTRIES_H
#define SCANNER_CRAWL_PKCS12_ENTRIES_H

#include <openssl/pkcs12.h>

#include "certmuster/buf.h"
#include "scanner/crawl/found.h"

enum { ENTRIES_MAX = 4096, ENTRIES_BYTES_MAX = 64 * 1024 * 1024, ALIAS_BYTES_MAX = 512 };

struct entry_certificate;
struct entry_key;

struct entries {
    struct entry_certificate *certificates;
    size_t certificate_count, certificate_capacity;
    struct entry_key *keys;
    size_t key_count, key_capacity;
    struct buf bytes; /* all certificates, one behind the other */
};

void entries_init(struct entries *entries);
void entries_done(struct entries *entries);
bool entries_full(const struct entries *entries);
size_t entries_count(const struct entries *entries);
void entries_add_certificate(struct entries *entries, PKCS12_SAFEBAG *bag);
/* A secret bag: added when what it holds is a certificate. */
void entries_add_secret(struct entries *entries, PKCS12_SAFEBAG *bag);
bool entries_has_keys(const struct entries *entries);
/* The octets in SafeBag { bagId, [0] { typeId, [0] OCTET STRING }, … }: of a certificate, CRL or secret bag in DER. */
CM_MUST_CHECK int entries_bag_value(struct slice bag, struct slice *out);
/* A plain key's public half is noted here; a shrouded one stays shut. */
void entries_add_key(struct entries *entries, PKCS12_SAFEBAG *bag);
/* A chain for each key that has a certificate, then one for each certificate in no such chain; a key record for each key; problems for
 * certificates that are none. */
void entries_tell(struct entries *entries, const struct found_ops *ops);

#endif
