/* QUIC Initial packets: the examples of the RFCs, hellos over many frames and packets in any order, Retry, coalesced packets, one side alone, and what is
 * hostile. */
#include "tests/unit/lib/cmocka_first.h"

#include "scanner/watch/assembly.h"
#include "scanner/watch/quic.h"
#include "tests/unit/watch/observing.h"
#include "tests/unit/watch/quic_pack.h"

struct watching {
    struct observing seen;
    struct quic *quic;
    bool more;
};

static void watching_init(struct watching *watching)
{
    struct ends ends = ends4();
    observing_init(&watching->seen);
    struct session_options options = observing_options(&watching->seen, NULL);
    watching->quic = quic_new(&options, (const struct place[]){ends.from, ends.to}, 1);
    watching->more = true;
}

static void datagram(struct watching *watching, int direction, const struct buf *bytes)
{
    if (!watching->more)
        return;
    uint8_t *copy = malloc(bytes->size ? bytes->size : 1);
    memcpy(copy, bytes->data, bytes->size);
    watching->more = quic_datagram(watching->quic, direction, (struct slice){copy, bytes->size}, 2);
    free(copy);
}

static void assert_told(struct watching *watching, const char *expected)
{
    if (watching->more)
        quic_end(watching->quic);
    assert_string_equal(watching->seen.lines.data, expected);
    quic_free(watching->quic);
    observing_done(&watching->seen);
}

#define WHOLE(name) "hidden 198.51.100.2:443 192.0.2.1 name=" name " version=0304 suite=1301 group=001d alpn= auth=-1\n"
#define CLIENT(name)                                                                                                   \
    "hidden 198.51.100.2:443 192.0.2.1 name=" name " version=0000 suite=0000 group=0000 alpn= auth=-1\n"
#define SERVERS "hidden 198.51.100.2:443 192.0.2.1 name=www.example version=0304 suite=1301 group=0000 alpn= auth=-1\n"

static struct buf new_buf(void)
{
    struct buf buf;
    buf_init(&buf, PACKETS_BUF_MAX);
    return buf;
}

/* --- the examples -------------------------------------------------------------------------------------------------------- */

static void test_rfc_keys(void **state)
{
    struct quic_keys keys;
    struct buf expected = new_buf();
    (void)state;
    assert_int_equal(quic_initial_keys(QUIC_VERSION_1, (struct slice){rfc_id, 8}, false, &keys), 0);
    put_hex(&expected, "1f369613dd76d5467730efcbe3b1a22dfa044b2f42a3fd3b46fb255c9f50449e04a0e810283a1e9933adedd2");
    assert_memory_equal(keys.key, expected.data, 16);
    assert_memory_equal(keys.iv, expected.data + 16, 12);
    assert_memory_equal(keys.header, expected.data + 28, 16);
    assert_int_equal(quic_initial_keys(0x1a2a3a4a, (struct slice){rfc_id, 8}, false, &keys), CM_EUNSUPPORTED);
    buf_done(&expected);
}

static void test_rfc_packets(void **state)
{
    static const struct {
        uint32_t version;
        const char *client_start, *client_tag, *server;
    } examples[] = {
        {QUIC_VERSION_1, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
         "e221af44860018ab0856972e194cd934", RFC_SERVER_V1},
        {QUIC_VERSION_2, "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
         "a18b2faa745b6fe189cf772a9f84cbfc", RFC_SERVER_V2},
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct buf client = new_buf(), server = new_buf(), expected = new_buf();
        struct watching watching;
        put_rfc_client(&client, examples[i].version);
        put_hex(&server, examples[i].server);
        put_hex(&expected, examples[i].client_start);
        put_hex(&expected, examples[i].client_tag);
        assert_int_equal(client.size, 1200);
        assert_memory_equal(client.data, expected.data, 32); /* it is the RFC's, to the tag over all of it */
        assert_memory_equal(client.data + 1184, expected.data + 32, 16);
        assert_true(quic_may_be(buf_slice(&client)));
        watching_init(&watching);
        datagram(&watching, 0, &client);
        assert_true(watching.more);
        datagram(&watching, 1, &server);
        assert_false(watching.more);
        assert_told(&watching, WHOLE("example.com"));
        watching_init(&watching); /* the client's side alone: told at the end */
        datagram(&watching, 0, &client);
        assert_told(&watching, CLIENT("example.com"));
        watching_init(&watching); /* the server's alone: nobody can open it */
        datagram(&watching, 1, &server);
        assert_told(&watching, "");
        buf_done(&client);
        buf_done(&server);
        buf_done(&expected);
    }
}

