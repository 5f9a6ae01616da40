/* The flow table: honest handshakes are told whatever else goes on: floods of half-open connections and of hellos, ports used again, connections that
 * end or fall silent, clocks that jump; and its memory stays below what it was given. */
#include "tests/unit/lib/cmocka_first.h"

#include <time.h>

#include "tests/unit/watch/flow_table.h"
#include "tests/unit/watch/memory.h"

static struct ends numbered(uint32_t number)
{
    struct ends ends = ends4();
    ends.from.ip[1] = (uint8_t)(number >> 16);
    ends.from.ip[2] = (uint8_t)(number >> 8);
    ends.from.ip[3] = (uint8_t)number;
    ends.from.port = (uint16_t)(1024 + (number >> 8) % 60000);
    return ends;
}

static void shake_hands(struct table *table, const struct ends *ends, uint32_t isn)
{
    struct ends back = backwards(*ends);
    uint32_t size = (uint32_t)table->flight.size, hello = (uint32_t)table->hello.size;
    send_tcp(table, ends, isn, 0, SYN, NULL, 0);
    send_tcp(table, &back, ~isn, isn + 1, SYN | ACK, NULL, 0);
    send_tcp(table, ends, isn + 1, ~isn + 1, ACK, NULL, 0);
    send_tcp(table, ends, isn + 1, ~isn + 1, ACK | PSH, table->hello.data, hello);
    send_tcp(table, &back, ~isn + 1, isn + 1 + hello, ACK, table->flight.data, size / 2);
    send_tcp(table, &back, ~isn + 1 + size / 2, isn + 1 + hello, ACK, table->flight.data + size / 2, size - size / 2);
}

/* --- floods ------------------------------------------------------------------------------------------------------------------ */

/* Two million connections that are never more than half open, and an honest handshake among every twenty thousand. */
static void test_syn_flood(void **state)
{
    struct table table;
    size_t before = bytes_in_use();
    (void)state;
    table_init(&table, 64 * MIB);
    for (uint32_t i = 0; i < 2000000; i++) {
        struct ends ends = numbered(i), back = backwards(ends);
        table.now_us += 10;
        send_tcp(&table, &ends, i * 7, 0, SYN, NULL, 0);
        if (i % 4 == 0) {
            send_tcp(&table, &back, i * 11, i * 7 + 1, SYN | ACK, NULL, 0);
            send_tcp(&table, &ends, i * 7 + 1, i * 11 + 1, ACK, NULL, 0);
        }
        if (i % 20000)
            continue;
        struct ends honest = ends6();
        honest.from.port = (uint16_t)(2000 + i / 20000);
        shake_hands(&table, &honest, i);
        assert_one(&table);
        assert_true(bytes_in_use() - before < 64 * MIB);
    }
    struct flows_counts counts = flows_get_counts(table.flows);
    assert_int_equal(counts.tcp, 100);
    assert_int_equal(counts.finished, 100);
    assert_int_equal(counts.under_way, 0);
    table_done(&table);
}

/* Connections that send one thing and fall silent: a byte, half a hello, a whole one. Honest ones among them, whose answer takes a while. */
static void test_silent_floods(void **state)
{
    struct table table;
    size_t before = bytes_in_use();
    (void)state;
    table_init(&table, 16 * MIB);
    for (uint32_t i = 0; i < 400000; i++) {
        struct ends ends = numbered(i);
        size_t sizes[] = {1, table.hello.size / 2, table.hello.size};
        table.now_us += 10;
        send_tcp(&table, &ends, 1, 1, ACK, table.hello.data, sizes[i % 3]);
        if (i % 10000 == 0) {
            struct ends honest = ends6();
            honest.from.port = (uint16_t)(2000 + i / 10000);
            send_tcp(&table, &honest, 1, 1, ACK, table.hello.data, table.hello.size);
        }
        if (i % 10000 == 5000) { /* 50 ms later */
            struct ends back = ends6();
            back.from.port = (uint16_t)(2000 + i / 10000);
            back = backwards(back);
            send_tcp(&table, &back, 1, 1 + (uint32_t)table.hello.size, ACK, table.flight.data, table.flight.size);
            assert_one(&table);
        }
        assert_true(bytes_in_use() - before < 16 * MIB);
    }
    assert_true(flows_get_counts(table.flows).evicted > 100000);
    table_done(&table);
}

