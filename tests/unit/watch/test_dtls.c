/* DTLS 1.0 and 1.2 as OpenSSL speaks it with a small MTU: in order, out of order, doubled, behind other protocols' headers, with losses; and what is hostile. */
#include "tests/unit/watch/openssl_pair.h"

#include "scanner/watch/dtls.h"
#include "tests/unit/watch/observing.h"

struct watching {
    struct observing seen;
    struct dtls *dtls;
    bool more;
};

static void watching_init(struct watching *watching)
{
    struct ends ends = ends4();
    observing_init(&watching->seen);
    struct session_options options = observing_options(&watching->seen, NULL);
    watching->dtls = dtls_new(&options, (const struct place[]){ends.from, ends.to}, 1);
    watching->more = true;
}

static void watching_done(struct watching *watching)
{
    dtls_free(watching->dtls);
    observing_done(&watching->seen);
}

static void datagram(struct watching *watching, int side, const void *bytes, size_t size)
{
    if (!watching->more)
        return;
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, bytes, size);
    watching->more = dtls_datagram(watching->dtls, side, (struct slice){copy, size}, 2);
    free(copy);
}

static void finish(struct watching *watching)
{
    if (watching->more)
        dtls_end(watching->dtls);
    watching->more = false;
}

static void assert_chains(struct watching *watching, bool client, const char *version)
{
    char expected[100];
    finish(watching);
    snprintf(expected, sizeof expected, "chain=0%d,0%d\n", pair_sizes[0], pair_sizes[1]);
    if (!strstr(watching->seen.lines.data, expected))
        print_error("%s", watching->seen.lines.data);
    assert_non_null(strstr(watching->seen.lines.data, expected));
    assert_int_equal(watching->seen.count, client ? 2 : 1);
    assert_non_null(strstr(watching->seen.lines.data, "server 198.51.100.2:443 192.0.2.1 name=server.example"));
    assert_non_null(strstr(watching->seen.lines.data, version));
    if (client) {
        snprintf(expected, sizeof expected, "chain=0%d\n", pair_sizes[2]);
        assert_non_null(strstr(watching->seen.lines.data, expected));
    }
}

static const struct {
    int version;
    const char *text;
} versions[] = {{DTLS1_VERSION, " version=feff "}, {DTLS1_2_VERSION, " version=fefd "}};

static void talk(struct pair *pair, size_t i, bool ask)
{
    struct pair_options options = {.datagrams = true, .version = versions[i].version, .ask = ask, .mtu = 256};
    SSL_SESSION_free(pair_talk(pair, &options));
    assert_true(pair->count > 12); /* the certificates came in fragments */
}

static const char *bytes_of(const struct pair *pair, size_t i)
{
    return pair->bytes.data + pair->writes[i].at;
}

static void test_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct pair pair;
        struct watching watching;
        talk(&pair, i / 2, i % 2);
        watching_init(&watching);
        for (size_t j = 0; j < pair.count; j++)
            datagram(&watching, pair.writes[j].side, bytes_of(&pair, j), pair.writes[j].size);
        assert_false(watching.more);
        assert_int_equal(watching.seen.counts.refused, 0);
        assert_chains(&watching, i % 2, versions[i / 2].text);
        watching_done(&watching);
        pair_done(&pair);
    }
}

