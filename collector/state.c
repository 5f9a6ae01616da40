/* The daemon's state as /metrics and /healthz show it. Nothing here asks the database: a hundred scrapes at once cost a hundred copies of
 * the same few hundred bytes. */
#include "collector/state.h"

#include <string.h>

#include "certmuster/cli.h"
#include "certmuster/escape.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"

void state_init(struct state *state)
{
    memset(state, 0, sizeof *state);
    state->started_ms = clock_wall_ms();
    pthread_mutex_init(&state->lock, NULL);
}

void state_database(struct state *state, bool up)
{
    if (up)
        atomic_store(&state->database_ok_ms, clock_wall_ms());
    atomic_store(&state->database_up, up);
}

void state_version(struct state *state, const struct cm_error *error)
{
    const char *before = atomic_exchange(&state->misfit, error ? error->reason : NULL);
    if (error && !before)
        log_event(LOG_LEVEL_ERROR, "inventory_version", "%s", log_error(error));
    else if (!error && before)
        log_event(LOG_LEVEL_INFO, "inventory_version_fits", "reason=\"work goes on\"");
}

void state_set_figures(struct state *state, const struct figures *figures)
{
    pthread_mutex_lock(&state->lock);
    state->figures = *figures;
    pthread_mutex_unlock(&state->lock);
}

void state_set_stores(struct state *state, const struct state_store *stores, size_t count)
{
    pthread_mutex_lock(&state->lock);
    state->store_count = (unsigned)(count < STATE_STORES_MAX ? count : STATE_STORES_MAX);
    memcpy(state->stores, stores, state->store_count * sizeof *stores);
    pthread_mutex_unlock(&state->lock);
}

static void get_figures(struct state *state, struct figures *out)
{
    pthread_mutex_lock(&state->lock);
    *out = state->figures;
    pthread_mutex_unlock(&state->lock);
}

/* certificate and no_certificate were reached */
static const char *const state_classes[SWEEP_CLASSES] = {"certificate", "no_certificate", "refused", "silent",
                                                         "unreachable", "unresolved",     "other",   "never"};
static const char *const state_shards[SWEEP_SHARD_STATES] = {"open", "leased", "done", "abandoned"};

/* --- /metrics ------------------------------------------------------------------------------------------------------------------------ */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_appendf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void metric(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    head(out, name, type, help);
    buf_appendf(out, "%s %llu\n", name, (unsigned long long)value);
}

/* A label's value: backslash, quote and line feed are escaped (Prometheus text format); it is UTF-8 already. */
static void label(struct buf *out, const char *name, const char *value)
{
    buf_appendf(out, "%s=\"", name);
    for (const char *c = value; *c; c++) {
        if (*c == '\n') {
            buf_append_str(out, "\\n");
            continue;
        }
        if (*c == '\\' || *c == '"')
            buf_append_char(out, '\\');
        buf_append_char(out, *c);
    }
    buf_append_char(out, '"');
}

static void labelled(struct buf *out, const char *name, const char *label_name, const char *value)
{
    buf_appendf(out, "%s{", name);
    label(out, label_name, value);
    buf_append_str(out, "} ");
}

static void batches(struct state *state, struct buf *out)
{
    const struct {
        const char *result;
        atomic_ullong *count;
    } rows[] = {{"stored", &state->batches_stored},
                {"repeated", &state->batches_repeated},
                {"lacking", &state->batches_lacking},
                {"refused", &state->batches_refused},
                {"failed", &state->batches_failed}};
    head(out, "certmuster_batches_total", "counter", "Batches answered, by result.");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        labelled(out, "certmuster_batches_total", "result", rows[i].result);
        buf_appendf(out, "%llu\n", atomic_load(rows[i].count));
    }
}

static void by_plan_and_class(const struct figures *figures, struct buf *out)
{
    static const char name[] = "certmuster_sweep_last_places";
    head(out, name, "gauge", "What the last finished sweep of a plan told of its places, by class; never: not tried.");
    for (unsigned i = 0; i < figures->plan_count; i++) {
        for (size_t class = 0; class < SWEEP_CLASSES; class ++) {
            buf_appendf(out, "%s{", name);
            label(out, "plan", figures->plans[i].name);
            buf_append_char(out, ',');
            label(out, "class", state_classes[class]);
            buf_appendf(out, "} %llu\n", (unsigned long long)figures->plans[i].told[class]);
        }
    }
}

static void stores(struct state *state, struct buf *out)
{
    static const char name[] = "certmuster_trust_store_usable";
    head(out, name, "gauge",
         "0 while the file of a trust store cannot be loaded: its chains wait, or are judged by the file as it was.");
    pthread_mutex_lock(&state->lock);
    for (unsigned i = 0; i < state->store_count; i++) {
        labelled(out, name, "trust_store", state->stores[i].name);
        buf_appendf(out, "%d\n", state->stores[i].usable);
    }
    pthread_mutex_unlock(&state->lock);
}