/* A few hundred that send nearly a megabyte of one message: they go before all who need little. */
static void test_large_flows_go_first(void **state)
{
    static const uint8_t announced[] = {22, 3, 3, 0x40, 0, 11, 0x0f, 0xff, 0xf0, 0x0f, 0xff, 0xed};
    static const uint8_t header[] = {22, 3, 3, 0x40, 0};
    enum { RECORD = 16384 + 5 };
    static uint8_t first[RECORD], next[RECORD];
    struct table table;
    (void)state;
    memcpy(first, announced, sizeof announced);
    memcpy(next, header, sizeof header);
    table_init(&table, 16 * MIB);
    size_t before = bytes_in_use();
    struct ends honest = ends6(), back = backwards(honest);
    send_tcp(&table, &honest, 1, 1, ACK, table.hello.data, table.hello.size);
    for (uint32_t round = 0; round < 60; round++) {
        for (uint32_t i = 0; i < 300; i++) {
            struct ends ends = numbered(i);
            if (round == 0)
                send_tcp(&table, &ends, 1, 1, ACK, table.hello.data, table.hello.size);
            ends = backwards(ends);
            send_tcp(&table, &ends, 1 + round * RECORD, 1, ACK, round ? next : first, RECORD);
            assert_true(bytes_in_use() - before < 16 * MIB);
        }
    }
    send_tcp(&table, &back, 1, 1 + (uint32_t)table.hello.size, ACK, table.flight.data, table.flight.size);
    assert_non_null(strstr(table.seen.lines.data, "chain=A700,B700"));
    table_done(&table);
}

/* --- ends ---------------------------------------------------------------------------------------------------------------------- */

/* What is over costs nothing more, however long it goes on. */
static void test_rest_of_a_transfer(void **state)
{
    static uint8_t bulk[1400] = {23, 3, 3, 0x40, 0};
    struct table table;
    struct ends ends = ends4(), back = backwards(ends);
    (void)state;
    table_init(&table, 16 * MIB);
    shake_hands(&table, &ends, 5);
    assert_one(&table);
    for (uint32_t i = 0; i < 1000; i++)
        send_tcp(&table, &back, 10000 + i * 1400, 1, ACK, bulk, sizeof bulk);
    assert_int_equal(flows_get_counts(table.flows).under_way, 0);
    assert_int_equal(flows_get_counts(table.flows).tcp, 1);
    /* Until a hello says that the ports are used again, with a SYN or without. */
    shake_hands(&table, &ends, 900000);
    assert_one(&table);
    send_tcp(&table, &ends, 0x77000000, 0x88000000, ACK, table.hello.data, table.hello.size);
    send_tcp(&table, &back, 0x88000000, 0x77000000, ACK, table.flight.data, table.flight.size);
    assert_one(&table);
    table_done(&table);
}

/* The same ports at once for another connection, while the first had told nothing yet. */
static void test_ports_are_used_again(void **state)
{
    struct table table;
    struct ends ends = ends4();
    (void)state;
    table_init(&table, 16 * MIB);
    send_tcp(&table, &ends, 5000, 0, SYN, NULL, 0);
    send_tcp(&table, &ends, 5001, 0, ACK, "GET / HTTP/1.0\r\n", 16);
    send_tcp(&table, &ends, 5000, 0, SYN, NULL, 0); /* the same SYN again: nothing new */
    assert_int_equal(flows_get_counts(table.flows).reused, 0);
    shake_hands(&table, &ends, 70000);
    assert_one(&table);
    assert_int_equal(flows_get_counts(table.flows).reused, 1);
    assert_int_equal(flows_get_counts(table.flows).tcp, 2);
    table_done(&table);
}