/* Cut anywhere, and each byte changed: told as before, or not at all. */
static void test_damage(void **state)
{
    struct buf client = new_buf(), damaged = new_buf();
    (void)state;
    put_rfc_client(&client, QUIC_VERSION_1);
    for (size_t cut = 0; cut < client.size; cut += 3) {
        struct watching watching;
        buf_reset(&damaged);
        buf_append(&damaged, client.data, cut);
        watching_init(&watching);
        assert_false(quic_may_be(buf_slice(&damaged)));
        datagram(&watching, 0, &damaged);
        assert_told(&watching, "");
    }
    for (size_t at = 0; at < client.size; at += 3) {
        struct watching watching;
        buf_reset(&damaged);
        buf_append(&damaged, client.data, client.size);
        damaged.data[at] ^= 0x40;
        watching_init(&watching);
        datagram(&watching, 0, &damaged);
        assert_told(&watching, "");
    }
    buf_done(&client);
    buf_done(&damaged);
}

/* --- hellos in pieces ---------------------------------------------------------------------------------------------------- */

/* The hello in frames of any size, over packets of a few frames each, in any order, some twice. */
static void test_any_order(void **state)
{
    struct buf hello = new_buf();
    (void)state;
    put_client_hello(&hello, "www.example", true, 9);
    srand(1);
    for (unsigned round = 0; round < 200; round++) {
        struct watching watching;
        struct {
            size_t at, size;
        } frames[400];
        size_t count = 0, most = 1 + (size_t)rand() % 60;
        for (size_t at = 0; at < hello.size; count++) {
            size_t part = 1 + (size_t)rand() % most + hello.size / 60;
            frames[count].at = at;
            frames[count].size = part < hello.size - at ? part : hello.size - at;
            at += frames[count].size;
        }
        for (size_t i = count - 1; i > 0; i--) {
            size_t j = (size_t)rand() % (i + 1), at = frames[i].at, size = frames[i].size;
            frames[i] = frames[j];
            frames[j].at = at;
            frames[j].size = size;
        }
        watching_init(&watching);
        size_t per_packet = 1 + (size_t)rand() % 8 + count / 20;
        for (size_t i = 0; i < count; i += per_packet) {
            struct buf payload = new_buf(), packet = new_buf();
            buf_append(&payload, "\1\2\5\0\0\0", 6); /* PING, ACK */
            for (size_t j = i; j < i + per_packet && j < count; j++) {
                put_crypto(&payload, &hello, frames[j].at, frames[j].size);
                buf_append_char(&payload, 0);
            }
            put_initial(&packet, &(struct quic_packet){.version = QUIC_VERSION_1,
                                                       .number = (uint32_t)i,
                                                       .keyed_by = {rfc_id, 8},
                                                       .destination = {rfc_id, 8},
                                                       .frames = &payload});
            datagram(&watching, 0, &packet);
            if (rand() % 3 == 0)
                datagram(&watching, 0, &packet);
            buf_done(&payload);
            buf_done(&packet);
        }
        assert_int_equal(watching.seen.counts.refused, 0);
        assert_told(&watching, CLIENT("www.example"));
    }
    buf_done(&hello);
}

static void put_hello_packet(struct buf *out, struct slice keyed_by, struct slice destination, bool server)
{
    struct buf hello = new_buf(), payload = new_buf();
    if (server)
        put_server_hello(&hello, true);
    else
        put_client_hello(&hello, "www.example", true, 9);
    put_crypto(&payload, &hello, 0, hello.size);
    put_padding(&payload, 600);
    put_initial(out, &(struct quic_packet){.version = QUIC_VERSION_1,
                                           .keyed_by = keyed_by,
                                           .destination = destination,
                                           .source = {rfc_server_id, 8},
                                           .server = server,
                                           .frames = &payload});
    buf_done(&hello);
    buf_done(&payload);
}

