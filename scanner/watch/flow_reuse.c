/* Ports that are used again, SYNs that come late, SYNs that nobody sent: which of several connections between the same ports a segment belongs to.
 *
 * A SYN with another ISN ends nothing: it may be forged. The flow goes on, and with the first data behind the new ISN a second one begins beside it, its twin. From then
 * on each segment goes where its numbers fit best, and who finishes his handshake ends the others. */
#include <stdlib.h>

#include "scanner/watch/decode.h"
#include "scanner/watch/flow_private.h"
#include "scanner/watch/hello_start.h"

enum {
    LATE_SYN_BYTES = 16 * 1024, /* lost between a SYN that came late and the first byte that was there */
    AGAIN_BYTES = 64 * 1024,    /* behind what was read: a retransmission */
    TWINS_MAX = 4,              /* between the same ports */
};

void flow_unbury(struct flows *flows, uint64_t hash)
{
    flow_note_drop(flow_line_of(flows, hash)->tombstones, FLOW_TOMBSTONES, flow_tag(hash));
}

bool flow_is_buried(const struct flows *flows, uint64_t hash, uint32_t *second)
{
    return flow_note_get(flow_line_of(flows, hash)->tombstones, FLOW_TOMBSTONES, flow_tag(hash), second);
}

static bool get_isn(const struct flows *flows, uint64_t hash, bool side, uint32_t *isn)
{
    return flow_note_get(flow_line_of(flows, hash)->syns, FLOW_SYNS, flow_tag_of_side(hash, side), isn);
}

/* Not the ISN of another connection between the same ports, nor a forged one. */
static bool is_near(uint32_t isn, uint32_t number)
{
    return number - isn < FLOW_NOT_TLS_BYTES || isn - number < 2;
}

/* What is known of the ISNs of both directions, as far as nothing of them was seen. */
void flow_recall_syns(struct flows *flows, struct flow *flow, const struct datagram *datagram)
{
    uint32_t isn;
    bool side = flow_side_of(flows, datagram);
    int direction = flow_direction_of(flow, datagram);
    if (get_isn(flows, flow->hash, side, &isn) && is_near(isn, datagram->sequence))
        stream_syn(&flow->streams[direction], isn, true);
    if (!flow->streams[!direction].started && get_isn(flows, flow->hash, !side, &isn) &&
        (!(datagram->flags & ACK) || is_near(isn, datagram->acknowledgment)))
        stream_syn(&flow->streams[!direction], isn, true);
}

/* The SYN of what this direction has delivered already, which came before its own SYN: data begins right behind it, or some lost bytes further on. */
static bool is_late_syn(const struct flow *flow, int direction, uint32_t isn)
{
    uint32_t begun = flow->streams[direction].next - flow->seen[direction];
    return begun - (isn + 1) < LATE_SYN_BYTES;
}

static bool is_behind(uint32_t read_to, uint32_t number)
{
    return read_to - number - 1 < AGAIN_BYTES;
}

/* The SYN of what is over, overtaken by all the rest; either side's tells where the client's direction began. */
static bool is_syn_of_buried(const struct flows *flows, const struct datagram *datagram, uint64_t hash)
{
    uint32_t read_to;
    return flow_is_buried(flows, hash, &read_to) &&
           is_behind(read_to, datagram->flags & ACK ? datagram->acknowledgment : datagram->sequence);
}

/* Is this the SYN of a direction whose data is there already, or of one of which nothing was seen? Then what it acknowledges is the other's SYN. */
static bool fits(const struct flow *flow, int direction, const struct datagram *datagram)
{
    const struct stream *there = &flow->streams[direction], *back = &flow->streams[!direction];
    if (there->started && !there->floating)
        return is_late_syn(flow, direction, datagram->sequence);
    if (there->started && !is_near(datagram->sequence, there->next))
        return false;
    return !(datagram->flags & ACK) || !back->started || back->floating ||
           is_late_syn(flow, !direction, datagram->acknowledgment - 1);
}

/* Notes the ISN of a SYN. If it is not the one that the flow began with, the ports may be used again. */
void flow_take_syn(struct flows *flows, struct flow *flow, const struct datagram *datagram, uint64_t hash)
{
    uint32_t before, isn = datagram->sequence;
    bool side = flow_side_of(flows, datagram);
    bool known = get_isn(flows, hash, side, &before) && before == isn;
    if (known || !tcp_checksum_good(datagram) || (!flow && is_syn_of_buried(flows, datagram, hash)))
        return;
    flow_note_put(flow_line_of(flows, hash)->syns, FLOW_SYNS, flow_tag_of_side(hash, side), isn);
    flow_unbury(flows, hash);
    if (!flow)
        return;
    int direction = flow_direction_of(flow, datagram);
    if (fits(flow, direction, datagram))
        stream_syn(&flow->streams[direction], isn, true);
    else
        flow->twin = FLOW_TWIN_AWAITED;
}

/* --- twins --------------------------------------------------------------------------------------------------------- */

static uint32_t apart(uint32_t a, uint32_t b)
{
    return a - b < b - a ? a - b : b - a;
}

