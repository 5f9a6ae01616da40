/* The judge's thread: the order of its work and how often each part comes. */
#include "collector/judge/judge.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "collector/alert/alert.h"

enum {
    LOOK_FOR_NEW_MS = 60 * 60 * 1000, /* even when nobody said that there are new chains: another collector's */
    STALE_MS = 24 * 60 * 60 * 1000,
    FIGURES_MS = 4000,
    FIGURES_SHARE = 20, /* figures may take a twentieth of the database's time, not more */
    UPKEEP_MS = 60 * 1000,
    ROUNDS_MAX = 10, /* of judging, before the other work gets its turn */
};

struct judge {
    const struct settings *settings;
    struct state *state;
    struct trust *trust;
    struct db *db;
    pthread_t thread;
    int stop;                                                 /* eventfd */
    int64_t looked_for_new_ms, figures_due_ms, upkeep_due_ms; /* monotonic; 0: at once */
    int64_t store_since_ms;                                   /* wall clock: older verdicts are stale */
    int64_t away_since_ms;                                    /* monotonic; 0: the database is there */
    bool new_left, store_told, store_noted;
};

static bool is_stopping(const struct judge *judge)
{
    return atomic_load(&judge->state->stopping);
}

/* --- Tasks --------------------------------------------------------------------------------------------------------------------------- */

static void refresh_trust(struct judge *judge)
{
    struct cm_error error = {0};
    bool changed = false;
    if (trust_refresh(judge->trust, &changed, &error) != 0) {
        if (!judge->store_told)
            log_event(LOG_LEVEL_ERROR, "trust_store", "%s", log_error(&error));
        judge->store_told = true;
        return;
    }
    judge->store_told = false;
    if (changed)
        judge->store_noted = false;
}

/* Since when the inventory's verdicts are by this store: written down, so that one exchanged while no collector ran is noticed too. */
static int note_store(struct judge *judge, struct cm_error *error)
{
    char task[16 + CM_SHA256_HEX_SIZE];
    struct db_result *rows = NULL;
    if (judge->store_noted)
        return 0;
    snprintf(task, sizeof task, "trust_store %s", trust_digest(judge->trust));
    const char *params[] = {task};
    int code = db_query(
        judge->db,
        "WITH gone AS (DELETE FROM upkeep WHERE task LIKE 'trust\\_store %' AND task <> $1 RETURNING task)"
        " INSERT INTO upkeep AS u (task, done_at) VALUES ($1, now()) ON CONFLICT (task) DO UPDATE SET task = u.task"
        " RETURNING (extract(epoch FROM done_at) * 1000)::bigint, (SELECT count(*) FROM gone)",
        params, 1, &rows, error);
    if (!code) {
        judge->store_noted = true;
        judge->store_since_ms = db_integer(rows, 0, 0);
        if (db_integer(rows, 0, 1) > 0)
            log_event(LOG_LEVEL_INFO, "trust_store_changed", "every chain is verified again");
    }
    db_result_free(rows);
    return code;
}

static int judge_chains(struct judge *judge, struct cm_error *error)
{
    int64_t now = clock_monotonic_ms(), stale = clock_wall_ms() - STALE_MS;
    bool more = true;
    refresh_trust(judge);
    if (!trust_loaded(judge->trust))
        return 0;
    int code = note_store(judge, error);
    if (code)
        return code;
    if (atomic_exchange(&judge->state->new_chains, false) || !judge->looked_for_new_ms ||
        now - judge->looked_for_new_ms > LOOK_FOR_NEW_MS)
        judge->new_left = true;
    const struct docket docket = {.look_for_new = judge->new_left,
                                  .stale_before_ms = stale > judge->store_since_ms ? stale : judge->store_since_ms};
    for (int round = 0; !code && more && round < ROUNDS_MAX && !is_stopping(judge); round++) {
        uint64_t judged = 0;
        code = docket_round(judge->db, judge->trust, &docket, &judged, &more, error);
        atomic_fetch_add(&judge->state->chains_judged, judged);
    }
    if (!code && judge->new_left) {
        judge->looked_for_new_ms = now;
        judge->new_left = more;
    }
    return code;
}

