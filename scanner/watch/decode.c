/* IP and what lies between a packet's first byte and it. Link layers and tunnels are tables of small steps: each reads its header, says what
 * comes next, and never looks back.
 *
 *     link type ─→ ethernet … ─→ ethertype ─→ ip ─→ protocol ─→ datagram
 *                     ↑______________↑_________↑______│  (GRE, VXLAN, Geneve, GTP-U, IP in IP: at most DEPTH_MAX headers in all)
 *
 * The link layers are in decode_link.c, the tunnels in decode_tunnel.c. Nothing here allocates; a packet costs some ten nanoseconds. */
#include "scanner/watch/decode.h"

#include <endian.h>
#include <string.h>

#include "scanner/watch/decode_private.h"

enum {
    DEPTH_MAX = 16,
    SUBFRAMES_MAX = 64, /* of an A-MSDU */
    ADDRESS_4 = 4,
    ADDRESS_6 = 16,
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    UDP_HEADER = 8,
    TCP_HEADER = 20,
    PROTOCOL_TCP = 6,
    LINK_ETHERNET = 1,
};

/* --- IPv4 and IPv6 ------------------------------------------------------------------------------------------------- */

static inline void set_place(struct place *place, uint8_t family, const uint8_t *ip)
{
    uint64_t words[2] = {0, 0}; /* written as it will be read: whole words */
    memcpy(words, ip, family == 4 ? ADDRESS_4 : ADDRESS_6);
    memcpy(place->ip, words, sizeof words);
    place->family = family;
    place->zero = 0;
    place->port = 0;
}

/* Cuts walk to a payload of `size` bytes on the wire: Ethernet padding goes, and what the capture lacks of it is noted. */
static void limit(struct walk *walk, size_t size)
{
    size_t have = cursor_left(&walk->at);
    walk->missing = size > have ? (uint32_t)(size - have) : 0;
    if (have > size)
        cursor_init(&walk->at, walk->at.at, size);
}

/* Takes a fragment; STEP_PROTOCOL with the whole payload once it is complete. */
static enum step take_fragment(struct walk *walk, uint32_t id, uint32_t offset, bool more)
{
    struct slice whole;
    walk->decoder->counts.fragments++;
    if (walk->missing) { /* the snapshot length cut a piece of it: the datagram can never be whole */
        walk->decoder->counts.cut++;
        return STEP_OTHER;
    }
    struct fragment fragment = {
        .family = walk->datagram.source.family,
        .protocol = walk->protocol,
        .source = walk->datagram.source.ip,
        .destination = walk->datagram.destination.ip,
        .id = id,
        .offset = offset,
        .more = more,
        .payload = {walk->at.at, cursor_left(&walk->at)},
        .at_us = walk->packet->at_us,
    };
    if (!fragments_add(walk->decoder->fragments, &fragment, &whole))
        return STEP_DONE;
    cursor_init_slice(&walk->at, whole);
    return STEP_PROTOCOL;
}

static enum step read_ipv4(struct walk *walk)
{
    struct slice fixed;
    if (cursor_slice(&walk->at, IPV4_HEADER, &fixed))
        return STEP_DAMAGED;
    const uint8_t *ip = fixed.data;
    size_t header = (size_t)(ip[0] & 15) * 4;
    uint16_t total = decode_u16(ip + 2), fragment = decode_u16(ip + 6);
    if (header < IPV4_HEADER || cursor_skip(&walk->at, header - IPV4_HEADER))
        return STEP_DAMAGED;
    /* A length of 0: the host segments in its network card, and the capture saw the packet before (segmentation offload). */
    if (total != 0) {
        if (total < header)
            return STEP_DAMAGED;
        limit(walk, total - header);
    }
    walk->protocol = ip[9];
    set_place(&walk->datagram.source, 4, ip + 12);
    set_place(&walk->datagram.destination, 4, ip + 16);
    if ((fragment & 0x3fff) == 0)
        return STEP_PROTOCOL;
    return take_fragment(walk, decode_u16(ip + 4), (uint32_t)(fragment & 0x1fff) * 8, fragment & 0x2000);
}

