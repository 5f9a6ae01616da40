/* Begins and ends transactions, and asks the inventory's version in each. */
#include "collector/transaction.h"

#include "certmuster/inventory.h"

int transaction_version(struct db *db, struct cm_error *error)
{
    bool older;
    int code = inventory_check_schema(db, &older, error);
    if (code == CM_EVERSION && error)
        error->reason = older ? "the inventory is older than this collector: run certmuster migrate"
                              : "the inventory is newer than this collector: update it";
    return code;
}

/* The version is the first thing asked, before any other table is touched: whoever held one of those and then waited for migrate, which needs them, would be in a deadlock with it. */
int transaction_begin(struct db *db, struct cm_error *error)
{
    int code = db_exec(db, "BEGIN", error);
    return code ? code : transaction_version(db, error);
}

int transaction_end(struct db *db, int code, struct cm_error *error)
{
    if (!code)
        code = db_exec(db, "COMMIT", error);
    if (code)
        db_rollback(db);
    return code;
}

int transaction_query(struct db *db, const char *sql, const char *const *params, size_t count, struct db_result **out,
                      struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = transaction_begin(db, error);
    if (!code)
        code = db_query(db, sql, params, count, &rows, error);
    code = transaction_end(db, code, error);
    if (!code && out)
        *out = rows;
    else
        db_result_free(rows);
    return code;
}
