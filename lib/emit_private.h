/* The parts of emit: the set of certificates told, and the submit child. Private to lib/emit*.c. */
#ifndef CERTMUSTER_LIB_EMIT_PRIVATE_H
#define CERTMUSTER_LIB_EMIT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "certmuster/encode.h"

/* Fingerprints already told in this run: an open-addressed table, bounded. */
struct told {
    uint8_t (*slots)[CM_SHA256_SIZE];
    uint8_t *used;
    size_t count, capacity;
    uint64_t seed; /* a certificate cannot be made to collide on purpose */
};

void told_init(struct told *told);
void told_done(struct told *told);
/* True when it was not told yet; it counts as told from now on. Past TOLD_MAX everything is told again, which is harmless. */
bool told_add(struct told *told, const uint8_t sha256[static CM_SHA256_SIZE]);

/* certmuster-submit, run beside the scanner over the spool directory. */
struct drain {
    const char *spool_dir, *to, *config_path; /* lent */
    pid_t pid;                                /* of the running child, 0: none */
    int64_t next_start_ms;                    /* monotonic; not before */
    int64_t backoff_ms;
    uint64_t closed_seen; /* segments closed when the last child started */
    bool leftovers;       /* segments may wait that no child has looked at */
    bool refused;         /* a child said that the collector refused something for good */
};

/* Collects a child that ended, and starts one when closed segments wait. */
void drain_tick(struct drain *drain, uint64_t segments_closed, int64_t now_ms);
/* Runs a last child that gives up when the collector has taken nothing for wait_ms; true when the spool was drained and nothing was refused. *told: the child has said on
 * stderr what is left. */
bool drain_finish(struct drain *drain, int64_t wait_ms, bool *told);

#endif
