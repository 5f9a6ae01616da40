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
#include "collector/judge/panel.h"

enum {
    FIGURES_MS = 4000,
    FIGURES_SHARE = 20, /* figures may take a twentieth of the database's time, not more */
    UPKEEP_MS = 60 * 1000,
};

struct judge {
    const struct settings *settings;
    struct state *state;
    struct trust_set *trust;
    struct panel *panel;
    struct configuration *configuration;
    struct db *db;
    pthread_t thread;
    int stop;                              /* eventfd */
    int64_t figures_due_ms, upkeep_due_ms; /* monotonic; 0: at once */
    int64_t away_since_ms;                 /* monotonic; 0: the database is there */
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

static int judge_chains(struct judge *judge, struct cm_error *error)
{
    int code = trust_set_refresh(judge->trust, judge->db, error);
    judge->chains_left = false;
    return code ? code : panel_round(judge->panel, judge->db, judge->trust, &judge->chains_left, error);
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

static int mark_gone(struct judge *judge, struct cm_error *error)
{
    return gone_round(judge->db, judge->settings->config, error);
}

static int do_alerts(struct judge *judge, struct cm_error *error)
{
    return alert_tick(judge->db, judge->settings->config, error);
}

static int (*const tasks[])(struct judge *judge, struct cm_error *error) = {
    refresh_figures, note_configuration, judge_chains, do_sweeps, mark_gone, do_upkeep, do_alerts};

/* --- The thread ---------------------------------------------------------------------------------------------------------------------- */

static int connect_again(struct judge *judge, struct cm_error *error)
{
    if (judge->db && db_alive(judge->db))
        return 0;
    db_close(judge->db);
    judge->db = NULL;
    return panel_connect(judge->settings, &judge->db, error);
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
    while (!is_stopping(judge) && poll(&stop, 1, judge->chains_left ? 0 : (int)interval) <= 0);
    db_close(judge->db);
    judge->db = NULL;
    return NULL;
}

int judge_new(const struct settings *settings, struct state *state, struct judge **out, struct cm_error *error)
{
    struct judge *judge = cm_calloc(1, sizeof *judge);
    judge->settings = settings;
    judge->state = state;
    judge->panel = panel_new(settings, state);
    judge->configuration = configuration_new(settings);
    judge->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int code = trust_set_new(settings->config, &judge->trust, error);
    if (!code && (judge->stop < 0 || pthread_create(&judge->thread, NULL, run, judge) != 0))
        code = error_set(error, CM_EIO, 0, "cannot start threads");
    if (code)
        judge_free(judge);
    else
        *out = judge;
    return code;
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
    trust_set_free(judge->trust);
    panel_free(judge->panel);
    configuration_free(judge->configuration);
    if (judge->stop >= 0)
        close(judge->stop);
    free(judge);
}