/* How far a segment's numbers are from those of a flow, as far as these are sure. */
static uint32_t misfit(const struct flow *flow, const struct datagram *datagram)
{
    int direction = flow_direction_of(flow, datagram);
    const struct stream *there = &flow->streams[direction], *back = &flow->streams[!direction];
    uint32_t sequence = apart(there->next, datagram->sequence),
             acknowledgment = apart(back->next, datagram->acknowledgment);
    bool answers = back->started && !back->floating && datagram->flags & ACK;
    if (there->started && !there->floating)
        return answers && acknowledgment > sequence ? acknowledgment : sequence;
    return answers ? acknowledgment : UINT32_MAX;
}

static bool has_same_ends(const struct flow *a, const struct flow *b)
{
    unsigned turned = !place_equal(&a->places[0], &b->places[0]);
    return place_equal(&a->places[0], &b->places[turned]) && place_equal(&a->places[1], &b->places[!turned]);
}

/* From `at` on; not the flow itself. */
static struct flow *next_twin(const struct flow *flow, struct flow *at)
{
    while (at && (at == flow || at->hash != flow->hash || at->kind != FLOW_TCP || !has_same_ends(at, flow)))
        at = at->chain;
    return at;
}

void flow_end_twins(struct flows *flows, struct flow *flow)
{
    struct flow *twin;
    while ((twin = next_twin(flow, flow_line_of(flows, flow->hash)->flows)))
        flow_end(flows, twin);
}

/* The data behind a new ISN, nearer to it than to anything of the flows that there are; or a hello that is far from all of them. */
static bool begins_anew(const struct flows *flows, const struct datagram *datagram, uint64_t hash, uint32_t best)
{
    uint32_t isn;
    if (get_isn(flows, hash, flow_side_of(flows, datagram), &isn) && is_near(isn, datagram->sequence))
        return apart(isn + 1, datagram->sequence) < best;
    return best > FLOW_FAR_BYTES && hello_starts(datagram->payload, false);
}

static bool is_awaited(const struct flow *flow, struct flow *line)
{
    bool awaited = flow->twin == FLOW_TWIN_AWAITED;
    for (const struct flow *twin = next_twin(flow, line); twin; twin = next_twin(flow, twin->chain))
        awaited |= twin->twin == FLOW_TWIN_AWAITED;
    return awaited;
}

/* Another flow will begin beside these. */
static void make_twins(struct flows *flows, struct flow *flow)
{
    struct flow *line = flow_line_of(flows, flow->hash)->flows, *useless = flow;
    unsigned count = 1;
    flow->twin = FLOW_TWIN;
    for (struct flow *twin = next_twin(flow, line); twin; twin = next_twin(flow, twin->chain)) {
        twin->twin = FLOW_TWIN;
        if (twin->usefulness < useless->usefulness)
            useless = twin;
        count++;
    }
    flows->counts.reused++;
    if (count >= TWINS_MAX)
        flow_end(flows, useless);
}

/* It acknowledges what the other side sent, which who does not see the connection would have to guess; or that side is not known, and it looks like a beginning. */
static bool is_plausible(const struct flows *flows, const struct flow *flow, const struct datagram *datagram)
{
    const struct stream *back = &flow->streams[!flow_direction_of(flow, datagram)];
    if (datagram->flags & ACK && back->started && !back->floating)
        return apart(back->next, datagram->acknowledgment) < AGAIN_BYTES;
    return begins_anew(flows, datagram, flow->hash, UINT32_MAX);
}

/* Nothing was read of this direction yet, and its SYN or what waits in it was forged, or is older: it is forgotten. */
static bool begins_direction(struct flows *flows, struct flow *flow, const struct datagram *datagram)
{
    struct stream *stream = &flow->streams[flow_direction_of(flow, datagram)];
    if (!(stream->floating || stream->fresh) || apart(stream->next, datagram->sequence) <= FLOW_FAR_BYTES ||
        !is_plausible(flows, flow, datagram))
        return false;
    stream_done(flows->pool, stream);
    stream_init(stream);
    flow_recall_syns(flows, flow, datagram);
    return true;
}

struct flow *flow_of_sequence(struct flows *flows, struct flow *flow, const struct datagram *datagram)
{
    struct flow *line = flow_line_of(flows, flow->hash)->flows, *fittest = flow;
    for (struct flow *twin = next_twin(flow, line); twin; twin = next_twin(flow, twin->chain)) {
        if (misfit(twin, datagram) < misfit(fittest, datagram))
            fittest = twin;
    }
    uint32_t best = misfit(fittest, datagram);
    if (datagram->payload.size == 0 || begins_direction(flows, fittest, datagram))
        return fittest;
    if (!(is_awaited(flow, line) || best > FLOW_FAR_BYTES) || !begins_anew(flows, datagram, flow->hash, best))
        return fittest;
    make_twins(flows, flow);
    return NULL;
}

/* --- what is over -------------------------------------------------------------------------------------------------- */

/* What is over stays over, until a hello says that the ports are used again; unless it is the one that was read, once more. */
bool flow_is_over(struct flows *flows, const struct datagram *datagram, uint64_t hash)
{
    uint32_t read_to;
    if (!flow_is_buried(flows, hash, &read_to))
        return false;
    if (!hello_starts(datagram->payload, false) || is_behind(read_to, datagram->sequence))
        return true;
    flow_unbury(flows, hash);
    return false;
}
