/* The judge's thread: the order of its work and how often each part comes. */
#include "collector/judge/judge.h"

#include <stdio.h>
#include <stdlib.h>

#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "collector/alert/alert.h"
#include "collector/judge/panel.h"
#include "collector/rounds.h"
#include "collector/transaction.h"

enum { UPKEEP_MS = 60 * 1000 };

struct judge {
    const struct settings *settings;
    struct state *state;
    struct trust_set *trust;
    struct panel *panel;
    struct configuration *configuration;
    struct db *db;
    struct rounds *rounds;
    int64_t upkeep_due_ms; /* monotonic; 0: at once */
    int64_t away_since_ms; /* monotonic; 0: the database is there */
    bool chains_left;
};

static bool is_stopping(const struct judge *judge)
{
    return atomic_load(&judge->state->stopping);
}

/* --- Tasks --------------------------------------------------------------------------------------------------------------------------- */

static int note_configuration(struct judge *judge, struct cm_error *error)
{
    return configuration_round(judge->configuration, judge->db, error);
}

/* For whoever watches the collector: what a store's file says now may be of no use, while the old one is. */
static void tell_of_stores(struct judge *judge)
{
    const struct trust_set *set = judge->trust;
    struct state_store stores[TRUST_STORES_MAX];
    for (size_t i = 0; i < set->count; i++) {
        snprintf(stores[i].name, sizeof stores[i].name, "%s", trust_name(set->stores[i]));
        stores[i].usable = !set->told[i];
    }
    state_set_stores(judge->state, stores, set->count);
}

static int judge_chains(struct judge *judge, struct cm_error *error)
{
    int code = trust_set_refresh(judge->trust, judge->db, error);
    judge->chains_left = false;
    if (!code)
        tell_of_stores(judge);
    return code ? code : panel_round(judge->panel, judge->db, judge->trust, &judge->chains_left, error);
}

static int do_upkeep(struct judge *judge, struct cm_error *error)
{
    int64_t now = clock_monotonic_ms();
    if (now < judge->upkeep_due_ms)
        return 0;
    judge->upkeep_due_ms = now + UPKEEP_MS;
    int code = upkeep_round(judge->db, error);
    return code ? code : lacking_round(judge->db, error);
}

static int do_sweeps(struct judge *judge, struct cm_error *error)
{
    return sweeps_round(judge->db, error);
}

static int do_alerts(struct judge *judge, struct cm_error *error)
{
    return alert_tick(judge->db, judge->settings->config, error);
}

static int (*const tasks[])(struct judge *judge, struct cm_error *error) = {note_configuration, judge_chains, do_sweeps,
                                                                            do_upkeep, do_alerts};

/* --- The thread ---------------------------------------------------------------------------------------------------------------------- */

static int connect_again(struct judge *judge, struct cm_error *error)
{
    if (judge->db && db_alive(judge->db))
        return transaction_version(judge->db, error);
    db_close(judge->db);
    judge->db = NULL;
    return panel_connect(judge->settings, &judge->db, error);
}

/* Told when it changes, not each round. */
static void tell_of_database(struct judge *judge, int code, const struct cm_error *error)
{
    int64_t now = clock_monotonic_ms();
    bool away = code && code != CM_EVERSION;
    state_database(judge->state, !away);
    if (!away)
        state_version(judge->state, code ? error : NULL);
    if (away && !judge->away_since_ms) {
        log_event(LOG_LEVEL_WARN, "database_away", "%s", log_error(error));
        judge->away_since_ms = now;
    } else if (!away && judge->away_since_ms) {
        log_event(LOG_LEVEL_INFO, "database_back", "after_s=%.1f", (double)(now - judge->away_since_ms) / 1000);
        judge->away_since_ms = 0;
    }
}

static void round_of_work(struct judge *judge)
{
    struct cm_error error = {0};
    int code = connect_again(judge, &error);
    for (size_t i = 0; !code && i < sizeof tasks / sizeof tasks[0] && !is_stopping(judge); i++) {
        code = tasks[i](judge, &error);
        if (code && code != CM_EVERSION && judge->db &&
            db_alive(judge->db)) { /* one task's trouble is not the others' */
            log_event(LOG_LEVEL_ERROR, "judge", "%s", log_error(&error));
            db_close(judge->db); /* whatever transaction was open ends with it */
            judge->db = NULL;
            code = connect_again(judge, &error);
        }
    }
    if (code == CM_EVERSION) {
        db_close(judge->db);
        judge->db = NULL;
        judge->chains_left = false;
    }
    tell_of_database(judge, code, &error);
}

static int judge_round(void *context)
{
    struct judge *judge = context;
    round_of_work(judge);
    return judge->chains_left ? 0 : (int)config_integer(judge->settings->config, "collector.judge_interval");
}

static void end(void *context)
{
    struct judge *judge = context;
    db_close(judge->db);
    judge->db = NULL;
}

int judge_new(const struct settings *settings, struct state *state, struct judge **out, struct cm_error *error)
{
    struct judge *judge = cm_calloc(1, sizeof *judge);
    judge->settings = settings;
    judge->state = state;
    judge->panel = panel_new(settings, state);
    judge->configuration = configuration_new(settings);
    int code = trust_set_new(settings, &judge->trust, error);
    if (!code && !(judge->rounds = rounds_new(judge_round, end, judge)))
        code = error_set(error, CM_EIO, 0, "cannot start threads");
    if (code)
        judge_free(judge);
    else
        *out = judge;
    return code;
}

bool judge_stop(struct judge *judge, int timeout_ms)
{
    return rounds_stop(judge->rounds, timeout_ms);
}

void judge_free(struct judge *judge)
{
    if (!judge)
        return;
    rounds_free(judge->rounds);
    trust_set_free(judge->trust);
    panel_free(judge->panel);
    configuration_free(judge->configuration);
    free(judge);
}