static int do_upkeep(struct judge *judge, struct cm_error *error)
{
    int64_t now = clock_monotonic_ms();
    if (now < judge->upkeep_due_ms)
        return 0;
    judge->upkeep_due_ms = now + UPKEEP_MS;
    return upkeep_round(judge->db, error);
}

static int do_sweeps(struct judge *judge, struct cm_error *error)
{
    return sweeps_round(judge->db, error);
}

static int refresh_figures(struct judge *judge, struct cm_error *error)
{
    struct figures figures;
    int64_t began = clock_monotonic_ms();
    if (began < judge->figures_due_ms)
        return 0;
    int code = figures_read(judge->db, &figures, error);
    int64_t took = clock_monotonic_ms() - began;
    judge->figures_due_ms = began + (took * FIGURES_SHARE > FIGURES_MS ? took * FIGURES_SHARE : FIGURES_MS);
    if (!code)
        state_set_figures(judge->state, &figures);
    return code;
}

static int do_alerts(struct judge *judge, struct cm_error *error)
{
    return alert_tick(judge->db, judge->settings->config, error);
}

static int (*const tasks[])(struct judge *judge, struct cm_error *error) = {refresh_figures, judge_chains, do_sweeps,
                                                                            do_upkeep, do_alerts};

/* --- The thread ---------------------------------------------------------------------------------------------------------------------- */

static int connect_again(struct judge *judge, struct cm_error *error)
{
    if (judge->db && db_alive(judge->db))
        return 0;
    db_close(judge->db);
    judge->db = NULL;
    int code = settings_connect(judge->settings, "certmuster-collectd judge", &judge->db, error);
    if (!code)
        code = db_exec(judge->db, "SET random_page_cost = 1.1; SET jit = off; SET statement_timeout = '10min'", error);
    return code;
}

static void round_of_work(struct judge *judge)
{
    struct cm_error error = {0};
    int code = connect_again(judge, &error);
    for (size_t i = 0; !code && i < sizeof tasks / sizeof tasks[0] && !is_stopping(judge); i++) {
        code = tasks[i](judge, &error);
        if (code && judge->db && db_alive(judge->db)) { /* one task's trouble is not the others' */
            log_event(LOG_LEVEL_ERROR, "judge", "%s", log_error(&error));
            db_close(judge->db); /* whatever transaction was open ends with it */
            judge->db = NULL;
            code = connect_again(judge, &error);
        }
    }
    int64_t now = clock_monotonic_ms();
    state_database(judge->state, code == 0);
    if (code && !judge->away_since_ms) {
        log_event(LOG_LEVEL_WARN, "database_away", "%s", log_error(&error));
        judge->away_since_ms = now;
    } else if (!code && judge->away_since_ms) {
        log_event(LOG_LEVEL_INFO, "database_back", "after_s=%.1f", (double)(now - judge->away_since_ms) / 1000);
        judge->away_since_ms = 0;
    }
}

static void *run(void *context)
{
    struct judge *judge = context;
    struct pollfd stop = {.fd = judge->stop, .events = POLLIN};
    int64_t interval = config_integer(judge->settings->config, "collector.judge_interval");
    do
        round_of_work(judge);
    while (!is_stopping(judge) && poll(&stop, 1, judge->new_left ? 0 : (int)interval) <= 0);
    db_close(judge->db);
    judge->db = NULL;
    return NULL;
}

struct judge *judge_new(const struct settings *settings, struct state *state)
{
    struct judge *judge = cm_calloc(1, sizeof *judge);
    judge->settings = settings;
    judge->state = state;
    judge->trust = trust_new(config_string(settings->config, "collector.trust_store"));
    judge->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (judge->stop < 0 || pthread_create(&judge->thread, NULL, run, judge) != 0) {
        trust_free(judge->trust);
        if (judge->stop >= 0)
            close(judge->stop);
        free(judge);
        return NULL;
    }
    return judge;
}

bool judge_stop(struct judge *judge, int timeout_ms)
{
    const uint64_t one = 1;
    struct timespec until;
    if (write(judge->stop, &one, sizeof one) < 0)
        log_event(LOG_LEVEL_WARN, "judge", "it cannot be woken");
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    return pthread_timedjoin_np(judge->thread, NULL, &until) == 0;
}

void judge_free(struct judge *judge)
{
    if (!judge)
        return;
    trust_free(judge->trust);
    close(judge->stop);
    free(judge);
}
