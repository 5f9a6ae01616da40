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
    const char *format;      /* pem, der, pkcs12 */
    const char *entry;       /* an alias, or the ordinal of the first certificate */
    const struct slice *der; /* whole certificates, leaf first */
    size_t count;            /* at least 1 */
};

struct found_key {
    const char *format;
    const char *entry;
    const char *kind; /* pkcs1, pkcs8, sec1, openssh, dsa */
    bool encrypted;
    bool has_spki; /* the next three are known */
    uint8_t spki_sha256[CM_SHA256_SIZE];
    const char *alg;
    unsigned bits;
};

struct found_store {
    const char *format;
    const char *integrity; /* ok, unchecked */
    size_t entries;
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
    void (*store)(void *context, const struct found_store *store);
    void (*problem)(void *context, const struct found_problem *problem);
    /* Called during long work; true: give up now (the file's time is over, or the user interrupted). */
    bool (*pulse)(void *context);
    void *context;
};

#endif