/* Packets overtake each other: the first part of the server's flight is there before its SYN. */
static void test_late_syn(void **state)
{
    struct table table;
    struct ends ends = ends4(), back = backwards(ends);
    (void)state;
    table_init(&table, 16 * MIB);
    send_tcp(&table, &ends, 1000, 0, SYN, NULL, 0);
    send_tcp(&table, &ends, 1001, 5001, ACK, table.hello.data, table.hello.size);
    send_tcp(&table, &back, 5001, 1001, ACK, table.flight.data, 50);
    send_tcp(&table, &back, 5000, 1001, SYN | ACK, NULL, 0);
    send_tcp(&table, &back, 5051, 1001, ACK, table.flight.data + 50, table.flight.size - 50);
    assert_int_equal(flows_get_counts(table.flows).reused, 0);
    assert_one(&table);
    table_done(&table);
}

/* The ISN of an older connection between the same ports is not the beginning of this one. */
static void test_isn_of_another(void **state)
{
    struct table table;
    struct ends ends = ends4(), back = backwards(ends);
    (void)state;
    table_init(&table, 16 * MIB);
    send_tcp(&table, &ends, 0x10000000, 0, SYN, NULL, 0);
    send_tcp(&table, &back, 0x20000000, 1, SYN | ACK, NULL, 0);
    send_tcp(&table, &ends, 0x90000000, 0xa0000000, ACK, table.hello.data, table.hello.size);
    send_tcp(&table, &back, 0xa0000000, 0x90000000, ACK, table.flight.data, table.flight.size);
    assert_one(&table);
    table_done(&table);
}

static void test_fin_and_rst(void **state)
{
    struct table table;
    struct ends ends = ends4(), back = backwards(ends);
    (void)state;
    table_init(&table, 16 * MIB);
    send_tcp(&table, &ends, 100, 0, SYN, NULL, 0);
    send_tcp(&table, &back, 200, 101, SYN | ACK, NULL, 0);
    send_tcp(&table, &ends, 101, 201, ACK, "hello", 5);
    send_tcp(&table, &back, 201, 106, ACK | FIN, "hello", 5);
    assert_int_equal(flows_get_counts(table.flows).under_way, 1);
    send_tcp(&table, &ends, 106, 207, ACK | FIN, NULL, 0);
    assert_int_equal(flows_get_counts(table.flows).under_way, 0);
    assert_int_equal(flows_get_counts(table.flows).closed, 1);
    ends.from.port++;
    send_tcp(&table, &ends, 100, 0, SYN, NULL, 0);
    send_tcp(&table, &ends, 101, 201, ACK, "hello", 5);
    send_tcp(&table, &ends, 9999, 201, RST, NULL, 0); /* one that had to guess (RFC 5961) */
    assert_int_equal(flows_get_counts(table.flows).under_way, 1);
    send_tcp(&table, &ends, 106, 201, RST, NULL, 0);
    assert_int_equal(flows_get_counts(table.flows).under_way, 0);
    assert_int_equal(flows_get_counts(table.flows).closed, 2);
    table_done(&table);
}

/* What never will be TLS is given up: much from both sides, or very much from one. */
static void test_not_tls(void **state)
{
    static uint8_t bulk[16384];
    (void)state;
    for (unsigned both = 0; both < 2; both++) {
        struct table table;
        struct ends ends = ends4(), back = backwards(ends);
        uint32_t sent = 0;
        table_init(&table, 16 * MIB);
        memset(bulk, 0x16, sizeof bulk); /* each byte could be the first of a record */
        for (; sent == 0 || flows_get_counts(table.flows).under_way; sent += sizeof bulk) {
            send_tcp(&table, &ends, sent, 1, ACK, bulk, sizeof bulk);
            if (both)
                send_tcp(&table, &back, sent, 1, ACK, bulk, sizeof bulk);
            assert_true(sent < 32 * MIB);
        }
        assert_int_equal(flows_get_counts(table.flows).not_tls, 1);
        assert_true(both ? sent < 2 * MIB : sent > 8 * MIB);
        table_done(&table);
    }
}