static void sweeps(const struct figures *figures, int64_t now_ms, struct buf *out)
{
    int64_t oldest = figures->lease_oldest_ms, age = oldest < 0 || oldest > now_ms ? 0 : now_ms - oldest;
    metric(out, "certmuster_sweeps_running", "gauge", "Sweeps that run.", figures->sweeps_running);
    head(out, "certmuster_sweep_shards", "gauge", "Shards of sweeps that run, by state.");
    for (size_t i = 0; i < SWEEP_SHARD_STATES; i++) {
        labelled(out, "certmuster_sweep_shards", "state", state_shards[i]);
        buf_appendf(out, "%llu\n", (unsigned long long)figures->shards[i]);
    }
    head(out, "certmuster_sweep_places", "gauge",
         "What sweeps that run have told of their places, by class; never: not tried yet.");
    for (size_t i = 0; i < SWEEP_CLASSES; i++) {
        labelled(out, "certmuster_sweep_places", "class", state_classes[i]);
        buf_appendf(out, "%llu\n", (unsigned long long)figures->told[i]);
    }
    head(out, "certmuster_sweep_lease_oldest_seconds", "gauge", "Since when the oldest lease is out; 0: none is.");
    buf_appendf(out, "certmuster_sweep_lease_oldest_seconds %.3f\n", (double)age / 1000);
    head(out, "certmuster_sweep_last_finished_timestamp_seconds", "gauge",
         "When the last sweep of a plan ended, since the epoch, by the clock of the database.");
    for (unsigned i = 0; i < figures->plan_count; i++) {
        labelled(out, "certmuster_sweep_last_finished_timestamp_seconds", "plan", figures->plans[i].name);
        buf_appendf(out, "%.3f\n", (double)figures->plans[i].finished_ms / 1000);
    }
    head(out, "certmuster_sweep_last_shards_abandoned", "gauge", "Shards that the last sweep of a plan left undone.");
    for (unsigned i = 0; i < figures->plan_count; i++) {
        labelled(out, "certmuster_sweep_last_shards_abandoned", "plan", figures->plans[i].name);
        buf_appendf(out, "%llu\n", (unsigned long long)figures->plans[i].abandoned);
    }
    by_plan_and_class(figures, out);
}

static void inventory(const struct figures *figures, int64_t now_ms, struct buf *out)
{
    metric(out, "certmuster_certificates", "gauge", "Distinct certificates in the inventory.", figures->certificates);
    metric(out, "certmuster_certificates_undecodable", "gauge", "Certificates that cannot be decoded.",
           figures->certificates_undecodable);
    metric(out, "certmuster_places", "gauge",
           "Places in the inventory that are not gone: endpoints and entries of files.", figures->places);
    metric(out, "certmuster_places_failing", "gauge", "Places that are not gone and whose last look failed.",
           figures->places_failing);
    metric(out, "certmuster_certificates_expired", "gauge", "Certificates in use that have expired.", figures->expired);
    metric(out, "certmuster_certificates_expiring_30d", "gauge", "Certificates in use that expire within 30 days.",
           figures->expiring_30d);
    metric(out, "certmuster_chains_unjudged", "gauge", "Chains that were not verified yet.", figures->chains_unjudged);
    metric(out, "certmuster_scanners", "gauge", "Scanners that may deliver.", figures->scanners);
    metric(out, "certmuster_scanners_skewed", "gauge",
           "Scanners whose clock differed by more than five minutes when they delivered last.",
           figures->scanners_skewed);
    metric(out, "certmuster_observation_partitions_unfolded", "gauge",
           "Days of observation that are older than 30 days and kept, since they were not folded yet.",
           figures->partitions_unfolded);
    head(out, "certmuster_chains", "gauge", "Verified chains by trust store and its verdict.");
    for (unsigned i = 0; i < figures->verdict_count; i++) {
        buf_append_str(out, "certmuster_chains{");
        label(out, "trust_store", figures->verdicts[i].store);
        buf_append_char(out, ',');
        label(out, "verdict", figures->verdicts[i].name);
        buf_append_str(out, "} ");
        buf_appendf(out, "%llu\n", (unsigned long long)figures->verdicts[i].chains);
    }
    head(out, "certmuster_last_sweep_age_seconds", "gauge", "Seconds since a run of this source was finished.");
    for (unsigned i = 0; i < figures->source_count; i++) {
        if (figures->sources[i].finished_ms < 0)
            continue;
        int64_t age = now_ms > figures->sources[i].finished_ms ? now_ms - figures->sources[i].finished_ms : 0;
        labelled(out, "certmuster_last_sweep_age_seconds", "source", figures->sources[i].name);
        buf_appendf(out, "%.3f\n", (double)age / 1000);
    }
    sweeps(figures, now_ms, out);
    head(out, "certmuster_inventory_figures_age_seconds", "gauge", "Age of the figures of the inventory above.");
    buf_appendf(out, "certmuster_inventory_figures_age_seconds %.3f\n", (double)(now_ms - figures->at_ms) / 1000);
}

