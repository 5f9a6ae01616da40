/* Who judges, and for how long at a time. The judge's own thread has the first seat; the others are threads that last as long as there
 * is much to do. */
#include "collector/judge/panel.h"

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>

#include "certmuster/log.h"

enum {
    SEATS_MAX = 16,
    ROUNDS_MAX = 10, /* of each seat, before the other work of the judge's thread gets its turn */
};

struct seat {
    struct panel *panel;
    struct docket *docket;
    struct db *db; /* of the first: lent for a round */
    const struct trust_set *set;
    struct cm_error error;
    OSSL_LIB_CTX *crypto; /* of all but the first */
    pthread_t thread;
    bool taken, more, full;
};

struct panel {
    const struct settings *settings;
    struct state *state;
    int64_t called_at; /* seconds; 0: not yet */
    size_t count;
    struct seat seats[SEATS_MAX];
};

struct panel *panel_new(const struct settings *settings, struct state *state)
{
    struct panel *panel = cm_calloc(1, sizeof *panel);
    int64_t workers = config_integer(settings->config, "collector.workers");
    panel->settings = settings;
    panel->state = state;
    panel->count = workers < SEATS_MAX ? (size_t)workers : SEATS_MAX;
    for (size_t i = 0; i < panel->count; i++)
        panel->seats[i].panel = panel;
    panel->seats[0].docket = docket_new();
    return panel;
}

/* What only much work is worth: connections, and decoded certificates. */
static void clear_others(struct panel *panel)
{
    for (size_t i = 1; i < panel->count; i++) {
        db_close(panel->seats[i].db);
        docket_free(panel->seats[i].docket);
        panel->seats[i].db = NULL;
        panel->seats[i].docket = NULL;
    }
}

void panel_free(struct panel *panel)
{
    if (!panel)
        return;
    clear_others(panel);
    docket_free(panel->seats[0].docket);
    free(panel);
}

int panel_connect(const struct settings *settings, struct db **out, struct cm_error *error)
{
    int code = settings_connect(settings, "certmuster-collectd judge", out, error);
    return code ? code
                : db_exec(*out, "SET random_page_cost = 1.1; SET jit = off; SET statement_timeout = '10min'", error);
}

static int one_round(struct seat *seat)
{
    struct state *state = seat->panel->state;
    struct docket_tally tally;
    int code = docket_round(seat->docket, seat->db, seat->set, &tally, &seat->error);
    if (code == CM_ECONFLICT && db_alive(seat->db)) { /* who got what both wanted has done it */
        log_event(LOG_LEVEL_INFO, "judge_again", "%s", log_error(&seat->error));
        seat->more = seat->full = true;
        return 0;
    }
    seat->more = tally.more;
    seat->full = tally.full;
    atomic_fetch_add(&state->chains_judged, tally.judged);
    atomic_fetch_add(&state->paths_built, tally.built);
    atomic_fetch_add(&state->paths_cached, tally.cached);
    return code;
}

static int sit(struct seat *seat, int rounds)
{
    int code = 0;
    seat->more = true;
    for (int i = 0; !code && seat->more && i < rounds && !atomic_load(&seat->panel->state->stopping); i++)
        code = one_round(seat);
    return code;
}

/* OpenSSL 3.0 looks up algorithms and keys of a library context under its locks, a hundred times for each signature: threads that share one wait for
 * each other longer than they check. So each seat beside the first has its own, as the system configures it. It is kept until the process ends, because keys
 * of trust anchors, which all share, remember what every context made of them. NULL: the default one has to do. Called by one thread. */
static OSSL_LIB_CTX *own_context(size_t seat)
{
    static OSSL_LIB_CTX *contexts[SEATS_MAX];
    if (!contexts[seat] && (contexts[seat] = OSSL_LIB_CTX_new()) != NULL) {
        char *file = CONF_get1_default_config_file();
        (void)OSSL_LIB_CTX_load_config(
            contexts[seat], file); /* without one, or with a damaged one, the default context has none either */
        OPENSSL_free(file);
        ERR_clear_error();
    }
    return contexts[seat];
}

/* A seat that cannot work leaves the work to the others. */
static void *sit_beside(void *context)
{
    struct seat *seat = context;
    int code = 0;
    (void)OSSL_LIB_CTX_set0_default(seat->crypto);
    if (seat->db && !db_alive(seat->db)) {
        db_close(seat->db);
        seat->db = NULL;
    }
    if (!seat->db)
        code = panel_connect(seat->panel->settings, &seat->db, &seat->error);
    if (!seat->docket)
        seat->docket = docket_new();
    if (!code)
        code = sit(seat, ROUNDS_MAX);
    if (code) {
        log_event(LOG_LEVEL_WARN, "judge_beside", "%s", log_error(&seat->error));
        db_close(seat->db); /* whatever transaction was open ends with it */
        seat->db = NULL;
        seat->more = true;
    }
    return NULL;
}

static void begin_others(struct panel *panel)
{
    for (size_t i = 1; i < panel->count; i++) {
        struct seat *seat = &panel->seats[i];
        seat->set = panel->seats[0].set;
        seat->crypto = own_context(i);
        seat->taken = pthread_create(&seat->thread, NULL, sit_beside, seat) == 0;
    }
}

static bool end_others(struct panel *panel)
{
    bool more = false;
    for (size_t i = 1; i < panel->count; i++) {
        if (panel->seats[i].taken)
            pthread_join(panel->seats[i].thread, NULL);
        more = more || (panel->seats[i].taken && panel->seats[i].more);
        panel->seats[i].taken = false;
    }
    return more;
}

int panel_round(struct panel *panel, struct db *db, const struct trust_set *set, bool *more, struct cm_error *error)
{
    struct seat *first = &panel->seats[0];
    first->db = db;
    first->set = set;
    int code = docket_call_up(db, set, &panel->called_at, &first->error);
    if (!code)
        code = sit(first, 1);
    if (!code && first->full)
        begin_others(panel);
    if (!code && first->more)
        code = sit(first, ROUNDS_MAX - 1);
    *more = (end_others(panel) || first->more) && !code;
    first->db = NULL;
    if (!*more)
        clear_others(panel);
    if (code)
        *error = first->error;
    return code;
}
