/* Connections and rests of those who work beside the judge. That the database is away, or of another version, the judge says. */
#include "collector/clerk.h"

#include <stdio.h>
#include <stdlib.h>

#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "collector/rounds.h"
#include "collector/transaction.h"

struct clerk {
    const struct settings *settings;
    struct clerk_work work;
    char program[64], *session;
    void *context;
    struct db *db;
    struct rounds *rounds;
};

static void disconnect(void *context)
{
    struct clerk *clerk = context;
    db_close(clerk->db);
    clerk->db = NULL;
}

/* A statement that takes long must not go on for a collector that is not there any more. */
static int connect_again(struct clerk *clerk, struct cm_error *error)
{
    if (clerk->db && db_alive(clerk->db) && transaction_version(clerk->db, error) == 0)
        return 0;
    disconnect(clerk);
    int code = settings_connect(clerk->settings, clerk->program, &clerk->db, error);
    if (!code)
        code = db_exec(clerk->db,
                       "SET random_page_cost = 1.1; SET jit = off; SET statement_timeout = '10min';"
                       "SET client_connection_check_interval = '5s'",
                       error);
    if (!code && clerk->session)
        code = db_exec(clerk->db, clerk->session, error);
    if (code)
        disconnect(clerk);
    return code;
}

static int do_round(void *context)
{
    struct clerk *clerk = context;
    struct cm_error error = {0};
    int64_t began = clock_monotonic_ms();
    int code = connect_again(clerk, &error);
    if (!code)
        code = clerk->work.round(clerk->db, clerk->context, &error);
    if (code && code != CM_EIO && code != CM_EVERSION)
        log_event(LOG_LEVEL_WARN, clerk->work.name, "%s", log_error(&error));
    int64_t rest = (clock_monotonic_ms() - began) * (clerk->work.share - 1);
    return rest > clerk->work.rest_ms ? (int)rest : clerk->work.rest_ms;
}

int clerk_new(const struct settings *settings, const struct clerk_work *work, void *context, struct clerk **out,
              struct cm_error *error)
{
    struct clerk *clerk = cm_calloc(1, sizeof *clerk);
    clerk->settings = settings;
    clerk->work = *work;
    clerk->context = context;
    clerk->session = work->session ? cm_strdup(work->session) : NULL;
    snprintf(clerk->program, sizeof clerk->program, "certmuster-collectd %s", work->name);
    clerk->rounds = rounds_new(do_round, disconnect, clerk);
    if (!clerk->rounds) {
        clerk_free(clerk);
        return error_set(error, CM_EIO, 0, "cannot start threads");
    }
    *out = clerk;
    return 0;
}

bool clerk_stop(struct clerk *clerk, int timeout_ms)
{
    return rounds_stop(clerk->rounds, timeout_ms);
}

void clerk_free(struct clerk *clerk)
{
    if (!clerk)
        return;
    rounds_free(clerk->rounds);
    free(clerk->session);
    free(clerk);
}
