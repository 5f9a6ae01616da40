/* What the readers of Java's keystores share: entries with an alias, a chain and a key, told one at a time; how weakly the store is protected. */
#ifndef SCANNER_CRAWL_FORMATS_KEYSTORE_H
#define SCANNER_CRAWL_FORMATS_KEYSTORE_H

#include "certmuster/limits.h"
#include "scanner/crawl/formats/java_text.h"
#include "scanner/crawl/job.h"

enum {
    KEYSTORE_ALIAS_MAX = 4096,    /* bytes of an alias that are told; Java allows 64 KiB */
    KEYSTORE_PROBLEMS_MAX = 1000, /* told of one store: one of nothing but damage could hold a million */
    KEYSTORE_WEAK_MAX = 6,
    KEYSTORE_LOW_ITERATIONS =
        1000, /* fewer than this over a password is "low-iterations": a guess costs microseconds */
};

struct keystore {
    struct job *job;
    const char *format;
    struct buf alias;                         /* of the open entry, as it is told */
    size_t entries;                           /* the open one included */
    struct slice chain[CM_LIMIT_CHAIN_CERTS]; /* of the open entry */
    size_t chain_count;
    const char *weak[KEYSTORE_WEAK_MAX];
    size_t weak_count;
    size_t problems;
    bool has_keys;        /* private ones */
    bool guessable;       /* a password fits that anybody would try */
    const uint8_t *sound; /* up to here the last entry or certificate is what it says: a neighbour may begin here */
    const uint8_t *sound_before; /* the open entry */
    const uint8_t *searched;     /* up to here entries were looked for */
    bool damaged;
};

void keystore_init(struct keystore *store, struct job *job, const char *format);
void keystore_done(struct keystore *store);

/* Opens the next entry. An empty alias is told as the entry's ordinal; one that was too long is cut, with "#" and the ordinal behind it. */
void keystore_open_entry(struct keystore *store, struct slice alias);
/* A certificate of the open entry's chain, which lends until the entry is closed; what trails it is cut. Bytes that are none, or of another type
 * than X.509, are told as a problem. */
void keystore_certificate(struct keystore *store, struct slice type, struct slice data);
/* The open entry's private key, a PrivateKeyInfo or EncryptedPrivateKeyInfo: told, and what its protection is worth noted. Never decrypted. */
void keystore_key(struct keystore *store, struct slice der);
/* The same of a key in a wrapping of the store's own that no more is known of. */
void keystore_sealed_key(struct keystore *store);
/* Tells the open entry's chain. end: where the entry ends, NULL when it is damaged. */
void keystore_close_entry(struct keystore *store, const uint8_t *end);

/* Looking for entries behind a damaged one. Where the first begins: */
void keystore_entries_begin(struct keystore *store, const uint8_t *at);
/* Behind an entry at `start` that failed, moves the cursor to the next place where one begins by its shape; false when there is none. Every place is
 * looked at once, so a store of nothing but damage takes no longer. */
bool keystore_find_entry(struct keystore *store, struct cursor *cursor, const uint8_t *start,
                         bool (*is_entry)(struct cursor at));
bool keystore_time_is_over(struct keystore *store); /* told then */

/* A problem of the open entry, or (of_store) of the store as a whole: what an application may have stored so. */
void keystore_problem(struct keystore *store, bool of_store, enum record_error error, const char *detail);
/* The same of what is not as it was written: RECORD_ERROR_MALFORMED, and an integrity that cannot be "unchecked". */
void keystore_damage(struct keystore *store, bool of_store, const char *detail);
void keystore_weak(struct keystore *store, const char *word); /* static; each is told once */
void keystore_weak_iterations(struct keystore *store, uint64_t iterations);
/* The store as a whole, last; its integrity is "bad" when it is damaged, unless it was found to be "ok" all the same. */
void keystore_tell(struct keystore *store, const char *integrity);

enum keystore_try { KEYSTORE_NONE_FITS, KEYSTORE_FITS, KEYSTORE_NO_TIME };
/* Calls fits for each reading of each password until one fits. The empty password stands for none: Java's formats do not tell them apart. */
enum keystore_try keystore_try_passwords(struct keystore *store,
                                         bool (*fits)(void *context, const struct java_password *password),
                                         void *context);

#endif