/* Retry: the client begins again, with keys from the ID that the server chose. */
static void test_retry(void **state)
{
    struct slice first = {rfc_id, 8}, chosen = {rfc_server_id, 8}, nobody = {NULL, 0};
    struct buf lost = new_buf(), retry = new_buf(), second = new_buf(), answer = new_buf(), hello = new_buf(),
               payload = new_buf();
    struct watching watching;
    (void)state;
    put_client_hello(&hello, "www.example", true, 9);
    put_crypto(&payload, &hello, 0, hello.size / 2); /* only half of it came */
    put_padding(&payload, 300);
    put_initial(&lost, &(struct quic_packet){
                           .version = QUIC_VERSION_1, .keyed_by = first, .destination = first, .frames = &payload});
    put_hex(&retry, RFC_RETRY_V1);
    put_hello_packet(&second, chosen, chosen, false);
    put_hello_packet(&answer, chosen, nobody, true);
    watching_init(&watching);
    datagram(&watching, 0, &lost);
    datagram(&watching, 1, &retry);
    datagram(&watching, 0, &second);
    datagram(&watching, 1, &answer);
    assert_told(&watching, SERVERS);
    buf_done(&lost);
    buf_done(&retry);
    buf_done(&second);
    buf_done(&answer);
    buf_done(&hello);
    buf_done(&payload);
}

static void put_versioned(struct buf *out, uint32_t version, struct slice keyed_by, bool server, const char *name,
                          size_t most)
{
    struct buf hello = new_buf(), frames = new_buf();
    if (server)
        put_server_hello(&hello, true);
    else
        put_client_hello(&hello, name, true, 9);
    put_crypto(&frames, &hello, 0, hello.size < most ? hello.size : most);
    put_padding(&frames, 1162);
    buf_reset(out);
    put_initial(
        out,
        &(struct quic_packet){
            .version = version, .keyed_by = keyed_by, .destination = keyed_by, .server = server, .frames = &frames});
    buf_done(&hello);
    buf_done(&frames);
}

/* The server answers in another version than it was asked in (RFC 9368 §2.3), with IDs of no bytes and of as many as there may be; or the client begins again in another after
 * a Version Negotiation, with the first hello whole or half. What is told is the version in which they spoke. */
static void test_versions(void **state)
{
    static const uint8_t longest[QUIC_ID_MAX] = "twenty bytes are max";
    static const uint32_t versions[] = {QUIC_VERSION_1, QUIC_VERSION_2};
    (void)state;
    for (unsigned i = 0; i < 24; i++) {
        uint32_t asked = versions[i & 1], spoken = versions[i >> 1 & 1];
        bool negotiated = i >> 2 & 1;
        struct slice id = {longest, (size_t[]){0, 8, QUIC_ID_MAX}[i / 8]}, other = {rfc_server_id, 8};
        struct buf packet = new_buf();
        struct watching watching;
        watching_init(&watching);
        put_versioned(&packet, asked, id, false, "www.example", i & 8 ? 20 : 2000);
        if (i & 8 && !(negotiated && asked != spoken))
            put_versioned(&packet, asked, id, false, "www.example", 2000);
        datagram(&watching, 0, &packet);
        if (negotiated) {
            buf_reset(&packet);
            put_hex(&packet, "8000000000"
                             "00"
                             "00"
                             "6b3343cf"
                             "00000001");
            datagram(&watching, 1, &packet);
            put_versioned(&packet, spoken, other, false, "www.example", 2000);
            datagram(&watching, 0, &packet);
        }
        put_versioned(&packet, spoken, negotiated ? other : id, true, "", 2000);
        datagram(&watching, 1, &packet);
        assert_false(watching.more);
        assert_int_equal(watching.seen.quic_version, spoken);
        assert_told(&watching, SERVERS);
        buf_done(&packet);
    }
}

/* A 0-RTT packet, or one of an Initial that nobody opens, in front of it in the same datagram; and the server's Handshake packet behind. */
static void test_coalesced(void **state)
{
    struct slice first = {rfc_id, 8}, nobody = {NULL, 0};
    struct buf client = new_buf(), server = new_buf();
    struct watching watching;
    (void)state;
    buf_append(&client, "\xd0\0\0\0\1\10\x83\x94\xc8\xf0\x3e\x51\x57\x08\0\x20", 16);
    put_padding(&client, client.size + 0x20);
    put_hello_packet(&client, first, first, false);
    put_hello_packet(&server, first, nobody, true);
    buf_append(&server, "\xe0\0\0\0\1\0\0\x20", 8);
    put_padding(&server, server.size + 0x20);
    watching_init(&watching);
    datagram(&watching, 0, &client);
    datagram(&watching, 1, &server);
    assert_told(&watching, SERVERS);
    buf_done(&client);
    buf_done(&server);
}

