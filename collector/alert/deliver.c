/* Sends what is queued, at least once: 'sending' is committed before the first byte, 'sent' after the receiver's yes.
 *
 *     pending ──claim──> sending ──yes──> sent          A row that stays 'sending' past its lease (we were killed in between) is in doubt
 *        ^                  │                           and is claimed again: same body, same Message-ID or Idempotency-Key.
 *        └──────no──────────┘                           'sent' is never claimed.
 *
 * A receiver that is down costs one attempt per call, not one per message: the others to it wait for a later call. */
#include "collector/alert/alert.h"
#include "collector/alert/alert_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "collector/transaction.h"

enum {
    LEASE_MARGIN_MS = 5000, /* beyond alerts.timeout: writing the outcome */
    DOWN_MAX = 64,          /* receivers remembered as down in one call */
    DOWN_BYTES_MAX = 64 * 1024,
};

/* $1 lease in ms, $2 receivers that are down, as an array; 'smtp' stands for the mail server. */
static const char claim[] =
    "UPDATE delivery SET state = 'sending', attempts = attempts + 1, next_try = now() + $1::bigint * interval '1 ms'"
    " WHERE delivery_id = (SELECT delivery_id FROM delivery WHERE state IN ('pending', 'sending') AND next_try <= now()"
    "   AND NOT CASE channel WHEN 'smtp' THEN 'smtp' ELSE destination END = ANY ($2::text[])"
    "   ORDER BY next_try, delivery_id LIMIT 1 FOR UPDATE SKIP LOCKED)"
    " RETURNING delivery_id, channel, destination, message_id, body, attempts, encode(sha256, 'hex'), owner, "
    "threshold, event";

/* One statement, one transaction: the delivery, the alert and its history agree. */
static const char confirm[] =
    "WITH done AS (UPDATE delivery SET state = 'sent', sent_at = now(), last_error = NULL WHERE delivery_id = $1"
    "   RETURNING sha256, owner, kind, event, threshold, channel, destination),"
    " told AS (UPDATE alert a SET told_at = now() FROM done d WHERE d.event = 'told' AND a.sha256 = d.sha256 AND "
    "a.owner = d.owner"
    "   AND a.kind = d.kind RETURNING 1)"
    " INSERT INTO alert_event (sha256, owner, kind, at, event, actor, detail)"
    " SELECT sha256, owner, kind, clock_timestamp(), 'told', 'collector', $2 FROM done ON CONFLICT DO NOTHING";

/* Tried again after one, two, four … times alerts.interval, at most an hour: while the alert stands, somebody shall hear of it. */
static const char postpone[] =
    "UPDATE delivery SET state = 'pending', last_error = $2,"
    "       next_try = now() + least($3::bigint * power(2, least(attempts - 1, 30)), 3600000) * interval '1 ms'"
    " WHERE delivery_id = $1 AND state = 'sending'";

enum column { ID, CHANNEL, DESTINATION, MESSAGE_ID, BODY, ATTEMPTS, SHA256, OWNER, THRESHOLD, EVENT };

struct round {
    struct db *db;
    struct sender *sender;
    char lease[24], interval[24]; /* ms */
    struct buf down;              /* the array's elements */
    size_t down_count;
};

static void remember_down(struct round *round, const char *receiver)
{
    if (round->down_count++)
        buf_append_char(&round->down, ',');
    buf_append_char(&round->down, '"');
    for (const char *c = receiver; *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_append_char(&round->down, '\\');
        buf_append_char(&round->down, *c);
    }
    buf_append_char(&round->down, '"');
}

static int claim_next(const struct round *round, struct db_result **out, struct cm_error *error)
{
    struct buf down;
    buf_init(&down, DOWN_BYTES_MAX * 2);
    buf_append_char(&down, '{');
    buf_append(&down, round->down.data, round->down.size);
    buf_append_char(&down, '}');
    const char *params[] = {round->lease, down.data};
    int code = transaction_query(round->db, claim, params, 2, out, error);
    buf_done(&down);
    return code;
}

/* What the history and the log show: the address, or a webhook's host. */
static void describe(const struct db_result *row, struct buf *out)
{
    const char *destination = db_text(row, 0, DESTINATION);
    buf_appendf(out, "%s of %s days to ", db_text(row, 0, EVENT), db_text(row, 0, THRESHOLD));
    if (strcmp(db_text(row, 0, CHANNEL), "smtp") == 0) {
        buf_append_str(out, destination);
    } else {
        buf_append_str(out, "webhook ");
        alert_webhook_host(out, destination);
    }
}

static int finish_one(struct round *round, const struct db_result *row, const char *what, struct cm_error *error)
{
    const char *params[] = {db_text(row, 0, ID), what};
    log_event(LOG_LEVEL_INFO, "alert_sent", "certificate=%.16s owner=%s what=%s id=%s", db_text(row, 0, SHA256),
              log_quote(db_text(row, 0, OWNER)), log_quote(what), log_quote(db_text(row, 0, MESSAGE_ID)));
    return transaction_query(round->db, confirm, params, 2, NULL, error);
}

static int postpone_one(struct round *round, const struct db_result *row, const char *what,
                        const struct cm_error *failure, struct cm_error *error)
{
    char reason[CM_ERROR_DETAIL_SIZE + 128];
    const char *params[] = {db_text(row, 0, ID), reason, round->interval};
    snprintf(reason, sizeof reason, "%s: %s", failure->reason, failure->detail);
    log_event(LOG_LEVEL_WARN, "alert_not_sent", "certificate=%.16s what=%s attempt=%s %s", db_text(row, 0, SHA256),
              log_quote(what), db_text(row, 0, ATTEMPTS), log_error(failure));
    return transaction_query(round->db, postpone, params, 3, NULL, error);
}

static int send_one(struct round *round, const struct db_result *row, struct cm_error *error)
{
    struct cm_error failure = {0};
    struct buf what;
    bool down = false, mail = strcmp(db_text(row, 0, CHANNEL), "smtp") == 0;
    const char *destination = db_text(row, 0, DESTINATION), *body = db_text(row, 0, BODY);
    size_t size = db_text_size(row, 0, BODY);
    buf_init(&what, ALERT_MESSAGE_BYTES);
    describe(row, &what);
    int sent =
        mail ? sender_mail(round->sender, destination, body, size, &down, &failure)
             : sender_webhook(round->sender, destination, db_text(row, 0, MESSAGE_ID), body, size, &down, &failure);
    if (down)
        remember_down(round, mail ? "smtp" : destination);
    int code =
        sent == 0 ? finish_one(round, row, what.data, error) : postpone_one(round, row, what.data, &failure, error);
    buf_done(&what);
    return code;
}

int alert_deliver(struct db *db, const struct config *config, int64_t deadline_ms, struct cm_error *error)
{
    struct round round = {.db = db};
    int code = 0;
    bool more = true;
    buf_init(&round.down, DOWN_BYTES_MAX);
    snprintf(round.lease, sizeof round.lease, "%lld",
             (long long)config_integer(config, "alerts.timeout") + LEASE_MARGIN_MS);
    snprintf(round.interval, sizeof round.interval, "%lld", (long long)config_integer(config, "alerts.interval"));
    while (!code && more && clock_monotonic_ms() < deadline_ms && round.down_count < DOWN_MAX) {
        struct db_result *row = NULL;
        code = claim_next(&round, &row, error);
        more = !code && db_rows(row) > 0;
        if (more && !round.sender)
            round.sender = sender_new(config);
        if (more)
            code = send_one(&round, row, error);
        db_result_free(row);
    }
    sender_free(round.sender);
    buf_done(&round.down);
    return code;
}
