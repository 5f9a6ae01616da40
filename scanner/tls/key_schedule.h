/* The TLS 1.3 key schedule as far as the handshake keys (RFC 8446 §7.1), and the opening and sealing of records under them (§5.2).
 *
 * Shared by scan (which derives) and watch (which reads traffic secrets from a key log). Over OpenSSL EVP with everything fetched once
 * per thread: a fetch costs more than the hash. Suites: AES-128/256-GCM, ChaCha20-Poly1305, AES-128-CCM and CCM_8. */
#ifndef SCANNER_TLS_KEY_SCHEDULE_H
#define SCANNER_TLS_KEY_SCHEDULE_H

#include <stdbool.h>

#include "certmuster/cursor.h"
#include "certmuster/error.h"

enum {
    TLS_AES_128_GCM_SHA256 = 0x1301,
    TLS_AES_256_GCM_SHA384 = 0x1302,
    TLS_CHACHA20_POLY1305_SHA256 = 0x1303,
    TLS_AES_128_CCM_SHA256 = 0x1304,
    TLS_AES_128_CCM_8_SHA256 = 0x1305,
};

enum { TLS_HASH_MAX = 48, TLS_SECRET_MAX = 48, TLS_KEY_MAX = 32, TLS_IV_SIZE = 12 };

struct key_schedule; /* a thread's fetched algorithms and scratch contexts */

CM_MUST_CHECK int key_schedule_new(struct key_schedule **out, struct cm_error *error);
void key_schedule_free(struct key_schedule *schedule);

/* HKDF-Extract (RFC 5869 §2.2) and HKDF-Expand-Label (RFC 8446 §7.1, without context) with the suite's hash, for what builds on them: QUIC's initial keys.
 * salt has at most 64 bytes, label at most 16; size at most that of the hash. */
CM_MUST_CHECK int tls13_extract(struct key_schedule *schedule, uint16_t suite, struct slice salt, struct slice secret,
                                uint8_t *out);
CM_MUST_CHECK int tls13_expand(struct key_schedule *schedule, uint16_t suite, const uint8_t *secret, const char *label,
                               uint8_t *out, size_t size);

size_t tls13_hash_size(uint16_t suite); /* 32, 48; 0 for a suite that is none of ours */
/* The hash of the suite over the parts, one after the other (a transcript). out holds TLS_HASH_MAX. CM_EUNSUPPORTED for an unknown suite. */
CM_MUST_CHECK int tls13_transcript(struct key_schedule *schedule, uint16_t suite, const struct slice *parts,
                                   size_t count, uint8_t *out);

struct traffic_secrets { /* of the handshake, hash-sized */
    uint8_t server[TLS_SECRET_MAX], client[TLS_SECRET_MAX];
};
/* From the (EC)DHE secret and the transcript hash of ClientHello … ServerHello. No PSK. client is only computed when want_client. */
CM_MUST_CHECK int tls13_handshake_secrets(struct key_schedule *schedule, uint16_t suite, struct slice shared,
                                          const uint8_t *transcript, bool want_client, struct traffic_secrets *out);

struct record_keys { /* one direction */
    uint16_t suite;
    uint64_t sequence; /* of the next record */
    uint8_t key[TLS_KEY_MAX], iv[TLS_IV_SIZE];
};
CM_MUST_CHECK int tls13_record_keys(struct key_schedule *schedule, uint16_t suite, const uint8_t *secret,
                                    struct record_keys *out);
/* Opens one TLSCiphertext: header is its five bytes. plain holds fragment.size bytes; *size and *type are those of TLSInnerPlaintext without its padding.
 * CM_EAUTH: the tag does not fit; CM_EMALFORMED: too short, or nothing but padding. The sequence number advances on success only. */
CM_MUST_CHECK int tls13_open(struct key_schedule *schedule, struct record_keys *keys, struct slice header,
                             struct slice fragment, uint8_t *plain, size_t *size, uint8_t *type);
/* Seals a short plaintext (alerts: up to SEAL_MAX bytes, CM_ELIMIT above) as a whole record into out, which holds 5 + size + 1 + 16 bytes;
 * *out_size is set. */
enum { SEAL_MAX = 64 };
CM_MUST_CHECK int tls13_seal(struct key_schedule *schedule, struct record_keys *keys, uint8_t type, struct slice plain,
                             uint8_t *out, size_t *out_size);

#endif
