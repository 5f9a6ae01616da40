/* Walking places: each exactly once, in an order that spreads, from several targets in turn; and the set of what was asked for. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "scanner/scan/permute.h"
#include "scanner/scan/ring.h"
#include "scanner/scan/seen.h"

static void test_permutation(void **state)
{
    static const uint64_t counts[] = {1, 2, 3, 4, 5, 16, 17, 255, 256, 257, 1000, 4096, 65537, 100000};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (uint64_t key = 1; key < 4; key++) {
            struct permute permute;
            uint8_t *seen = calloc(counts[i], 1);
            permute_init(&permute, counts[i], key * 0x9e3779b97f4a7c15U);
            for (uint64_t n = 0; n < counts[i]; n++) {
                uint64_t at = permute_at(&permute, n);
                assert_true(at < counts[i]);
                assert_int_equal(seen[at]++, 0);
            }
            free(seen);
        }
    }
}

/* Of a /16, the first 256 places touch many of its /24s: one after the other would touch one. */
static void test_spreads_out(void **state)
{
    (void)state;
    struct permute permute;
    bool touched[256] = {false};
    unsigned subnets = 0;
    permute_init(&permute, 65536, 42);
    for (uint64_t n = 0; n < 256; n++) {
        unsigned subnet = (unsigned)(permute_at(&permute, n) >> 8);
        subnets += !touched[subnet];
        touched[subnet] = true;
    }
    assert_in_range(subnets, 120, 256); /* random choice: 162 ± 7 */
}

static struct spread *spread_of(const char *text, const struct ports *defaults, uint64_t key)
{
    struct target target;
    assert_int_equal(target_read(text, strlen(text), &target, NULL), 0);
    return spread_new(&target, defaults, NULL, 0, key);
}

static void test_prefix_and_ports(void **state)
{
    (void)state;
    struct ports defaults;
    struct ipaddr ip, prefix;
    unsigned bits, seen[2][256] = {{0}};
    uint16_t port;
    assert_int_equal(ports_read("443,8443", 8, &defaults, NULL), 0);
    struct spread *spread = spread_of("192.0.2.0/24", &defaults, 7);
    assert_int_equal(spread_left(spread), 512);
    assert_int_equal(ipaddr_read_prefix("192.0.2.0/24", &prefix, &bits), 0);
    while (spread_next(spread, &ip, &port)) {
        assert_true(ipaddr_in_prefix(&ip, &prefix, bits));
        seen[port == 8443][ip.bytes[3]]++;
    }
    for (size_t i = 0; i < 256; i++)
        assert_true(seen[0][i] == 1 && seen[1][i] == 1);
    assert_int_equal(spread_left(spread), 0);
    spread_release(spread);
    ports_done(&defaults);
}

static void test_v6_prefix(void **state)
{
    (void)state;
    struct ports defaults;
    struct ipaddr ip;
    uint16_t port;
    unsigned count = 0, low = 0;
    char text[IPADDR_TEXT_SIZE];
    assert_int_equal(ports_read("443", 3, &defaults, NULL), 0);
    struct spread *spread = spread_of("2001:db8::ff00/120", &defaults, 7);
    for (; spread_next(spread, &ip, &port); count++) {
        low |= 1u << ip.bytes[15] % 32;
        ipaddr_write(text, &ip);
        assert_memory_equal(text, "2001:db8::ff", 12);
    }
    assert_int_equal(count, 256);
    assert_int_equal(low, 0xffffffffu);
    spread_release(spread);
    ports_done(&defaults);
}

/* A /8 costs nothing before it is walked: this returns at once and holds no list. */
static void test_lazy(void **state)
{
    (void)state;
    struct ports defaults;
    struct ipaddr ip;
    uint16_t port;
    assert_int_equal(ports_read("1-65535", 7, &defaults, NULL), 0);
    struct spread *spread = spread_of("10.0.0.0/8", &defaults, 3);
    assert_true(spread_left(spread) == (uint64_t)65535 << 24);
    for (int i = 0; i < 1000; i++) {
        assert_true(spread_next(spread, &ip, &port));
        assert_int_equal(ip.bytes[0], 10);
    }
    spread_release(spread);
    ports_done(&defaults);
}

