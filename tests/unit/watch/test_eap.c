/* EAP-TLS and its kin, in EAPOL and in RADIUS: fragments of any size, doubled packets, several authentications, and floods of conversations. */
#include "tests/unit/watch/talk.h"

#include "scanner/watch/eap.h"
#include "tests/unit/watch/memory.h"

enum { REQUEST = 1, RESPONSE = 2, LENGTH = 0x80, MORE = 0x40, START = 0x20, MIB = 1024 * 1024 };
#define CHAIN "version=0303 suite=c02f group=001d alpn= auth=1 chain=A700,B700\n"

struct along {
    struct observing seen;
    struct eaps *eaps;
    bool radius;
    uint8_t method, identifier;
    uint32_t length; /* that is announced; right or not */
    struct place peer, server;
};

static void along_init(struct along *along, bool radius, uint8_t method)
{
    *along = (struct along){.radius = radius, .method = method, .identifier = 1, .length = 256};
    observing_init(&along->seen);
    struct session_options options = observing_options(&along->seen, NULL);
    along->eaps = eaps_new(&options, MIB);
    along->peer = radius ? place4(10, 0, 0, 1, 50000) : (struct place){.ip = {2, 0, 0, 0, 0, 1}};
    along->server = radius ? place4(10, 0, 0, 2, 1812) : (struct place){.ip = {2, 0, 0, 0, 0, 2}};
}

static void along_done(struct along *along)
{
    eaps_free(along->eaps);
    observing_done(&along->seen);
}

/* In RADIUS an EAP packet is cut into attributes of at most 253 bytes, behind others. */
static void wrap_radius(struct buf *packet, uint8_t code)
{
    struct buf out = new_buf();
    buf_append(&out, (const uint8_t[20]){code, 7}, 20);
    buf_append(&out, "\1\6user", 6);
    for (size_t at = 0; at < packet->size; at += 253) {
        size_t part = packet->size - at < 253 ? packet->size - at : 253;
        buf_append_char(&out, 79);
        buf_append_char(&out, (char)(part + 2));
        buf_append(&out, packet->data + at, part);
    }
    out.data[2] = (char)(out.size >> 8);
    out.data[3] = (char)out.size;
    buf_done(packet);
    *packet = out;
}

static void send_eap(struct along *along, uint8_t code, uint8_t flags, const void *bytes, size_t size)
{
    struct buf packet = new_buf();
    buf_append_char(&packet, (char)code);
    buf_append_char(&packet, (char)along->identifier);
    put_u16(&packet, 6 + size + (flags & LENGTH ? 4 : 0));
    buf_append_char(&packet, (char)along->method);
    buf_append_char(&packet, (char)flags);
    if (flags & LENGTH) {
        put_u16(&packet, along->length >> 16);
        put_u16(&packet, along->length & 0xffff);
    }
    buf_append(&packet, bytes, size);
    if (along->radius)
        wrap_radius(&packet, code == REQUEST ? 11 : 1);
    else
        buf_append(&packet, "padding", 7);
    struct datagram datagram = {.protocol = along->radius ? DATAGRAM_UDP : DATAGRAM_EAP,
                                .source = code == REQUEST ? along->server : along->peer,
                                .destination = code == REQUEST ? along->peer : along->server,
                                .payload = buf_slice(&packet),
                                .at_us = 5};
    assert_int_equal(eaps_is_radius(&datagram), along->radius);
    eaps_add(along->eaps, &datagram);
    if (along->identifier % 3 == 0) /* sent again */
        eaps_add(along->eaps, &datagram);
    buf_done(&packet);
}

/* TLS bytes in fragments, each acknowledged by the other side. */
static void send_fragments(struct along *along, uint8_t code, const struct buf *bytes, size_t most)
{
    for (size_t at = 0; at < bytes->size; at += most) {
        size_t part = bytes->size - at < most ? bytes->size - at : most;
        along->identifier += code == REQUEST;
        send_eap(along, code, (uint8_t)((at == 0 ? LENGTH : 0) | (at + part < bytes->size ? MORE : 0)),
                 bytes->data + at, part);
        if (at + part < bytes->size) {
            along->identifier += code == RESPONSE;
            send_eap(along, code == REQUEST ? RESPONSE : REQUEST, 0, "", 0);
        }
    }
}

static void authenticate(struct along *along, size_t most)
{
    struct buf hello = client_hello(false), flight = server_flight(true, 16384), finish = client_finish(true);
    along->identifier++;
    send_eap(along, REQUEST, START, "", 0);
    send_fragments(along, RESPONSE, &hello, most);
    send_fragments(along, REQUEST, &flight, most);
    send_fragments(along, RESPONSE, &finish, most);
    buf_done(&hello);
    buf_done(&flight);
    buf_done(&finish);
}

static void test_methods_and_fragments(void **state)
{
    static const uint8_t methods[] = {13, 21, 25, 43, 55};
    static const size_t sizes[] = {2000, 1000, 60, 7, 1};
    (void)state;
    for (unsigned radius = 0; radius < 2; radius++) {
        for (size_t i = 0; i < 5; i++) {
            struct along along;
            along_init(&along, radius, methods[i]);
            authenticate(&along, sizes[i]);
            assert_int_equal(along.seen.count, 2);
            assert_non_null(strstr(along.seen.lines.data, CHAIN));
            assert_non_null(strstr(along.seen.lines.data, "chain=c500\n"));
            observing_reset(&along.seen);
            authenticate(&along, sizes[i]); /* and once more, between the same two */
            assert_int_equal(along.seen.count, 2);
            along_done(&along);
        }
    }
}

