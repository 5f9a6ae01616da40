/* One row per attack, one function per row: what packet number i is. The honest handshakes come from honest.c. */
#include "tests/fleet/attack.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "certmuster/error.h"
#include "tests/fleet/honest.h"

enum { RECORD = 16384, FLOWS = 300, HONEST = 100 };

static uint8_t filling[RECORD + 5]; /* a handshake record of nothing */

static struct ends victim(uint32_t i)
{
    return (struct ends){place4(10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, (uint16_t)(1024 + i % 60000)),
                         place4(203, 0, 113, (uint8_t)(i % 7), 443)};
}

static void put_tcp(struct wire *wire, const struct ends *ends, uint32_t sequence, uint8_t flags, const void *bytes,
                    size_t size)
{
    struct buf *packet = wire_begin(wire);
    buf_append(packet, bytes, size);
    wrap_tcp_frame(packet, ends, sequence, 1, flags);
    wire_end(wire);
}

static void put_udp(struct wire *wire, const struct ends *ends, const void *bytes, size_t size)
{
    struct buf *packet = wire_begin(wire);
    buf_append(packet, bytes, size);
    wrap_udp(packet, ends);
    wrap_ip(packet, ends, 17);
    wrap_ethernet(packet, 0x0800);
    wire_end(wire);
}

static void half_open(struct wire *wire, uint32_t i)
{
    struct ends ends = victim(i), back = backwards(ends);
    put_tcp(wire, &ends, i * 7, SYN, NULL, 0);
    if (i % 4 == 0)
        put_tcp(wire, &back, i * 11, SYN | ACK, NULL, 0);
}

static void tiny(struct wire *wire, uint32_t i)
{
    struct ends ends = victim(i);
    put_tcp(wire, &ends, i, ACK, "\x16", 1);
}

static void lone_hello(struct wire *wire, uint32_t i)
{
    struct ends ends = victim(i);
    put_tcp(wire, &ends, i, ACK, wire->hello.data, wire->hello.size);
}

/* Three hundred connections of which the beginning is known and the receiver has acknowledged nothing: whatever comes may still be wanted. True while they are made. */
static bool connect(struct wire *wire, uint32_t i)
{
    struct ends ends = victim(i % FLOWS), back = backwards(ends);
    if (i < FLOWS)
        put_tcp(wire, &ends, 0, SYN, NULL, 0); /* put_tcp acknowledges this alone */
    else if (i < 2 * FLOWS)
        put_tcp(wire, &back, 1, ACK, "-", 1);
    return i < 2 * FLOWS;
}

/* The same sequence numbers again and again, each time with other bytes, behind a hole. */
static void overlaps(struct wire *wire, uint32_t i)
{
    uint8_t bytes[200];
    struct ends ends = victim(i % FLOWS);
    memset(bytes, (int)i, sizeof bytes);
    if (!connect(wire, i))
        put_tcp(wire, &ends, 2 + (i * 37) % 3000, ACK, bytes, 1 + i % sizeof bytes);
}

/* One byte in two, in the worst order, without ever closing a hole. */
static void holes(struct wire *wire, uint32_t i)
{
    struct ends ends = victim(i % FLOWS);
    if (!connect(wire, i))
        put_tcp(wire, &ends, 2 + 2 * (i / FLOWS * 7919 % 100000), ACK, "x", 1);
}

/* As much behind a hole as is kept. */
static void hoards(struct wire *wire, uint32_t i)
{
    struct ends ends = victim(i % FLOWS);
    if (!connect(wire, i))
        put_tcp(wire, &ends, 10000 + i / FLOWS * 1400, ACK, filling, 1400);
}

/* A Certificate of 16 MiB is announced, and that is all. */
static void announced(struct wire *wire, uint32_t i)
{
    static const uint8_t start[] = {22, 3, 3, 0x40, 0, 11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0xff, 0xff, 0xf9};
    struct ends ends = backwards(victim(i));
    put_tcp(wire, &ends, 1, ACK, start, sizeof start);
}

/* Messages of 16 MiB, and of just what is still read, that do come. */
static void large(struct wire *wire, uint32_t i)
{
    struct ends ends = backwards(victim(i % FLOWS));
    uint32_t round = i / FLOWS;
    uint8_t first[RECORD + 5];
    memcpy(first, filling, sizeof first);
    if (round % 70 == 0)
        memcpy(first + 5, i % 2 ? "\xb\xff\xff\xff\xff\xff\xfc\xff\xff\xf9" : "\xb\x0f\xff\xf0\x0f\xff\xed\x0f\xff\xea",
               10);
    put_tcp(wire, &ends, 1 + round * (RECORD + 5), ACK, first, sizeof first);
}

/* Records without end, of handshake messages that mean nothing, and bytes that could each begin one. */
static void endless(struct wire *wire, uint32_t i)
{
    static uint8_t starts[RECORD];
    struct ends ends = victim(i % 4);
    memset(starts, 22, sizeof starts);
    if (i < 4)
        put_tcp(wire, &ends, i / 4 * (RECORD + 5), ACK, wire->hello.data, wire->hello.size);
    else if (i % 2)
        put_tcp(wire, &ends, (uint32_t)wire->hello.size + (i / 4 - 1) * (RECORD + 5), ACK, filling, sizeof filling);
    else
        put_tcp(wire, &ends, (uint32_t)wire->hello.size + (i / 4 - 1) * RECORD, ACK, starts, RECORD);
}

