/* The inside of emit and its parts: the set of certificates told, standard output, and the submit child. Private to lib/emit*.c. */
#ifndef CERTMUSTER_LIB_EMIT_PRIVATE_H
#define CERTMUSTER_LIB_EMIT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "certmuster/buf.h"
#include "certmuster/emit.h"
#include "certmuster/encode.h"
#include "certmuster/ids.h"
#include "certmuster/outlet.h"
#include "certmuster/spool.h"
#include "lib/emit_run.h"

/* Fingerprints already told in this run, as keyed digests in open-addressed tables; see emit_told.c. */
enum { TOLD_TABLE_BITS = 6, TOLD_TABLES = 1 << TOLD_TABLE_BITS };
struct told_digest {
    uint64_t high, low; /* both 0: an empty slot */
};
struct told_table {
    struct told_digest *slots;
    size_t count, capacity;
};
struct told {
    struct told_table tables[TOLD_TABLES];
    size_t count, max;
    uint64_t key[4];
};

void told_init(struct told *told, size_t max);
void told_done(struct told *told);
/* True when it was not told yet; it counts as told from now on. Past the maximum, or without memory, what is new is told again at
 * every use, which costs bytes and harms nobody. */
bool told_add(struct told *told, const uint8_t sha256[static CM_SHA256_SIZE]);

/* A process of its own that starts certmuster-submit with the rights that we had when it was made; see emit_launch.c. */
struct launcher;
struct drain;
/* From now on drain starts its children through it. drain's texts must not change. */
CM_MUST_CHECK int launcher_new(const struct drain *drain, struct launcher **out, struct cm_error *error);
void launcher_free(struct launcher *launcher); /* it ends by itself */
CM_MUST_CHECK int launcher_start(struct launcher *launcher, int64_t wait_ms);
/* True when the child has ended. */
bool launcher_collect(struct launcher *launcher, int *wait_status);
void launcher_signal(struct launcher *launcher, int number);

/* certmuster-submit, run beside the scanner over the spool directory. */
struct drain {
    const char *spool_dir, *to, *config_path; /* lent */
    struct launcher *launcher;                /* NULL: children are our own */
    pid_t pid;             /* of the running child, 0: none; with a launcher its number means nothing */
    int64_t next_start_ms; /* monotonic; not before */
    int64_t backoff_ms;
    uint64_t closed_seen; /* segments closed when the last child started */
    bool leftovers;       /* segments may wait that no child has looked at */
    bool refused;         /* a child said that the collector refused something for good */
};

/* Starts the child with posix_spawn(3); wait_ms < 0: one try, quietly. 0: it failed. */
pid_t drain_spawn(const struct drain *drain, int64_t wait_ms);
/* Collects a child that ended, and starts one when closed segments wait. */
void drain_tick(struct drain *drain, uint64_t segments_closed, int64_t now_ms);
/* Runs a last child that gives up when the collector has taken nothing for wait_ms; true when the spool was drained and nothing was
 * refused. *told: the child has said on stderr what is left. */
bool drain_finish(struct drain *drain, int64_t wait_ms, bool *told);

enum {
    EMIT_PENDING_MAX_BYTES =
        1024 * 1024 * 1024, /* what was in flight when the disk filled: thousands of probes, not a run */
    EMIT_RETRY_MS = 100,
    EMIT_TOLD_MAX = 1 << 24, /* certificates: 450 MB; no fleet has that many */
};

struct emit {
    const struct config *config;
    const char *source;
    const char *scanner, *host, *realm; /* lent by config */
    char *local_realm;
    char run[CM_UUID_TEXT_SIZE];
    struct emit_machine machine;
    int argc;
    char **argv;
    bool json;
    struct outlet out;
    char *to; /* NULL: no collector is told */
    char *spool_dir;
    struct spool *spool; /* NULL unless to */
    struct buf pending;  /* whole lines that the spool could not take yet */
    struct buf line;     /* the record being written */
    struct told told;
    struct drain drain;
    bool blocked_said;
    uint64_t sightings, failures, assets;
    const struct record_covered *covered; /* lent; NULL: not known */
};

int emit_written(struct emit *emit, struct cm_error *error);       /* keeps the record in line */
int emit_flush_pending(struct emit *emit, struct cm_error *error); /* moves lines that wait into the spool, in order */
void emit_free(struct emit *emit);

#endif
