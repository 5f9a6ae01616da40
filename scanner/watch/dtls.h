/* DTLS 1.0 and 1.2 (RFC 6347, RFC 4347) read along: records in datagrams, handshake fragments put together by message_seq and offset, up to the certificates. One
 * conversation; datagrams may be lost, doubled and out of order. DTLS 1.3 (RFC 9147) is told as hidden. Bounded as session.h is. */
#ifndef SCANNER_WATCH_DTLS_H
#define SCANNER_WATCH_DTLS_H

#include "scanner/watch/session.h"

bool dtls_may_be(struct slice payload); /* cheap: can this datagram begin DTLS? A hello, to begin a conversation with */
/* Whether dtls_datagram would read anything of it. */
bool dtls_concerns(struct slice payload);

struct dtls;
struct dtls *dtls_new(const struct session_options *options, const struct place places[2], int64_t at_us);
void dtls_free(struct dtls *dtls);
bool dtls_datagram(struct dtls *dtls, int direction, struct slice payload,
                   int64_t at_us); /* false: no more is needed */
void dtls_end(struct dtls *dtls);
size_t dtls_memory(const struct dtls *dtls);

#endif
