/* The steps of decode.h's walk, shared by its three files. */
#ifndef SCANNER_WATCH_DECODE_PRIVATE_H
#define SCANNER_WATCH_DECODE_PRIVATE_H

#include "scanner/watch/decode.h"

enum step { /* what stands at walk->at */
            STEP_ETHERNET,
            STEP_ETHERTYPE, /* what walk->ethertype says */
            STEP_MPLS,
            STEP_PPP,
            STEP_IP,       /* version 4 or 6, by its first nibble */
            STEP_PROTOCOL, /* what walk->protocol says */
            STEP_EAPOL,
            STEP_DONE,
            STEP_OTHER,  /* nothing for us */
            STEP_DAMAGED /* too short, or it makes no sense */
};

struct walk {
    struct decoder *decoder;
    const struct packet *packet;
    struct cursor at;
    uint32_t missing; /* bytes of this layer's payload that the snapshot length cut off */
    uint16_t ethertype;
    uint8_t protocol;
    struct place source, destination; /* of the innermost IP header; of EAPOL the hardware addresses, with family 0 */
};

enum step decode_link(struct walk *walk); /* by packet->link_type */
enum step decode_ethernet(struct walk *walk);
enum step decode_ethertype(struct walk *walk);
enum step decode_mpls(struct walk *walk);
enum step decode_ppp(struct walk *walk);
enum step decode_gre(struct walk *walk);
/* STEP_OTHER: no tunnel, and walk->at is where it was. */
enum step decode_udp_tunnel(struct walk *walk);

#endif
