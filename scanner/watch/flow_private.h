/* The inside of the flow table, shared by its files. */
#ifndef SCANNER_WATCH_FLOW_PRIVATE_H
#define SCANNER_WATCH_FLOW_PRIVATE_H

#include "scanner/watch/dtls.h"
#include "scanner/watch/flow_line.h"
#include "scanner/watch/flows.h"
#include "scanner/watch/packet_clock.h"
#include "scanner/watch/pages.h"
#include "scanner/watch/quic.h"

enum {
    FLOW_IDLE_US = 120 * 1000000,
    FLOW_SECOND_US = 1000000,
    FLOW_CLASSES = 4,                 /* usefulness 0 to 3 */
    FLOW_NOT_TLS_BYTES = 1024 * 1024, /* of each direction without a sign of TLS: STARTTLS does not come that late */
    FLOW_FAR_BYTES = 1 << 24,         /* numbers that are further apart are of two connections */
    FIN = 1,
    SYN = 2,
    RST = 4,
    ACK = 16,
};

/* --- flows ----------------------------------------------------------------------------------------------------------- */

enum flow_kind { FLOW_TCP, FLOW_DTLS, FLOW_QUIC };

enum flow_twin { FLOW_ALONE, FLOW_TWIN_AWAITED /* a SYN with another ISN was there */, FLOW_TWIN };

struct flow_side { /* the context of a stream's events */
    struct flow *flow;
    int direction;
};

struct flow {
    struct flow *chain;            /* of the line */
    struct flow *staler, *fresher; /* of its class, by last packet */
    uint64_t hash;
    struct place places[2]; /* [0] sent the first packet that we saw */
    enum flow_kind kind;
    uint8_t usefulness, closed; /* closed: bit per direction */
    uint8_t twin;               /* enum flow_twin: there may be others between the same ports */
    bool over;                  /* the session wants no more */
    bool moved;                 /* data came, or was given up, since its place was last judged */
    int64_t last_us;            /* of the table's clock, to the second */
    int64_t at_us;              /* of the packet at hand, as captured */
    size_t memory;              /* accounted for it, session included */
    union {
        struct session *session;
        struct dtls *dtls;
        struct quic *quic;
    };
    struct stream streams[2];
    struct flow_side sides[2];
    uint32_t seen[2]; /* bytes delivered */
};

struct flows {
    struct flows_options options;
    uint64_t seeds[2];
    struct stream_pool *pool;
    struct flow_line *lines;
    uint64_t line_mask;
    struct flow *stalest[FLOW_CLASSES], *freshest[FLOW_CLASSES];
    uint64_t count;
    size_t memory, memory_max; /* of flows and sessions; the pool has a share of its own */
    struct packet_clock clock;
    int64_t aged_us;
    struct flows_counts counts;
};

static inline struct flow_line *flow_line_of(const struct flows *flows, uint64_t hash)
{
    return &flows->lines[hash & flows->line_mask];
}

/* A TCP segment's side, direction, flow. */
bool flow_side_of(const struct flows *flows, const struct datagram *datagram);
int flow_direction_of(const struct flow *flow, const struct datagram *datagram);

/* flow_reuse.c: notes of SYNs and of what has ended. */
void flow_unbury(struct flows *flows, uint64_t hash);
bool flow_is_buried(const struct flows *flows, uint64_t hash, uint32_t *value);
bool flow_is_over(struct flows *flows, const struct datagram *datagram, uint64_t hash);
void flow_recall_syns(struct flows *flows, struct flow *flow, const struct datagram *datagram);
void flow_take_syn(struct flows *flows, struct flow *flow, const struct datagram *datagram, uint64_t hash);
/* Of a flow that has twins, or may have, or that a segment is far from, the one whose numbers fit; NULL: another begins. */
struct flow *flow_of_sequence(struct flows *flows, struct flow *flow, const struct datagram *datagram);
void flow_end_twins(struct flows *flows, struct flow *flow);

void flow_table_init(struct flows *flows, size_t memory_max);
void flow_table_done(struct flows *flows);
/* Evicts as needed. NULL: no room even so. The session is yet to be made. */
struct flow *flow_begin(struct flows *flows, enum flow_kind kind, const struct datagram *datagram, uint64_t hash);
/* After a packet: its place among the others, its memory. May evict others, never this one. */
void flow_touch(struct flows *flows, struct flow *flow);
void flow_forget(struct flows *flows, struct flow *flow); /* tells nothing */
void flow_end(struct flows *flows, struct flow *flow);    /* tells, then forgets */
struct flow *flow_least_useful(const struct flows *flows);
void flow_age(struct flows *flows); /* ends what was silent for too long; once a second of the clock */

#endif
