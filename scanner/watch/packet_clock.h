/* A clock made of packets' times. Those go back where captures are read in any order or were merged, and one damaged stamp may lie a thousand years ahead; what
 * waits for this clock is neither given up all at once by that, nor kept for ever. */
#ifndef SCANNER_WATCH_PACKET_CLOCK_H
#define SCANNER_WATCH_PACKET_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { PACKET_CLOCK_STEP_US = 20 * 1000000 /* no two packets let more time pass than this */ };

struct packet_clock { /* zeroed: not begun */
    int64_t now_us;   /* never goes back; begins at 0 */
    int64_t latest_us;
    bool begun;
};

/* What time it is with a packet of that stamp. */
static inline int64_t packet_clock_at(struct packet_clock *clock, int64_t at_us)
{
    /* As unsigned numbers: stamps are anybody's, and their difference may not fit. */
    uint64_t ahead = (uint64_t)at_us - (uint64_t)clock->latest_us,
             behind = (uint64_t)clock->latest_us - (uint64_t)at_us;
    if (!clock->begun || at_us >= clock->latest_us || behind > PACKET_CLOCK_STEP_US) {
        if (clock->begun && at_us > clock->latest_us)
            clock->now_us += ahead < PACKET_CLOCK_STEP_US ? (int64_t)ahead : PACKET_CLOCK_STEP_US;
        clock->latest_us = at_us;
        clock->begun = true;
    }
    return clock->now_us;
}

#endif
