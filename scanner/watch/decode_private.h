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
            STEP_SUBFRAMES, /* of an A-MSDU: several packets */
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
    /* What will be emitted. Its places are those of the innermost IP header; of EAPOL the hardware addresses, with family 0. */
    struct datagram datagram;
};

/* Fields of a header that is there as a whole. */
static inline uint16_t decode_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t decode_u32(const uint8_t *at)
{
    return (uint32_t)decode_u16(at) << 16 | decode_u16(at + 2);
}

enum step decode_link(struct walk *walk); /* by packet->link_type */
/* The next subframe is put into *one; *all goes behind it. */
enum step decode_subframe(struct walk *all, struct walk *one);
enum step decode_ethernet(struct walk *walk);
enum step decode_ethertype(struct walk *walk);
enum step decode_mpls(struct walk *walk);
enum step decode_ppp(struct walk *walk);
enum step decode_gre(struct walk *walk);
/* STEP_OTHER: no tunnel, and walk->at is where it was. */
enum step decode_udp_tunnel(struct walk *walk);

#endif
