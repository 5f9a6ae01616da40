/* One direction of a TCP connection put in order by sequence number: out of order, retransmission, overlap, wrap, loss, midstream pickup.
 * Knows nothing of TLS, of the other direction (but its acknowledgments) or of a clock.
 *
 * In order bytes are lent straight from the packet; only what is out of order is copied, into a pool with a fixed ceiling that all streams of a
 * worker share. Overlap: bytes already delivered stay; among waiting copies checksum-valid data wins over invalid, the first over later ones, and a
 * difference is counted. A segment with a bad checksum waits, for a good copy may follow. Where this direction never had a good one (checksum
 * offload at the capturing host) that ends when the other side acknowledges it. A hole is given up when the other side has acknowledged past it and more has come since than any disorder explains, when this stream has too much
 * waiting, or at the end of the flow: on_gap is called and reading goes on behind it. When the pool is full, what waits longest
 * elsewhere is dropped. Segments below the first one seen are put before it as long as nothing was
 * delivered behind them (captures that begin in the middle, and reversed ones). */
#ifndef SCANNER_WATCH_STREAM_H
#define SCANNER_WATCH_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/cursor.h"

struct stream_pool; /* memory for waiting segments; of one worker */
struct stream_pool *stream_pool_new(size_t bytes_max);
void stream_pool_free(struct stream_pool *pool);

struct stream_counts {
    uint64_t gaps, gap_bytes, retransmitted, overlaps, conflicts, out_of_order, bad_checksums, pool_full;
};
struct stream_counts stream_pool_counts(const struct stream_pool *pool);

struct stream_events {
    void (*on_bytes)(void *context, struct slice bytes); /* the next bytes in order; lent */
    void (*on_gap)(void *context,
                   uint32_t missing); /* that many bytes are lost; 0: what was delivered was garbage, all begins anew */
    void *context;
};

enum { STREAM_GOOD_DATA = UINT8_MAX };

struct stream {        /* small: one for each direction of each flow that is cared for */
    uint32_t next;     /* sequence number of the next byte to deliver; while floating: of the first segment seen */
    bool started;      /* something was seen */
    bool floating;     /* where data begins is not known yet: what comes is held for a while */
    bool good_seen;    /* a segment with a good checksum was there */
    uint8_t bad_alone; /* data that came with a bad checksum, until some came with a good one: see STREAM_GOOD_DATA */
    bool fresh;        /* its SYN was there, and no data yet */
    bool bad_told;     /* some that came with a bad checksum was delivered */
    uint16_t stalled;  /* segments that came while a hole stood that the other side has acknowledged */
    uint16_t waiting_count;
    uint32_t waiting_bytes;
    uint32_t steps;        /* that it took to find places among what waits */
    uint32_t acknowledged; /* the highest of the other side, when acknowledged_known */
    bool acknowledged_known;
    struct waiting *waiting, *last_waiting; /* by sequence number */
    struct stream *before,
        *behind; /* in the pool's list, while something waits: so a stream keeps its place in memory */
};

void stream_init(struct stream *stream);
void stream_done(struct stream_pool *pool, struct stream *stream); /* forgets what waits */
void stream_syn(struct stream *stream, uint32_t sequence,
                bool checksum_good); /* the ISN is known: data begins one later */
struct stream_segment {
    uint32_t sequence;
    struct slice payload;
    uint32_t missing; /* bytes behind payload that the capture cut off */
    bool checksum_good;
};
void stream_add(struct stream_pool *pool, struct stream *stream, const struct stream_segment *segment,
                const struct stream_events *events);
void stream_acknowledged(struct stream_pool *pool, struct stream *stream, uint32_t acknowledgment,
                         const struct stream_events *events); /* by the other side */
void stream_flush(struct stream_pool *pool, struct stream *stream,
                  const struct stream_events *events); /* the flow ends: deliver what is there, gaps included */

#endif
