/* A flow table, an honest handshake, and segments to put it there. */
#ifndef TESTS_UNIT_WATCH_FLOW_TABLE_H
#define TESTS_UNIT_WATCH_FLOW_TABLE_H

#include "tests/unit/lib/cmocka_first.h"

#include "scanner/watch/flows.h"
#include "tests/unit/watch/observing.h"

enum { MIB = 1024 * 1024 };
#define SECOND INT64_C(1000000)

struct table {
    struct flows *flows;
    struct observing seen;
    struct buf hello, flight, finish;
    int64_t now_us;
};

static inline void table_init(struct table *table, size_t memory)
{
    struct buf messages;
    buf_init(&messages, PACKETS_BUF_MAX);
    observing_init(&table->seen);
    buf_init(&table->hello, PACKETS_BUF_MAX);
    buf_init(&table->flight, PACKETS_BUF_MAX);
    buf_init(&table->finish, PACKETS_BUF_MAX);
    put_client_hello(&messages, "www.example", false, 1);
    put_records(&table->hello, &messages, 16384);
    buf_reset(&messages);
    put_server_flight(&messages, false);
    put_records(&table->flight, &messages, 16384);
    put_client_finish(&table->finish, false);
    buf_done(&messages);
    table->now_us = INT64_C(1700000000) * SECOND;
    table->flows =
        flows_new(&(struct flows_options){.memory_max = memory, .session = observing_options(&table->seen, NULL)});
}

static inline void table_done(struct table *table)
{
    flows_free(table->flows);
    observing_done(&table->seen);
    buf_done(&table->hello);
    buf_done(&table->flight);
    buf_done(&table->finish);
}

static inline void send_tcp_sum(struct table *table, const struct ends *ends, uint32_t sequence,
                                uint32_t acknowledgment, uint8_t flags, const void *bytes, size_t size, bool good)
{
    struct buf wire;
    buf_init(&wire, PACKETS_BUF_MAX);
    buf_append(&wire, bytes, size);
    wrap_tcp(&wire, ends, sequence, acknowledgment, flags);
    wire.data[16] ^= good ? 0 : 0x55;
    struct datagram datagram = {
        .protocol = DATAGRAM_TCP,
        .source = ends->from,
        .destination = ends->to,
        .sequence = sequence,
        .acknowledgment = acknowledgment,
        .flags = flags,
        .payload = {(const uint8_t *)wire.data + 20, size},
        .transport = buf_slice(&wire),
        .at_us = table->now_us,
    };
    flows_add(table->flows, &datagram);
    buf_done(&wire);
}

static inline void send_tcp(struct table *table, const struct ends *ends, uint32_t sequence, uint32_t acknowledgment,
                            uint8_t flags, const void *bytes, size_t size)
{
    struct datagram datagram = {
        .protocol = DATAGRAM_TCP,
        .source = ends->from,
        .destination = ends->to,
        .sequence = sequence,
        .acknowledgment = acknowledgment,
        .flags = flags,
        .payload = {bytes, size},
        .at_us = table->now_us,
    };
    flows_add(table->flows, &datagram);
}

static inline void assert_one(struct table *table)
{
    assert_int_equal(table->seen.count, 1);
    assert_non_null(strstr(table->seen.lines.data, "name=www.example version=0303 suite=c02f group=001d"));
    assert_non_null(strstr(table->seen.lines.data, "chain=A700,B700"));
    observing_reset(&table->seen);
}

#endif