/* Each fragment of the server's chain lost in turn: a gap, and no chain that nobody sent. */
static void test_lost_fragments(void **state)
{
    struct buf hello = client_hello(false), flight = server_flight(true, 95), finish = client_finish(true);
    const size_t most = 200; /* two records, so that what is left would go on as if nothing were missing */
    (void)state;
    struct buf ticket = new_buf();
    put_message(&ticket, 4, (struct slice){(const uint8_t[600]){0}, 600}); /* enough to fill what is missing */
    put_records(&flight, &ticket, 95);
    buf_done(&ticket);
    for (unsigned radius = 0; radius < 2; radius++) {
        for (size_t lost = 0; lost < 1400; lost += most) {
            struct along along;
            along_init(&along, radius, 13);
            along.length = (uint32_t)flight.size;
            along.identifier = 30; /* sent once each, from here on to 60 */
            send_eap(&along, REQUEST, START, "", 0);
            send_eap(&along, RESPONSE, 0, hello.data, hello.size);
            for (size_t at = 0; at < flight.size; at += most) {
                size_t part = flight.size - at < most ? flight.size - at : most;
                along.identifier++;
                if (at == lost)
                    continue;
                send_eap(&along, REQUEST, (uint8_t)((at == 0 ? LENGTH : 0) | (at + part < flight.size ? MORE : 0)),
                         flight.data + at, part);
                send_eap(&along, RESPONSE, at + part < flight.size ? 0 : LENGTH, "", 0);
            }
            along.length = 0;
            along.identifier++;
            send_eap(&along, RESPONSE, 0, finish.data, finish.size);
            eaps_flush(along.eaps);
            assert_non_null(strstr(along.seen.lines.data, "chain=c500\n"));
            assert_int_equal(along.seen.count, 1);
            along_done(&along);
        }
    }
    buf_done(&hello);
    buf_done(&flight);
    buf_done(&finish);
}

static void test_no_tls(void **state)
{
    struct along along;
    (void)state;
    along_init(&along, false, 4); /* MD5-Challenge */
    authenticate(&along, 1000);
    eaps_flush(along.eaps);
    assert_int_equal(along.seen.count, 0);
    along_done(&along);
}

/* Every byte of a packet cut off and changed. */
static void test_damage(void **state)
{
    (void)state;
    for (unsigned radius = 0; radius < 2; radius++) {
        struct along along;
        struct buf packet = new_buf(), hello = client_hello(false);
        along_init(&along, radius, 13);
        buf_append(&packet, "\2\5\0\0\15\200\0\0\1\0", 10);
        buf_append(&packet, hello.data, hello.size);
        packet.data[3] = (char)packet.size;
        if (radius)
            wrap_radius(&packet, 1);
        for (size_t at = 0; at <= packet.size; at++) {
            uint8_t *copy = malloc(packet.size);
            memcpy(copy, packet.data, packet.size);
            struct datagram datagram = {
                .protocol = radius ? DATAGRAM_UDP : DATAGRAM_EAP, .source = along.peer, .destination = along.server};
            if (at < packet.size)
                copy[at] ^= 0xff;
            datagram.payload = (struct slice){copy, packet.size};
            eaps_add(along.eaps, &datagram);
            uint8_t *cut = malloc(at ? at : 1);
            memcpy(cut, packet.data, at);
            datagram.payload = (struct slice){cut, at};
            eaps_add(along.eaps, &datagram);
            free(copy);
            free(cut);
        }
        eaps_flush(along.eaps);
        assert_int_equal(along.seen.count, 0);
        along_done(&along);
        buf_done(&packet);
        buf_done(&hello);
    }
}

/* Thousands of conversations that send a megabyte each, and honest ones among them. */
static void test_floods(void **state)
{
    static const uint8_t announced[] = {22, 3, 3, 0x40, 0, 11, 0x0f, 0xff, 0xf0, 0x0f, 0xff, 0xed};
    static uint8_t filling[3000];
    struct along along;
    (void)state;
    along_init(&along, false, 13);
    size_t before = bytes_in_use();
    for (unsigned i = 0; i < 3000; i++) {
        along.peer.ip[3] = (uint8_t)(i >> 8);
        along.peer.ip[4] = (uint8_t)i;
        along.identifier = 9;
        send_eap(&along, REQUEST, 0, announced, sizeof announced);
        for (unsigned j = 0; j < 30; j++) {
            along.identifier++;
            send_eap(&along, REQUEST, MORE, filling, sizeof filling);
        }
        assert_true(bytes_in_use() - before < 2 * MIB);
        if (i % 100)
            continue;
        along.peer.ip[5] = 99;
        observing_reset(&along.seen);
        authenticate(&along, 500);
        assert_int_equal(along.seen.count, 2);
        along.peer.ip[5] = 1;
    }
    along_done(&along);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods_and_fragments),
        cmocka_unit_test(test_lost_fragments),
        cmocka_unit_test(test_no_tls),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_floods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
