/* Link layers: from a packet's first byte to an ethertype, IP or EAPOL. One row per link type of pcap; numbers are those of LINKTYPE_ and DLT_, which
 * differ only for raw IP. */
#include <string.h>

#include "scanner/watch/decode_private.h"

enum { HARDWARE_ADDRESS = 6, RADIOTAP_MIN = 8, PRISM_HEADER = 144, VLAN_MAX = 8 };

enum ethertype {
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86dd,
    TYPE_VLAN = 0x8100,
    TYPE_QINQ = 0x88a8,
    TYPE_QINQ_OLD = 0x9100,
    TYPE_QINQ_OLDER = 0x9200,
    TYPE_MPLS = 0x8847,
    TYPE_MPLS_MULTICAST = 0x8848,
    TYPE_PPPOE = 0x8864,
    TYPE_EAPOL = 0x888e,
    TYPE_BRIDGING = 0x6558, /* transparent Ethernet bridging */
    TYPE_802_3_MAX = 1500,  /* up to here it is a length, and LLC follows */
};

static void set_hardware(struct place *place, const uint8_t *address)
{
    memset(place, 0, sizeof *place);
    memcpy(place->ip, address, HARDWARE_ADDRESS);
}

enum step decode_ethernet(struct walk *walk)
{
    struct slice header;
    if (cursor_slice(&walk->at, 2 * HARDWARE_ADDRESS + 2, &header))
        return STEP_DAMAGED;
    walk->ethertype = decode_u16(header.data + 2 * HARDWARE_ADDRESS);
    if (walk->ethertype == TYPE_IPV4 || walk->ethertype == TYPE_IPV6)
        return STEP_IP;
    if (walk->ethertype == TYPE_EAPOL) {
        set_hardware(&walk->datagram.destination, header.data);
        set_hardware(&walk->datagram.source, header.data + HARDWARE_ADDRESS);
    }
    return STEP_ETHERTYPE;
}

/* LLC (IEEE 802.2), with SNAP where it stands; the raw form 06 06 03 is IP. */
static enum step read_llc(struct walk *walk)
{
    struct slice llc, organisation;
    if (cursor_slice(&walk->at, 3, &llc))
        return STEP_DAMAGED;
    if (llc.data[0] == 0x06 && llc.data[1] == 0x06)
        return STEP_IP;
    if (llc.data[0] != 0xaa || llc.data[1] != 0xaa || llc.data[2] != 0x03)
        return STEP_OTHER;
    if (cursor_slice(&walk->at, 3, &organisation) || cursor_u16(&walk->at, &walk->ethertype))
        return STEP_DAMAGED;
    return walk->ethertype <= TYPE_802_3_MAX ? STEP_OTHER : STEP_ETHERTYPE;
}

/* PPPoE session (RFC 2516 §4): version and type, code 0, session, length. */
static enum step read_pppoe(struct walk *walk)
{
    uint8_t version, code;
    uint16_t session, length;
    if (cursor_u8(&walk->at, &version) || cursor_u8(&walk->at, &code) || cursor_u16(&walk->at, &session) ||
        cursor_u16(&walk->at, &length))
        return STEP_DAMAGED;
    return version == 0x11 && code == 0 ? STEP_PPP : STEP_OTHER;
}

enum step decode_ethertype(struct walk *walk)
{
    uint16_t tag;
    for (unsigned tags = 0; tags < VLAN_MAX; tags++) {
        switch (walk->ethertype) {
        case TYPE_IPV4:
        case TYPE_IPV6:
            return STEP_IP;
        case TYPE_VLAN:
        case TYPE_QINQ:
        case TYPE_QINQ_OLD:
        case TYPE_QINQ_OLDER:
            if (cursor_u16(&walk->at, &tag) || cursor_u16(&walk->at, &walk->ethertype))
                return STEP_DAMAGED;
            break;
        case TYPE_MPLS:
        case TYPE_MPLS_MULTICAST:
            return STEP_MPLS;
        case TYPE_PPPOE:
            return read_pppoe(walk);
        case TYPE_EAPOL:
            return STEP_EAPOL;
        case TYPE_BRIDGING:
            return STEP_ETHERNET;
        default:
            return walk->ethertype <= TYPE_802_3_MAX ? read_llc(walk) : STEP_OTHER;
        }
    }
    return STEP_DAMAGED;
}

/* An Ethernet header with an ethertype that we know stands there. */
static bool is_ethernet(struct cursor at)
{
    uint16_t type;
    if (cursor_skip(&at, 2 * HARDWARE_ADDRESS) || cursor_u16(&at, &type))
        return false;
    return type == TYPE_IPV4 || type == TYPE_IPV6 || type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_MPLS ||
           type == TYPE_PPPOE || type == TYPE_EAPOL;
}

/* The label stack (RFC 3032) tells not what it carries: IP by its version, else a pseudowire with or without a control word (RFC 4385), which begins with
 * the same zero as most hardware addresses. */
