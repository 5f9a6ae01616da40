/* Tunnels: GRE with ERSPAN in it, and those that ride on UDP. A UDP tunnel is known by its port and believed only when its header makes sense, so that
 * another protocol on that port stays what it is. */
#include "scanner/watch/decode_private.h"

enum { PORT_VXLAN = 4789, PORT_VXLAN_LINUX = 8472, PORT_GENEVE = 6081, PORT_GTP_U = 2152, PORT_MPLS = 6635 };

/* --- GRE (RFC 2784, RFC 2890), version 1 of PPTP (RFC 2637), ERSPAN (draft-foschiano-erspan) -------------------------- */

enum {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_ACKNOWLEDGMENT = 0x0080
};

static enum step read_erspan3(struct walk *walk)
{
    struct slice header;
    if (cursor_slice(&walk->at, 12, &header))
        return STEP_DAMAGED;
    bool sub_header = header.data[11] & 1;
    return sub_header && cursor_skip(&walk->at, 8) ? STEP_DAMAGED : STEP_ETHERNET;
}

enum step decode_gre(struct walk *walk)
{
    uint16_t flags, protocol;
    if (cursor_u16(&walk->at, &flags) || cursor_u16(&walk->at, &protocol))
        return STEP_DAMAGED;
    unsigned version = flags & 7;
    if (version > 1 || flags & GRE_ROUTING) /* source routes were deprecated and are not met */
        return STEP_OTHER;
    size_t more = (flags & GRE_CHECKSUM ? 4u : 0) + (flags & GRE_KEY ? 4u : 0) + (flags & GRE_SEQUENCE ? 4u : 0) +
                  (version == 1 && flags & GRE_ACKNOWLEDGMENT ? 4u : 0);
    if (cursor_skip(&walk->at, more))
        return STEP_DAMAGED;
    switch (protocol) {
    case 0x880b:
        return STEP_PPP;
    case 0x88be: /* ERSPAN: type I has no header of its own and no sequence number */
        if (flags & GRE_SEQUENCE && cursor_skip(&walk->at, 8))
            return STEP_DAMAGED;
        return STEP_ETHERNET;
    case 0x22eb:
        return read_erspan3(walk);
    default:
        walk->ethertype = protocol;
        return STEP_ETHERTYPE;
    }
}

/* --- on UDP ----------------------------------------------------------------------------------------------------------- */

/* RFC 7348 §5: the I flag, and reserved bits that are zero. */
static enum step read_vxlan(struct walk *walk)
{
    uint32_t flags, network;
    if (cursor_u32(&walk->at, &flags) || cursor_u32(&walk->at, &network))
        return STEP_OTHER;
    return (flags & 0x7fff) == 0 && (flags & 0x08000000) && (network & 0xff) == 0 ? STEP_ETHERNET : STEP_OTHER;
}

/* RFC 8926 §3.4: version 0, options in words of four bytes. */
static enum step read_geneve(struct walk *walk)
{
    uint16_t head;
    uint32_t network;
    if (cursor_u16(&walk->at, &head) || cursor_u16(&walk->at, &walk->ethertype) || cursor_u32(&walk->at, &network) ||
        head >> 14 != 0 || (network & 0xff) != 0 || cursor_skip(&walk->at, (size_t)(head >> 8 & 0x3f) * 4))
        return STEP_OTHER;
    return STEP_ETHERTYPE;
}

/* 3GPP TS 29.281 §5: version 1, a G-PDU; optional fields and chained extension headers. */
static enum step read_gtp_u(struct walk *walk)
{
    uint8_t flags, type, next = 0, words;
    uint16_t length;
    uint32_t tunnel;
    struct slice optional;
    struct cursor *at = &walk->at;
    if (cursor_u8(at, &flags) || cursor_u8(at, &type) || cursor_u16(at, &length) || cursor_u32(at, &tunnel) ||
        flags >> 4 != 3 || type != 255)
        return STEP_OTHER;
    if (flags & 7) {
        if (cursor_slice(at, 4, &optional))
            return STEP_OTHER;
        next = flags & 4 ? optional.data[3] : 0;
    }
    while (next != 0) {
        struct slice rest;
        if (cursor_u8(at, &words) || words == 0 || cursor_slice(at, (size_t)words * 4 - 1, &rest))
            return STEP_OTHER;
        next = rest.data[rest.size - 1];
    }
    uint8_t first;
    return cursor_peek_u8(at, &first) == 0 && (first >> 4 == 4 || first >> 4 == 6) ? STEP_IP : STEP_OTHER;
}

static enum step read_mpls_in_udp(struct walk *walk)
{
    (void)walk;
    return STEP_MPLS;
}

static const struct {
    uint16_t port;
    enum step (*read)(struct walk *walk);
} tunnels[] = {
    {PORT_VXLAN, read_vxlan}, {PORT_VXLAN_LINUX, read_vxlan}, {PORT_GENEVE, read_geneve},
    {PORT_GTP_U, read_gtp_u}, {PORT_MPLS, read_mpls_in_udp},
};

enum step decode_udp_tunnel(struct walk *walk)
{
    for (size_t i = 0; i < sizeof tunnels / sizeof *tunnels; i++) {
        if (tunnels[i].port != walk->datagram.destination.port)
            continue;
        struct cursor before = walk->at;
        enum step step = tunnels[i].read(walk);
        if (step == STEP_OTHER)
            walk->at = before;
        return step;
    }
    return STEP_OTHER;
}