static bool is_extension(uint8_t protocol)
{
    switch (protocol) {
    case 0:   /* hop-by-hop */
    case 43:  /* routing */
    case 51:  /* authentication */
    case 60:  /* destination options */
    case 135: /* mobility */
    case 139: /* host identity */
    case 140: /* shim6 */
        return true;
    default:
        return false;
    }
}

/* One IPv6 extension header of the usual form (RFC 8200 §4.2): next header, length in units of eight beyond the first. */
static int skip_extension(struct walk *walk)
{
    uint8_t next, length;
    bool authentication = walk->protocol == 51; /* RFC 4302: units of four, minus two */
    if (cursor_u8(&walk->at, &next) || cursor_u8(&walk->at, &length))
        return CM_ETRUNCATED;
    walk->protocol = next;
    return cursor_skip(&walk->at, (authentication ? ((size_t)length + 2) * 4 : ((size_t)length + 1) * 8) - 2);
}

static enum step read_ipv6(struct walk *walk)
{
    struct slice fixed, piece;
    struct cursor *at = &walk->at;
    if (cursor_slice(at, IPV6_HEADER, &fixed))
        return STEP_DAMAGED;
    const uint8_t *ip = fixed.data;
    uint16_t length = decode_u16(ip + 4), fragment;
    if (length != 0)
        limit(walk, length);
    walk->protocol = ip[6];
    set_place(&walk->datagram.source, 6, ip + 8);
    set_place(&walk->datagram.destination, 6, ip + 24);
    for (unsigned headers = 0; headers < DEPTH_MAX; headers++) {
        if (is_extension(walk->protocol)) {
            if (skip_extension(walk))
                return STEP_DAMAGED;
        } else if (walk->protocol == 44) {
            if (cursor_slice(at, 8, &piece))
                return STEP_DAMAGED;
            walk->protocol = piece.data[0];
            fragment = decode_u16(piece.data + 2);
            if ((fragment & 0xfff9) != 0) /* else an atomic fragment (RFC 6946) */
                return take_fragment(walk, decode_u32(piece.data + 4), fragment & 0xfff8, fragment & 1);
        } else {
            return STEP_PROTOCOL;
        }
    }
    return STEP_DAMAGED;
}

/* The version nibble decides, whatever the layer below said. */
static enum step read_ip(struct walk *walk)
{
    uint8_t first;
    if (cursor_peek_u8(&walk->at, &first))
        return STEP_DAMAGED;
    if (first >> 4 == 4)
        return read_ipv4(walk);
    return first >> 4 == 6 ? read_ipv6(walk) : STEP_OTHER;
}

/* --- transports ---------------------------------------------------------------------------------------------------- */

static enum step emit(struct walk *walk, enum datagram_protocol protocol)
{
    struct datagram *datagram = &walk->datagram;
    datagram->protocol = protocol;
    datagram->payload = (struct slice){walk->at.at, cursor_left(&walk->at)};
    datagram->missing = walk->missing;
    datagram->at_us = walk->packet->at_us;
    walk->decoder->counts.cut += walk->missing != 0;
    walk->decoder->emit(datagram, walk->decoder->context);
    return STEP_DONE;
}

static inline void set_tcp(struct datagram *datagram, const uint8_t *tcp)
{
    datagram->source.port = decode_u16(tcp);
    datagram->destination.port = decode_u16(tcp + 2);
    datagram->sequence = decode_u32(tcp + 4);
    datagram->acknowledgment = decode_u32(tcp + 8);
    datagram->flags = tcp[13];
}