enum step decode_mpls(struct walk *walk)
{
    uint32_t label;
    uint8_t first;
    do {
        if (cursor_u32(&walk->at, &label))
            return STEP_DAMAGED;
    } while (!(label & 0x100));
    if (cursor_peek_u8(&walk->at, &first))
        return STEP_DAMAGED;
    if (first >> 4 == 4 || first >> 4 == 6)
        return STEP_IP;
    if (first >> 4 == 0 && !is_ethernet(walk->at) && cursor_skip(&walk->at, 4))
        return STEP_DAMAGED;
    return STEP_ETHERNET;
}

/* RFC 1661 §2 and RFC 1662: address and control may be left out, and the protocol may be one byte (odd). */
enum step decode_ppp(struct walk *walk)
{
    uint8_t first, second;
    uint16_t protocol;
    if (cursor_u8(&walk->at, &first))
        return STEP_DAMAGED;
    if (first == 0xff && (cursor_u8(&walk->at, &second) || cursor_u8(&walk->at, &first)))
        return STEP_DAMAGED;
    protocol = first;
    if (!(first & 1)) {
        if (cursor_u8(&walk->at, &second))
            return STEP_DAMAGED;
        protocol = (uint16_t)(first << 8 | second);
    }
    switch (protocol) {
    case 0x0021:
    case 0x0057:
        return STEP_IP;
    case 0x0281:
    case 0x0283:
        return STEP_MPLS;
    default:
        return STEP_OTHER;
    }
}

/* --- one function per link type that needs one ---------------------------------------------------------------------- */

/* Four bytes of address family, in the byte order of the host that captured or of the network; what follows is IP all the same. */
static enum step read_null(struct walk *walk)
{
    return cursor_skip(&walk->at, 4) ? STEP_DAMAGED : STEP_IP;
}

static enum step read_raw(struct walk *walk)
{
    (void)walk;
    return STEP_IP;
}

static enum step cooked(struct walk *walk)
{
    if (walk->ethertype == 4) /* LINUX_SLL_P_802_2 */
        return read_llc(walk);
    return walk->ethertype <= TYPE_802_3_MAX ? STEP_OTHER : STEP_ETHERTYPE;
}

static enum step read_sll(struct walk *walk)
{
    if (cursor_skip(&walk->at, 14) || cursor_u16(&walk->at, &walk->ethertype))
        return STEP_DAMAGED;
    return cooked(walk);
}

static enum step read_sll2(struct walk *walk)
{
    if (cursor_u16(&walk->at, &walk->ethertype) || cursor_skip(&walk->at, 18))
        return STEP_DAMAGED;
    return cooked(walk);
}

/* Cisco HDLC: address, control, an ethertype. */
static enum step read_hdlc(struct walk *walk)
{
    if (cursor_skip(&walk->at, 2) || cursor_u16(&walk->at, &walk->ethertype))
        return STEP_DAMAGED;
    return STEP_ETHERTYPE;
}

/* PPP with its HDLC framing, or Cisco's HDLC on the same wire (0x0f, 0x8f). */
static enum step read_ppp_serial(struct walk *walk)
{
    uint8_t first;
    if (cursor_peek_u8(&walk->at, &first))
        return STEP_DAMAGED;
    return first == 0x0f || first == 0x8f ? read_hdlc(walk) : decode_ppp(walk);
}

static enum step read_ppp_with_direction(struct walk *walk)
{
    return cursor_skip(&walk->at, 1) ? STEP_DAMAGED : decode_ppp(walk);
}

/* A data frame of IEEE 802.11 in clear: three or four addresses, QoS and HT control where flagged, LLC. padded: some drivers align what follows
 * the header to four bytes. */
static enum step read_wireless(struct walk *walk, bool padded)
{
    uint8_t control, flags;
    struct slice addresses[3], rest;
    enum { TO_DS = 1, FROM_DS = 2, PROTECTED = 0x40, ORDER = 0x80, SEVERAL = 0x80 /* of the QoS field */ };
    if (cursor_u8(&walk->at, &control) || cursor_u8(&walk->at, &flags))
        return STEP_DAMAGED;
    bool data = (control & 0x0c) == 0x08, quality = control & 0x80, empty = control & 0x40;
    if (!data || empty || flags & PROTECTED)
        return STEP_OTHER;
    if (cursor_skip(&walk->at, 2))
        return STEP_DAMAGED;
    for (size_t i = 0; i < 3; i++) {
        if (cursor_slice(&walk->at, HARDWARE_ADDRESS, &addresses[i]))
            return STEP_DAMAGED;
    }
    size_t quality_at = 2u + ((flags & (TO_DS | FROM_DS)) == (TO_DS | FROM_DS) ? HARDWARE_ADDRESS : 0);
    size_t more = quality_at + (quality ? 2 : 0) + (quality && flags & ORDER ? 4 : 0);
    if (padded) /* the 22 bytes that were read, and these */
        more += (4 - (22 + more) % 4) % 4;
    if (cursor_slice(&walk->at, more, &rest))
        return STEP_DAMAGED;
    if (quality && rest.data[quality_at] & SEVERAL)
        return STEP_SUBFRAMES;
    set_hardware(&walk->datagram.source, addresses[flags & FROM_DS ? 2 : 1].data);
    set_hardware(&walk->datagram.destination, addresses[flags & TO_DS ? 2 : 0].data);
    return read_llc(walk);
}

