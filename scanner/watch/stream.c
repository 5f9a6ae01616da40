/* TCP data in order. What arrives in order is lent on at once; what does not waits in a sorted list until the hole before it is filled or given up.
 *
 * Sequence numbers wrap, so they are only ever compared by their difference (RFC 9293 §3.4). Every stream is bounded (WAITING_MAX), and all streams of a
 * worker together by the pool. */
#include "scanner/watch/stream.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/error.h"
#include "scanner/watch/hello_start.h"
#include "scanner/watch/memory_cost.h"

enum {
    WINDOW_MAX = 1 << 24,     /* what is further ahead belongs to another connection, or is a lie */
    WAITING_MAX = 512 * 1024, /* bytes behind a hole in one stream before the hole is given up */
    WAITING_SEGMENTS_MAX = 4096,
    STEPS_FREE =
        64, /* from one waiting segment to the next, to find the place of another; upwards and downwards cost none … */
    STEPS_MAX = 524288,           /* … who makes us walk more, by so many in all, has all his holes given up */
    UNACKNOWLEDGED_SEGMENTS = 64, /* so many segments behind a hole that nobody acknowledges: a capture of one side */
    /* Segments that may still come late once the other side has acknowledged past a hole, if as many bytes wait behind it; and in any case. A handshake in small pieces is
     * never given up, whatever their order. */
    PATIENCE = 24,
    PATIENCE_BYTES = 32 * 1024,
    PATIENCE_MAX = 2048,
    /* A capture that begins in the middle: so many segments or bytes may come in any order before the lowest is taken for the beginning. */
    FLOATING_SEGMENTS = 2048,
    FLOATING_BYTES = 32 * 1024,
    BAD_ALONE = 2, /* data with bad checksums and none with a good one, behind a SYN with a good one */
};

struct waiting {
    struct waiting *next;
    uint32_t sequence, size, missing;
    bool good;
    uint8_t bytes[];
};

struct stream_pool {
    size_t bytes, bytes_max;
    struct stream *longest, *latest; /* streams in which something waits, by when that began */
    struct stream_counts counts;
};

struct stream_pool *stream_pool_new(size_t bytes_max)
{
    struct stream_pool *pool = cm_calloc(1, sizeof *pool);
    pool->bytes_max = bytes_max;
    return pool;
}

void stream_pool_free(struct stream_pool *pool)
{
    free(pool);
}

struct stream_counts stream_pool_counts(const struct stream_pool *pool)
{
    return pool->counts;
}

void stream_init(struct stream *stream)
{
    *stream = (struct stream){0};
}

static int32_t distance(uint32_t from, uint32_t to)
{
    return (int32_t)(to - from);
}

/* --- who waits ------------------------------------------------------------------------------------------------------- */

static void enlist(struct stream_pool *pool, struct stream *stream)
{
    stream->before = pool->latest;
    stream->behind = NULL;
    if (pool->latest)
        pool->latest->behind = stream;
    else
        pool->longest = stream;
    pool->latest = stream;
}

static void delist(struct stream_pool *pool, struct stream *stream)
{
    if (stream->before)
        stream->before->behind = stream->behind;
    else
        pool->longest = stream->behind;
    if (stream->behind)
        stream->behind->before = stream->before;
    else
        pool->latest = stream->before;
}

static void drop_first(struct stream_pool *pool, struct stream *stream)
{
    struct waiting *first = stream->waiting;
    stream->waiting = first->next;
    stream->waiting_bytes -= first->size;
    stream->waiting_count--;
    pool->bytes -= memory_cost(sizeof *first + first->size);
    free(first);
    if (!stream->waiting) {
        stream->last_waiting = NULL;
        stream->steps = 0;
        delist(pool, stream);
    }
}

void stream_done(struct stream_pool *pool, struct stream *stream)
{
    while (stream->waiting)
        drop_first(pool, stream);
}

/* What waits longest elsewhere is given up: a stream that hoards takes nothing from those with a short disorder. False: `stream` alone has it all. */
static bool make_room(struct stream_pool *pool, const struct stream *stream, size_t size)
{
    while (pool->bytes + size > pool->bytes_max) {
        struct stream *victim = pool->longest == stream ? stream->behind : pool->longest;
        pool->counts.pool_full++;
        if (!victim)
            return false;
        stream_done(pool, victim);
    }
    return true;
}

void stream_syn(struct stream *stream, uint32_t sequence, bool checksum_good)
{
    stream->good_seen |= checksum_good;
    if (stream->started && !stream->floating)
        return;
    stream->next = sequence + 1;
    stream->started = stream->fresh = true;
    stream->floating = false;
}

/* --- delivering ---------------------------------------------------------------------------------------------------- */