/* --- time ---------------------------------------------------------------------------------------------------------------------- */

static void half(struct table *table, const struct ends *ends)
{
    struct ends back = backwards(*ends);
    send_tcp(table, ends, 1, 1, ACK, table->hello.data, table->hello.size);
    send_tcp(table, &back, 1, 1, ACK, table->flight.data, table->flight.size / 2);
}

static void rest(struct table *table, const struct ends *ends)
{
    struct ends back = backwards(*ends);
    size_t first = table->flight.size / 2;
    send_tcp(table, &back, 1 + (uint32_t)first, 1, ACK, table->flight.data + first, table->flight.size - first);
}

static void test_timeouts(void **state)
{
    struct table table;
    struct ends silent = ends4(), ends = ends6();
    (void)state;
    table_init(&table, 16 * MIB);
    half(&table, &silent);
    for (int i = 0; i < 119; i++) {
        table.now_us += SECOND;
        send_tcp(&table, &ends, (uint32_t)i, 1, ACK, "x", 1);
    }
    assert_int_equal(flows_get_counts(table.flows).timed_out, 0);
    for (int i = 119; i < 125; i++) {
        table.now_us += SECOND;
        send_tcp(&table, &ends, (uint32_t)i, 1, ACK, "x", 1);
    }
    assert_int_equal(flows_get_counts(table.flows).timed_out, 1);
    assert_int_equal(flows_get_counts(table.flows).under_way, 1);
    flows_flush(table.flows);
    assert_int_equal(flows_get_counts(table.flows).under_way, 0);
    table_done(&table);
}

/* One packet with a damaged stamp, in either direction: no handshake under way is lost. */
static void test_damaged_stamps(void **state)
{
    const int64_t stamps[] = {INT64_MAX, INT64_MIN, 0, INT64_C(253402300800) * SECOND};
    (void)state;
    for (size_t i = 0; i < sizeof stamps / sizeof *stamps; i++) {
        struct table table;
        struct ends ends = ends4(), other = ends6();
        table_init(&table, 16 * MIB);
        half(&table, &ends);
        int64_t now_us = table.now_us;
        table.now_us = stamps[i];
        send_tcp(&table, &other, 1, 1, ACK, "x", 1);
        table.now_us = now_us + 1000;
        rest(&table, &ends);
        assert_int_equal(table.seen.at_us, now_us + 1000); /* what is told has the packet's own time */
        assert_one(&table);
        assert_int_equal(flows_get_counts(table.flows).timed_out, 0);
        table_done(&table);
    }
}

/* A capture of last year read after one of today: its flows time out as well, by their own clock. */
static void test_older_captures(void **state)
{
    struct table table;
    struct ends ends = ends4(), other = ends6();
    (void)state;
    table_init(&table, 16 * MIB);
    half(&table, &ends);
    table.now_us -= INT64_C(365) * 86400 * SECOND;
    ends.from.port++;
    half(&table, &ends);
    for (int i = 0; i < 130; i++) {
        table.now_us += SECOND;
        send_tcp(&table, &other, (uint32_t)i, 1, ACK, "x", 1);
    }
    assert_int_equal(flows_get_counts(table.flows).timed_out, 2);
    table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syn_flood),
        cmocka_unit_test(test_silent_floods),
        cmocka_unit_test(test_large_flows_go_first),
        cmocka_unit_test(test_rest_of_a_transfer),
        cmocka_unit_test(test_ports_are_used_again),
        cmocka_unit_test(test_late_syn),
        cmocka_unit_test(test_isn_of_another),
        cmocka_unit_test(test_fin_and_rst),
        cmocka_unit_test(test_not_tls),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_damaged_stamps),
        cmocka_unit_test(test_older_captures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