/* IEEE 802.11 §9.3.2.2.2: addresses, length, LLC and so on; the next begins at a multiple of four. */
enum step decode_subframe(struct walk *all, struct walk *one)
{
    struct slice header;
    if (cursor_slice(&all->at, 2 * HARDWARE_ADDRESS + 2, &header))
        return STEP_DAMAGED;
    size_t length = decode_u16(header.data + 2 * HARDWARE_ADDRESS), left = cursor_left(&all->at);
    *one = *all;
    cursor_init(&one->at, all->at.at, length < left ? length : left);
    one->missing = length > left ? (uint32_t)(length - left) : 0;
    size_t padding = (4 - (header.size + length) % 4) % 4;
    if (cursor_skip(&all->at, length + padding < left ? length + padding : left))
        return STEP_DAMAGED;
    set_hardware(&one->datagram.destination, header.data);
    set_hardware(&one->datagram.source, header.data + HARDWARE_ADDRESS);
    return read_llc(one);
}

static enum step read_80211(struct walk *walk)
{
    return read_wireless(walk, false);
}

static int little_u16(struct cursor *at, uint16_t *value)
{
    uint16_t swapped;
    if (cursor_u16(at, &swapped))
        return CM_ETRUNCATED;
    *value = (uint16_t)(swapped << 8 | swapped >> 8);
    return 0;
}

/* The flags field of radiotap says whether the frame is padded behind its header and whether four bytes of checksum end it. Its place depends on
 * what is present before it: with the timestamp (bit 0) it is the ninth byte of the fields, else the first. */
static enum step read_radiotap(struct walk *walk)
{
    struct cursor header = walk->at;
    uint8_t version, pad, flags = 0;
    uint16_t size, present, high;
    if (cursor_u8(&header, &version) || cursor_u8(&header, &pad) || little_u16(&header, &size) ||
        little_u16(&header, &present) || little_u16(&header, &high) || size < RADIOTAP_MIN ||
        cursor_skip(&walk->at, size))
        return STEP_DAMAGED;
    bool extended = high & 0x8000;
    while (extended) { /* further words of presence */
        if (little_u16(&header, &high) || little_u16(&header, &high))
            return STEP_DAMAGED;
        extended = high & 0x8000;
    }
    if (present & 1) { /* the timestamp is aligned to eight bytes from the start of the header */
        size_t offset = cursor_offset(&header) - (cursor_offset(&walk->at) - size);
        if (cursor_skip(&header, (8 - offset % 8) % 8 + 8))
            return STEP_DAMAGED;
    }
    if (present & 2 && cursor_u8(&header, &flags))
        return STEP_DAMAGED;
    if (flags & 0x10 && cursor_left(&walk->at) >= 4 && walk->missing == 0)
        cursor_init(&walk->at, walk->at.at, cursor_left(&walk->at) - 4);
    return read_wireless(walk, flags & 0x20);
}

static enum step read_ppi(struct walk *walk)
{
    uint8_t version, flags;
    uint16_t size;
    struct cursor header = walk->at;
    if (cursor_u8(&header, &version) || cursor_u8(&header, &flags) || little_u16(&header, &size) || size < 8 ||
        cursor_skip(&walk->at, size))
        return STEP_DAMAGED;
    return read_80211(walk);
}

static enum step read_prism(struct walk *walk)
{
    return cursor_skip(&walk->at, PRISM_HEADER) ? STEP_DAMAGED : read_80211(walk);
}

static const struct {
    int link_type;
    enum step (*read)(struct walk *walk);
} links[] = {
    {1, decode_ethernet},
    {113, read_sll},
    {276, read_sll2},
    {12, read_raw},
    {14, read_raw},  /* DLT_RAW of OpenBSD */
    {101, read_raw}, /* LINKTYPE_RAW */
    {228, read_raw}, /* IPv4 */
    {229, read_raw}, /* IPv6 */
    {0, read_null},
    {108, read_null}, /* DLT_LOOP */
    {9, read_ppp_serial},
    {50, read_ppp_serial},
    {51, read_pppoe},
    {104, read_hdlc},
    {204, read_ppp_with_direction},
    {105, read_80211},
    {127, read_radiotap},
    {192, read_ppi},
    {119, read_prism},
};

enum step decode_link(struct walk *walk)
{
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        if (links[i].link_type == walk->packet->link_type)
            return links[i].read(walk);
    }
    return STEP_OTHER;
}

bool decode_knows_link(int link_type)
{
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        if (links[i].link_type == link_type)
            return true;
    }
    return false;
}
