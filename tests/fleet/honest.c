/* pcap on standard output, ten microseconds a packet, and TLS 1.2 handshakes up to ServerHelloDone with certificates that OpenSSL made. */
#include "tests/fleet/honest.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <unistd.h>

enum { FLUSH_BYTES = 256 * 1024 };

/* What terminals, logs, spreadsheets, shells, HTML and SQL take for more than text; the last is no UTF-8. */
static const char *const hurtful[] = {
    "\x1b]0;owned\x07\x1b[2J\x1b[31m",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "'; DROP TABLE certificate; --",
    "a\r\nb\tc\x7f",
    "{\"v\":1,\"type\":\"run\"}\n",
    "$(reboot)`reboot`",
    "\xff\xfe\xc0\xaf\xed\xa0\x80",
};
enum { HURTFUL = sizeof hurtful / sizeof *hurtful };

/* --- the file ---------------------------------------------------------------------------------------------------------- */

static void put_little(struct buf *out, uint64_t value)
{
    buf_append(out,
               (const uint8_t[]){(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)},
               4);
}

static void flush(struct wire *wire)
{
    for (size_t at = 0; at < wire->out.size && !wire->failed;) {
        ssize_t done = write(STDOUT_FILENO, wire->out.data + at, wire->out.size - at);
        wire->failed = done <= 0;
        at += done > 0 ? (size_t)done : 0;
    }
    buf_reset(&wire->out);
}

struct buf *wire_begin(struct wire *wire)
{
    buf_reset(&wire->packet);
    return &wire->packet;
}

void wire_end(struct wire *wire)
{
    wire->at_us += 10;
    put_little(&wire->out, wire->at_us / 1000000);
    put_little(&wire->out, wire->at_us % 1000000);
    put_little(&wire->out, wire->packet.size);
    put_little(&wire->out, wire->packet.size);
    buf_append(&wire->out, wire->packet.data, wire->packet.size);
    if (wire->out.size >= FLUSH_BYTES)
        flush(wire);
}

/* --- certificates ------------------------------------------------------------------------------------------------------- */

static void put_cert(struct buf *list, EVP_PKEY *key, const char *name)
{
    X509 *cert = X509_new();
    uint8_t *der = NULL;
    X509_set_version(cert, 2);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 90 * 86400);
    /* As T61String any bytes go in. */
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", V_ASN1_T61STRING, (const uint8_t *)name, -1, -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(cert), "O", V_ASN1_T61STRING, (const uint8_t *)name, -1, -1, 0);
    X509_set_pubkey(cert, key);
    X509_sign(cert, key, NULL);
    int size = i2d_X509(cert, &der);
    if (size <= 0)
        abort();
    put_u24(list, (size_t)size);
    buf_append(list, der, (size_t)size);
    OPENSSL_free(der);
    X509_free(cert);
}

static void make_chain(struct buf *out, EVP_PKEY *key, const char *leaf, const char *authority)
{
    struct buf list, body;
    buf_init(&list, PACKETS_BUF_MAX);
    buf_init(&body, PACKETS_BUF_MAX);
    put_cert(&list, key, leaf);
    put_cert(&list, key, authority);
    put_u24(&body, list.size);
    buf_append(&body, list.data, list.size);
    buf_init(out, PACKETS_BUF_MAX);
    put_message(out, 11, buf_slice(&body));
    buf_done(&list);
    buf_done(&body);
}

/* --- hellos --------------------------------------------------------------------------------------------------------------- */

static void put_hello(struct buf *records, const char *name)
{
    struct buf message;
    buf_init(&message, PACKETS_BUF_MAX);
    buf_reset(records);
    put_client_hello(&message, name, false, 7);
    put_records(records, &message, 16384);
    buf_done(&message);
}

