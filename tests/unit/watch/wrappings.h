/* Every link layer and tunnel around the same IPv4 packet, and what decodes them: for the tests of decode.h, and seeds of fuzz targets. */
#ifndef TESTS_UNIT_WATCH_WRAPPINGS_H
#define TESTS_UNIT_WATCH_WRAPPINGS_H

#include "scanner/watch/decode.h"
#include "tests/unit/watch/packets.h"

enum { AT_US = 1000000, ETHERNET = 1, RAW = 101 };

static const char payload[] = "what a segment carries";

static inline void put_ip(struct buf *packet, const struct ends *ends)
{
    buf_append(packet, payload, sizeof payload);
    wrap_tcp(packet, ends, 0x01020304, 0x05060708, ACK | PSH);
    wrap_ip(packet, ends, 6);
}

static inline void put_ip4(struct buf *packet)
{
    struct ends ends = ends4();
    put_ip(packet, &ends);
}

static inline struct ends tunnel(uint16_t port)
{
    return (struct ends){place4(10, 0, 0, 1, 50000), place4(10, 0, 0, 2, port)};
}

static inline void wrap_tunnel_ip(struct buf *packet, uint8_t protocol)
{
    struct ends ends = tunnel(0);
    wrap_ip(packet, &ends, protocol);
    wrap_ethernet(packet, 0x0800);
}

static inline void wrap_tunnel_udp(struct buf *packet, uint16_t port)
{
    struct ends ends = tunnel(port);
    wrap_udp(packet, &ends);
    wrap_tunnel_ip(packet, 17);
}

/* --- one function a wrapping ------------------------------------------------------------------------------------------- */