/* --- hostile --------------------------------------------------------------------------------------------------------------- */

static void hostile_frames(const char *bytes, size_t size)
{
    struct buf payload = new_buf(), packet = new_buf();
    struct watching watching;
    buf_append(&payload, bytes, size);
    put_padding(&payload, 200);
    put_initial(&packet, &(struct quic_packet){.version = QUIC_VERSION_1,
                                               .keyed_by = {rfc_id, 8},
                                               .destination = {rfc_id, 8},
                                               .frames = &payload});
    watching_init(&watching);
    for (int i = 0; i < 200; i++) {
        datagram(&watching, 0, &packet);
        assert_true(quic_memory(watching.quic) < 512 * 1024);
    }
    assert_false(watching.more); /* so many packets are no handshake */
    assert_told(&watching, "");
    buf_done(&payload);
    buf_done(&packet);
}

#define FRAMES(text) hostile_frames(text, sizeof(text) - 1)
static void test_hostile_frames(void **state)
{
    (void)state;
    FRAMES("\6\xff\xff\xff\xff\xff\xff\xff\xff\1x");                              /* at the end of all numbers */
    FRAMES("\6\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"); /* and as long */
    FRAMES("\6\x80\0\xff\xff\1x\6\x80\1\0\0\1x");                                 /* the last byte, and one more */
    FRAMES("\2\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0");                           /* ranges without end */
    FRAMES("\34\0\0\0\0");                                                        /* CONNECTION_CLOSE */
    FRAMES("\x40");
    FRAMES("");
}

/* Packets that no key opens: given up after a few, at little cost. */
static void test_misses(void **state)
{
    struct buf packet = new_buf();
    struct watching watching;
    unsigned count = 0;
    (void)state;
    put_rfc_client(&packet, QUIC_VERSION_1);
    packet.data[100] ^= 1;
    watching_init(&watching);
    for (; watching.more && count < 1000; count++)
        datagram(&watching, 0, &packet);
    assert_true(count <= 16);
    assert_told(&watching, "");
    buf_done(&packet);
}

/* --- pieces -------------------------------------------------------------------------------------------------------------------- */

/* assembly.h against a reference: an array and which bytes of it are there. */
static void test_assembly(void **state)
{
    enum { SIZE = 2000 };
    (void)state;
    srand(2);
    for (unsigned round = 0; round < 200; round++) {
        struct assembly assembly = {0};
        uint8_t bytes[SIZE] = {0}, there[SIZE] = {0}, piece[200];
        for (unsigned i = 0; i < 100; i++) {
            uint32_t offset = (uint32_t)rand() % (SIZE - 200);
            size_t size = (size_t)rand() % 200;
            for (size_t j = 0; j < size; j++) {
                piece[j] = (uint8_t)rand();
                if (!there[offset + j]) /* the first stays */
                    bytes[offset + j] = piece[j];
                there[offset + j] = 1;
            }
            assembly_put(&assembly, offset, (struct slice){piece, size});
        }
        size_t prefix = 0;
        while (there[prefix])
            prefix++;
        assert_int_equal(assembly_prefix(&assembly), prefix);
        for (size_t i = 0; i < assembly.capacity; i++)
            assert_true(!there[i] || assembly.bytes[i] == bytes[i]);
        assembly_done(&assembly);
    }
    struct assembly holes = {0}; /* more holes than are kept: what would make another is dropped, and nothing else */
    for (uint32_t i = 0; i < 1000; i++)
        assembly_put(&holes, 2 * i, (struct slice){(const uint8_t *)"x", 1});
    assert_int_equal(holes.span_count, ASSEMBLY_SPANS_MAX);
    assert_int_equal(holes.capacity, 2 * ASSEMBLY_SPANS_MAX - 1);
    assembly_done(&holes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_keys),  cmocka_unit_test(test_rfc_packets), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_any_order), cmocka_unit_test(test_retry),       cmocka_unit_test(test_versions),
        cmocka_unit_test(test_coalesced), cmocka_unit_test(test_misses),      cmocka_unit_test(test_hostile_frames),
        cmocka_unit_test(test_assembly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
