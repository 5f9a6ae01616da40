/* IP addresses and prefixes in one canonical form (RFC 5952; RFC 4291 §2.5.5.2 for the mapped ones).
 *
 * Owns nothing. Targets, resolver answers, records and SANs go through it. It refuses zones and the short IPv4 forms of inet_aton. */
#include "certmuster/ipaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* Takes IPv4-mapped addresses (::ffff:a.b.c.d) for what they are. */
static void from_v6_bytes(struct ipaddr *out, const uint8_t bytes[static 16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    *out = (struct ipaddr){.family = 6};
    if (memcmp(bytes, mapped, sizeof mapped) == 0) {
        out->family = 4;
        memcpy(out->bytes, bytes + 12, 4);
    } else {
        memcpy(out->bytes, bytes, 16);
    }
}

int ipaddr_read(const char *text, struct ipaddr *out)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1) {
        *out = (struct ipaddr){.family = 4};
        memcpy(out->bytes, bytes, 4);
        return 0;
    }
    if (inet_pton(AF_INET6, text, bytes) != 1)
        return CM_EINVAL;
    from_v6_bytes(out, bytes);
    return 0;
}

/* One address per record: inet_ntop, which goes through sprintf, would be a tenth of writing one. */
static void write_v4(char *out, const uint8_t bytes[static 4])
{
    for (int i = 0; i < 4; i++) {
        unsigned byte = bytes[i];
        if (byte >= 100)
            *out++ = (char)('0' + byte / 100);
        if (byte >= 10)
            *out++ = (char)('0' + byte / 10 % 10);
        *out++ = (char)('0' + byte % 10);
        *out++ = i < 3 ? '.' : '\0';
    }
}

void ipaddr_write(char out[static IPADDR_TEXT_SIZE], const struct ipaddr *ip)
{
    if (ip->family == 4)
        write_v4(out, ip->bytes);
    else if (!inet_ntop(AF_INET6, ip->bytes, out, IPADDR_TEXT_SIZE))
        out[0] = '\0'; /* cannot happen: the family is ours and the text fits */
}

void ipaddr_from_sockaddr(struct ipaddr *out, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        *out = (struct ipaddr){.family = 4};
        memcpy(out->bytes, &in.sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        from_v6_bytes(out, in6.sin6_addr.s6_addr);
    } else {
        *out = (struct ipaddr){.family = 4};
    }
}

socklen_t ipaddr_to_sockaddr(const struct ipaddr *ip, uint16_t port, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (ip->family == 4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&in.sin_addr, ip->bytes, 4);
        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&in6.sin6_addr, ip->bytes, 16);
    memcpy(out, &in6, sizeof in6);
    return sizeof in6;
}

bool ipaddr_is_host_local(const struct ipaddr *ip)
{
    static const uint8_t loopback6[16] = {[15] = 1};
    if (ip->family == 4)
        return ip->bytes[0] == 127 || (ip->bytes[0] == 169 && ip->bytes[1] == 254);
    return memcmp(ip->bytes, loopback6, 16) == 0 || (ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80);
}

static unsigned width_of(const struct ipaddr *ip)
{
    return ip->family == 4 ? 32 : 128;
}

static void clear_host_bits(struct ipaddr *ip, unsigned bits)
{
    for (unsigned i = 0; i < width_of(ip) / 8; i++) {
        unsigned keep = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;
        ip->bytes[i] &= (uint8_t)(0xFF00u >> keep);
    }
}

int ipaddr_read_prefix(const char *text, struct ipaddr *out, unsigned *bits)
{
    char address[IPADDR_TEXT_SIZE + 1];
    const char *slash = strchr(text, '/');
    size_t size = slash ? (size_t)(slash - text) : strlen(text);
    if (size >= sizeof address)
        return CM_EINVAL;
    memcpy(address, text, size);
    address[size] = '\0';

    struct ipaddr ip;
    if (ipaddr_read(address, &ip))
        return CM_EINVAL;
    unsigned width = width_of(&ip), count = width;
    if (slash) {
        size_t digits = strspn(slash + 1, "0123456789");
        if (digits < 1 || digits > 3 || slash[1 + digits] || (slash[1] == '0' && digits > 1))
            return CM_EINVAL;
        count = (unsigned)strtoul(slash + 1, NULL, 10);
        if (width == 32 && strchr(address, ':')) { /* ::ffff:192.0.2.0/120 is 192.0.2.0/24 */
            if (count < 96)
                return CM_EINVAL;
            count -= 96;
        }
        if (count > width)
            return CM_EINVAL;
    }
    clear_host_bits(&ip, count);
    *out = ip;
    *bits = count;
    return 0;
}

bool ipaddr_in_prefix(const struct ipaddr *ip, const struct ipaddr *prefix, unsigned bits)
{
    struct ipaddr masked = *ip, base = *prefix;
    if (ip->family != prefix->family || bits > width_of(ip))
        return false;
    clear_host_bits(&masked, bits);
    clear_host_bits(&base, bits);
    return memcmp(masked.bytes, base.bytes, width_of(ip) / 8) == 0;
}

void ipaddr_add(struct ipaddr *out, const struct ipaddr *base, uint64_t n)
{
    struct ipaddr sum = *base;
    unsigned carry = 0;
    for (unsigned i = width_of(base) / 8; i-- > 0; n >>= 8) {
        unsigned digit = base->bytes[i] + (unsigned)(n & 0xFF) + carry;
        sum.bytes[i] = (uint8_t)digit;
        carry = digit >> 8;
    }
    *out = sum;
}
