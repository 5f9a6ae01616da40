/* Rows of the audit log, written beside the act: both are committed, or neither. */
#include "collector/ctl/audit.h"

#include <stdarg.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/escape.h"
#include "collector/ctl/ctl.h"

enum { DETAIL_MAX = 64 * 1024 };

char *audit_detail(const char *name, ...)
{
    struct buf out;
    va_list values;
    const char *separator = "{";
    buf_init(&out, DETAIL_MAX);
    va_start(values, name);
    for (; name; name = va_arg(values, const char *)) {
        const char *value = va_arg(values, const char *);
        if (!value)
            continue;
        buf_appendf(&out, "%s\"%s\":\"", separator, name);
        escape_json(&out, value, strlen(value));
        buf_append_char(&out, '"');
        separator = ",";
    }
    va_end(values);
    buf_append_str(&out, *separator == '{' ? "{}" : "}");
    if (!out.failed)
        return buf_take(&out, NULL);
    buf_done(&out);
    return NULL;
}

int audit_note(struct db *db, const char *action, const char *subject, const char *detail, struct cm_error *error)
{
    char actor[256];
    if (!detail)
        return error_set(error, CM_ELIMIT, 0, "the audit log takes 64 KiB of what is said of one act");
    ctl_actor(actor, sizeof actor);
    const char *params[] = {actor, action, subject, detail};
    return db_query(db, "SELECT audit_append($1, $2, $3, $4)", params, 4, NULL, error);
}

/* In the transaction that was begun; ends it. */
static int act(struct db *db, const char *sql, const char *const *params, size_t param_count, const char *action,
               const char *subject, const char *detail, int64_t *affected, struct cm_error *error)
{
    struct db_result *result = NULL;
    int code = db_query(db, sql, params, param_count, &result, error);
    if (!code)
        *affected = db_affected(result);
    db_result_free(result);
    if (!code && *affected > 0)
        code = audit_note(db, action, subject, detail, error);
    if (!code && *affected > 0)
        return db_exec(db, "COMMIT", error);
    db_rollback(db);
    return code;
}

int audit_act(struct db *db, const char *sql, const char *const *params, size_t param_count, const char *action,
              const char *subject, const char *detail, int64_t *affected, struct cm_error *error)
{
    *affected = 0;
    int code = db_exec(db, "BEGIN", error);
    return code ? code : act(db, sql, params, param_count, action, subject, detail, affected, error);
}

int audit_act_on_certificates(struct db *db, const char *sql, const char *const *params, size_t param_count,
                              const char *action, const char *subject, const char *detail, int64_t *affected,
                              struct cm_error *error)
{
    *affected = 0;
    int code = db_exec(db, "BEGIN; LOCK TABLE scanner_certificate IN SHARE ROW EXCLUSIVE MODE", error);
    if (!code)
        return act(db, sql, params, param_count, action, subject, detail, affected, error);
    db_rollback(db);
    return code;
}