/* Every datagram up to the client's last flight in any order, some twice. */
static void test_out_of_order(void **state)
{
    struct pair pair;
    (void)state;
    talk(&pair, 1, true);
    srand(1);
    for (unsigned round = 0; round < 200; round++) {
        struct watching watching;
        size_t order[WRITES_MAX];
        for (size_t i = 0; i < pair.count; i++)
            order[i] = i;
        for (size_t i = 1; i + 1 < pair.count; i++) { /* not further than a network does it */
            size_t j = i + (size_t)rand() % 4;
            if (j >= pair.count || pair.writes[order[j]].side != pair.writes[order[i]].side)
                continue;
            size_t swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        watching_init(&watching);
        for (size_t i = 0; i < pair.count; i++) {
            const struct write *write = &pair.writes[order[i]];
            datagram(&watching, write->side, bytes_of(&pair, order[i]), write->size);
            if (rand() % 4 == 0)
                datagram(&watching, write->side, bytes_of(&pair, order[i]), write->size);
        }
        assert_chains(&watching, true, " version=fefd ");
        watching_done(&watching);
    }
    pair_done(&pair);
}

/* The messages of a flight in whatever order, of both sides at once: a ServerHelloDone before the CertificateRequest ends nothing. */
static void test_any_order(void **state)
{
    struct pair pair;
    (void)state;
    talk(&pair, 1, true);
    srand(2);
    for (unsigned round = 0; round < 400; round++) {
        struct watching watching;
        size_t order[WRITES_MAX], count = 0;
        bool finished = false;
        while (count < pair.count && !(finished && pair.writes[count].side == SERVER_SIDE)) { /* two flights of each */
            order[count] = count;
            finished |= pair.writes[count].side == CLIENT_SIDE && count > 1;
            count++;
        }
        for (size_t i = 0; round > 0 && i < count; i++) { /* 0: as it was sent; 1: backwards */
            size_t j = round == 1 ? count - 1 - i : i + (size_t)rand() % (count - i), swapped = order[i];
            if (round == 1 && j <= i)
                break;
            order[i] = order[j];
            order[j] = swapped;
        }
        watching_init(&watching);
        for (size_t i = 0; i < count; i++)
            datagram(&watching, pair.writes[order[i]].side, bytes_of(&pair, order[i]), pair.writes[order[i]].size);
        assert_chains(&watching, true, " version=fefd ");
        assert_int_equal(watching.seen.counts.truncated, 0);
        watching_done(&watching);
    }
    pair_done(&pair);
}

static void test_one_side_alone(void **state)
{
    struct pair pair;
    (void)state;
    talk(&pair, 1, true);
    for (int side = 0; side < 2; side++) {
        struct watching watching;
        char expected[100];
        watching_init(&watching);
        for (size_t i = 0; i < pair.count; i++) {
            if (pair.writes[i].side == side)
                datagram(&watching, side, bytes_of(&pair, i), pair.writes[i].size);
        }
        finish(&watching);
        snprintf(expected, sizeof expected, side == SERVER_SIDE ? "chain=0%d,0%d" : "chain=0%d",
                 pair_sizes[side == SERVER_SIDE ? 0 : 2], pair_sizes[1]);
        assert_int_equal(watching.seen.count, 1);
        assert_non_null(strstr(watching.seen.lines.data, expected));
        watching_done(&watching);
    }
    pair_done(&pair);
}

/* Each datagram lost in turn: at most what was in it is lost, and whether the handshake was cut is counted. */
static void test_losses(void **state)
{
    struct pair pair;
    (void)state;
    talk(&pair, 1, true);
    for (size_t lost = 0; lost < pair.count; lost++) {
        struct watching watching;
        watching_init(&watching);
        for (size_t i = 0; i < pair.count; i++) {
            if (i != lost)
                datagram(&watching, pair.writes[i].side, bytes_of(&pair, i), pair.writes[i].size);
        }
        finish(&watching);
        assert_true(watching.seen.count >= 1);
        watching_done(&watching);
    }
    pair_done(&pair);
}

static void test_behind_other_headers(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } headers[] = {
        {"\x40\x00\x01\x2c", 4},         /* a TURN channel (RFC 8656 §12.4) */
        {"\x01\x00\x00\x00", 4},         /* CAPWAP's preamble (RFC 5415 §4.2) */
        {"\x16\xfe\x16\xfe\xfd\x16", 6}, /* bytes that look like it */
        {"\0\1\0\x58\x21\x12\xa4\x42"
         "abcdefghijkl"
         "\0\x12\0\10\0\1\xe1\xba\x5e\x12\xa4\x43\0\x13\0\x40",
         36}, /* a TURN Send indication */
    };
    (void)state;
    for (size_t h = 0; h < sizeof headers / sizeof *headers; h++) {
        struct pair pair;
        struct watching watching;
        talk(&pair, 1, true);
        watching_init(&watching);
        for (size_t i = 0; i < pair.count; i++) {
            struct buf packet;
            buf_init(&packet, PACKETS_BUF_MAX);
            buf_append(&packet, headers[h].bytes, headers[h].size);
            buf_append(&packet, bytes_of(&pair, i), pair.writes[i].size);
            if (i == 0)
                assert_true(dtls_may_be(buf_slice(&packet)));
            datagram(&watching, pair.writes[i].side, packet.data, packet.size);
            buf_done(&packet);
        }
        assert_chains(&watching, true, " version=fefd ");
        watching_done(&watching);
        pair_done(&pair);
    }
}

/* Each datagram cut and damaged: no more than was there is told, and nothing is read outside. */
static void test_damage(void **state)
{
    struct pair pair;
    (void)state;
    talk(&pair, 1, true);
    for (size_t victim = 0; victim < pair.count; victim++) {
        size_t step = pair.writes[victim].size / 40 + 1;
        for (size_t at = 0; at < pair.writes[victim].size; at += step) {
            struct watching watching;
            watching_init(&watching);
            for (size_t i = 0; i < pair.count; i++) {
                char *bytes = pair.bytes.data + pair.writes[i].at;
                if (i == victim)
                    bytes[at] ^= 0x11;
                datagram(&watching, pair.writes[i].side, bytes, i == victim && at % 2 ? at : pair.writes[i].size);
                if (i == victim)
                    bytes[at] ^= 0x11;
            }
            finish(&watching);
            assert_true(watching.seen.count <= 3);
            watching_done(&watching);
        }
    }
    pair_done(&pair);
}