void state_metrics(struct state *state, int64_t now_ms, struct buf *out)
{
    struct figures figures;
    get_figures(state, &figures);
    head(out, "certmuster_build_info", "gauge", "Version of the collector.");
    buf_append_str(out, "certmuster_build_info{version=\"" CERTMUSTER_VERSION "\"} 1\n");
    head(out, "certmuster_start_time_seconds", "gauge", "When the collector started, since the epoch.");
    buf_appendf(out, "certmuster_start_time_seconds %.3f\n", (double)state->started_ms / 1000);
    metric(out, "certmuster_database_up", "gauge", "1 when the database answered last.",
           atomic_load(&state->database_up));
    if (figures.known)
        inventory(&figures, now_ms, out);
    stores(state, out);
    batches(state, out);
    metric(out, "certmuster_records_stored_total", "counter", "Records stored.", atomic_load(&state->records_stored));
    metric(out, "certmuster_records_rejected_total", "counter", "Records rejected, line by line.",
           atomic_load(&state->records_rejected));
    metric(out, "certmuster_body_bytes_total", "counter", "Bytes of bodies received, as they came.",
           atomic_load(&state->body_bytes));
    metric(out, "certmuster_requests_denied_total", "counter", "Requests of peers that may not speak.",
           atomic_load(&state->requests_denied));
    metric(out, "certmuster_requests_limited_total", "counter", "Requests put off: too many, or the queue is full.",
           atomic_load(&state->requests_limited));
    metric(out, "certmuster_queue", "gauge", "Requests that wait for a worker.", atomic_load(&state->queue_depth));
    metric(out, "certmuster_queue_max", "gauge", "How many may wait.", atomic_load(&state->queue_max));
    metric(out, "certmuster_working", "gauge", "Requests that a worker has.", atomic_load(&state->working));
    metric(out, "certmuster_connections", "gauge", "Open connections.", atomic_load(&state->connections));
    metric(out, "certmuster_connections_max", "gauge", "How many may be open.", atomic_load(&state->connections_max));
    metric(out, "certmuster_connections_dropped_total", "counter",
           "Connections cut: too slow, too many of one client, or to make room.",
           atomic_load(&state->connections_dropped));
    metric(out, "certmuster_connections_held_bytes", "gauge", "Bytes of requests and answers that are on their way.",
           atomic_load(&state->connections_held));
    metric(out, "certmuster_chains_judged_total", "counter", "Verdicts written.", atomic_load(&state->chains_judged));
    metric(out, "certmuster_paths_built_total", "counter", "Issuer paths built and verified for verdicts.",
           atomic_load(&state->paths_built));
    metric(out, "certmuster_paths_cached_total", "counter", "Verdicts on leaves under an issuer path judged before.",
           atomic_load(&state->paths_cached));
}

/* --- /healthz ------------------------------------------------------------------------------------------------------------------------ */

/* Names of trust stores are letters, digits and -_. */
static void tell_unusable(struct state *state, struct buf *out)
{
    unsigned count = 0;
    pthread_mutex_lock(&state->lock);
    for (unsigned i = 0; i < state->store_count; i++) {
        if (state->stores[i].usable)
            continue;
        buf_append_str(out, count++ ? ", " : ",\"reason\":\"trust stores that cannot be used: ");
        buf_append_str(out, state->stores[i].name);
    }
    pthread_mutex_unlock(&state->lock);
    if (count)
        buf_append_char(out, '"');
}

bool state_health(struct state *state, int64_t now_ms, struct buf *out)
{
    bool up = atomic_load(&state->database_up), stopping = atomic_load(&state->stopping);
    const char *misfit = atomic_load(&state->misfit);
    bool well = up && !stopping && !misfit;
    int64_t last = atomic_load(&state->database_ok_ms);
    buf_appendf(out, "{\"status\":\"%s\",\"database\":\"%s\"",
                well       ? "ok"
                : stopping ? "stopping"
                           : "degraded",
                up ? "up" : "down");
    if (misfit)
        buf_appendf(out, ",\"reason\":\"%s\"", misfit);
    else
        tell_unusable(state, out);
    if (last)
        buf_appendf(out, ",\"database_age_seconds\":%.3f", (double)(now_ms > last ? now_ms - last : 0) / 1000);
    buf_appendf(out, ",\"uptime_seconds\":%.3f,\"queue\":%u,\"working\":%u,\"version\":\"%s\"}\n",
                (double)(now_ms - state->started_ms) / 1000, atomic_load(&state->queue_depth),
                atomic_load(&state->working), CERTMUSTER_VERSION);
    return well;
}
