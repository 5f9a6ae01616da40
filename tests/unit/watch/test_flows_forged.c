/* Segments that somebody else sent into a handshake, and ports that are used again: SYNs, resets, ends, acknowledgments and data with numbers that are not the connection's.
 * Whatever comes between whichever of its segments, the handshake is told, once. */
#include "tests/unit/watch/flow_table.h"

enum { STEPS = 6, FORGERIES = 18 };

/* One step of a handshake, so that something can be put between any two of them. */
static void step(struct table *table, const struct ends *ends, uint32_t isn, unsigned number)
{
    struct ends back = backwards(*ends);
    uint32_t size = (uint32_t)table->flight.size, hello = (uint32_t)table->hello.size;
    switch (number) {
    case 0:
        send_tcp(table, ends, isn, 0, SYN, NULL, 0);
        break;
    case 1:
        send_tcp(table, &back, ~isn, isn + 1, SYN | ACK, NULL, 0);
        break;
    case 2:
        send_tcp(table, ends, isn + 1, ~isn + 1, ACK | PSH, table->hello.data, 50);
        break;
    case 3:
        send_tcp(table, ends, isn + 51, ~isn + 1, ACK | PSH, table->hello.data + 50, hello - 50);
        break;
    case 4:
        send_tcp(table, &back, ~isn + 1, isn + 1 + hello, ACK, table->flight.data, size / 2);
        break;
    default:
        send_tcp(table, &back, ~isn + 1 + size / 2, isn + 1 + hello, ACK, table->flight.data + size / 2,
                 size - size / 2);
        break;
    }
}

/* Sent by somebody who does not know the numbers of the connection, with right checksums; kind says what. */
static void forge(struct table *table, const struct ends *ends, unsigned kind, uint32_t isn)
{
    static const uint8_t garbage[100] = "something that nobody said";
    struct ends back = backwards(*ends);
    const struct ends *from = kind & 1 ? &back : ends;
    uint32_t number = isn + 0x23456789 * (kind + 1), answered = isn + 0x3456789 * (kind + 2);
    switch (kind / 2) {
    case 0:
        send_tcp(table, from, number, 0, SYN, NULL, 0);
        break;
    case 1:
        send_tcp(table, from, number, answered, SYN | ACK, NULL, 0);
        break;
    case 2:
        send_tcp(table, from, number, answered, RST, NULL, 0);
        break;
    case 3:
        send_tcp(table, from, number, answered, RST | ACK, NULL, 0);
        break;
    case 4:
        send_tcp(table, from, number, answered, FIN | ACK, NULL, 0);
        break;
    case 5:
        send_tcp(table, from, number, answered, ACK, garbage, sizeof garbage);
        break;
    case 6:
        for (uint32_t i = 0; i < 100; i++)
            send_tcp(table, from, number + i, answered + i * 0x1000000, ACK, NULL, 0);
        break;
    case 7: /* many, and data behind each */
        for (uint32_t i = 1; i < 20; i++) {
            send_tcp(table, from, number * i, 0, SYN, NULL, 0);
            send_tcp(table, from, number * i + 1, answered * i, ACK, garbage, sizeof garbage);
        }
        break;
    case 8: /* right numbers, wrong checksums */
        send_tcp_sum(table, ends, isn + 1, ~isn + 1, RST | ACK, NULL, 0, false);
        send_tcp_sum(table, &back, ~isn + 1, isn + 1, RST | ACK, NULL, 0, false);
        send_tcp_sum(table, ends, isn + 1 + (uint32_t)table->hello.size, ~isn + 1, RST | ACK, NULL, 0, false);
        send_tcp_sum(table, ends, number, 0, SYN, NULL, 0, false);
        break;
    default:
        break;
    }
}

static void test_forged_segments(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < FORGERIES; kind++) {
        for (unsigned at = 0; at < STEPS; at++) {
            for (unsigned always = 0; always < (kind / 2 == 7 ? 1 : 2);
                 always++) { /* a flood at each step drives out what is true */
                struct table table;
                struct ends ends = ends4();
                uint32_t isn = 0x10203040 * (at + 1);
                table_init(&table, 16 * MIB);
                for (unsigned i = 0; i < STEPS; i++) {
                    if (i == at || always)
                        forge(&table, &ends, kind, isn + (always ? i * 0x1111111 : 0));
                    step(&table, &ends, isn, i);
                }
                if (table.seen.count != 1)
                    fail_msg("forgery %u at %u, %s: %zu told", kind, at, always ? "always" : "once", table.seen.count);
                assert_one(&table);
                table_done(&table);
            }
        }
    }
}

/* A connection that ends nowhere, another with numbers that are near; both handshakes are told. */
static void test_near_numbers(void **state)
{
    static const uint32_t further[] = {2, 200, 5000, 64000, 1 << 20, 1 << 24};
    (void)state;
    for (size_t i = 0; i < sizeof further / sizeof *further; i++) {
        struct table table;
        struct ends ends = ends4();
        table_init(&table, 16 * MIB);
        for (unsigned number = 0; number < 5; number++)
            step(&table, &ends, 5000, number);
        uint32_t isn = 5000 + (uint32_t)table.hello.size + further[i];
        for (unsigned number = 0; number < STEPS; number++)
            step(&table, &ends, isn, number);
        if (table.seen.count != 1)
            fail_msg("%u further: %zu told", further[i], table.seen.count);
        assert_one(&table);
        assert_int_equal(flows_get_counts(table.flows).reused, 1);
        table_done(&table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forged_segments),
        cmocka_unit_test(test_near_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
