/* BCFKS, BouncyCastle's keystore for FIPS: what protects it, and what is in it. */
#ifndef SCANNER_CRAWL_FORMATS_BCFKS_H
#define SCANNER_CRAWL_FORMATS_BCFKS_H

#include <openssl/evp.h>

#include "scanner/crawl/formats/keystore.h"

enum { BCFKS_KEY_MAX = 64 };

/* How a key comes from a password. */
struct bcfks_kdf {
    bool scrypt;
    struct slice salt;
    uint64_t iterations;       /* of PBKDF2; N of scrypt */
    uint64_t block;            /* scrypt: r, and p as well */
    size_t key_size;           /* 0: not said */
    const EVP_MD *(*md)(void); /* of PBKDF2 */
    const char *md_name;
};

/* EncryptedObjectStoreData, read. */
struct bcfks_seal {
    struct bcfks_kdf kdf;
    bool wrapped; /* AES key wrap with padding (RFC 5649); else CCM */
    unsigned key_bits;
    struct slice nonce;
    size_t tag_size;
    struct slice content;
};

/* PbkdMacIntegrityCheck, read. */
struct bcfks_mac {
    struct bcfks_kdf kdf;
    const EVP_MD *(*md)(void);
    struct slice mac;
};

/* Both from the contents of their SEQUENCE. CM_EMALFORMED, CM_ETRUNCATED, or CM_EUNSUPPORTED for an algorithm that is not one of BouncyCastle's. */
CM_MUST_CHECK int bcfks_read_seal(struct cursor contents, struct bcfks_seal *seal);
CM_MUST_CHECK int bcfks_read_mac(struct cursor contents, struct bcfks_mac *mac);
/* What a derivation costs, to compare with job_limits.max_iterations. */
uint64_t bcfks_cost(const struct bcfks_kdf *kdf);
/* "AES-256-CCM, PBKDF2 with HMAC-SHA512, 51200 iterations" */
void bcfks_describe(const struct bcfks_seal *seal, char *out, size_t size);
/* Decrypts into out, which has room for content.size bytes; *size as it comes. False when the password is another. */
CM_MUST_CHECK bool bcfks_unseal(const struct bcfks_seal *seal, const struct java_password *password, uint8_t *out,
                                size_t *size);
CM_MUST_CHECK bool bcfks_mac_fits(const struct bcfks_mac *mac, const struct java_password *password,
                                  struct slice of_what);

/* Tells what an ObjectStoreData holds. For bcfks.c and fuzzing, to which encryption is no obstacle. */
void bcfks_read_objects(struct keystore *store, struct slice data);

#endif
