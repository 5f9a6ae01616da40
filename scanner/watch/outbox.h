/* Records that wait between those who see and the one who writes: in order, bounded. Not locked; tell.c holds its own lock. */
#ifndef SCANNER_WATCH_OUTBOX_H
#define SCANNER_WATCH_OUTBOX_H

#include "scanner/watch/summary.h"

struct telling { /* one record to write */
    struct telling *next;
    struct summary *summary; /* owned */
    int64_t since_us, at_us;
    uint64_t count;
    bool first;          /* not told before: chain holds its certificates */
    struct slice *chain; /* summary->chain_count of them; bytes behind the struct */
    size_t size;
};

struct outbox {
    struct telling *oldest, **end;
    size_t bytes, bytes_max;
    uint64_t count;
};

void outbox_init(struct outbox *outbox, size_t bytes_max);
void outbox_done(struct outbox *outbox);
/* Copies what it is given; takes the summary. False, and nothing taken: it is full. chain NULL: the certificates were told. */
bool outbox_put(struct outbox *outbox, const struct telling *telling, const struct slice *chain);
struct telling *outbox_take(struct outbox *outbox); /* the oldest, or NULL */
void telling_free(struct telling *telling);

#endif
