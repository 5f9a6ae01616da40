/* Fragments wait here for the rest of their datagram.
 *
 * A table of chains by (source, destination, id, protocol), a list by age, and a budget in bytes: when it is used up the oldest datagram goes. A piece that
 * begins within one that is there already is the business of the header's comment. Pieces are kept as they came, sorted, and put together once. */
#include "scanner/watch/fragments.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "certmuster/error.h"
#include "scanner/watch/hash.h"
#include "scanner/watch/memory_cost.h"
#include "scanner/watch/packet_clock.h"

enum {
    BUCKETS = 4096,
    PIECES_MAX = 256,         /* 64 KiB in pieces of 256 bytes; smaller ones are an attack */
    DATAGRAM_MAX = 65535,     /* what the length field of IP can say */
    TIMEOUT_US = 30 * 1000000 /* as Linux does (net.ipv4.ipfrag_time) */
};

struct piece {
    struct piece *next; /* by offset */
    uint32_t offset, size;
    uint8_t bytes[];
};

struct waiting {
    struct waiting *chain;           /* of the bucket */
    struct waiting *older, *younger; /* by arrival of the first piece */
    struct piece *pieces;
    uint8_t key[40]; /* addresses, id, protocol, family */
    uint32_t total;  /* size of the whole; 0: the last piece is not there yet */
    uint32_t count;
    size_t memory;
    int64_t since_us;
    bool refused; /* overlapping or inconsistent: its pieces are thrown away until it times out */
};

struct fragments {
    struct waiting *buckets[BUCKETS];
    struct waiting *oldest, *youngest;
    size_t memory, memory_max;
    uint64_t seed;
    struct packet_clock clock;
    struct fragments_counts counts;
    uint8_t whole[DATAGRAM_MAX];
};

struct fragments *fragments_new(size_t memory_max)
{
    struct fragments *fragments = cm_calloc(1, sizeof *fragments);
    fragments->memory_max = memory_max;
    if (getrandom(&fragments->seed, sizeof fragments->seed, 0) != (ssize_t)sizeof fragments->seed)
        fragments->seed = (uint64_t)(uintptr_t)fragments;
    return fragments;
}

static void write_key(const struct fragment *fragment, uint8_t key[static 40])
{
    size_t address = fragment->family == 4 ? 4 : 16;
    memset(key, 0, 40);
    memcpy(key, fragment->source, address);
    memcpy(key + 16, fragment->destination, address);
    memcpy(key + 32, &fragment->id, sizeof fragment->id);
    key[36] = fragment->family;
    key[37] = fragment->family == 4 ? fragment->protocol : 0; /* RFC 8200: the next header of IPv6 is not part of it */
}

static struct waiting **bucket_of(struct fragments *fragments, const uint8_t key[static 40])
{
    return &fragments->buckets[hash_bytes(0, key, 40, fragments->seed) % BUCKETS];
}

static void drop_pieces(struct fragments *fragments, struct waiting *waiting)
{
    for (struct piece *piece = waiting->pieces, *next; piece; piece = next) {
        next = piece->next;
        free(piece);
    }
    waiting->pieces = NULL;
    fragments->memory -= waiting->memory - memory_cost(sizeof *waiting);
    waiting->memory = memory_cost(sizeof *waiting);
}

static void forget(struct fragments *fragments, struct waiting *waiting)
{
    struct waiting **link = bucket_of(fragments, waiting->key);
    while (*link != waiting)
        link = &(*link)->chain;
    *link = waiting->chain;
    if (waiting->older)
        waiting->older->younger = waiting->younger;
    else
        fragments->oldest = waiting->younger;
    if (waiting->younger)
        waiting->younger->older = waiting->older;
    else
        fragments->youngest = waiting->older;
    drop_pieces(fragments, waiting);
    fragments->memory -= memory_cost(sizeof *waiting);
    free(waiting);
}

void fragments_free(struct fragments *fragments)
{
    if (!fragments)
        return;
    while (fragments->oldest)
        forget(fragments, fragments->oldest);
    free(fragments);
}

static struct waiting *find(struct fragments *fragments, const uint8_t key[static 40])
{
    struct waiting *waiting = *bucket_of(fragments, key);
    while (waiting && memcmp(waiting->key, key, sizeof waiting->key) != 0)
        waiting = waiting->chain;
    return waiting;
}

/* Makes room for more bytes, oldest datagrams first, never the one at hand. False: it alone would be too much. */
static bool make_room(struct fragments *fragments, const struct waiting *keep, size_t size)
{
    while (fragments->memory + size > fragments->memory_max) {
        struct waiting *victim = keep && fragments->oldest == keep ? keep->younger : fragments->oldest;
        if (!victim)
            return false;
        fragments->counts.evicted++;
        forget(fragments, victim);
    }
    return true;
}

