/* QUIC v1 and v2 (RFC 9000, 9001, 9369, and the drafts 29 to 34 that v1 came from) as far as the client's Initial packets: the keys follow from the first Destination
 * Connection ID, so that the ClientHello can be read over any number of CRYPTO frames and packets, in any order. Tells SNI, ALPN offered and JA4;
 * the certificate is not visible. Bounded: a ClientHello of at most 64 KiB, at most 64 Initial packets. */
#ifndef SCANNER_WATCH_QUIC_H
#define SCANNER_WATCH_QUIC_H

#include "scanner/watch/session.h"

bool quic_may_be(struct slice payload); /* cheap: a long header with a version that we know, type Initial */
/* Whether quic_datagram would read anything of it: a long header of a version that we know. */
bool quic_concerns(struct slice payload);

struct quic;
struct quic *quic_new(const struct session_options *options, const struct place places[2], int64_t at_us);
void quic_free(struct quic *quic);
bool quic_datagram(struct quic *quic, int direction, struct slice payload, int64_t at_us);
void quic_end(struct quic *quic);
size_t quic_memory(const struct quic *quic);

#endif