static void deliver(struct stream *stream, struct slice bytes, uint32_t missing, const struct stream_events *events,
                    struct stream_pool *pool)
{
    stream->next += (uint32_t)bytes.size;
    stream->fresh = false;
    if (bytes.size)
        events->on_bytes(events->context, bytes);
    if (missing) {
        stream->next += missing;
        pool->counts.gaps++;
        pool->counts.gap_bytes += missing;
        events->on_gap(events->context, missing);
    }
}

/* Delivers what waits at its turn. With force, data with a bad checksum too: nothing better came. */
static void drain(struct stream_pool *pool, struct stream *stream, const struct stream_events *events, bool force)
{
    while (stream->waiting) {
        struct waiting *first = stream->waiting;
        int32_t ahead = distance(stream->next, first->sequence);
        if (ahead > 0 || (!first->good && !force))
            return;
        uint32_t known = (uint32_t)-ahead;
        stream->bad_told |= !first->good;
        if (known < first->size)
            deliver(stream, (struct slice){first->bytes + known, first->size - known}, first->missing, events, pool);
        else if (known < first->size + first->missing)
            deliver(stream, (struct slice){NULL, 0}, first->size + first->missing - known, events, pool);
        force = false; /* one at a time: behind it a good one may stand */
        drop_first(pool, stream);
    }
}

/* Gives up the hole before the first waiting segment: data with a bad checksum stands in it, or it is lost. */
static void give_up_hole(struct stream_pool *pool, struct stream *stream, const struct stream_events *events)
{
    const struct waiting *first = stream->waiting;
    int32_t ahead = distance(stream->next, first->sequence);
    stream->stalled = 0;
    if (ahead > 0)
        deliver(stream, (struct slice){NULL, 0}, (uint32_t)ahead, events, pool);
    drain(pool, stream, events, true);
    drain(pool, stream, events, false);
}

static void settle(struct stream_pool *pool, struct stream *stream, const struct stream_events *events)
{
    stream->floating = false;
    if (!stream->waiting)
        return;
    stream->next = stream->waiting->sequence;
    drain(pool, stream, events, !stream->good_seen);
}

/* --- waiting ------------------------------------------------------------------------------------------------------- */

/* Puts a copy before *link. False: there is no room. */
static bool keep(struct stream_pool *pool, struct stream *stream, struct waiting **link,
                 const struct stream_segment *segment, uint32_t skip, uint32_t size, uint32_t missing)
{
    size_t memory = memory_cost(sizeof(struct waiting) + size);
    if (!make_room(pool, stream, memory))
        return false;
    struct waiting *waiting = cm_malloc(sizeof *waiting + size);
    *waiting = (struct waiting){.next = *link,
                                .sequence = segment->sequence + skip,
                                .size = size,
                                .missing = missing,
                                .good = segment->checksum_good};
    memcpy(waiting->bytes, segment->payload.data + skip, size);
    if (!stream->waiting)
        enlist(pool, stream);
    if (!waiting->next)
        stream->last_waiting = waiting;
    *link = waiting;
    pool->bytes += memory;
    stream->waiting_bytes += size;
    stream->waiting_count++;
    pool->counts.out_of_order++;
    return true;
}

/* Cuts what waits at *link in two behind its first bytes. False: there is no room. */
static bool cut(struct stream_pool *pool, struct stream *stream, struct waiting **link, uint32_t first_size)
{
    struct waiting *first = *link;
    if (first_size == 0 || first_size >= first->size)
        return true;
    uint32_t size = first->size - first_size;
    size_t before = memory_cost(sizeof *first + first->size);
    size_t after = memory_cost(sizeof *first + first_size) + memory_cost(sizeof *first + size);
    if (!make_room(pool, stream, after - before)) /* a second header: it is always more */
        return false;
    struct waiting *rest = cm_malloc(sizeof *rest + size);
    *rest = (struct waiting){.next = first->next,
                             .sequence = first->sequence + first_size,
                             .size = size,
                             .missing = first->missing,
                             .good = first->good};
    memcpy(rest->bytes, first->bytes + first_size, size);
    if (stream->last_waiting == first)
        stream->last_waiting = rest;
    *link = first = cm_realloc(first, sizeof *first + first_size);
    first->next = rest;
    first->size = first_size;
    first->missing = 0;
    pool->bytes += after - before;
    stream->waiting_count++;
    return true;
}

/* The bytes that both copies have; a good one replaces a bad one, otherwise the first stays. */
static void compare(struct stream_pool *pool, struct waiting *there, const struct stream_segment *segment,
                    uint32_t skip)
{
    uint32_t offset = (uint32_t)distance(there->sequence, segment->sequence + skip);
    uint32_t size = there->size - offset, left = (uint32_t)segment->payload.size - skip;
    if (left < size)
        size = left;
    pool->counts.overlaps++;
    if (memcmp(there->bytes + offset, segment->payload.data + skip, size) == 0)
        return;
    pool->counts.conflicts++;
    if (!there->good && segment->checksum_good)
        memcpy(there->bytes + offset, segment->payload.data + skip, size);
}

