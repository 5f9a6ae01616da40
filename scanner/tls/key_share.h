/* Key agreement for TLS 1.3 (RFC 8446 §4.2.8, §7.4): one key pair per group and process, over OpenSSL EVP.
 *
 * Reusing a share is safe for what we do: nothing of ours is ever sent under the keys but an alert, and whoever breaks them learns a
 * certificate that the server shows to anybody. x25519 is made at once; other groups with the first HelloRetryRequest that asks for
 * them. Thread-safe after key_shares_new. */
#ifndef SCANNER_TLS_KEY_SHARE_H
#define SCANNER_TLS_KEY_SHARE_H

#include <stdbool.h>

#include "certmuster/cursor.h"
#include "certmuster/error.h"

enum {
    TLS_GROUP_SECP256R1 = 23,
    TLS_GROUP_SECP384R1 = 24,
    TLS_GROUP_SECP521R1 = 25,
    TLS_GROUP_X25519 = 29,
    TLS_GROUP_X448 = 30,
    TLS_GROUP_FFDHE2048 = 256,
    TLS_GROUP_FFDHE3072 = 257,
    TLS_GROUP_FFDHE4096 = 258,
    TLS_GROUP_FFDHE6144 = 259,
    TLS_GROUP_FFDHE8192 = 260,
};

enum { KEY_SHARE_MAX = 1024 /* ffdhe8192 */, SHARED_SECRET_MAX = 1024 };

struct key_shares; /* of the process */

CM_MUST_CHECK int key_shares_new(struct key_shares **out, struct cm_error *error);
void key_shares_free(struct key_shares *shares);
/* For tests that replay what a server once said to a known key: this PKCS#8 key instead of one of our making. Before any use of the group. */
CM_MUST_CHECK int key_shares_set(struct key_shares *shares, uint16_t group, struct slice pkcs8);
bool key_shares_knows(uint16_t group); /* one of the above */
/* Our public value as key_share carries it (uncompressed point, little-endian u, left-padded Y), lent for the life of shares. CM_EUNSUPPORTED for an
 * unknown group. */
CM_MUST_CHECK int key_shares_public(struct key_shares *shares, uint16_t group, struct slice *out);
/* The shared secret with the server's value, as the key schedule wants it (RFC 8446 §7.4: left-padded for ffdhe, x for EC). CM_EMALFORMED: not a value
 * of that group (wrong length, not on the curve, all zero, Y of 0, 1 or p-1). secret holds SHARED_SECRET_MAX. */
CM_MUST_CHECK int key_shares_derive(struct key_shares *shares, uint16_t group, struct slice peer, uint8_t *secret,
                                    size_t *size);

#endif