struct buf *hostile_hello(struct wire *wire, uint32_t number)
{
    char name[128];
    snprintf(name, sizeof name, "%s%u", number % 3 ? hurtful[number % HURTFUL] : "many-", number);
    put_hello(&wire->hostile, name);
    if (number % 2) { /* the protocol offered: the last extension's only name, of two bytes */
        wire->hostile.data[wire->hostile.size - 2] = '\x1b';
        wire->hostile.data[wire->hostile.size - 1] = '"';
    }
    return &wire->hostile;
}

struct buf *honest_flight(struct wire *wire, uint32_t number)
{
    struct buf messages;
    const struct buf *chain = &wire->chains[number % 4];
    buf_init(&messages, PACKETS_BUF_MAX);
    buf_reset(&wire->flight);
    put_server_hello(&messages, false);
    buf_append(&messages, chain->data, chain->size);
    put_server_key_exchange(&messages);
    put_server_done(&messages);
    put_records(&wire->flight, &messages, 16384);
    buf_done(&messages);
    return &wire->flight;
}

/* --- honest handshakes ------------------------------------------------------------------------------------------------- */

static struct ends honest_ends(uint32_t number)
{
    return (struct ends){place4(192, 0, 2, (uint8_t)number, (uint16_t)(30000 + number)),
                         place4(198, 18, (uint8_t)(number >> 8), (uint8_t)number, 443)};
}

static void put_segment(struct wire *wire, const struct ends *ends, uint32_t sequence, uint32_t acknowledgment,
                        uint8_t flags, const char *bytes, size_t size)
{
    struct buf *packet = wire_begin(wire);
    buf_append(packet, bytes, size);
    wrap_tcp_frame(packet, ends, sequence, acknowledgment, flags);
    wire_end(wire);
}

void honest_hello(struct wire *wire, uint32_t number)
{
    struct ends ends = honest_ends(number), back = backwards(ends);
    char name[64];
    snprintf(name, sizeof name, "honest-%u.example", number);
    put_hello(&wire->hostile, name);
    put_segment(wire, &ends, 1000, 0, SYN, "", 0);
    put_segment(wire, &back, 5000, 1001, SYN | ACK, "", 0);
    put_segment(wire, &ends, 1001, 5001, ACK | PSH, wire->hostile.data, wire->hostile.size);
}

/* Its second half comes first. */
void honest_answer(struct wire *wire, uint32_t number)
{
    struct ends back = backwards(honest_ends(number));
    const struct buf *flight = honest_flight(wire, 0);
    size_t half = flight->size / 2;
    put_segment(wire, &back, 5001 + (uint32_t)half, 1200, ACK, flight->data + half, flight->size - half);
    put_segment(wire, &back, 5001, 1200, ACK, flight->data, half);
}

void wire_open(struct wire *wire)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (!key)
        abort();
    *wire = (struct wire){.at_us = UINT64_C(1700000000000000)};
    buf_init(&wire->packet, PACKETS_BUF_MAX);
    buf_init(&wire->out, PACKETS_BUF_MAX);
    buf_init(&wire->hello, PACKETS_BUF_MAX);
    buf_init(&wire->flight, PACKETS_BUF_MAX);
    buf_init(&wire->hostile, PACKETS_BUF_MAX);
    make_chain(&wire->chains[0], key, "honest.example", "Honest CA");
    for (size_t i = 1; i < 4; i++)
        make_chain(&wire->chains[i], key, hurtful[i * 2], hurtful[i * 2 + 1]);
    put_hello(&wire->hello, "nobody-answers.example");
    EVP_PKEY_free(key);
    put_hex(&wire->out, "d4c3b2a1020004000000000000000000ffff040001000000");
}

int wire_close(struct wire *wire)
{
    struct buf *all[] = {&wire->packet, &wire->out, &wire->hello, &wire->flight, &wire->hostile};
    flush(wire);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_done(all[i]);
    for (size_t i = 0; i < 4; i++)
        buf_done(&wire->chains[i]);
    return wire->failed;
}