/* Puts copies of what is new of a segment between what waits. Of a bad copy, what a good one covers is good from then on; what it does not cover
 * waits on beside it. */
static void insert(struct stream_pool *pool, struct stream *stream, const struct stream_segment *segment, uint32_t skip)
{
    struct waiting **link = &stream->waiting, *last = stream->last_waiting;
    uint32_t end = (uint32_t)segment->payload.size;
    stream->steps -= stream->steps < STEPS_FREE ? stream->steps : STEPS_FREE;
    if (last && distance(last->sequence + last->size, segment->sequence + skip) >= 0) /* the usual place, at once */
        link = &last->next;
    while (skip < end || (skip == end && segment->missing)) {
        uint32_t at = segment->sequence + skip;
        while (*link && distance((*link)->sequence + (*link)->size, at) >= 0 && distance((*link)->sequence, at) >= 0) {
            link = &(*link)->next;
            stream->steps++;
        }
        struct waiting *there = *link;
        int32_t room = there ? distance(at, there->sequence) : INT32_MAX;
        if (room > 0) {
            bool whole = (uint32_t)room >= end - skip;
            uint32_t size = whole ? end - skip : (uint32_t)room;
            if (!keep(pool, stream, link, segment, skip, size, whole ? segment->missing : 0) || whole)
                return;
            link = &(*link)->next;
            skip += size;
        } else {
            bool heals = segment->checksum_good && !there->good;
            if (heals && room < 0 && cut(pool, stream, link, (uint32_t)-room))
                continue;
            heals = heals && room == 0 && cut(pool, stream, link, end - skip);
            there = *link;
            compare(pool, there, segment, skip);
            there->good |= heals;
            skip = (uint32_t)distance(segment->sequence, there->sequence + there->size);
            if (skip >= end)
                return;
        }
    }
}

/* --- segments ------------------------------------------------------------------------------------------------------ */

/* A hello at the start of a segment: nothing before it matters. */
static bool begins_hello(struct slice bytes)
{
    return bytes.size >= HELLO_START_BYTES && hello_starts(bytes, true);
}

/* The same over the first of what waits, cut into segments that are too small to say. */
static bool waits_for_hello(const struct stream *stream)
{
    uint8_t bytes[HELLO_START_BYTES];
    uint32_t size = 0, begin = stream->waiting ? stream->waiting->sequence : 0;
    for (const struct waiting *at = stream->waiting; at && at->good && at->sequence == begin + size; at = at->next) {
        uint32_t part = at->size < sizeof bytes - size ? at->size : (uint32_t)sizeof bytes - size;
        memcpy(bytes + size, at->bytes, part);
        size += part;
        if (size == sizeof bytes)
            return begins_hello((struct slice){bytes, size});
    }
    return false;
}

static void hold(struct stream_pool *pool, struct stream *stream, const struct stream_segment *segment,
                 const struct stream_events *events)
{
    if (!stream->started) {
        stream->started = stream->floating = true;
        stream->next = segment->sequence;
    }
    if (begins_hello(segment->payload) && segment->checksum_good) {
        /* What waits below it came from before, and is told first. */
        insert(pool, stream, segment, 0);
        settle(pool, stream, events);
        return;
    }
    insert(pool, stream, segment, 0);
    if (waits_for_hello(stream) || stream->waiting_count >= FLOATING_SEGMENTS ||
        stream->waiting_bytes >= FLOATING_BYTES)
        settle(pool, stream, events);
}

static bool has_patience(const struct stream *stream)
{
    if (stream->waiting_bytes > WAITING_MAX || stream->waiting_count > WAITING_SEGMENTS_MAX ||
        stream->steps > STEPS_MAX)
        return false;
    unsigned count = stream->acknowledged_known ? stream->stalled : stream->waiting_count;
    unsigned most = stream->acknowledged_known ? PATIENCE : UNACKNOWLEDGED_SEGMENTS;
    return count < most || (stream->waiting_bytes < PATIENCE_BYTES && count < PATIENCE_MAX);
}

static void look_at_hole(struct stream_pool *pool, struct stream *stream, const struct stream_events *events)
{
    if (!stream->waiting || stream->floating)
        return;
    if (stream->acknowledged_known && distance(stream->next, stream->acknowledged) > 0 && stream->stalled < UINT16_MAX)
        stream->stalled++;
    while (stream->waiting && !has_patience(stream))
        give_up_hole(pool, stream, events);
}

