/* A capture that is being written, and the honest handshakes in it: number n is between a client of its own and 198.18.n/256.n%256:443, asks for honest-<n>.example, and
 * shows a chain of two. */
#ifndef CERTMUSTER_FLEET_HONEST_H
#define CERTMUSTER_FLEET_HONEST_H

#include "tests/unit/watch/packets.h"

struct wire {
    struct buf packet, out; /* under way; written and not yet flushed */
    struct buf hello, flight, hostile;
    struct buf chains[4]; /* Certificate messages; [0] of the honest */
    uint64_t at_us;
    bool failed;
};

void wire_open(struct wire *wire);
int wire_close(struct wire *wire); /* non-zero: not all of it could be written */
struct buf *wire_begin(struct wire *wire);
void wire_end(struct wire *wire);

void honest_hello(struct wire *wire, uint32_t number);
void honest_answer(struct wire *wire, uint32_t number);
/* Records; each lends until its next call. number 0: the honest chain, others: chains with names that hurt. */
struct buf *honest_flight(struct wire *wire, uint32_t number);
struct buf *hostile_hello(struct wire *wire, uint32_t number);

#endif
