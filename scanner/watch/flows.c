/* The flow table: finds or begins the flow of a datagram and hands its bytes on. Which flow goes when memory is short, and when a flow has been
 * silent for too long, is decided in flow_age.c; what SYNs and tombstones mean in flow_reuse.c; how both are remembered in flow_line.h.
 *
 *     datagram ─→ tombstone? ──────────────────────────→ nothing
 *          └───→ flow (found, or begun with its first payload) ─→ stream ─→ session ─→ observed
 */
#include "scanner/watch/flows.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "scanner/watch/decode.h"
#include "scanner/watch/dtls.h"
#include "scanner/watch/flow_private.h"
#include "scanner/watch/hash.h"
#include "scanner/watch/quic.h"

enum {
    LINES_SHARE = 32, /* so much of the memory is for the table itself */
    CHECKED_BYTES =
        64 * 1024, /* of a direction: checksums are verified so far; further on only while a handshake is under way */
    ENDLESS_BYTES = 16 * 1024 * 1024, /* of one direction, whatever it holds */
    TOMBSTONE_SECONDS = 60,           /* of UDP, where nothing says that ports are used again */
};

struct flows *flows_new(const struct flows_options *options)
{
    struct flows *flows = cm_calloc(1, sizeof *flows);
    flows->options = *options;
    if (flows->options.idle_us == 0)
        flows->options.idle_us = FLOW_IDLE_US;
    if (getrandom(flows->seeds, sizeof flows->seeds, 0) != (ssize_t)sizeof flows->seeds)
        flows->seeds[0] = ~(flows->seeds[1] = (uint64_t)(uintptr_t)flows);
    size_t lines = options->memory_max / LINES_SHARE;
    flows->memory_max = options->memory_max - lines;
    flows->pool = stream_pool_new(flows->memory_max / 4);
    flow_table_init(flows, lines);
    return flows;
}

void flows_free(struct flows *flows)
{
    if (!flows)
        return;
    while (flows->count)
        flow_forget(flows, flow_least_useful(flows));
    flow_table_done(flows);
    stream_pool_free(flows->pool);
    free(flows);
}

/* --- hashes -------------------------------------------------------------------------------------------------------- */

/* Distinct for distinct places, but for hashes of IPv6 that meet. */
static inline uint64_t word_of(const struct flows *flows, const struct place *place)
{
    uint64_t words[2], rest = (uint64_t)place->port << 32 | (uint64_t)place->family << 48;
    memcpy(words, place->ip, sizeof words);
    return place->family == 4 ? words[0] ^ rest
                              : hash_fold(words[0] ^ flows->seeds[0], words[1] ^ flows->seeds[1]) ^ rest;
}

static inline uint64_t hash_words(const struct flows *flows, uint64_t first, uint64_t second, unsigned protocol)
{
    return hash_fold(hash_fold(first ^ flows->seeds[0], second ^ flows->seeds[1]) + protocol, 0x9E3779B97F4A7C15u);
}

/* The same for both directions. */
static uint64_t hash_flow(const struct flows *flows, const struct datagram *datagram)
{
    uint64_t a = word_of(flows, &datagram->source), b = word_of(flows, &datagram->destination);
    return hash_words(flows, a < b ? a : b, a < b ? b : a, datagram->protocol);
}

/* Tells its two directions apart, for the notes of ISNs. */
bool flow_side_of(const struct flows *flows, const struct datagram *datagram)
{
    return word_of(flows, &datagram->source) < word_of(flows, &datagram->destination);
}

/* --- notes --------------------------------------------------------------------------------------------------------- */

static uint32_t second_of(const struct flows *flows)
{
    return (uint32_t)(flows->clock.now_us / FLOW_SECOND_US);
}

static void bury(struct flows *flows, uint64_t hash, uint32_t value)
{
    flow_note_put(flow_line_of(flows, hash)->tombstones, FLOW_TOMBSTONES, flow_tag(hash), value);
}

/* On the tombstone stands, of TCP, how far the client's direction was read; of UDP the second of its last packet. */
static void bury_flow(struct flows *flows, const struct flow *flow)
{
    bury(flows, flow->hash,
         flow->kind == FLOW_TCP ? flow->streams[session_client(flow->session) == 1].next : second_of(flows));
}

/* --- finding ------------------------------------------------------------------------------------------------------- */

static bool is_between(const struct flow *flow, const struct datagram *datagram)
{
    const struct place *a = &datagram->source, *b = &datagram->destination;
    return (place_equal(&flow->places[0], a) && place_equal(&flow->places[1], b)) ||
           (place_equal(&flow->places[0], b) && place_equal(&flow->places[1], a));
}

static struct flow *flow_find(struct flows *flows, const struct datagram *datagram, uint64_t hash)
{
    for (struct flow *flow = flow_line_of(flows, hash)->flows; flow; flow = flow->chain) {
        if (flow->hash == hash && is_between(flow, datagram) &&
            (flow->kind == FLOW_TCP) == (datagram->protocol == DATAGRAM_TCP))
            return flow;
    }
    return NULL;
}

