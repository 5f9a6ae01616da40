/* Sweep work for scanners: giving out shards by lease, and what holders say of their leases. The rules are functions of the database
 * (sql/0013_sweeps.sql), where any number of collectors and the operator's commands find the same ones; here are the requests and the
 * answers. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "certmuster/delivery.h"
#include "certmuster/ids.h"
#include "certmuster/log.h"
#include "collector/ingest/identity.h"
#include "collector/ingest/work.h"
#include "collector/transaction.h"

enum { REQUEST_MAX = 4096, TRIES_MAX = 8, POLL_SHARE = 24 /* of a lease: how soon to ask again for work */ };

/* --- Requests ---------------------------------------------------------------------------------------------------------------------------- */

static int read_object(const struct delivery_request *request, json_t **out, struct cm_error *error)
{
    json_error_t where;
    if (request->size > REQUEST_MAX)
        return error_set(error, CM_ELIMIT, 0, "more than 4096 bytes");
    *out = json_loadb(request->body, request->size, JSON_REJECT_DUPLICATES, &where);
    if (!*out)
        return error_setf(error, CM_EMALFORMED, 0, "not valid JSON", "%s", where.text);
    return json_is_object(*out) ? 0 : error_set(error, CM_EMALFORMED, 0, "not an object");
}

/* A member that may be left out. */
static int read_name(const json_t *object, const char *member, const char **out, struct cm_error *error)
{
    const json_t *value = json_object_get(object, member);
    *out = json_string_value(value);
    if (value && (!*out || !**out || strlen(*out) >= PEER_NAME_SIZE))
        return error_setf(error, CM_EMALFORMED, 0, "a name is a text of 1 to 255 bytes", "%s", member);
    return 0;
}

static bool is_one_of(const char *word, const char *const *words)
{
    while (word && *words && strcmp(*words, word) != 0)
        words++;
    return word && *words;
}

/* What is wrong with a request is answered; the rest goes up. */
static int settle(int code, bool was_read, struct delivery_answer *answer, const struct cm_error *error)
{
    if (code && !was_read)
        answer_error(answer, code == CM_ELIMIT ? 413 : 400, error);
    else if (code == CM_EAUTH && !db_right_lacks(code, error))
        answer_error(answer, 403, error);
    else
        return code;
    return 0;
}

static void lease_length(const struct session *session, char out[static 32])
{
    snprintf(out, 32, "%lld ms", (long long)config_integer(session->settings->config, "collector.lease"));
}

/* A deadlock or a serialization failure changed nothing: once more. */
static int query_again(struct db *db, const char *sql, const char *const *params, size_t count, struct db_result **rows,
                       struct cm_error *error)
{
    int code = CM_ECONFLICT;
    for (int tries = 0; code == CM_ECONFLICT && tries < TRIES_MAX; tries++)
        code = transaction_query(db, sql, params, count, rows, error);
    return code;
}

/* --- Taking ------------------------------------------------------------------------------------------------------------------------------ */

static int take(struct session *session, const char *scanner, const char *kind, const char *realm,
                struct delivery_answer *answer, struct cm_error *error)
{
    uint8_t id[CM_UUID_SIZE];
    char lease[CM_UUID_TEXT_SIZE], lasts[32];
    struct db_result *rows = NULL;
    uuid_v7(id);
    uuid_write(lease, id);
    lease_length(session, lasts);
    const char *params[] = {lease, scanner, kind, realm, lasts}, *names[] = {scanner};
    int code = query_again(session->db,
                           "UPDATE scanner SET last_seen = now() WHERE name = $1"
                           " AND (last_seen < now() - interval '1 minute' OR last_seen = first_seen)",
                           names, 1, NULL, error);
    if (!code)
        code = query_again(session->db, "SELECT sweep_id, number FROM lease_take($1, $2, $3, $4, $5::interval)", params,
                           5, &rows, error);
    bool given = !code && db_rows(rows) == 1;
    if (given)
        log_event(LOG_LEVEL_INFO, "lease", "scanner=%s lease=%s sweep=%s shard=%s", log_quote(scanner), lease,
                  db_text(rows, 0, 0), db_text(rows, 0, 1));
    db_result_free(rows);
    rows = NULL;
    if (given)
        code = db_query(session->db, "SELECT body FROM lease_order WHERE lease_id = $1", params, 1, &rows, error);
    buf_reset(&answer->body);
    if (!code && given && db_rows(rows) == 1) {
        answer->status = 200;
        buf_append(&answer->body, db_text(rows, 0, 0), db_text_size(rows, 0, 0));
        buf_append_char(&answer->body, '\n');
    } else if (!code) {
        int64_t pause_s = config_integer(session->settings->config, "collector.lease") / 1000 / POLL_SHARE;
        answer->status = 204;
        answer->retry_after_s = pause_s < 1 ? 1 : (int)pause_s;
    }
    db_result_free(rows);
    return code;
}

