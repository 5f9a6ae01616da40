/* A sweep: targets in, probes under way up to a limit on one or several threads, one record out for each. The coordinator of this room.
 *
 * Keeps the promise that probes = sightings + failures: every probe that was started, and every name that could not be resolved, is told
 * exactly once, also when the sweep is interrupted. */
#ifndef SCANNER_SCAN_SWEEP_H
#define SCANNER_SCAN_SWEEP_H

#include <signal.h>

#include "certmuster/emit.h"
#include "certmuster/ports.h"
#include "scanner/scan/input.h"
#include "scanner/scan/names.h"
#include "scanner/scan/starttls.h"
#include "scanner/scan/tell.h"

struct sweep_options {
    struct ports ports;           /* for targets that name none */
    int64_t timeout_ms;           /* the absolute deadline of a target */
    enum starttls starttls;       /* for targets, and … */
    enum starttls starttls_local; /* … for listeners of --local */
    unsigned parallel;            /* probes under way at most; what the machine allows may be less */
    double rate;                  /* probes started per second at most; 0: as fast as it goes */
    unsigned threads;             /* event loops, from 1 to PLACES_THREADS_MAX */
    bool polite, prove;           /* see probe.h */
    size_t flight_max;            /* bytes read from one server at most */
    struct names *names;          /* those of --names; filled further as the sweep goes */
    const char *const *dns_servers;
    size_t dns_server_count;
    bool quiet; /* no progress line */
    bool json;  /* records go to standard output: a reader that is gone ends the sweep */
};

struct sweep_counts {
    uint64_t ok, failed;
    bool interrupted;
    char failures[512]; /* "2 refused, 1 timeout" */
};

/* Runs until the input is at its end and every probe is told, or *stop is set (by a signal that is blocked but in `open`). tell may be NULL.
 * CM_EINVAL: a DNS server cannot be understood; CM_EIO: records can no longer be kept at all. */
CM_MUST_CHECK int sweep_run(const struct sweep_options *options, struct loop *loop, struct input *input,
                            struct emit *emit, struct tell *tell, const volatile sig_atomic_t *stop,
                            const sigset_t *open, struct sweep_counts *counts, struct cm_error *error);

#endif
