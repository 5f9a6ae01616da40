/* A line of the flow table: everything that is remembered of conversations whose hash falls there, in one line of the processor's cache, because most packets are
 * of conversations that nobody wants to hear more of, and looking that up is what they cost.
 *
 * Beside the flows under way stand notes, which may be forgotten and never take more memory than was given: tombstones of what has ended, and the ISNs of
 * SYNs. A newer note takes the place of the oldest one of its line. The hash is keyed, so that nobody can choose what he overwrites. */
#ifndef SCANNER_WATCH_FLOW_LINE_H
#define SCANNER_WATCH_FLOW_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FLOW_TOMBSTONES = 3, FLOW_SYNS = 4 };

struct flow_note {
    uint32_t tag; /* of the hash, see below; 0: empty */
    uint32_t value;
};

struct flow_line {
    struct flow *flows;
    struct flow_note tombstones[FLOW_TOMBSTONES], syns[FLOW_SYNS]; /* the newest first */
};
_Static_assert(sizeof(struct flow_line) == 64, "a line of the table is a line of the cache");

/* The upper half of the hash: the lower one chose the line. */
static inline uint32_t flow_tag(uint64_t hash)
{
    return (uint32_t)(hash >> 32) | 1;
}

/* Of one of its two directions. */
static inline uint32_t flow_tag_of_side(uint64_t hash, bool side)
{
    return ((uint32_t)(hash >> 32) & ~UINT32_C(3)) | 2 | side;
}

static inline bool flow_note_get(const struct flow_note *notes, size_t count, uint32_t tag, uint32_t *value)
{
    for (size_t i = 0; i < count; i++) {
        if (notes[i].tag == tag) {
            *value = notes[i].value;
            return true;
        }
    }
    return false;
}

static inline void flow_note_put(struct flow_note *notes, size_t count, uint32_t tag, uint32_t value)
{
    size_t at = 0;
    while (at + 1 < count && notes[at].tag != tag && notes[at].tag != 0)
        at++;
    for (; at > 0; at--)
        notes[at] = notes[at - 1];
    notes[0] = (struct flow_note){tag, value};
}

static inline void flow_note_drop(struct flow_note *notes, size_t count, uint32_t tag)
{
    for (size_t i = 0; i < count; i++) {
        if (notes[i].tag == tag)
            notes[i].tag = 0;
    }
}

#endif