int store_lease(struct session *session, const struct delivery_request *request, struct delivery_answer *answer,
                struct cm_error *error)
{
    static const char *const kinds[] = {"scan", "crawl", NULL};
    const char *scanner = NULL, *realm = NULL, *kind = NULL;
    char name[PEER_NAME_SIZE], lasts[32];
    json_t *object = NULL;
    int code = read_object(request, &object, error);
    if (!code)
        code = read_name(object, "scanner", &scanner, error);
    if (!code)
        code = read_name(object, "realm", &realm, error);
    kind = json_string_value(json_object_get(object, "kind"));
    if (!code && !is_one_of(kind, kinds))
        code = error_set(error, CM_EMALFORMED, 0, "\"kind\" must be scan or crawl");
    bool was_read = !code;
    if (!code)
        code = session_ready(session, error);
    if (!code)
        code = identity_claim(session->db, session->settings->config, &request->peer, scanner, name, error);
    lease_length(session, lasts);
    if (!code)
        code = identity_asks(session->db, &request->peer, name, kind, realm, lasts, error);
    if (!code)
        code = take(session, name, kind, realm, answer, error);
    json_decref(object);
    return settle(code, was_read, answer, error);
}

/* --- Reporting --------------------------------------------------------------------------------------------------------------------------- */

static int report(struct session *session, const char *lease, const char *scanner, const char *state,
                  struct delivery_answer *answer, struct cm_error *error)
{
    char lasts[32];
    struct db_result *rows = NULL;
    lease_length(session, lasts);
    const char *params[] = {lease, scanner, state, lasts};
    int code = query_again(session->db, "SELECT answer, reason FROM lease_report($1, $2, $3, $4::interval)", params, 4,
                           &rows, error);
    if (!code && strcmp(db_text(rows, 0, 0), "ok") == 0) {
        answer->status = 200;
        buf_reset(&answer->body);
        buf_appendf(&answer->body, "{\"seconds\":%.3f}\n",
                    (double)config_integer(session->settings->config, "collector.lease") / 1000);
        if (strcmp(state, "running") != 0)
            log_event(LOG_LEVEL_INFO, "lease_ended", "scanner=%s lease=%s outcome=%s", log_quote(scanner), lease,
                      state);
    } else if (!code) {
        struct cm_error told = {0};
        bool early = strcmp(db_text(rows, 0, 0), "early") == 0;
        (void)error_setf(&told, CM_ECONFLICT, 0, "the lease goes on", "%s", db_text(rows, 0, 1));
        if (!early)
            told.reason = "the lease is over";
        answer_error(answer, early ? 425 : 409, &told);
        answer->retry_after_s = early ? 1 : 0;
    }
    db_result_free(rows);
    return code;
}

int store_lease_report(struct session *session, const struct delivery_request *request, struct delivery_answer *answer,
                       struct cm_error *error)
{
    static const char *const states[] = {"running", "done", "given_back", "failed", NULL};
    const char *scanner = NULL, *state = NULL;
    char name[PEER_NAME_SIZE];
    json_t *object = NULL;
    int code = read_object(request, &object, error);
    if (!code)
        code = read_name(object, "scanner", &scanner, error);
    state = json_string_value(json_object_get(object, "state"));
    if (!code && !is_one_of(state, states))
        code = error_set(error, CM_EMALFORMED, 0, "\"state\" must be running, done, given_back or failed");
    bool was_read = !code;
    if (!code)
        code = session_ready(session, error);
    if (!code)
        code = identity_claim(session->db, session->settings->config, &request->peer, scanner, name, error);
    if (!code)
        code = report(session, request->key, name, state, answer, error);
    json_decref(object);
    return settle(code, was_read, answer, error);
}
