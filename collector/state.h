/* What the daemon's threads tell each other: counters, what the database looked like last, and that the end has come. */
#ifndef COLLECTOR_STATE_H
#define COLLECTOR_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/error.h"

enum {
    STATE_SOURCES_MAX = 8,
    STATE_SOURCE_SIZE = 32,
    STATE_VERDICTS_MAX = 32,
    STATE_VERDICT_SIZE = 64,
    STATE_PLANS_MAX = 16,
    STATE_PLAN_SIZE = 104,
    STATE_STORES_MAX = 32,
    STATE_STORE_SIZE = 64
};

/* What a sweep says of places, and the states of its shards, in the order in which state.c names them. */
enum { SWEEP_CLASSES = 8, SWEEP_SHARD_STATES = 4 };

/* Figures of the inventory, read every few seconds, however many scrape (collector/figures). */
struct figures {
    bool known;
    int64_t at_ms; /* wall clock */
    uint64_t certificates, certificates_undecodable, places, places_failing, expired, expiring_30d, chains_unjudged,
        scanners, scanners_skewed, partitions_unfolded;
    struct {
        char name[STATE_SOURCE_SIZE];
        int64_t finished_ms; /* of its last finished run; -1: none */
    } sources[STATE_SOURCES_MAX];
    unsigned source_count;
    struct {
        char store[STATE_VERDICT_SIZE], name[STATE_VERDICT_SIZE];
        uint64_t chains;
    } verdicts[STATE_VERDICTS_MAX];
    unsigned verdict_count;
    uint64_t sweeps_running, shards[SWEEP_SHARD_STATES], told[SWEEP_CLASSES]; /* of sweeps that run */
    int64_t lease_oldest_ms; /* wall clock: when the oldest lease that is out was taken; -1: none is */
    struct {
        char name[STATE_PLAN_SIZE];
        int64_t finished_ms;
        uint64_t abandoned, told[SWEEP_CLASSES]; /* abandoned shards */
    } plans[STATE_PLANS_MAX]; /* the last sweep of each that is over; of those that were swept last */
    unsigned plan_count;
};

/* Of a trust store: whether its file, as it is now, could be loaded. */
struct state_store {
    char name[STATE_STORE_SIZE];
    bool usable;
};

struct state {
    int64_t started_ms; /* wall clock */

    atomic_ullong batches_stored, batches_repeated, batches_lacking, batches_failed, batches_refused;
    atomic_ullong records_stored, records_rejected, body_bytes;
    atomic_ullong requests_denied, requests_limited;
    atomic_uint queue_depth, queue_max, working, connections, connections_max;
    atomic_ullong connections_dropped;
    atomic_size_t connections_held; /* bytes */
    atomic_ullong chains_judged, paths_built, paths_cached;
    atomic_bool stopping;

    atomic_llong database_ok_ms; /* wall clock of the last statement that worked */
    atomic_bool database_up;
    _Atomic(const char *) misfit; /* why the inventory's version is not ours; NULL: it is */

    pthread_mutex_t lock; /* of what follows */
    struct figures figures;
    struct state_store stores[STATE_STORES_MAX];
    unsigned store_count; /* 0: the judge has not looked yet */
};

void state_init(struct state *state);
/* Any thread: what the database's last answer was. */
void state_database(struct state *state, bool up);
/* The judge, each round: the inventory is of another version, as CM_EVERSION says; NULL: it is ours. Logged when it changes. */
void state_version(struct state *state, const struct cm_error *error);
void state_set_figures(struct state *state, const struct figures *figures);
/* The judge, each round. */
void state_set_stores(struct state *state, const struct state_store *stores, size_t count);

/* The Prometheus text exposition (version 0.0.4), and /healthz: true when 200. Pure. A trust
 * store that cannot be used is told there and keeps nobody from delivering. */
void state_metrics(struct state *state, int64_t now_ms, struct buf *out);
bool state_health(struct state *state, int64_t now_ms, struct buf *out);

#endif
