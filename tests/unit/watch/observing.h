/* Keeps what was observed, as lines of text that are easy to compare:
 *
 *     server 198.51.100.2:443 192.0.2.1 name=www.example version=0303 suite=c02f group=001d alpn= auth=0 chain=A700,B700
 *
 * kind, server, client's address, name of the ClientHello (- without one), and the first byte and size of each certificate. */
#ifndef TESTS_UNIT_WATCH_OBSERVING_H
#define TESTS_UNIT_WATCH_OBSERVING_H

#include <stdio.h>

#include "scanner/watch/session.h"
#include "tests/unit/watch/packets.h"

struct observing {
    struct buf lines;
    size_t count;
    int64_t at_us; /* of the last */
    uint32_t quic_version;
    struct session_counts counts;
};

static inline void put_place(struct buf *out, const struct place *place, bool port)
{
    if (place->family == 4)
        buf_appendf(out, " %u.%u.%u.%u", place->ip[0], place->ip[1], place->ip[2], place->ip[3]);
    else
        buf_appendf(out, " [%02x%02x::%02x]", place->ip[0], place->ip[1], place->ip[15]);
    if (port)
        buf_appendf(out, ":%u", place->port);
}

static inline void note_observed(const struct observed *observed, void *context)
{
    static const char *const kinds[] = {"server", "client", "hidden"};
    struct observing *observing = context;
    struct buf *out = &observing->lines;
    observing->count++;
    observing->at_us = observed->at_us;
    observing->quic_version = observed->quic_version;
    buf_append_str(out, kinds[observed->kind]);
    put_place(out, &observed->server, true);
    put_place(out, &observed->client, false);
    if (observed->roles_guessed)
        buf_append_str(out, " guessed");
    buf_append_str(out, " name=");
    if (observed->client_hello)
        buf_append(out, observed->client_hello->name.data, observed->client_hello->name.size);
    else
        buf_append_char(out, '-');
    buf_appendf(out, " version=%04x suite=%04x group=%04x alpn=%.*s auth=%d", observed->version, observed->suite,
                observed->group, (int)observed->alpn.size, observed->alpn.size ? (const char *)observed->alpn.data : "",
                observed->client_auth);
    for (size_t i = 0; i < observed->chain_count; i++)
        buf_appendf(out, "%s%c%zu", i ? "," : " chain=", observed->chain[i].size ? observed->chain[i].data[0] : '-',
                    observed->chain[i].size);
    buf_append_char(out, '\n');
}

static inline void observing_init(struct observing *observing)
{
    *observing = (struct observing){0};
    buf_init(&observing->lines, PACKETS_BUF_MAX);
}

static inline void observing_done(struct observing *observing)
{
    buf_done(&observing->lines);
}

static inline void observing_reset(struct observing *observing)
{
    buf_reset(&observing->lines);
    observing->count = 0;
    observing->counts = (struct session_counts){0};
}

static inline struct session_options observing_options(struct observing *observing, struct keylog *keylog)
{
    return (struct session_options){
        .keylog = keylog, .observed = note_observed, .context = observing, .counts = &observing->counts};
}

#endif