/* --- ending -------------------------------------------------------------------------------------------------------- */

static struct stream_events stream_events(struct flow *flow, int direction);

/* Nothing more of this flow is wanted, nor of others between the same ports: one of them was the true one. */
static void finish(struct flows *flows, struct flow *flow)
{
    bury_flow(flows, flow);
    if (flow->twin)
        flow_end_twins(flows, flow);
    flow_forget(flows, flow);
}

/* Tells what can still be told, then forgets the flow. */
void flow_end(struct flows *flows, struct flow *flow)
{
    for (int direction = 0; direction < 2 && flow->kind == FLOW_TCP; direction++) {
        struct stream_events events = stream_events(flow, direction);
        stream_flush(flows->pool, &flow->streams[direction], &events);
    }
    if (flow->kind == FLOW_TCP)
        session_end(flow->session);
    else if (flow->kind == FLOW_DTLS)
        dtls_end(flow->dtls);
    else
        quic_end(flow->quic);
    flow_forget(flows, flow);
}

void flows_flush(struct flows *flows)
{
    while (flows->count)
        flow_end(flows, flow_least_useful(flows));
}

/* --- TCP ----------------------------------------------------------------------------------------------------------- */

static void on_bytes(void *context, struct slice bytes)
{
    struct flow_side *side = context;
    struct flow *flow = side->flow;
    flow->moved = true;
    flow->seen[side->direction] += bytes.size < UINT32_MAX / 2 ? (uint32_t)bytes.size : 0;
    if (!flow->over && !session_bytes(flow->session, side->direction, bytes, flow->at_us))
        flow->over = true;
}

static void on_gap(void *context, uint32_t missing)
{
    struct flow_side *side = context;
    struct flow *flow = side->flow;
    flow->moved = true;
    if (missing == 0)
        flow->seen[side->direction] = 0;
    if (!flow->over && !session_gap(flow->session, side->direction, missing))
        flow->over = true;
}

static struct stream_events stream_events(struct flow *flow, int direction)
{
    flow->sides[direction] = (struct flow_side){flow, direction};
    return (struct stream_events){on_bytes, on_gap, &flow->sides[direction]};
}

int flow_direction_of(const struct flow *flow, const struct datagram *datagram)
{
    return place_equal(&flow->places[0], &datagram->source) ? 0 : 1;
}

static struct flow *begin_tcp(struct flows *flows, const struct datagram *datagram, uint64_t hash)
{
    struct flow *flow = flow_begin(flows, FLOW_TCP, datagram, hash);
    if (!flow)
        return NULL;
    flow->session = session_new(&flows->options.session, flow->places, datagram->at_us);
    stream_init(&flow->streams[0]);
    stream_init(&flow->streams[1]);
    flow_recall_syns(flows, flow, datagram);
    flows->counts.tcp++;
    return flow;
}

static bool must_check(const struct flow *flow, int direction)
{
    return flow->seen[direction] < CHECKED_BYTES || flow->usefulness > 1;
}

/* What its checksum says, unless nothing of this direction has had a good one (offload). */
static bool is_believed(const struct flow *flow, int direction, const struct datagram *datagram)
{
    return !flow->streams[direction].good_seen || tcp_checksum_good(datagram);
}

/* FIN, or RST in its place: nothing more will come from that side. */
static bool is_closed(struct flow *flow, const struct datagram *datagram, int direction)
{
    struct stream *stream = &flow->streams[direction];
    uint32_t end = datagram->sequence + (uint32_t)datagram->payload.size + datagram->missing;
    if (!(datagram->flags & (RST | FIN)) || !stream->started || stream->waiting || end != stream->next ||
        !is_believed(flow, direction, datagram))
        return false;
    if (datagram->flags & RST) /* a forged one would have to guess its number (RFC 5961 §3.2) */
        return true;
    flow->closed |= (uint8_t)(1 << direction);
    return flow->closed == 3;
}

/* Both sides said much and nothing of TLS; or one of them said more than any handshake, or greeting before it, can hold. */
static bool is_hopeless(const struct flow *flow)
{
    if (flow->seen[0] >= ENDLESS_BYTES || flow->seen[1] >= ENDLESS_BYTES)
        return true;
    return flow->usefulness == 0 && flow->seen[0] >= FLOW_NOT_TLS_BYTES && flow->seen[1] >= FLOW_NOT_TLS_BYTES;
}

