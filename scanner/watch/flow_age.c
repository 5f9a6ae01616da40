/* Which flows there are and which go: the hash table, a list per class of usefulness in order of the last packet, the memory account.
 *
 * A list is put in order once per second of the packet clock and flow, not once per packet: who is silent for two minutes is found all the same. */
#include <stdlib.h>
#include <string.h>

#include "scanner/watch/flow_private.h"
#include "scanner/watch/memory_cost.h"

enum {
    FLOW_MEMORY_USUAL = 256 * 1024 /* of a flow; the longest chains of real servers need less */
};

void flow_table_init(struct flows *flows, size_t memory_max)
{
    uint64_t lines = 1024;
    while (lines * 2 * sizeof *flows->lines <= memory_max)
        lines *= 2;
    flows->lines = pages_new(lines * sizeof *flows->lines);
    flows->line_mask = lines - 1;
}

void flow_table_done(struct flows *flows)
{
    pages_free(flows->lines, (flows->line_mask + 1) * sizeof *flows->lines);
}

/* --- lists --------------------------------------------------------------------------------------------------------- */

static void unlink_flow(struct flows *flows, struct flow *flow)
{
    unsigned class = flow->usefulness;
    if (flow->staler)
        flow->staler->fresher = flow->fresher;
    else
        flows->stalest[class] = flow->fresher;
    if (flow->fresher)
        flow->fresher->staler = flow->staler;
    else
        flows->freshest[class] = flow->staler;
}

static void link_freshest(struct flows *flows, struct flow *flow)
{
    unsigned class = flow->usefulness;
    flow->fresher = NULL;
    flow->staler = flows->freshest[class];
    if (flow->staler)
        flow->staler->fresher = flow;
    else
        flows->stalest[class] = flow;
    flows->freshest[class] = flow;
}

struct flow *flow_least_useful(const struct flows *flows)
{
    for (unsigned class = 0; class < FLOW_CLASSES; class ++) {
        if (flows->stalest[class])
            return flows->stalest[class];
    }
    return NULL;
}

/* --- memory -------------------------------------------------------------------------------------------------------- */

static size_t memory_of(const struct flow *flow)
{
    size_t inside = flow->kind == FLOW_TCP    ? session_memory(flow->session)
                    : flow->kind == FLOW_DTLS ? dtls_memory(flow->dtls)
                                              : quic_memory(flow->quic);
    return memory_cost(sizeof *flow) + inside;
}

static struct flow *find_victim(const struct flows *flows, const struct flow *keep)
{
    for (unsigned class = 0; class < FLOW_CLASSES; class ++) {
        struct flow *victim = flows->stalest[class];
        if (victim && victim == keep)
            victim = victim->fresher;
        if (victim)
            return victim;
    }
    return NULL;
}

/* Ends the least useful until `size` more bytes fit. What an evicted flow can tell it tells. keep: not this one. */
static bool make_room(struct flows *flows, const struct flow *keep, size_t size)
{
    while (flows->memory + size > flows->memory_max - flows->memory_max / 4) {
        struct flow *victim = find_victim(flows, keep);
        if (!victim)
            return false;
        flows->counts.evicted++;
        flow_end(flows, victim);
    }
    return true;
}

struct flow *flow_begin(struct flows *flows, enum flow_kind kind, const struct datagram *datagram, uint64_t hash)
{
    if (!make_room(flows, NULL, memory_cost(sizeof(struct flow))))
        return NULL;
    struct flow *flow = cm_malloc(sizeof *flow); /* calloc of glibc passes by what was freed last */
    *flow = (struct flow){
        .hash = hash,
        .kind = kind,
        .places = {datagram->source, datagram->destination},
        .last_us = flows->clock.now_us,
        .memory = memory_cost(sizeof *flow),
        .moved = true,
        .chain = flow_line_of(flows, hash)->flows,
    };
    flow_line_of(flows, hash)->flows = flow;
    link_freshest(flows, flow);
    flows->memory += flow->memory;
    flows->count++;
    return flow;
}

void flow_forget(struct flows *flows, struct flow *flow)
{
    struct flow **link = &flow_line_of(flows, flow->hash)->flows;
    while (*link != flow)
        link = &(*link)->chain;
    *link = flow->chain;
    unlink_flow(flows, flow);
    if (flow->kind == FLOW_TCP) {
        session_free(flow->session);
        stream_done(flows->pool, &flow->streams[0]);
        stream_done(flows->pool, &flow->streams[1]);
    } else if (flow->kind == FLOW_DTLS) {
        dtls_free(flow->dtls);
    } else {
        quic_free(flow->quic);
    }
    flows->memory -= flow->memory;
    flows->count--;
    free(flow);
}

/* Who holds far more than handshakes need goes before all others. */
static unsigned class_of(const struct flow *flow, size_t memory)
{
    if (memory > FLOW_MEMORY_USUAL)
        return 0;
    unsigned useful = flow->kind == FLOW_TCP ? (unsigned)session_usefulness(flow->session) : 2;
    return useful < FLOW_CLASSES ? useful : FLOW_CLASSES - 1;
}

void flow_touch(struct flows *flows, struct flow *flow)
{
    size_t memory = flow->moved ? memory_of(flow) : flow->memory;
    unsigned class = flow->moved ? class_of(flow, memory) : flow->usefulness;
    int64_t now_us = flows->clock.now_us;
    flow->moved = false;
    if (now_us - flow->last_us >= FLOW_SECOND_US || class != flow->usefulness) {
        unlink_flow(flows, flow);
        flow->usefulness = (uint8_t) class;
        flow->last_us = now_us;
        link_freshest(flows, flow);
    }
    if (memory != flow->memory) {
        flows->memory += memory - flow->memory;
        flow->memory = memory;
        (void)make_room(flows, flow, 0);
    }
}

/* --- time ---------------------------------------------------------------------------------------------------------- */

void flow_age(struct flows *flows)
{
    int64_t now_us = flows->clock.now_us;
    flows->aged_us = now_us;
    for (unsigned class = 0; class < FLOW_CLASSES; class ++) {
        while (flows->stalest[class] && now_us - flows->stalest[class]->last_us > flows->options.idle_us) {
            flows->counts.timed_out++;
            flow_end(flows, flows->stalest[class]);
        }
    }
}
