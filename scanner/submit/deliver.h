/* One batch to the collector, tried until it is taken, refused for good, or patience ends. Knows nothing of spools and files. */
#ifndef CERTMUSTER_SUBMIT_DELIVER_H
#define CERTMUSTER_SUBMIT_DELIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "scanner/submit/answer.h"
#include "scanner/submit/http.h"
#include "scanner/submit/lines.h"

struct delivery {
    struct http *http;
    int64_t wait_ms;                /* patience: how long without anything taken */
    bool once;                      /* one try only */
    int64_t taken_ms;               /* monotonic: the last time the collector took something, or the start */
    unsigned jitter;                /* state of the jitter's generator */
    bool (*between)(void *context); /* asked after each segment: false ends the round. NULL: nobody asks */
    void *context;
};

enum delivered {
    DELIVER_TAKEN,   /* stored; rejected lines are told */
    DELIVER_REFUSED, /* never: framing or size; reason says */
    DELIVER_LACKING, /* the collector asks for certificates that nobody here has; reason says */
    DELIVER_DENIED,  /* not from us: identity; reason says */
    DELIVER_LATER,   /* no answer, or not now, until patience ended; reason says */
};

struct outcome {
    enum delivered what;
    struct answer answer; /* of TAKEN */
    size_t *map;          /* body line - 1 to the index in lines */
    size_t map_count;
    int64_t retry_after_ms; /* of LATER: the collector's own word, 0 when it said none */
    char reason[400];
};

/* Appends the certificate records of these fingerprints to lines (number 0), as many as are found and fit. */
typedef void (*deliver_find_fn)(const struct digests *missing, struct lines *lines, void *context);

/* The batch under its idempotency key. find is asked when the collector answers 409. */
void deliver(struct delivery *delivery, struct lines *lines, const char *key, deliver_find_fn find, void *context,
             struct outcome *out);
void outcome_done(struct outcome *outcome);
/* A pause before the next try, in ms: 250 doubled by attempt (0, 1, …) up to most_ms, then something between half and all of it, so that a fleet
 * of scanners does not come back in step. */
int64_t deliver_delay_ms(struct delivery *delivery, unsigned attempt, int64_t most_ms);
/* True while patience lasts; sleeps a little (attempt 0, 1, …: longer each time, with jitter). */
bool deliver_pause(struct delivery *delivery, unsigned attempt, int64_t at_least_ms);

#endif
