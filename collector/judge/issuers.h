/* CA certificates known from elsewhere, by the name that a certificate says issued it. Looked up once per name and round: what comes later brings the chain back. */
#ifndef COLLECTOR_JUDGE_ISSUERS_H
#define COLLECTOR_JUDGE_ISSUERS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/encode.h"
#include "certmuster/error.h"

enum { ISSUERS_CANDIDATES_MAX = 32, ISSUERS_KEY_SIZE = 33 };

struct issuers_name {
    uint8_t hash[CM_SHA256_SIZE]; /* of the encoded name */
    char key[ISSUERS_KEY_SIZE];   /* md5 of the subject, as the inventory's index has it */
    char *text;                   /* RFC 4514 */
    X509 *candidates[ISSUERS_CANDIDATES_MAX];
    size_t count;
    size_t bytes;  /* of the candidates' DER */
    int64_t total; /* how many there are in the inventory */
};

/* Fills key, text, candidates, count, bytes and total of the issuer that this certificate names. */
typedef int (*issuers_find_fn)(const uint8_t sha256[CM_SHA256_SIZE], struct issuers_name *out, void *context);

struct issuers;
struct issuers *issuers_new(void);
void issuers_free(struct issuers *issuers);
/* A round: forgets all names. */
void issuers_begin(struct issuers *issuers, issuers_find_fn find, void *context);
/* *out lends until the next round. */
CM_MUST_CHECK int issuers_of(struct issuers *issuers, X509 *certificate, const struct issuers_name **out);
/* Enough memory is taken: the round should end. */
bool issuers_full(const struct issuers *issuers);
/* What was looked up in this round. */
size_t issuers_count(const struct issuers *issuers);
const struct issuers_name *issuers_at(const struct issuers *issuers, size_t i);

#endif