static inline void ethernet(struct buf *p)
{
    wrap_ethernet(p, 0x0800);
}
static inline void bare(struct buf *p)
{
    (void)p;
}
static inline void sll(struct buf *p)
{
    PREPEND(p, 0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0);
}
static inline void sll_vlan(struct buf *p)
{
    PREPEND(p, 0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0, 0, 5, 8, 0);
}
static inline void sll2(struct buf *p)
{
    PREPEND(p, 8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0);
}
static inline void null_little(struct buf *p)
{
    PREPEND(p, 2, 0, 0, 0);
}
static inline void null_big(struct buf *p)
{
    PREPEND(p, 0, 0, 0, 2);
}
static inline void ppp(struct buf *p)
{
    PREPEND(p, 0xff, 3, 0, 0x21);
}
static inline void ppp_short(struct buf *p)
{
    PREPEND(p, 0x21);
}
static inline void ppp_direction(struct buf *p)
{
    PREPEND(p, 1, 0xff, 3, 0, 0x21);
}
static inline void hdlc(struct buf *p)
{
    PREPEND(p, 0x0f, 0, 8, 0);
}
static inline void vlan(struct buf *p)
{
    PREPEND(p, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 5, 8, 0);
}
static inline void qinq(struct buf *p)
{
    PREPEND(p, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0);
}
static inline void qinq_old(struct buf *p)
{
    PREPEND(p, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x91, 0, 0, 5, 0x92, 0, 0, 6, 8, 0);
}
static inline void snap(struct buf *p)
{
    PREPEND(p, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
    wrap_ethernet(p, (uint16_t)p->size);
}
static inline void mpls(struct buf *p)
{
    PREPEND(p, 0, 1, 0x00, 64, 0, 2, 0x01, 64);
    wrap_ethernet(p, 0x8847);
}
static inline void mpls_ethernet(struct buf *p)
{
    wrap_ethernet(p, 0x0800);
    PREPEND(p, 0, 2, 0x01, 64);
    wrap_ethernet(p, 0x8847);
}
static inline void mpls_control_word(struct buf *p)
{
    wrap_ethernet(p, 0x0800);
    PREPEND(p, 0, 2, 0x01, 64, 0, 0, 0, 9);
    wrap_ethernet(p, 0x8847);
}
static inline void pppoe(struct buf *p)
{
    size_t size = p->size + 2;
    PREPEND(p, 0x11, 0, 0, 9, HIGH(size), LOW(size), 0, 0x21);
    wrap_ethernet(p, 0x8864);
}
static inline void wlan(struct buf *p)
{
    PREPEND(p, 0x08, 1, 0, 0, 2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0, 0, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
}
static inline void wlan_quality(struct buf *p)
{
    PREPEND(p, 0x88, 3, 0, 0, 2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0, 0, 2, 0, 0, 0, 0, 7, 0, 0, 0xaa,
            0xaa, 3, 0, 0, 0, 8, 0);
}
static inline void radiotap(struct buf *p)
{
    wlan(p);
    PREPEND(p, 0, 0, 8, 0, 0, 0, 0, 0);
}
static inline void radiotap_checksum(struct buf *p) /* with a timestamp before the flags, and an extended presence */
{
    wlan(p);
    buf_append(p, "\1\2\3\4", 4);
    PREPEND(p, 0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x10);
}
static inline void radiotap_padded(struct buf *p) /* 26 bytes of header and two to make it 28 */
{
    PREPEND(p, 0x88, 1, 0, 0, 2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0xee, 0xee, 0xaa, 0xaa,
            3, 0, 0, 0, 8, 0);
    PREPEND(p, 0, 0, 9, 0, 2, 0, 0, 0, 0x20);
}
static inline void ppi(struct buf *p)
{
    wlan(p);
    PREPEND(p, 0, 0, 8, 0, 105, 0, 0, 0);
}
static inline void prism(struct buf *p)
{
    uint8_t header[144] = {0};
    wlan(p);
    prepend(p, header, sizeof header);
}
static inline void gre(struct buf *p)
{
    PREPEND(p, 0, 0, 8, 0);
    wrap_tunnel_ip(p, 47);
}
static inline void gre_all(struct buf *p)
{
    PREPEND(p, 0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 6);
    wrap_tunnel_ip(p, 47);
}
static inline void gre_bridging(struct buf *p)
{
    wrap_ethernet(p, 0x0800);
    PREPEND(p, 0x20, 0, 0x65, 0x58, 0, 0, 0, 5);
    wrap_tunnel_ip(p, 47);
}
static inline void pptp(struct buf *p)
{
    PREPEND(p, 0xff, 3, 0, 0x21);
    size_t size = p->size;
    PREPEND(p, 0x30, 0x81, 0x88, 0x0b, HIGH(size), LOW(size), 0, 1, 0, 0, 0, 2, 0, 0, 0, 3);
    wrap_tunnel_ip(p, 47);
}
static inline void erspan1(struct buf *p)
{
    wrap_ethernet(p, 0x0800);
    PREPEND(p, 0, 0, 0x88, 0xbe);
    wrap_tunnel_ip(p, 47);
}
static inline void erspan2(struct buf *p)
{
    wrap_ethernet(p, 0x0800);
    PREPEND(p, 0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5, 0, 1, 0, 0, 0, 1);
    wrap_tunnel_ip(p, 47);
}
static inline void erspan3(struct buf *p)
{
    wrap_ethernet(p, 0x0800);
    PREPEND(p, 0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 5, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9);
    wrap_tunnel_ip(p, 47);
}
static inline void vxlan(struct buf *p)
{
    wrap_ethernet(p, 0x0800);
    PREPEND(p, 8, 0, 0, 0, 0, 0, 5, 0);
    wrap_tunnel_udp(p, 4789);
}
static inline void geneve(struct buf *p)
{
    wrap_ethernet(p, 0x0800);
    PREPEND(p, 2, 0, 0x65, 0x58, 0, 0, 5, 0, 1, 2, 3, 1, 0, 0, 0, 7);
    wrap_tunnel_udp(p, 6081);
}
static inline void gtp(struct buf *p)
{
    size_t size = p->size;
    PREPEND(p, 0x30, 255, HIGH(size), LOW(size), 0, 0, 0, 5);
    wrap_tunnel_udp(p, 2152);
}
static inline void gtp_extensions(struct buf *p)
{
    size_t size = p->size + 16;
    PREPEND(p, 0x34, 255, HIGH(size), LOW(size), 0, 0, 0, 5, 0, 0, 0, 0x85, 1, 0, 9, 0xc0, 2, 1, 2, 3, 4, 5, 6, 0);
    wrap_tunnel_udp(p, 2152);
}
static inline void ip_in_ip(struct buf *p)
{
    wrap_tunnel_ip(p, 4);
}
static inline void four_in_six(struct buf *p)
{
    struct ends ends = ends6();
    wrap_ip(p, &ends, 4);
    wrap_ethernet(p, 0x86dd);
}
static inline void etherip(struct buf *p)
{
    wrap_ethernet(p, 0x0800);
    PREPEND(p, 0x30, 0);
    wrap_tunnel_ip(p, 97);
}
static inline void mpls_in_udp(struct buf *p)
{
    PREPEND(p, 0, 2, 0x01, 64);
    wrap_tunnel_udp(p, 6635);
}
static inline void vxlan_in_gre_in_qinq(struct buf *p)
{
    struct ends ends = tunnel(4789);
    wrap_ethernet(p, 0x0800);
    PREPEND(p, 8, 0, 0, 0, 0, 0, 5, 0);
    wrap_udp(p, &ends);
    wrap_ip(p, &ends, 17);
    PREPEND(p, 0, 0, 8, 0);
    wrap_ip(p, &ends, 47);
    qinq(p);
}

static const struct wrapping {
    const char *name;
    int link_type;
    void (*wrap)(struct buf *packet);
} wrappings[] = {
    {"ethernet", ETHERNET, ethernet},
    {"raw", RAW, bare},
    {"raw, DLT 12", 12, bare},
    {"raw, DLT 14", 14, bare},
    {"ipv4", 228, bare},
    {"sll", 113, sll},
    {"sll with vlan", 113, sll_vlan},
    {"sll2", 276, sll2},
    {"null, little-endian", 0, null_little},
    {"null, big-endian", 0, null_big},
    {"loop", 108, null_big},
    {"ppp", 9, ppp},
    {"ppp, protocol in one byte", 9, ppp_short},
    {"ppp serial", 50, ppp},
    {"cisco hdlc on ppp serial", 50, hdlc},
    {"ppp with direction", 204, ppp_direction},
    {"hdlc", 104, hdlc},
    {"802.11", 105, wlan},
    {"802.11 with qos and four addresses", 105, wlan_quality},
    {"radiotap", 127, radiotap},
    {"radiotap with a frame check sequence", 127, radiotap_checksum},
    {"radiotap with padding", 127, radiotap_padded},
    {"ppi", 192, ppi},
    {"prism", 119, prism},
    {"vlan", ETHERNET, vlan},
    {"qinq", ETHERNET, qinq},
    {"qinq of old", ETHERNET, qinq_old},
    {"snap", ETHERNET, snap},
    {"mpls", ETHERNET, mpls},
    {"mpls pseudowire", ETHERNET, mpls_ethernet},
    {"mpls pseudowire with control word", ETHERNET, mpls_control_word},
    {"pppoe", ETHERNET, pppoe},
    {"gre", ETHERNET, gre},
    {"gre with checksum, key and sequence", ETHERNET, gre_all},
    {"gre bridging", ETHERNET, gre_bridging},
    {"pptp", ETHERNET, pptp},
    {"erspan I", ETHERNET, erspan1},
    {"erspan II", ETHERNET, erspan2},
    {"erspan III", ETHERNET, erspan3},
    {"vxlan", ETHERNET, vxlan},
    {"geneve with options", ETHERNET, geneve},
    {"gtp-u", ETHERNET, gtp},
    {"gtp-u with extensions", ETHERNET, gtp_extensions},
    {"ip in ip", ETHERNET, ip_in_ip},
    {"4in6", ETHERNET, four_in_six},
    {"etherip", ETHERNET, etherip},
    {"mpls in udp", ETHERNET, mpls_in_udp},
    {"vxlan in gre in qinq", ETHERNET, vxlan_in_gre_in_qinq},
};

#endif
