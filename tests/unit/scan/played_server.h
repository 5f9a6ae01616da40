/* A server played by hand, for what no library would send: messages and records one by one, in clear or under the handshake keys of
 * TLS 1.3. Shared by unit tests and fuzz targets, so it knows no cmocka. */
#ifndef TESTS_UNIT_SCAN_PLAYED_SERVER_H
#define TESTS_UNIT_SCAN_PLAYED_SERVER_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "scanner/tls/handshake_private.h"

struct played {
    struct key_shares *shares; /* the server's own */
    struct key_schedule *schedule;
    struct buf transcript; /* what has been said, from the ClientHello on */
    struct buf out;        /* what is yet to be fed */
    struct record_keys keys;
    bool sealed; /* records go out under the keys */
};

static inline void played_init(struct played *played)
{
    *played = (struct played){.sealed = false};
    if (key_shares_new(&played->shares, NULL) || key_schedule_new(&played->schedule, NULL))
        abort();
    buf_init(&played->transcript, 1 << 24);
    buf_init(&played->out, 1 << 24);
}

static inline void played_done(struct played *played)
{
    key_shares_free(played->shares);
    key_schedule_free(played->schedule);
    buf_done(&played->transcript);
    buf_done(&played->out);
}

static inline void played_reset(struct played *played)
{
    buf_reset(&played->transcript);
    buf_reset(&played->out);
    played->sealed = false;
}

static inline void put_number(struct buf *out, size_t value, unsigned size)
{
    while (size--)
        buf_append_char(out, (char)(value >> (8 * size)));
}

/* A record in clear, whatever is in it. */
static inline void play_clear(struct played *played, uint8_t type, const void *bytes, size_t size)
{
    put_number(&played->out, type, 1);
    put_number(&played->out, 0x0303, 2);
    put_number(&played->out, size, 2);
    buf_append(&played->out, bytes, size);
}

/* Records of this type; sealed ones carry up to SEAL_MAX bytes each. */
static inline void play_record(struct played *played, uint8_t type, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    if (!played->sealed) {
        for (; size > TLS_RECORD_MAX; at += TLS_RECORD_MAX, size -= TLS_RECORD_MAX)
            play_clear(played, type, at, TLS_RECORD_MAX);
        play_clear(played, type, at, size);
        return;
    }
    do {
        uint8_t record[TLS_RECORD_HEADER_SIZE + SEAL_MAX + 1 + 16];
        size_t part = size < SEAL_MAX ? size : SEAL_MAX, sealed;
        if (tls13_seal(played->schedule, &played->keys, type, (struct slice){at, part}, record, &sealed))
            abort();
        buf_append(&played->out, record, sealed);
        at += part;
        size -= part;
    } while (size);
}

/* A handshake message; it enters the transcript. */
static inline void play_message(struct played *played, uint8_t type, const void *body, size_t size)
{
    struct buf message;
    buf_init(&message, size + 4);
    put_number(&message, type, 1);
    put_number(&message, size, 3);
    buf_append(&message, body, size);
    buf_append(&played->transcript, message.data, message.size);
    play_record(played, TLS_HANDSHAKE, message.data, message.size);
    buf_done(&message);
}

/* Takes the ClientHello (one record, behind a ChangeCipherSpec perhaps) off the handshake into the transcript. */
static inline void play_listen(struct played *played, struct handshake *handshake)
{
    struct slice hello = handshake_output(handshake);
    if (hello.size > 6 && hello.data[0] == TLS_CHANGE_CIPHER_SPEC)
        hello = (struct slice){hello.data + 6, hello.size - 6};
    assert(hello.size > TLS_RECORD_HEADER_SIZE);
    buf_append(&played->transcript, hello.data + TLS_RECORD_HEADER_SIZE, hello.size - TLS_RECORD_HEADER_SIZE);
    handshake_sent(handshake, handshake_output(handshake).size);
}

#define PLAYED_RANDOM "0123456789abcdef0123456789abcdef"
#define RETRY_RANDOM                                                                                                   \
    "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2" \
    "\xc8\xa8\x33\x9c"

