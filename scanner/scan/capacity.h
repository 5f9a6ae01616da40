/* How many probes may be under way, and how fast new ones may start: what was asked for, cut to what this host has.
 *
 * A host that runs out of descriptors, ports or memory makes the sweep slower; a probe fails by that only when none can be made at all. */
#ifndef SCANNER_SCAN_CAPACITY_H
#define SCANNER_SCAN_CAPACITY_H

#include <stdbool.h>
#include <stdint.h>

enum { CAPACITY_PAUSE_MS = 100 /* what lacked something is tried again after so long */ };

struct capacity {
    unsigned wanted;  /* --parallel */
    unsigned ceiling; /* what the descriptors allow of that */
    unsigned allowed; /* now: less after a shortage, growing back */
    double rate;      /* starts per second; 0: unbounded */
    double tokens;
    int64_t refilled_ms, resume_ms, grown_ms;
    bool said_ceiling, said_shortage;
};

/* Raises the soft limit of descriptors towards the hard one as far as needed, and leaves some for files, DNS and the spool. */
void capacity_init(struct capacity *capacity, unsigned parallel, double rate, int64_t now_ms);
/* How many probes may start now. Says on stderr, once, when it is the descriptors that hold them back. */
unsigned capacity_room(struct capacity *capacity, uint64_t under_way, int64_t now_ms);
void capacity_started(struct capacity *capacity);
/* A probe could not start for want of something (errno): fewer at once from now on, none for a moment; but for want of a port (EADDRNOTAVAIL)
 * only this one has to wait. Says so once. */
void capacity_shortage(struct capacity *capacity, int trouble, uint64_t under_way, int64_t now_ms);
bool capacity_is_short(const struct capacity *capacity, int64_t now_ms);
/* Milliseconds until capacity_room can be more than it is now for a reason of time; -1: not a matter of time. */
int64_t capacity_wait_ms(const struct capacity *capacity, int64_t now_ms);

#endif