/* --- hostile ------------------------------------------------------------------------------------------------------------------- */

static void put_fragment(struct buf *out, uint8_t type, uint32_t size, uint16_t sequence, uint32_t offset,
                         const void *bytes, uint32_t part)
{
    buf_reset(out);
    buf_append(out, "\x16\xfe\xfd\0\0\0\0\0\0\0\0", 11);
    put_u16(out, part + 12);
    buf_append_char(out, (char)type);
    put_u24(out, size);
    put_u16(out, sequence);
    put_u24(out, offset);
    put_u24(out, part);
    buf_append(out, bytes, part);
}

/* The last byte of many long messages: memory stays bounded. Messages that are longer than any are not even begun. */
static void test_memory(void **state)
{
    struct buf packet;
    struct watching watching;
    (void)state;
    buf_init(&packet, PACKETS_BUF_MAX);
    watching_init(&watching);
    for (unsigned i = 0; i < 10000; i++) {
        put_fragment(&packet, 11, 128 * 1024, (uint16_t)i, 128 * 1024 - 1, "x", 1);
        assert_true(dtls_may_be(buf_slice(&packet)));
        datagram(&watching, (int)(i & 1), packet.data, packet.size);
        assert_true(dtls_memory(watching.dtls) < 1200 * 1024);
    }
    assert_true(watching.more);
    watching_done(&watching);
    watching_init(&watching);
    put_fragment(&packet, 11, 0xffffff, 1, 0xfffffe, "x", 1);
    assert_false(dtls_may_be(buf_slice(&packet)));
    datagram(&watching, 0, packet.data, packet.size);
    assert_true(dtls_memory(watching.dtls) < 4096);
    finish(&watching);
    assert_int_equal(watching.seen.count, 0);
    watching_done(&watching);
    buf_done(&packet);
}

/* One-byte fragments of a whole flight: linear, and told. */
static void test_single_bytes(void **state)
{
    struct buf body, packet;
    struct watching watching;
    (void)state;
    buf_init(&body, PACKETS_BUF_MAX);
    buf_init(&packet, PACKETS_BUF_MAX);
    put_certificate(&body, 'A', 2, 700);
    watching_init(&watching);
    for (size_t i = body.size - 4; i > 0; i--) { /* backwards */
        put_fragment(&packet, 11, (uint32_t)body.size - 4, 2, (uint32_t)i - 1, body.data + 3 + i, 1);
        datagram(&watching, 1, packet.data, packet.size);
    }
    put_fragment(&packet, 14, 0, 3, 0, "", 0);
    datagram(&watching, 1, packet.data, packet.size);
    finish(&watching);
    assert_non_null(strstr(watching.seen.lines.data, "chain=A700,B700"));
    watching_done(&watching);
    buf_done(&body);
    buf_done(&packet);
}

/* DTLS 1.3 shows its ServerHello and no more. */
static void test_dtls13(void **state)
{
    static const uint8_t hello[] = {0xfe, 0xfd, [34] = 0, 0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 0xfe, 0xfc};
    struct buf client, packet;
    struct watching watching;
    (void)state;
    buf_init(&client, PACKETS_BUF_MAX);
    buf_init(&packet, PACKETS_BUF_MAX);
    watching_init(&watching);
    put_client_hello(&client, "www.example", true, 1);
    client.data[4] = (char)0xfe;
    client.data[5] = (char)0xfd;
    /* The cookie, empty, behind the empty session id. */
    char *rest = buf_extend(&client, 1);
    memmove(client.data + 40, client.data + 39, (size_t)(rest - (client.data + 39)));
    client.data[39] = 0;
    put_fragment(&packet, 1, (uint32_t)client.size - 4, 0, 0, client.data + 4, (uint32_t)client.size - 4);
    datagram(&watching, 0, packet.data, packet.size);
    put_fragment(&packet, 2, sizeof hello, 0, 0, hello, sizeof hello);
    datagram(&watching, 1, packet.data, packet.size);
    assert_string_equal(
        watching.seen.lines.data,
        "hidden 198.51.100.2:443 192.0.2.1 name=www.example version=fefc suite=1301 group=0000 alpn= auth=-1\n");
    assert_false(watching.more);
    watching_done(&watching);
    buf_done(&client);
    buf_done(&packet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),     cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_any_order),    cmocka_unit_test(test_one_side_alone),
        cmocka_unit_test(test_losses),       cmocka_unit_test(test_behind_other_headers),
        cmocka_unit_test(test_damage),       cmocka_unit_test(test_memory),
        cmocka_unit_test(test_single_bytes), cmocka_unit_test(test_dtls13),
    };
    return cmocka_run_group_tests(tests, pair_set_up, pair_tear_down);
}
