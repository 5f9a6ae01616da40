/* The server's side of TLS 1.3 for canned answers: one key pair, shared secrets that are computed once per client share, the key schedule up to
 * the server's handshake keys, and sealing one record (RFC 8446 §7.1, §5.2). TLS_AES_128_GCM_SHA256 alone. Nothing of it can fail but
 * the client's share. */
#ifndef CERTMUSTER_FLEET_CANNED_KEYS_H
#define CERTMUSTER_FLEET_CANNED_KEYS_H

#include "certmuster/cursor.h"
#include "certmuster/error.h"

enum { CANNED_HASH_SIZE = 32, CANNED_TAG_SIZE = 16, CANNED_SHARE_MAX = 97 /* secp384r1 */ };

struct canned_keys;
/* OpenSSL's name: "X25519", or a curve: "P-384". */
struct canned_keys *canned_keys_new(const char *group);
void canned_keys_free(struct canned_keys *keys);
struct slice canned_keys_share(const struct canned_keys *keys); /* ours; lends */

void canned_hash(struct canned_keys *keys, const struct slice *parts, size_t count,
                 uint8_t out[static CANNED_HASH_SIZE]);
/* The first record under the server's handshake keys: header and plaintext to out, which holds 5 + plain.size + CANNED_TAG_SIZE bytes. transcript:
 * up to the ServerHello. CM_EUNSUPPORTED: the client's share is none of this group. */
CM_MUST_CHECK int canned_seal(struct canned_keys *keys, struct slice client_share, const uint8_t *transcript,
                              struct slice plain, uint8_t *out);

#endif