static void pass_tcp(struct flows *flows, struct flow *flow, const struct datagram *datagram)
{
    int direction = flow_direction_of(flow, datagram);
    struct stream_events events = stream_events(flow, direction), back = stream_events(flow, !direction);
    struct stream_segment segment = {.sequence = datagram->sequence + (datagram->flags & SYN ? 1 : 0),
                                     .payload = datagram->payload,
                                     .missing = datagram->missing,
                                     .checksum_good = true};
    bool data = segment.payload.size || segment.missing, waits = flow->streams[!direction].waiting != NULL;
    __builtin_prefetch(flow->session); /* comes nearer while the checksum is computed */
    flow->at_us = datagram->at_us;
    if (data && must_check(flow, direction))
        segment.checksum_good = tcp_checksum_good(datagram);
    if (datagram->flags & ACK && (data ? segment.checksum_good || flow->streams[direction].bad_alone != STREAM_GOOD_DATA
                                       : !waits || is_believed(flow, direction, datagram)))
        stream_acknowledged(flows->pool, &flow->streams[!direction], datagram->acknowledgment, &back);
    if (data)
        stream_add(flows->pool, &flow->streams[direction], &segment, &events);
    flow_touch(flows, flow);
    if (flow->over) {
        flows->counts.finished++;
        finish(flows, flow);
    } else if (is_hopeless(flow)) {
        flows->counts.not_tls++;
        bury_flow(flows, flow);
        flow_end(flows, flow);
    } else if (is_closed(flow, datagram, direction)) {
        flows->counts.closed++;
        flow_end(flows, flow);
    }
}

static bool is_far(const struct flow *flow, const struct datagram *datagram)
{
    const struct stream *stream = &flow->streams[flow_direction_of(flow, datagram)];
    return stream->started && datagram->sequence - stream->next + FLOW_FAR_BYTES > 2 * FLOW_FAR_BYTES;
}

static void add_tcp(struct flows *flows, const struct datagram *datagram)
{
    uint64_t hash = hash_flow(flows, datagram);
    struct flow *flow = flow_find(flows, datagram, hash), *beside = flow;
    if (datagram->flags & SYN && !(datagram->flags & RST))
        flow_take_syn(flows, flow, datagram, hash);
    if (flow && (flow->twin || is_far(flow, datagram)))
        flow = flow_of_sequence(flows, flow, datagram);
    if (!flow && (datagram->payload.size == 0 || flow_is_over(flows, datagram, hash)))
        return;
    if (!flow && (flow = begin_tcp(flows, datagram, hash)))
        flow->twin = beside ? FLOW_TWIN : FLOW_ALONE;
    if (flow)
        pass_tcp(flows, flow, datagram);
}

/* --- UDP ----------------------------------------------------------------------------------------------------------- */

static struct flow *begin_udp(struct flows *flows, const struct datagram *datagram, uint64_t hash)
{
    bool dtls = dtls_may_be(datagram->payload);
    if (!dtls && !quic_may_be(datagram->payload))
        return NULL;
    struct flow *flow = flow_begin(flows, dtls ? FLOW_DTLS : FLOW_QUIC, datagram, hash);
    if (flow && dtls)
        flow->dtls = dtls_new(&flows->options.session, flow->places, datagram->at_us);
    else if (flow)
        flow->quic = quic_new(&flows->options.session, flow->places, datagram->at_us);
    flows->counts.udp += flow != NULL;
    return flow;
}

/* What was told is not told again by the rest of a conversation, however long that is; who is silent for a while has ended. */
static bool is_rest(struct flows *flows, uint64_t hash)
{
    uint32_t second, now = second_of(flows);
    if (!flow_is_buried(flows, hash, &second))
        return false;
    if (now - second > TOMBSTONE_SECONDS) {
        flow_unbury(flows, hash);
        return false;
    }
    if (second != now)
        bury(flows, hash, now);
    return true;
}

static void add_udp(struct flows *flows, const struct datagram *datagram)
{
    bool more;
    if (!quic_concerns(datagram->payload) && !dtls_concerns(datagram->payload))
        return; /* as most are: they cost no look at a table */
    uint64_t hash = hash_flow(flows, datagram);
    struct flow *flow = flow_find(flows, datagram, hash);
    if (!flow) {
        if (is_rest(flows, hash))
            return;
        flow = begin_udp(flows, datagram, hash);
    }
    if (!flow)
        return;
    if (flow->kind == FLOW_DTLS)
        more = dtls_datagram(flow->dtls, flow_direction_of(flow, datagram), datagram->payload, datagram->at_us);
    else
        more = quic_datagram(flow->quic, flow_direction_of(flow, datagram), datagram->payload, datagram->at_us);
    flow->moved = true;
    flow_touch(flows, flow);
    if (!more) {
        flows->counts.finished++;
        finish(flows, flow);
    }
}

void flows_tick(struct flows *flows, int64_t at_us)
{
    int64_t now_us = packet_clock_at(&flows->clock, at_us);
    if (now_us - flows->aged_us >= FLOW_SECOND_US)
        flow_age(flows);
}

void flows_add(struct flows *flows, const struct datagram *datagram)
{
    flows_tick(flows, datagram->at_us);
    if (datagram->protocol == DATAGRAM_TCP)
        add_tcp(flows, datagram);
    else if (datagram->protocol == DATAGRAM_UDP)
        add_udp(flows, datagram);
}

struct flows_counts flows_get_counts(const struct flows *flows)
{
    struct flows_counts counts = flows->counts;
    counts.under_way = flows->count;
    counts.streams = stream_pool_counts(flows->pool);
    return counts;
}