static struct waiting *begin(struct fragments *fragments, const uint8_t key[static 40])
{
    if (!make_room(fragments, NULL, memory_cost(sizeof(struct waiting))))
        return NULL;
    struct waiting *waiting = cm_calloc(1, sizeof *waiting), **bucket = bucket_of(fragments, key);
    memcpy(waiting->key, key, sizeof waiting->key);
    waiting->since_us = fragments->clock.now_us;
    waiting->memory = memory_cost(sizeof *waiting);
    fragments->memory += waiting->memory;
    waiting->chain = *bucket;
    *bucket = waiting;
    waiting->older = fragments->youngest;
    if (waiting->older)
        waiting->older->younger = waiting;
    else
        fragments->oldest = waiting;
    fragments->youngest = waiting;
    return waiting;
}

static void refuse(struct fragments *fragments, struct waiting *waiting)
{
    waiting->refused = true;
    drop_pieces(fragments, waiting);
}

/* Puts a copy of the bytes before *link; false when there is no room for it. */
static bool keep(struct fragments *fragments, struct waiting *waiting, struct piece **link, uint32_t offset,
                 struct slice bytes)
{
    size_t memory = memory_cost(sizeof(struct piece) + bytes.size);
    if (waiting->count == PIECES_MAX || !make_room(fragments, waiting, memory)) {
        fragments->counts.refused++;
        return false;
    }
    struct piece *piece = cm_malloc(sizeof *piece + bytes.size);
    piece->offset = offset;
    piece->size = (uint32_t)bytes.size;
    memcpy(piece->bytes, bytes.data, bytes.size);
    piece->next = *link;
    *link = piece;
    waiting->count++;
    waiting->memory += memory;
    fragments->memory += memory;
    return true;
}

/* Keeps what is new of a fragment, around the pieces that are there. False: the datagram is to be refused. */
static bool insert(struct fragments *fragments, struct waiting *waiting, const struct fragment *fragment)
{
    uint32_t at = fragment->offset, end = at + (uint32_t)fragment->payload.size;
    const uint8_t *bytes = fragment->payload.data;
    struct piece **link = &waiting->pieces;
    while (at < end) {
        while (*link && (*link)->offset + (*link)->size <= at)
            link = &(*link)->next;
        uint32_t stop = *link && (*link)->offset < end ? (*link)->offset : end;
        if (at < stop &&
            !keep(fragments, waiting, link, at, (struct slice){bytes + (at - fragment->offset), stop - at}))
            return false;
        if (stop == end)
            return true;
        const struct piece *there = at < stop ? (*link)->next : *link;
        bool repeated = there->offset == fragment->offset && there->offset + there->size == end &&
                        memcmp(there->bytes, bytes, there->size) == 0;
        fragments->counts.overlapping += !repeated;
        if (!repeated && fragment->family == 6)
            return false;
        at = there->offset + there->size;
    }
    return true;
}

/* True with the whole when no byte is missing and none stands behind the end. */
static bool put_together(struct fragments *fragments, const struct waiting *waiting, struct slice *whole)
{
    uint32_t end = 0;
    for (const struct piece *piece = waiting->pieces; piece; piece = piece->next) {
        if (piece->offset != end)
            return false;
        end += piece->size;
    }
    if (!waiting->total || end != waiting->total)
        return false;
    for (const struct piece *piece = waiting->pieces; piece; piece = piece->next)
        memcpy(fragments->whole + piece->offset, piece->bytes, piece->size);
    *whole = (struct slice){fragments->whole, end};
    return true;
}

/* False when the piece contradicts what is known of the datagram's size. */
static bool note_end(struct waiting *waiting, const struct fragment *fragment)
{
    uint32_t end = fragment->offset + (uint32_t)fragment->payload.size;
    if (end > DATAGRAM_MAX || fragment->payload.size == 0 || (fragment->more && fragment->payload.size % 8 != 0))
        return false;
    if (!fragment->more) {
        if (waiting->total && waiting->total != end)
            return false;
        waiting->total = end;
    }
    return !waiting->total || end <= waiting->total;
}

static void time_out(struct fragments *fragments, int64_t at_us)
{
    int64_t now_us = packet_clock_at(&fragments->clock, at_us);
    while (fragments->oldest && now_us - fragments->oldest->since_us > TIMEOUT_US) {
        fragments->counts.timed_out++;
        forget(fragments, fragments->oldest);
    }
}

bool fragments_add(struct fragments *fragments, const struct fragment *fragment, struct slice *whole)
{
    uint8_t key[40];
    fragments->counts.seen++;
    time_out(fragments, fragment->at_us);
    write_key(fragment, key);
    struct waiting *waiting = find(fragments, key);
    if (!waiting)
        waiting = begin(fragments, key);
    if (!waiting || waiting->refused)
        return false;
    if (!note_end(waiting, fragment)) {
        fragments->counts.refused++;
        refuse(fragments, waiting);
        return false;
    }
    if (!insert(fragments, waiting, fragment)) {
        refuse(fragments, waiting);
        return false;
    }
    if (!put_together(fragments, waiting, whole))
        return false;
    fragments->counts.completed++;
    forget(fragments, waiting);
    return true;
}

struct fragments_counts fragments_get_counts(const struct fragments *fragments)
{
    return fragments->counts;
}
