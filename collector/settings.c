/* What follows from the settings: the inventory to connect to, this collector's name in it, who may speak to it. */
#include "collector/settings.h"

#include <stdio.h>
#include <string.h>

#include "certmuster/inventory.h"
#include "collector/transaction.h"

enum { CONNECT_TIMEOUT_S = 10 };

int settings_connect(const struct settings *settings, const char *program, struct db **out, struct cm_error *error)
{
    struct db *db = NULL;
    const struct db_options options = {
        .dsn = settings->dsn, .user = "certmuster_ingest", .program = program, .connect_timeout_s = CONNECT_TIMEOUT_S};
    int code = settings->dsn ? db_connect(&options, &db, error)
                             : inventory_connect(settings->config, "certmuster_ingest", program, &db, error);
    if (!code)
        code = transaction_version(db, error);
    if (!code) /* who is stopped in the middle of a transaction keeps migrate, and others, from what it holds */
        code = db_exec(db, "SET idle_in_transaction_session_timeout = '10min'", error);
    if (code)
        db_close(db);
    else
        *out = db;
    return code;
}

void settings_name(const struct settings *settings, struct buf *out)
{
    buf_append_str(out, config_host(settings->config));
    if (settings->socket)
        buf_appendf(out, " unix:%s", settings->socket);
    if (settings->listen)
        buf_appendf(out, " %s", settings->listen);
}

bool settings_allow(const struct settings *settings, uid_t uid)
{
    for (size_t i = 0; i < settings->uid_count; i++)
        if (settings->uids[i] == uid)
            return true;
    return false;
}
