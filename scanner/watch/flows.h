/* The flow table of one worker: fixed memory, packet-clock timeouts, the least useful evicted first, everything counted.
 *
 * A SYN alone makes no flow: its ISN becomes a note in a table of fixed size (flow_line.h), which a flood merely overwrites. A flow begins with the first
 * payload, and ends early: when its handshake is told, at a byte cap without TLS, at FIN or RST with nothing waiting. What has ended leaves a tombstone (another
 * such note), so that the rest of a long transfer costs one look. Port reuse: a SYN with another ISN, or a hello where a
 * tombstone stands, begins anew.
 *
 * Usefulness, least first: flows in which nothing of TLS was seen, TLS seen, a hello seen, both hellos seen. Within a class the longest silent goes first.
 * UDP conversations (DTLS, QUIC) live in the same table. */
#ifndef SCANNER_WATCH_FLOWS_H
#define SCANNER_WATCH_FLOWS_H

#include "scanner/watch/session.h"
#include "scanner/watch/stream.h"

struct flows_options {
    size_t memory_max; /* for everything: caches, flows, sessions, waiting segments */
    int64_t idle_us;   /* packet clock; 0: 120 s */
    struct session_options session;
};

struct flows_counts {
    uint64_t tcp, udp; /* flows begun */
    uint64_t finished; /* told, or hopeless, before they ended */
    uint64_t closed, timed_out, evicted, reused;
    uint64_t not_tls;   /* given up at the byte cap */
    uint64_t under_way; /* now */
    struct stream_counts streams;
};

struct flows;
struct flows *flows_new(const struct flows_options *options);
void flows_free(struct flows *flows);                                 /* forgets; flows_flush first */
void flows_add(struct flows *flows, const struct datagram *datagram); /* TCP or UDP */
void flows_tick(struct flows *flows,
                int64_t now_us);       /* no packet came, but time went on: what is silent for too long ends */
void flows_flush(struct flows *flows); /* the capture ends: every flow ends */
struct flows_counts flows_get_counts(const struct flows *flows);

#endif
