/* Reads lines of /proc/net/tcp{,6}: "  0: 0100007F:1F90 00000000:0000 0A …", addresses as hexadecimal of 32-bit words in the host's
 * byte order, ports as plain hexadecimal. */
#include "scanner/scan/proc_net.h"

#include <string.h>

enum { STATE_LISTEN = 0x0A, WORD_DIGITS = 8 };

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_hex(struct cursor *at, size_t digits, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        uint8_t c;
        if (cursor_u8(at, &c) || hex_digit(c) < 0)
            return CM_EMALFORMED;
        value = value << 4 | (uint32_t)hex_digit(c);
    }
    *out = value;
    return 0;
}

static void skip_blanks(struct cursor *at)
{
    uint8_t c;
    while (cursor_peek_u8(at, &c) == 0 && (c == ' ' || c == '\t') && cursor_skip(at, 1) == 0)
        continue;
}

static int expect(struct cursor *at, char wanted)
{
    uint8_t c;
    return cursor_u8(at, &c) || c != (uint8_t)wanted ? CM_EMALFORMED : 0;
}

/* "0100007F:1F90" with one word for IPv4, four for IPv6. */
static int read_socket(struct cursor *at, int family, uint8_t bytes[16], uint32_t *port)
{
    for (size_t word = 0; word < (family == 4 ? 1 : 4); word++) {
        uint32_t value;
        if (read_hex(at, WORD_DIGITS, &value))
            return CM_EMALFORMED;
        memcpy(bytes + word * 4, &value, 4); /* the kernel printed network order as a number of this host */
    }
    return expect(at, ':') || read_hex(at, 4, port) ? CM_EMALFORMED : 0;
}

int proc_net_line(struct slice line, int family, struct listener *out)
{
    struct cursor at;
    uint8_t local[16] = {0}, peer[16] = {0}, c;
    uint32_t port, peer_port, state;
    cursor_init_slice(&at, line);
    skip_blanks(&at);
    while (cursor_peek_u8(&at, &c) == 0 && c >= '0' && c <= '9' && cursor_skip(&at, 1) == 0)
        continue;
    if (expect(&at, ':'))
        return 0;
    skip_blanks(&at);
    if (read_socket(&at, family, local, &port))
        return 0;
    skip_blanks(&at);
    if (read_socket(&at, family, peer, &peer_port))
        return 0;
    skip_blanks(&at);
    if (read_hex(&at, 2, &state) || state != STATE_LISTEN || port == 0)
        return 0;
    struct sockaddr_storage address; /* by way of the library, so that IPv4-mapped addresses become IPv4 */
    struct ipaddr raw = {.family = (uint8_t)family};
    memcpy(raw.bytes, local, sizeof raw.bytes);
    ipaddr_to_sockaddr(&raw, (uint16_t)port, &address);
    ipaddr_from_sockaddr(&out->ip, (struct sockaddr *)&address);
    out->port = (uint16_t)port;
    return 1;
}

struct ipaddr proc_net_reach(const struct listener *listener)
{
    static const uint8_t any[16];
    struct ipaddr ip = listener->ip;
    if (memcmp(ip.bytes, any, ip.family == 4 ? 4 : 16) != 0)
        return ip;
    if (ip.family == 4) {
        ip.bytes[0] = 127;
        ip.bytes[3] = 1;
    } else {
        ip.bytes[15] = 1;
    }
    return ip;
}
