/* EAP-TLS and its kin (TTLS, PEAP, FAST, TEAP; RFC 5216, 5281, 7170): TLS records in fragments, inside EAP packets, which come in EAPOL frames (IEEE 802.1X) or in RADIUS
 * (RFC 3579). Fixed memory: at most so many conversations and bytes, the longest silent goes first. */
#ifndef SCANNER_WATCH_EAP_H
#define SCANNER_WATCH_EAP_H

#include "scanner/watch/session.h"

struct eaps;
struct eaps *eaps_new(const struct session_options *options, size_t memory_max);
void eaps_free(struct eaps *eaps);
/* A DATAGRAM_EAP, or a UDP datagram that eaps_is_radius knew. Others are passed over. */
void eaps_add(struct eaps *eaps, const struct datagram *datagram);
bool eaps_is_radius(const struct datagram *datagram); /* by port; cheap */
void eaps_flush(struct eaps *eaps);                   /* the capture ends: tells what was not told */

#endif