static enum step emit_tcp(struct walk *walk)
{
    struct datagram *datagram = &walk->datagram;
    struct slice fixed;
    struct cursor *at = &walk->at;
    datagram->transport = walk->missing ? (struct slice){NULL, 0} : (struct slice){at->at, cursor_left(at)};
    if (cursor_slice(at, TCP_HEADER, &fixed))
        return STEP_DAMAGED;
    const uint8_t *tcp = fixed.data;
    size_t header = (size_t)(tcp[12] >> 4) * 4;
    if (header < TCP_HEADER)
        return STEP_DAMAGED;
    if (cursor_skip(at,
                    header - TCP_HEADER)) /* the capture ends among the options: the payload is missing as a whole */
        return walk->missing ? STEP_OTHER : STEP_DAMAGED;
    set_tcp(datagram, tcp);
    return emit(walk, DATAGRAM_TCP);
}

static enum step read_udp(struct walk *walk)
{
    struct slice udp;
    struct cursor *at = &walk->at;
    if (cursor_slice(at, UDP_HEADER, &udp))
        return STEP_DAMAGED;
    walk->datagram.source.port = decode_u16(udp.data);
    walk->datagram.destination.port = decode_u16(udp.data + 2);
    size_t length = decode_u16(udp.data + 4), have = cursor_left(at) + walk->missing;
    if (length >= UDP_HEADER)
        limit(walk, length - UDP_HEADER > have ? have : length - UDP_HEADER);
    enum step tunnel = decode_udp_tunnel(walk);
    return tunnel == STEP_OTHER ? emit(walk, DATAGRAM_UDP) : tunnel;
}

static enum step read_protocol(struct walk *walk)
{
    switch (walk->protocol) {
    case PROTOCOL_TCP:
        return emit_tcp(walk);
    case 17:
        return read_udp(walk);
    case 4:  /* IPv4 in IP */
    case 41: /* IPv6 in IP */
        return STEP_IP;
    case 47:
        return decode_gre(walk);
    case 97: /* EtherIP (RFC 3378) */
        return cursor_skip(&walk->at, 2) ? STEP_DAMAGED : STEP_ETHERNET;
    case 137: /* MPLS in IP (RFC 4023) */
        return STEP_MPLS;
    default: /* an extension header: it stood in fragments, or it authenticates IPv4 */
        if (!is_extension(walk->protocol))
            return STEP_OTHER;
        return skip_extension(walk) ? STEP_DAMAGED : STEP_PROTOCOL;
    }
}

static enum step emit_eap(struct walk *walk)
{
    uint8_t version, type;
    struct cursor body;
    if (cursor_u8(&walk->at, &version) || cursor_u8(&walk->at, &type) || cursor_vector16(&walk->at, &body))
        return STEP_DAMAGED;
    if (type != 0) /* start, logoff, keys: no EAP in it */
        return STEP_OTHER;
    walk->at = body;
    walk->missing = 0;
    return emit(walk, DATAGRAM_EAP);
}

/* --- the walk ------------------------------------------------------------------------------------------------------ */

static inline enum step take(struct walk *walk, enum step step)
{
    switch (step) {
    case STEP_ETHERNET:
        return decode_ethernet(walk);
    case STEP_ETHERTYPE:
        return decode_ethertype(walk);
    case STEP_MPLS:
        return decode_mpls(walk);
    case STEP_PPP:
        return decode_ppp(walk);
    case STEP_IP:
        return read_ip(walk);
    case STEP_PROTOCOL:
        return read_protocol(walk);
    case STEP_EAPOL:
        return emit_eap(walk);
    default:
        return step;
    }
}

static void walk_on(struct walk *walk, enum step step)
{
    for (unsigned depth = 0; step < STEP_DONE && depth < DEPTH_MAX; depth++)
        step = take(walk, step);
    walk->decoder->counts.other += step == STEP_OTHER;
    walk->decoder->counts.damaged +=
        step != STEP_OTHER && step != STEP_DONE; /* or nested deeper than anything that means well */
}

/* Several packets in one frame, each with a walk of its own. */
static void walk_subframes(struct walk *all)
{
    struct walk one = *all;
    for (unsigned i = 0; i < SUBFRAMES_MAX && !cursor_at_end(&all->at); i++) {
        enum step step = decode_subframe(all, &one);
        walk_on(&one, step);
        if (step == STEP_DAMAGED)
            return;
    }
}

