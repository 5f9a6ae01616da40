/* What the readers of file formats find, told through one table of calls: the crawler writes records and rows from it, tests collect it.
 *
 * Everything handed over lends for the length of the call. No call carries a key's bytes. */
#ifndef SCANNER_CRAWL_FOUND_H
#define SCANNER_CRAWL_FOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certmuster/cursor.h"
#include "certmuster/encode.h"
#include "certmuster/record.h"

struct found_chain {
    const char *format;      /* pem, der, pkcs12, jks, … */
    const char *entry;       /* an alias, or the ordinal of the first certificate */
    const struct slice *der; /* whole certificates, leaf first */
    size_t count;            /* at least 1 */
    const char *role; /* "trust", "signer" or "stored"; NULL: "trust" for a CA's own certificate alone, else "stored" */
};

struct found_key {
    const char *format;
    const char *entry;
    const char *kind; /* pkcs1, pkcs8, sec1, dsa, openssh, putty, ssh2, jwk */
    bool encrypted;
    bool has_spki; /* the next three are known */
    uint8_t spki_sha256[CM_SHA256_SIZE];
    const char *alg;
    unsigned bits;
};

/* A certificate signing request or a CRL: the sink decodes it. */
struct found_der {
    const char *format; /* how it was wrapped: pem, der, pkcs7 */
    const char *entry;
    struct slice der;
};

struct found_ssh_certificate {
    const char *format; /* openssh */
    const char *entry;
    struct slice blob; /* what stands in base64 after the type; begins with the type itself */
};

struct found_store {
    const char *format;
    const char *integrity; /* ok, bad, unchecked */
    size_t entries;
    const char *const *weak; /* words of record.h's list: "bks-v1", "rc2-40", "plain-key", "stash", … */
    size_t weak_count;
};

struct found_problem {
    const char *format;
    const char *entry; /* NULL: the file as a whole */
    enum record_error error;
    const char *detail;
};

struct found_ops {
    void (*chain)(void *context, const struct found_chain *chain);
    void (*key)(void *context, const struct found_key *key);
    void (*request)(void *context, const struct found_der *request);
    void (*crl)(void *context, const struct found_der *crl);
    void (*ssh_certificate)(void *context, const struct found_ssh_certificate *certificate);
    void (*store)(void *context, const struct found_store *store);
    void (*problem)(void *context, const struct found_problem *problem);
    /* What follows, up to leave, lies inside: name is one step of the path within containers ("etc/ssl/a.pem"; hostile bytes, of any length), NULL
     * where there is no step; layer the digest of an image's layer or NULL. */
    void (*enter)(void *context, const char *name, const char *layer);
    void (*leave)(void *context);
    /* True when a regular file lies beside the one being read, on the disk and not in a container, whose name is its name with this ending:
     * ".sth" takes the place of ".kdb", "-wal" follows the whole name. */
    bool (*beside)(void *context, const char *ending);
    /* Called during long work; true: give up now (the file's time is over, or the user interrupted). */
    bool (*pulse)(void *context);
    void *context;
};

#endif
