/* What travels between the stages of watch: a captured packet, and the transport datagram that decode.h finds in it. */
#ifndef SCANNER_WATCH_PACKET_H
#define SCANNER_WATCH_PACKET_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "certmuster/cursor.h"

struct packet {
    struct slice bytes; /* as captured; lent for the length of a callback */
    uint32_t length;    /* on the wire; more than bytes.size when the snapshot length cut it */
    int link_type;      /* DLT_… of pcap */
    int64_t at_us;      /* packet clock, microseconds since the epoch */
};

typedef void (*packet_fn)(const struct packet *packet, void *context);

struct place {      /* an address and a port, in a form that can be hashed as bytes */
    uint8_t ip[16]; /* IPv4 in the first four, the rest zero */
    uint16_t port;
    uint8_t family; /* 4 or 6 */
    uint8_t zero;
};

static inline bool place_equal(const struct place *a, const struct place *b) /* memcmp of 20 bytes is a call */
{
    uint64_t left[2], right[2];
    memcpy(left, a->ip, sizeof left);
    memcpy(right, b->ip, sizeof right);
    return left[0] == right[0] && left[1] == right[1] && a->port == b->port && a->family == b->family;
}

enum datagram_protocol { DATAGRAM_TCP, DATAGRAM_UDP, DATAGRAM_EAP /* EAPOL or RADIUS EAP-Message: see eap.h */ };

struct datagram { /* one transport datagram, after tunnels and fragments; everything lends from the packet */
    enum datagram_protocol protocol;
    struct place source, destination;
    uint32_t sequence, acknowledgment; /* TCP */
    uint8_t flags;                     /* TCP: FIN 1, SYN 2, RST 4, PSH 8, ACK 16 */
    struct slice payload;
    uint32_t missing; /* bytes of the payload that the snapshot length cut off */
    /* For the checksum, which is only computed when somebody needs to know (tcp_checksum_good in decode.h). */
    struct slice
        transport; /* the whole TCP header and payload; empty when it cannot be checked (cut, or from fragments with a bad sum) */
    int64_t at_us;
};

#endif