/* First pieces without a second; of IPv6 addresses that differ where a weak hash does not look; and overlapping ones. */
static void fragments(struct wire *wire, uint32_t i)
{
    struct ends four = victim(i), six = ends6();
    struct buf *packet = wire_begin(wire);
    buf_append(packet, filling, i % 3 ? 8 : 1480);
    six.from.ip[15] = (uint8_t)i;
    six.from.ip[14] = (uint8_t)(i >> 8);
    if (i % 2) {
        wrap_ip4_fragment(packet, &four, 6, (uint16_t)i, (uint16_t)(0x2000 | (i % 5)));
    } else {
        PREPEND(packet, 6, 0, 0, 1, BYTES4(i >> 16));
        wrap_ip(packet, &six, 44);
    }
    wrap_ethernet(packet, i % 2 ? 0x0800 : 0x86dd);
    wire_end(wire);
}

static void tunnels(struct wire *wire, uint32_t i)
{
    struct ends ends = victim(i);
    struct buf *packet = wire_begin(wire);
    for (unsigned depth = 0; depth < 40; depth++) {
        if (i % 2) {
            wrap_ip(packet, &ends, depth ? 4 : 6);
            continue;
        }
        ends.to.port = 4789;
        wrap_ethernet(packet, 0x0800);
        PREPEND(packet, 8, 0, 0, 0, 0, 0, 5, 0);
        wrap_udp(packet, &ends);
        wrap_ip(packet, &ends, 17);
    }
    wrap_ethernet(packet, 0x0800);
    wire_end(wire);
}

/* The last byte of the longest message that is still put together. */
static void dtls(struct wire *wire, uint32_t i)
{
    const uint8_t datagram[] = {22, 0xfe, 0xfd, 0, 0,       0,      0, 0,    0,    0, 0, 0, 13,
                                11, 2,    0,    0, HIGH(i), LOW(i), 1, 0xff, 0xff, 0, 0, 1, 'x'};
    struct ends ends = victim(i / 8);
    put_udp(wire, &ends, datagram, sizeof datagram);
}

static void quic(struct wire *wire, uint32_t i)
{
    uint8_t datagram[1200] = {0xc0, 0, 0, 0, 1, 8, BYTES4(i), 1, 2, 3, 4, 0, 0, 0x44, 0x9e};
    struct ends ends = victim(i);
    put_udp(wire, &ends, datagram, sizeof datagram);
}

static void eap(struct wire *wire, uint32_t i)
{
    uint8_t packet[1400] = {
        1, 0, HIGH(1396), LOW(1396), 1, (uint8_t)(i / 5000), HIGH(sizeof packet - 4), LOW(sizeof packet - 4), 13};
    struct buf *frame = wire_begin(wire);
    static const uint8_t start[] = {22, 3, 3, 0x40, 0, 11, 0x0f, 0xff, 0xf0, 0x0f, 0xff, 0xed};
    memcpy(packet + 10, start, sizeof start);
    buf_append(frame, packet, sizeof packet);
    wrap_ethernet(frame, 0x888e);
    frame->data[10] = (char)(i >> 8);
    frame->data[11] = (char)i;
    wire_end(wire);
}

/* Server names, protocols and certificates that were made to hurt whoever shows them, each another. */
static void names(struct wire *wire, uint32_t i)
{
    struct ends ends = victim(i), back = backwards(ends);
    struct buf *flight = honest_flight(wire, i), *hello = hostile_hello(wire, i);
    put_tcp(wire, &ends, 1, ACK, hello->data, hello->size);
    put_tcp(wire, &back, 1, ACK, flight->data, flight->size);
}

static const struct {
    const char *name;
    void (*strike)(struct wire *wire, uint32_t i);
    const char *about;
} attacks[] = {
    {"half-open", half_open, "connections that never carry a byte"},
    {"tiny", tiny, "flows of one byte each, which could be TLS"},
    {"lone-hello", lone_hello, "ClientHellos that nobody answers"},
    {"overlaps", overlaps, "overlapping segments with different contents"},
    {"holes", holes, "every other byte, out of order"},
    {"hoards", hoards, "segments behind a hole that stays"},
    {"announced", announced, "16 MiB of certificate announced, never sent"},
    {"large", large, "16 MiB of certificate announced, and sent"},
    {"endless", endless, "records that carry nothing, and bytes that could begin one"},
    {"fragments", fragments, "first fragments alone, and overlapping ones"},
    {"tunnels", tunnels, "40 headers of tunnels"},
    {"dtls", dtls, "the last byte of long messages"},
    {"quic", quic, "Initial packets that no key opens"},
    {"eap", eap, "EAP-TLS conversations with long messages"},
    {"names", names, "names that hurt whoever shows them"},
};

void attack_list(void)
{
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        printf("%-12s %s\n", attacks[i].name, attacks[i].about);
}

int attack_write(const char *attack, uint32_t count)
{
    struct wire wire;
    size_t row = 0;
    while (row < sizeof attacks / sizeof *attacks && strcmp(attacks[row].name, attack) != 0)
        row++;
    if (row == sizeof attacks / sizeof *attacks) {
        fprintf(stderr, "certmuster-fleet: no attack is called '%s'\n", attack);
        return CM_EXIT_USAGE;
    }
    memcpy(filling, (const uint8_t[]){22, 3, 3, 0x40, 0}, 5);
    wire_open(&wire);
    uint32_t every = count / HONEST ? count / HONEST : 1;
    for (uint32_t i = 0; i < count; i++) {
        attacks[row].strike(&wire, i);
        if (i % every == 0)
            honest_hello(&wire, i / every);
        if (i % every == every / 2)
            honest_answer(&wire, i / every);
    }
    return wire_close(&wire) ? CM_EXIT_FAILED : CM_EXIT_OK;
}
