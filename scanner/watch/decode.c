/* IP and what lies between a packet's first byte and it. Link layers and tunnels are tables of small steps: each reads its header, says what
 * comes next, and never looks back.
 *
 *     link type ─→ ethernet … ─→ ethertype ─→ ip ─→ protocol ─→ datagram
 *                     ↑______________↑_________↑______│  (GRE, VXLAN, Geneve, GTP-U, IP in IP: at most DEPTH_MAX headers in all)
 *
 * The link layers are in decode_link.c, the tunnels in decode_tunnel.c. Nothing here allocates; a packet costs some ten nanoseconds. */
#include "scanner/watch/decode.h"

#include <string.h>

#include "scanner/watch/decode_private.h"

enum { DEPTH_MAX = 16, ADDRESS_4 = 4, ADDRESS_6 = 16, UDP_HEADER = 8, TCP_HEADER = 20 };

/* --- IPv4 and IPv6 ------------------------------------------------------------------------------------------------- */

static void set_place(struct place *place, uint8_t family, const uint8_t *ip)
{
    memset(place, 0, sizeof *place);
    memcpy(place->ip, ip, family == 4 ? ADDRESS_4 : ADDRESS_6);
    place->family = family;
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
static enum step take_fragment(struct walk *walk, const uint8_t *source, const uint8_t *destination, uint32_t id,
                               uint32_t offset, bool more)
{
    struct slice whole;
    walk->decoder->counts.fragments++;
    if (walk->missing) { /* the snapshot length cut a piece of it: the datagram can never be whole */
        walk->decoder->counts.cut++;
        return STEP_OTHER;
    }
    struct fragment fragment = {
        .family = walk->source.family,
        .protocol = walk->protocol,
        .source = source,
        .destination = destination,
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
    uint8_t first, tos, ttl;
    uint16_t total, id, fragment, sum;
    struct slice source, destination;
    struct cursor *at = &walk->at;
    if (cursor_u8(at, &first) || cursor_u8(at, &tos) || cursor_u16(at, &total) || cursor_u16(at, &id) ||
        cursor_u16(at, &fragment) || cursor_u8(at, &ttl) || cursor_u8(at, &walk->protocol) || cursor_u16(at, &sum) ||
        cursor_slice(at, ADDRESS_4, &source) || cursor_slice(at, ADDRESS_4, &destination))
        return STEP_DAMAGED;
    size_t header = (size_t)(first & 15) * 4;
    if (header < 20 || cursor_skip(at, header - 20))
        return STEP_DAMAGED;
    /* A length of 0: the host segments in its network card, and the capture saw the packet before (segmentation offload). */
    if (total != 0) {
        if (total < header)
            return STEP_DAMAGED;
        limit(walk, total - header);
    }
    set_place(&walk->source, 4, source.data);
    set_place(&walk->destination, 4, destination.data);
    if ((fragment & 0x3fff) == 0)
        return STEP_PROTOCOL;
    return take_fragment(walk, source.data, destination.data, id, (uint32_t)(fragment & 0x1fff) * 8, fragment & 0x2000);
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
    uint32_t flow, id;
    uint16_t length, fragment;
    uint8_t hops, next, reserved;
    struct slice source, destination;
    struct cursor *at = &walk->at;
    if (cursor_u32(at, &flow) || cursor_u16(at, &length) || cursor_u8(at, &walk->protocol) || cursor_u8(at, &hops) ||
        cursor_slice(at, ADDRESS_6, &source) || cursor_slice(at, ADDRESS_6, &destination))
        return STEP_DAMAGED;
    if (length != 0)
        limit(walk, length);
    set_place(&walk->source, 6, source.data);
    set_place(&walk->destination, 6, destination.data);
    for (unsigned headers = 0; headers < DEPTH_MAX; headers++) {
        switch (walk->protocol) {
        case 0:   /* hop-by-hop */
        case 43:  /* routing */
        case 51:  /* authentication */
        case 60:  /* destination options */
        case 135: /* mobility */
        case 139: /* host identity */
        case 140: /* shim6 */
            if (skip_extension(walk))
                return STEP_DAMAGED;
            break;
        case 44:
            if (cursor_u8(at, &next) || cursor_u8(at, &reserved) || cursor_u16(at, &fragment) || cursor_u32(at, &id))
                return STEP_DAMAGED;
            walk->protocol = next;
            if ((fragment & 0xfff9) != 0) /* else an atomic fragment (RFC 6946) */
                return take_fragment(walk, source.data, destination.data, id, fragment & 0xfff8, fragment & 1);
            break;
        default:
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

static enum step emit_tcp(struct walk *walk)
{
    struct datagram datagram;
    uint16_t window, sum, urgent;
    uint8_t offset;
    struct cursor *at = &walk->at;
    datagram.transport = walk->missing ? (struct slice){NULL, 0} : (struct slice){at->at, cursor_left(at)};
    if (cursor_u16(at, &walk->source.port) || cursor_u16(at, &walk->destination.port) ||
        cursor_u32(at, &datagram.sequence) || cursor_u32(at, &datagram.acknowledgment) || cursor_u8(at, &offset) ||
        cursor_u8(at, &datagram.flags) || cursor_u16(at, &window) || cursor_u16(at, &sum) || cursor_u16(at, &urgent))
        return STEP_DAMAGED;
    size_t header = (size_t)(offset >> 4) * 4;
    if (header < TCP_HEADER)
        return STEP_DAMAGED;
    if (cursor_skip(at,
                    header - TCP_HEADER)) /* the capture ends among the options: the payload is missing as a whole */
        return walk->missing ? STEP_OTHER : STEP_DAMAGED;
    datagram.protocol = DATAGRAM_TCP;
    datagram.source = walk->source;
    datagram.destination = walk->destination;
    datagram.payload = (struct slice){at->at, cursor_left(at)};
    datagram.missing = walk->missing;
    datagram.at_us = walk->packet->at_us;
    walk->decoder->counts.cut += walk->missing != 0;
    walk->decoder->emit(&datagram, walk->decoder->context);
    return STEP_DONE;
}

static enum step read_udp(struct walk *walk)
{
    uint16_t length, sum;
    struct cursor *at = &walk->at;
    if (cursor_u16(at, &walk->source.port) || cursor_u16(at, &walk->destination.port) || cursor_u16(at, &length) ||
        cursor_u16(at, &sum))
        return STEP_DAMAGED;
    if (length >= UDP_HEADER)
        limit(walk, (size_t)length - UDP_HEADER > cursor_left(at) + walk->missing ? cursor_left(at) + walk->missing
                                                                                  : (size_t)length - UDP_HEADER);
    enum step tunnel = decode_udp_tunnel(walk);
    if (tunnel != STEP_OTHER)
        return tunnel;
    struct datagram datagram = {
        .protocol = DATAGRAM_UDP,
        .source = walk->source,
        .destination = walk->destination,
        .payload = {at->at, cursor_left(at)},
        .missing = walk->missing,
        .at_us = walk->packet->at_us,
    };
    walk->decoder->counts.cut += walk->missing != 0;
    walk->decoder->emit(&datagram, walk->decoder->context);
    return STEP_DONE;
}

static enum step read_protocol(struct walk *walk)
{
    switch (walk->protocol) {
    case 6:
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
    default:
        return STEP_OTHER;
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
    struct datagram datagram = {
        .protocol = DATAGRAM_EAP,
        .source = walk->source,
        .destination = walk->destination,
        .payload = {body.at, cursor_left(&body)},
        .at_us = walk->packet->at_us,
    };
    walk->decoder->emit(&datagram, walk->decoder->context);
    return STEP_DONE;
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

void decode_packet(struct decoder *decoder, const struct packet *packet)
{
    struct walk walk;
    walk.decoder = decoder;
    walk.packet = packet;
    walk.source = walk.destination = (struct place){0};
    walk.missing = packet->length > packet->bytes.size ? packet->length - (uint32_t)packet->bytes.size : 0;
    cursor_init_slice(&walk.at, packet->bytes);
    enum step step = decode_link(&walk);
    decoder->counts.packets++;
    decoder->counts.bytes += packet->length;
    for (unsigned depth = 0; step < STEP_DONE && depth < DEPTH_MAX; depth++)
        step = take(&walk, step);
    decoder->counts.other += step == STEP_OTHER;
    decoder->counts.damaged +=
        step != STEP_OTHER && step != STEP_DONE; /* or nested deeper than anything that means well */
}

/* --- the checksum -------------------------------------------------------------------------------------------------- */

static uint64_t sum_words(const uint8_t *bytes, size_t size, uint64_t sum)
{
    for (; size >= 8; size -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        sum +=
            (word & 0xffffffff) + (word >> 32); /* ones' complement sums do not care about byte order (RFC 1071 §2B) */
    }
    for (; size >= 2; size -= 2, bytes += 2) {
        uint16_t word;
        memcpy(&word, bytes, sizeof word);
        sum += word;
    }
    if (size) {
        uint8_t last[2] = {*bytes, 0};
        uint16_t word;
        memcpy(&word, last, sizeof word);
        sum += word;
    }
    return sum;
}

bool tcp_checksum_good(const struct datagram *datagram)
{
    struct slice transport = datagram->transport;
    size_t address = datagram->source.family == 4 ? ADDRESS_4 : ADDRESS_6;
    if (transport.size < TCP_HEADER)
        return true;
    uint8_t pseudo[8] = {(uint8_t)(transport.size >> 24),
                         (uint8_t)(transport.size >> 16),
                         (uint8_t)(transport.size >> 8),
                         (uint8_t)transport.size,
                         0,
                         0,
                         0,
                         6};
    uint64_t sum = sum_words(pseudo, sizeof pseudo, 0);
    sum = sum_words(datagram->source.ip, address, sum);
    sum = sum_words(datagram->destination.ip, address, sum);
    sum = sum_words(transport.data, transport.size, sum);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}
