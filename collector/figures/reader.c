/* The thread that reads the figures: when, and how often. */
#include <stdlib.h>

#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "collector/figures/figures.h"
#include "collector/rounds.h"
#include "collector/transaction.h"

enum {
    FIGURES_MS = 4000,
    FIGURES_SHARE = 20, /* figures may take a twentieth of a backend's time, not more */
};

struct figures_reader {
    const struct settings *settings;
    struct state *state;
    struct rounds *rounds;
    struct db *db;
};

/* A backend that counts for long must not go on for a collector that is not there any more. */
static int connect_again(struct figures_reader *reader, struct cm_error *error)
{
    int code = reader->db && db_alive(reader->db) ? transaction_version(reader->db, error) : CM_EIO;
    if (!code)
        return 0;
    db_close(reader->db);
    reader->db = NULL;
    code = settings_connect(reader->settings, "certmuster-collectd figures", &reader->db, error);
    return code ? code
                : db_exec(reader->db,
                          "SET random_page_cost = 1.1; SET jit = off; SET statement_timeout = '10min';"
                          "SET client_connection_check_interval = '5s'",
                          error);
}

/* That the database is away, or of another version, the judge says. */
static int read_once(void *context)
{
    struct figures_reader *reader = context;
    struct figures figures;
    struct cm_error error = {0};
    int64_t began = clock_monotonic_ms();
    int code = connect_again(reader, &error);
    if (!code)
        code = figures_read(reader->db, &figures, &error);
    if (!code)
        state_set_figures(reader->state, &figures);
    else if (code != CM_EIO && code != CM_EVERSION)
        log_event(LOG_LEVEL_ERROR, "figures", "%s", log_error(&error));
    int64_t rest = (clock_monotonic_ms() - began) * (FIGURES_SHARE - 1);
    return rest > FIGURES_MS ? (int)rest : FIGURES_MS;
}

static void end(void *context)
{
    struct figures_reader *reader = context;
    db_close(reader->db);
    reader->db = NULL;
}

int figures_reader_new(const struct settings *settings, struct state *state, struct figures_reader **out,
                       struct cm_error *error)
{
    struct figures_reader *reader = cm_calloc(1, sizeof *reader);
    reader->settings = settings;
    reader->state = state;
    reader->rounds = rounds_new(read_once, end, reader);
    if (!reader->rounds) {
        free(reader);
        return error_set(error, CM_EIO, 0, "cannot start threads");
    }
    *out = reader;
    return 0;
}

bool figures_reader_stop(struct figures_reader *reader, int timeout_ms)
{
    return rounds_stop(reader->rounds, timeout_ms);
}

void figures_reader_free(struct figures_reader *reader)
{
    if (!reader)
        return;
    rounds_free(reader->rounds);
    free(reader);
}