static void test_ring_takes_turns(void **state)
{
    (void)state;
    struct ports defaults;
    struct ring ring = {0};
    struct ipaddr ip;
    struct spread *spread;
    uint16_t port;
    unsigned count[3] = {0}, order = 0;
    assert_int_equal(ports_read("443", 3, &defaults, NULL), 0);
    ring_add(&ring, spread_of("10.0.0.0/24", &defaults, 1));
    ring_add(&ring, spread_of("10.0.1.0/30", &defaults, 2));
    ring_add(&ring, spread_of("10.0.2.0/24", &defaults, 3));
    assert_int_equal(ring.left, 256 + 4 + 256);
    for (; (spread = ring_next(&ring, &ip, &port)); order++) {
        count[ip.bytes[2]]++;
        if (order < 12) /* while all have places: strictly in turn */
            assert_int_equal(ip.bytes[2], order % 3);
        assert_string_equal(spread->name, "");
    }
    assert_int_equal(count[0], 256);
    assert_int_equal(count[1], 4);
    assert_int_equal(count[2], 256);
    assert_int_equal(ring.left, 0);
    ring_done(&ring);
    ports_done(&defaults);
}

static void test_resolved_addresses(void **state)
{
    (void)state;
    struct ports defaults;
    struct target target;
    struct ipaddr addresses[2], ip;
    uint16_t port;
    unsigned seen = 0;
    assert_int_equal(ports_read("443", 3, &defaults, NULL), 0);
    assert_int_equal(target_read("a.example:1,2", 13, &target, NULL), 0);
    assert_int_equal(ipaddr_read("192.0.2.1", &addresses[0]), 0);
    assert_int_equal(ipaddr_read("2001:db8::1", &addresses[1]), 0);
    struct spread *spread = spread_new(&target, &defaults, addresses, 2, 1), *held = spread_hold(spread);
    assert_null(target.ports.list); /* taken */
    while (spread_next(spread, &ip, &port))
        seen |= 1u << ((ip.family == 6) * 2 + (port - 1));
    assert_int_equal(seen, 15);
    spread_release(spread);
    assert_string_equal(held->name, "a.example"); /* alive while held */
    spread_release(held);
    ports_done(&defaults);
}

static void test_seen(void **state)
{
    (void)state;
    struct seen seen;
    struct ipaddr ip = {.family = 4}, other;
    seen_init(&seen);
    assert_true(seen_add(&seen, &ip, 443, ""));
    assert_false(seen_add(&seen, &ip, 443, ""));
    assert_true(seen_add(&seen, &ip, 444, ""));
    assert_true(seen_add(&seen, &ip, 443, "a.example"));
    assert_false(seen_add(&seen, &ip, 443, "a.example"));
    assert_true(seen_add(&seen, NULL, 0, "a.example"));
    assert_true(seen_add(&seen, &ip, 443, "a.exampl"));
    other = (struct ipaddr){.family = 6};
    assert_true(seen_add(&seen, &other, 443, ""));
    for (uint32_t i = 1; i < 200000; i++) { /* none is taken for another, also while the table grows */
        memcpy(ip.bytes, &i, 4);
        assert_true(seen_add(&seen, &ip, 443, ""));
    }
    for (uint32_t i = 1; i < 200000; i += 997) {
        memcpy(ip.bytes, &i, 4);
        assert_false(seen_add(&seen, &ip, 443, ""));
    }
    seen_done(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_permutation),
        cmocka_unit_test(test_spreads_out),
        cmocka_unit_test(test_prefix_and_ports),
        cmocka_unit_test(test_v6_prefix),
        cmocka_unit_test(test_lazy),
        cmocka_unit_test(test_ring_takes_turns),
        cmocka_unit_test(test_resolved_addresses),
        cmocka_unit_test(test_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
