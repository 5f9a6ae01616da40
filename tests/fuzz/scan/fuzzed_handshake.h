/* What the fuzz targets of the handshake share: an engine whose ClientHello is always the same, a played server, and a result as text. */
#ifndef TESTS_FUZZ_SCAN_FUZZED_HANDSHAKE_H
#define TESTS_FUZZ_SCAN_FUZZED_HANDSHAKE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/scan/played_server.h"

struct fuzzed { /* for the life of the process */
    struct key_shares *shares;
    struct handshake_engine *engine;
    struct played played;
};

static inline void fuzz_random(void *context, uint8_t *out, size_t size)
{
    (void)context;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(i % HELLO_RANDOM_SIZE * 7 + 1);
}

static inline struct fuzzed *fuzz_get(void)
{
    static struct fuzzed fuzzed;
    if (fuzzed.engine)
        return &fuzzed;
    if (key_shares_new(&fuzzed.shares, NULL) || handshake_engine_new(fuzzed.shares, &fuzzed.engine, NULL))
        abort();
    handshake_engine_set_random(fuzzed.engine, fuzz_random, NULL);
    played_init(&fuzzed.played);
    return &fuzzed;
}

/* Input as records under the keys: content type, size of up to SEAL_MAX, bytes, and so on. */
static inline void fuzz_sealed(struct fuzzed *fuzzed, const uint8_t *data, size_t size)
{
    while (size >= 2) {
        size_t part = data[1] % (SEAL_MAX + 1);
        uint8_t type = data[0];
        data += 2;
        size -= 2;
        if (part > size)
            part = size;
        play_record(&fuzzed->played, type, data, part);
        data += part;
        size -= part;
    }
}

/* In pieces that end where their allocation ends, and are gone before the next comes. */
static inline void fuzz_feed(struct handshake *handshake, struct slice bytes, size_t step)
{
    static uint8_t *piece;
    for (size_t at = 0; at < bytes.size && !handshake_over(handshake);) {
        size_t part = bytes.size - at < step ? bytes.size - at : step;
        free(piece);
        piece = cm_malloc(part);
        memcpy(piece, bytes.data + at, part);
        handshake_feed(handshake, piece, part);
        at += part;
    }
}

/* The result as text, after checking that it is one: over, and either a chain or a reason. */
static inline void fuzz_tell(const struct handshake *handshake, struct buf *out)
{
    const struct handshake_result *result = handshake_get_result(handshake);
    bool chain = handshake->state == HANDSHAKE_CHAIN;
    if (!handshake_over(handshake) || chain != (result->chain_count > 0) || chain == (result->error != 0) ||
        result->client_ca_count > HANDSHAKE_CLIENT_CA_MAX || handshake->fed > handshake->flight_max ||
        (result->detail && strlen(result->detail) >= HANDSHAKE_DETAIL_SIZE))
        abort();
    buf_appendf(out, "%d %d %s ", (int)handshake->state, (int)result->error, result->stage);
    if (result->error != RECORD_ERROR_NOT_TLS) /* which shows as many bytes as had come */
        buf_appendf(out, "%s ", result->detail ? result->detail : "-");
    buf_appendf(out, "%s %s %s ", result->version ? result->version : "-", result->cipher ? result->cipher : "-",
                result->group ? result->group : "-");
    buf_appendf(out, "%s %d %d %s ", result->alpn ? result->alpn : "-", result->client_auth, result->scts,
                result->ja3s ? result->ja3s : "-");
    buf_appendf(out, "%s %s %s %d ", result->staple.status ? result->staple.status : "-",
                result->proof ? proof_name(result->proof) : "-", result->proof_detail ? result->proof_detail : "-",
                result->alert);
    for (size_t i = 0; i < result->client_ca_count; i++)
        buf_appendf(out, "%s ", result->client_ca[i]);
    for (size_t i = 0; i < result->chain_count; i++) {
        buf_append_u64(out, result->chain[i].size);
        buf_append(out, result->chain[i].data, result->chain[i].size);
    }
}

#endif
