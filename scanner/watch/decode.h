/* Link layers, tunnels and IP: from a captured packet to transport datagrams. Pure but for the fragment table.
 *
 * Link types: Ethernet, Linux cooked v1 and v2, raw IP, IPv4, IPv6, null, loop, PPP (and HDLC), 802.11 plain and with radiotap/PPI/Prism, A-MSDUs too. Inside: VLAN and QinQ
 * (any depth up to the bound), MPLS, PPPoE, LLC/SNAP, IPv4, IPv6 with extension headers, GRE (key, sequence, checksum, transparent Ethernet
 * bridging), ERSPAN I/II/III, VXLAN, Geneve, GTP-U, IP-in-IP, 6in4, 4in6, Teredo no. Depth is bounded (16 headers).
 *
 * tso: an IP total length of 0 stands for "what was captured" (segmentation offload). Ethernet padding is cut by the IP length. */
#ifndef SCANNER_WATCH_DECODE_H
#define SCANNER_WATCH_DECODE_H

#include "scanner/watch/fragments.h"
#include "scanner/watch/packet.h"

struct decode_counts {
    uint64_t packets, bytes, other /* no IP, no TCP or UDP */, damaged, fragments, cut /* by the snapshot length */;
};

typedef void (*datagram_fn)(const struct datagram *datagram, void *context);

struct decoder {
    struct fragments *fragments;
    struct decode_counts counts;
    datagram_fn emit;
    void *context;
};

/* Calls emit for each datagram found: none or one (a packet completes at most one), but of an A-MSDU as many as it has subframes. */
void decode_packet(struct decoder *decoder, const struct packet *packet);
/* True for the link types above (numbers of pcap). */
bool decode_knows_link(int link_type);
/* True when the checksum fits; also for what cannot be checked (cut). */
bool tcp_checksum_good(const struct datagram *datagram);

#endif