static void walk_packet(struct decoder *decoder, const struct packet *packet)
{
    struct walk walk;
    walk.decoder = decoder;
    walk.packet = packet;
    walk.datagram.source = walk.datagram.destination = (struct place){0};
    walk.datagram.transport = (struct slice){NULL, 0};
    walk.missing = packet->length > packet->bytes.size ? packet->length - (uint32_t)packet->bytes.size : 0;
    cursor_init_slice(&walk.at, packet->bytes);
    enum step step = decode_link(&walk);
    if (step == STEP_SUBFRAMES)
        walk_subframes(&walk);
    else
        walk_on(&walk, step);
}

/* Most packets by far are TCP over IPv4 over Ethernet, without options of IP, no fragments, and whole; these take a tenth of the steps. False: this is another,
 * or it makes no sense, and the walk will tell. */
static bool emit_usual(struct decoder *decoder, const struct packet *packet)
{
    enum { IP_AT = 14, TCP_AT = IP_AT + IPV4_HEADER };
    const uint8_t *frame = packet->bytes.data, *ip = frame + IP_AT, *tcp = frame + TCP_AT;
    if (packet->link_type != LINK_ETHERNET || packet->bytes.size < TCP_AT + TCP_HEADER ||
        decode_u16(ip - 2) != 0x0800 || ip[0] != 0x45 || (decode_u16(ip + 6) & 0x3fff) != 0 || ip[9] != PROTOCOL_TCP)
        return false;
    size_t total = decode_u16(ip + 2), header = (size_t)(tcp[12] >> 4) * 4;
    if (header < TCP_HEADER || total < IPV4_HEADER + header || total > packet->bytes.size - IP_AT)
        return false;
    struct datagram datagram;
    datagram.protocol = DATAGRAM_TCP;
    set_place(&datagram.source, 4, ip + 12);
    set_place(&datagram.destination, 4, ip + 16);
    set_tcp(&datagram, tcp);
    datagram.transport = (struct slice){tcp, total - IPV4_HEADER};
    datagram.payload = (struct slice){tcp + header, total - IPV4_HEADER - header};
    datagram.missing = 0;
    datagram.at_us = packet->at_us;
    decoder->emit(&datagram, decoder->context);
    return true;
}

void decode_packet(struct decoder *decoder, const struct packet *packet)
{
    decoder->counts.packets++;
    decoder->counts.bytes += packet->length;
    if (!emit_usual(decoder, packet))
        walk_packet(decoder, packet);
}

/* --- the checksum -------------------------------------------------------------------------------------------------- */

typedef unsigned __int128 wide; /* holds what words of 64 bits carry */

static inline uint64_t word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Ones' complement sums do not care about byte order, nor how wide the words are that are added (RFC 1071 §2B and §2C). One loop and no more: of branches that nobody
 * can foresee each costs as much as summing a hundred bytes. At least 8 bytes; the last ones are read as the end of a whole word, and what was summed
 * already is shifted out. */
static wide sum_words(const uint8_t *bytes, size_t size)
{
    wide sum = 0;
    for (; size >= 8; size -= 8, bytes += 8)
        sum += word_at(bytes);
    uint64_t last = le64toh(word_at(bytes + size - 8));
    return sum + (size ? htole64(last >> (64 - 8 * size)) : 0);
}

static wide sum_address(const struct place *place)
{
    return (wide)word_at(place->ip) + word_at(place->ip + 8);
}

bool tcp_checksum_good(const struct datagram *datagram)
{
    struct slice transport = datagram->transport;
    if (transport.size < TCP_HEADER)
        return true;
    /* The pseudo-header (RFC 9293 §3.1): addresses, of IPv4 with zeros behind them, length, protocol. */
    wide all = sum_address(&datagram->source) + sum_address(&datagram->destination) +
               htobe64((uint64_t)transport.size << 32 | PROTOCOL_TCP) + sum_words(transport.data, transport.size);
    uint64_t sum = (uint64_t)(all >> 64) + ((uint64_t)all >> 32) + ((uint64_t)all & 0xffffffff);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}