/* In order, and to be believed: up to where a waiting copy begins, which came first. */
static void pass_on(struct stream_pool *pool, struct stream *stream, const struct stream_segment *segment,
                    uint32_t skip, const struct stream_events *events)
{
    struct slice bytes = {segment->payload.data + skip, segment->payload.size - skip};
    uint32_t missing = segment->missing;
    if (stream->waiting) {
        int32_t room = distance(stream->next, stream->waiting->sequence);
        if (room >= 0 && (size_t)room < bytes.size) {
            insert(pool, stream, segment, skip + (uint32_t)room); /* settles what both have, and what lies behind */
            bytes.size = (size_t)room;
            missing = 0;
        }
    }
    stream->bad_told |= !segment->checksum_good;
    deliver(stream, bytes, missing, events, pool);
    drain(pool, stream, events, false);
    stream->stalled = 0;
}

/* The first good data of a direction whose bad data was believed: that was garbage. All of it is forgotten, and the beginning is looked for anew. */
static void start_over(struct stream_pool *pool, struct stream *stream, uint32_t sequence,
                       const struct stream_events *events)
{
    stream_done(pool, stream);
    stream->floating = true;
    stream->bad_told = false;
    stream->next = sequence;
    pool->counts.gaps++;
    events->on_gap(events->context, 0);
}

static void judge_checksum(struct stream_pool *pool, struct stream *stream, const struct stream_segment *segment,
                           const struct stream_events *events)
{
    if (!segment->checksum_good) {
        pool->counts.bad_checksums++;
        stream->bad_alone += stream->bad_alone < STREAM_GOOD_DATA - 1;
        return;
    }
    if (stream->bad_told && stream->bad_alone != STREAM_GOOD_DATA)
        start_over(pool, stream, segment->sequence, events);
    stream->good_seen = true;
    stream->bad_alone = STREAM_GOOD_DATA;
}

void stream_add(struct stream_pool *pool, struct stream *stream, const struct stream_segment *segment,
                const struct stream_events *events)
{
    uint32_t skip = 0;
    if (segment->payload.size == 0 && segment->missing == 0)
        return;
    judge_checksum(pool, stream, segment, events);
    bool believed = segment->checksum_good || !stream->good_seen;
    if (!stream->started || stream->floating) {
        hold(pool, stream, segment, events);
        return;
    }
    int32_t ahead = distance(stream->next, segment->sequence);
    if (ahead > WINDOW_MAX || ahead < -WINDOW_MAX)
        return;
    if (ahead < 0) {
        skip = (uint32_t)-ahead;
        pool->counts.retransmitted++;
        if (skip >= segment->payload.size + segment->missing)
            return;
        if (skip > segment->payload.size)
            return; /* what is left of it was not captured: the hole stands for it */
    }
    if (ahead <= 0 && believed)
        pass_on(pool, stream, segment, skip, events);
    else
        insert(pool, stream, segment, skip);
    look_at_hole(pool, stream, events);
}

/* No data of this direction had a good checksum: the host that captured lets its network card compute them, and saw the packets before. */
static bool is_offloaded(const struct stream *stream)
{
    return !stream->good_seen || (stream->bad_alone != STREAM_GOOD_DATA && stream->bad_alone >= BAD_ALONE);
}

/* Data with a bad checksum stands at its turn and the other side has acknowledged it: it was good when it arrived there. */
static void take_acknowledged(struct stream_pool *pool, struct stream *stream, const struct stream_events *events)
{
    const struct waiting *first = stream->waiting;
    if (!first || !is_offloaded(stream))
        return;
    if (stream->floating && distance(first->sequence + first->size, stream->acknowledged) >= 0)
        settle(pool, stream, events);
    while (!stream->floating && (first = stream->waiting) && distance(stream->next, first->sequence) <= 0 &&
           distance(first->sequence + first->size, stream->acknowledged) >= 0) {
        drain(pool, stream, events, true);
        drain(pool, stream, events, false);
    }
}

void stream_acknowledged(struct stream_pool *pool, struct stream *stream, uint32_t acknowledgment,
                         const struct stream_events *events)
{
    int32_t ahead = distance(stream->next, acknowledgment);
    if (!stream->started || ahead > WINDOW_MAX || ahead < -WINDOW_MAX)
        return;
    if (!stream->acknowledged_known || distance(stream->acknowledged, acknowledgment) > 0)
        stream->acknowledged = acknowledgment;
    stream->acknowledged_known = true;
    take_acknowledged(pool, stream, events);
    look_at_hole(pool, stream, events);
}

void stream_flush(struct stream_pool *pool, struct stream *stream, const struct stream_events *events)
{
    if (stream->floating)
        settle(pool, stream, events);
    while (stream->waiting)
        give_up_hole(pool, stream, events);
}