/* ServerHello with these extensions (their list without its length). */
static inline void play_server_hello(struct played *played, const char *random, uint16_t version, uint16_t suite,
                                     const void *extensions, size_t size)
{
    struct buf body;
    buf_init(&body, 1 << 17);
    put_number(&body, version, 2);
    buf_append(&body, random, 32);
    put_number(&body, 0, 1);
    put_number(&body, suite, 2);
    put_number(&body, 0, 1);
    if (size) {
        put_number(&body, size, 2);
        buf_append(&body, extensions, size);
    }
    play_message(played, TLS_SERVER_HELLO, body.data, body.size);
    buf_done(&body);
}

/* supported_versions, and key_share and cookie where they are given. */
static inline void play_hello_13(struct played *played, const char *random, uint16_t suite, uint16_t group,
                                 struct slice share, struct slice cookie)
{
    struct buf list;
    buf_init(&list, 1 << 17);
    put_number(&list, 43, 2);
    put_number(&list, 2, 2);
    put_number(&list, TLS_VERSION_1_3, 2);
    if (group) {
        put_number(&list, 51, 2);
        put_number(&list, share.size ? 4 + share.size : 2, 2);
        put_number(&list, group, 2);
        if (share.size)
            put_number(&list, share.size, 2);
        buf_append(&list, share.data, share.size);
    }
    if (cookie.size) {
        put_number(&list, 44, 2);
        put_number(&list, cookie.size + 2, 2);
        put_number(&list, cookie.size, 2);
        buf_append(&list, cookie.data, cookie.size);
    }
    play_server_hello(played, random, TLS_VERSION_1_2, suite, list.data, list.size);
    buf_done(&list);
}

static inline void play_retry(struct played *played, uint16_t suite, uint16_t group, struct slice cookie)
{
    uint8_t hash[TLS_HASH_MAX];
    struct slice said = buf_slice(&played->transcript);
    if (tls13_hash_size(suite) && tls13_transcript(played->schedule, suite, &said, 1, hash) == 0) {
        buf_reset(&played->transcript);
        put_number(&played->transcript, 254, 1);
        put_number(&played->transcript, tls13_hash_size(suite), 3);
        buf_append(&played->transcript, hash, tls13_hash_size(suite));
    }
    play_hello_13(played, RETRY_RANDOM, suite, group, (struct slice){NULL, 0}, cookie);
}

/* ServerHello with a good share of the group, and everything that follows under the keys. client: the share of the engine. */
static inline void play_keys(struct played *played, struct key_shares *client, uint16_t suite, uint16_t group)
{
    struct slice ours, theirs, said;
    struct traffic_secrets secrets;
    uint8_t secret[SHARED_SECRET_MAX], hash[TLS_HASH_MAX];
    size_t size;
    if (key_shares_public(played->shares, group, &ours) || key_shares_public(client, group, &theirs))
        abort();
    play_hello_13(played, PLAYED_RANDOM, suite, group, ours, (struct slice){NULL, 0});
    said = buf_slice(&played->transcript);
    if (key_shares_derive(played->shares, group, theirs, secret, &size) ||
        tls13_transcript(played->schedule, suite, &said, 1, hash) ||
        tls13_handshake_secrets(played->schedule, suite, (struct slice){secret, size}, hash, false, &secrets) ||
        tls13_record_keys(played->schedule, suite, secrets.server, &played->keys))
        abort();
    played->sealed = true;
}

/* Certificate of either form with these texts for certificates. */
static inline void play_certificate(struct played *played, const char *const *certs, size_t count)
{
    struct buf list, body;
    unsigned extensions = played->sealed ? 2 : 0;
    buf_init(&list, 1 << 24);
    buf_init(&body, 1 << 24);
    for (size_t i = 0; i < count; i++) {
        put_number(&list, strlen(certs[i]), 3);
        buf_append(&list, certs[i], strlen(certs[i]));
        put_number(&list, 0, extensions);
    }
    put_number(&body, 0, played->sealed ? 1 : 0); /* certificate_request_context */
    put_number(&body, list.size, 3);
    buf_append(&body, list.data, list.size);
    play_message(played, TLS_CERTIFICATE, body.data, body.size);
    buf_done(&list);
    buf_done(&body);
}

#endif
