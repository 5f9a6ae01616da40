/* Decides what is to be told and to whom, and queues it: delivery rows and the alert's told_threshold change in one transaction.
 *
 * Told is: a tighter threshold than the last one told, no acknowledgement that covers it, and a day since the last message. Who is told: the
 * owner's addresses and webhook, else the fallback. An alert without anybody to tell stays untold and open, and is told when there is somebody. */
#include "collector/alert/alert.h"
#include "collector/alert/alert_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/log.h"
#include "collector/transaction.h"

/* $1 whether mail can be sent, $2 fallback address, $3 fallback webhook. */
#define ADDRESSED                                                                                                      \
    "WITH wanting AS ("                                                                                                \
    "  SELECT a.*, o.contact, o.environment, o.criticality, o.webhook AS own_webhook,"                                 \
    "         CASE WHEN $1::boolean THEN coalesce(o.email, '{}') ELSE '{}' END AS own_email"                           \
    "    FROM alert a LEFT JOIN owner o ON o.name = a.owner"                                                           \
    "   WHERE a.kind = 'expiry' AND a.resolved_at IS NULL AND a.threshold IS NOT NULL"                                 \
    "     AND (a.told_threshold IS NULL OR a.threshold < a.told_threshold)"                                            \
    "     AND (a.acked_threshold IS NULL OR a.threshold < a.acked_threshold)"                                          \
    "     AND (a.told_at IS NULL OR a.told_at <= now() - interval '24 hours')),"                                       \
    " addressed AS ("                                                                                                  \
    "  SELECT w.*, CASE WHEN f.needed AND $2::text IS NOT NULL THEN ARRAY[$2::text] ELSE own_email END AS email,"      \
    "         CASE WHEN f.needed THEN $3::text ELSE own_webhook END AS webhook"                                        \
    "    FROM wanting w CROSS JOIN LATERAL (SELECT cardinality(own_email) = 0 AND own_webhook IS NULL AS needed) f)"

static const char to_tell[] = ADDRESSED " SELECT 'told', encode(sha256, 'hex'), owner, threshold, opened_at, NULL AS "
                                        "resolution, contact, environment, criticality,"
                                        "        array_to_string(email, ','), webhook, places"
                                        "   FROM addressed WHERE cardinality(email) > 0 OR webhook IS NOT NULL ORDER "
                                        "BY threshold, sha256, owner LIMIT $4::integer";

static const char nobody_to_tell[] =
    ADDRESSED " SELECT count(*) FROM addressed WHERE cardinality(email) = 0 AND webhook IS NULL";

/* A webhook that was told, or may have been, is told of the end. People are not: nobody is called for good news. */
static const char to_end[] =
    "SELECT DISTINCT 'resolved', encode(a.sha256, 'hex'), a.owner, a.threshold, a.opened_at, a.resolution, o.contact, "
    "o.environment,"
    "       o.criticality, '', d.destination, 0"
    "  FROM alert a JOIN delivery d ON d.sha256 = a.sha256 AND d.owner = a.owner AND d.kind = a.kind"
    "  LEFT JOIN owner o ON o.name = a.owner"
    " WHERE a.resolved_at > now() - interval '7 days' AND d.event = 'told' AND d.channel = 'webhook' AND d.attempts > 0"
    "   AND d.created_at >= a.opened_at"
    "   AND NOT EXISTS (SELECT 1 FROM delivery r WHERE r.sha256 = a.sha256 AND r.owner = a.owner AND r.kind = a.kind"
    "                      AND r.event = 'resolved' AND r.destination = d.destination AND r.created_at >= "
    "a.resolved_at)"
    " LIMIT $1::integer";

enum column {
    EVENT,
    SHA256,
    OWNER,
    THRESHOLD,
    OPENED_AT,
    RESOLUTION,
    CONTACT,
    ENVIRONMENT,
    CRITICALITY,
    EMAIL,
    WEBHOOK,
    PLACES
};

/* $1 fingerprint in hex. Lengths are cut here, so that a message stays below its ceiling whatever the certificate says. */
static const char certificate_facts[] =
    "SELECT left(display_name, 1000), left(subject, 1000), left(issuer, 1000), left(encode(serial, 'hex'), 200),"
    "       concat_ws(' ', key_alg, curve, CASE WHEN curve IS NULL THEN key_bits END), extract(epoch FROM "
    "not_before)::bigint,"
    "       extract(epoch FROM not_after)::bigint, extract(epoch FROM now())::bigint,"
    "       (SELECT count(DISTINCT name) FROM certificate_name n WHERE n.sha256 = c.sha256)"
    "  FROM certificate c WHERE sha256 = decode($1, 'hex')";
static const char certificate_names[] = "SELECT left(name, 1000) FROM (SELECT DISTINCT name FROM certificate_name "
                                        "WHERE sha256 = decode($1, 'hex')) n ORDER BY 1 LIMIT 20";
/* $2 owner. */
static const char certificate_places[] =
    "SELECT left(place_text(l), 1000) FROM location l WHERE l.location_id IN ("
    "   SELECT p.location_id FROM place_certificate p JOIN location_state st ON st.location_id = p.location_id"
    "    WHERE p.chain_id IN (SELECT chain_id FROM chain WHERE fingerprints @> ARRAY[decode($1, 'hex')])"
    "      AND p.sha256 = decode($1, 'hex') AND p.role <> 'trust' AND NOT p.superseded"
    "      AND coalesce(st.owner, '') = $2)"
    " ORDER BY l.kind, l.ip, l.port, l.name, l.host, l.path, l.inner_path, l.entry LIMIT 10";

struct facts_rows { /* what the facts lend from */
    struct db_result *certificate, *names, *places;
    struct buf whom;
};

static void list_whom(struct buf *out, const char *emails, const char *webhook)
{
    for (const char *c = emails; *c; c++) {
        if (*c == ',')
            buf_append_char(out, ',');
        buf_append_char(out, *c == ',' ? ' ' : *c);
    }
    if (*webhook) {
        if (*emails)
            buf_append_str(out, ", ");
        buf_append_str(out, "webhook ");
        alert_webhook_host(out, webhook);
    }
}

static size_t lend_column(const struct db_result *rows, const char **out, size_t max)
{
    size_t count = db_rows(rows) < max ? db_rows(rows) : max;
    for (size_t i = 0; i < count; i++)
        out[i] = db_text(rows, i, 0);
    return count;
}

static int collect_facts(struct db *db, const struct db_result *alerts, size_t row, struct alert_facts *facts,
                         struct facts_rows *rows, struct cm_error *error)
{
    const char *params[] = {db_text(alerts, row, SHA256), db_text(alerts, row, OWNER)};
    int code = db_query(db, certificate_facts, params, 1, &rows->certificate, error);
    if (!code && db_rows(rows->certificate) == 0)
        code = error_set(error, CM_ENOTFOUND, 0, "an alert's certificate is missing");
    if (!code)
        code = db_query(db, certificate_names, params, 1, &rows->names, error);
    if (!code)
        code = db_query(db, certificate_places, params, 2, &rows->places, error);
    if (code)
        return code;
    list_whom(&rows->whom, db_text(alerts, row, EMAIL), db_text(alerts, row, WEBHOOK));
    *facts = (struct alert_facts){
        .event = db_text(alerts, row, EVENT),
        .sha256 = db_text(alerts, row, SHA256),
        .display_name = db_text(rows->certificate, 0, 0),
        .subject = db_text(rows->certificate, 0, 1),
        .issuer = db_text(rows->certificate, 0, 2),
        .serial = db_text(rows->certificate, 0, 3),
        .key = db_text(rows->certificate, 0, 4),
        .not_before = db_integer(rows->certificate, 0, 5),
        .not_after = db_integer(rows->certificate, 0, 6),
        .now = db_integer(rows->certificate, 0, 7),
        .name_total = (uint64_t)db_integer(rows->certificate, 0, 8),
        .threshold = (int)db_integer(alerts, row, THRESHOLD),
        .resolution = db_text(alerts, row, RESOLUTION),
        .place_total = (uint64_t)db_integer(alerts, row, PLACES),
        .owner = db_text(alerts, row, OWNER),
        .contact = db_text(alerts, row, CONTACT),
        .environment = db_text(alerts, row, ENVIRONMENT),
        .criticality = db_text(alerts, row, CRITICALITY),
        .whom = rows->whom.data,
    };
    facts->name_count = lend_column(rows->names, facts->names, ALERT_NAMES_SHOWN);
    if (facts->place_total > 0)
        facts->place_count = lend_column(rows->places, facts->places, ALERT_PLACES_SHOWN);
    return 0;
}

/* First 16 bytes of SHA-256 over NUL-terminated strings: the same message has the same id, however often it is queued. */
static void delivery_id(const struct db_result *alerts, size_t row, const char *channel, const char *destination,
                        char out[static CM_UUID_TEXT_SIZE])
{
    const char *parts[] = {
        db_text(alerts, row, SHA256), db_text(alerts, row, OWNER),     "expiry", db_text(alerts, row, OPENED_AT),
        db_text(alerts, row, EVENT),  db_text(alerts, row, THRESHOLD), channel,  destination};
    uint8_t digest[CM_SHA256_SIZE];
    struct buf text;
    buf_init(&text, ALERT_MESSAGE_BYTES);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        buf_append(&text, parts[i], strlen(parts[i]) + 1);
    sha256_bytes(text.data, text.size, digest);
    uuid_write(out, digest);
    buf_done(&text);
}

struct queue {
    struct db *db;
    char from[256];
    const struct db_result *alerts;
    size_t row;
    const struct alert_facts *facts;
};

static int insert_delivery(const struct queue *queue, const char *id, const char *channel, const char *destination,
                           const char *message_id, const struct buf *body, struct cm_error *error)
{
    if (body->failed)
        return error_set(error, CM_ELIMIT, 0, "an alert's message is too long");
    const char *params[] = {id,
                            db_text(queue->alerts, queue->row, SHA256),
                            db_text(queue->alerts, queue->row, OWNER),
                            db_text(queue->alerts, queue->row, EVENT),
                            db_text(queue->alerts, queue->row, THRESHOLD),
                            channel,
                            destination,
                            message_id,
                            body->data};
    return db_query(
        queue->db,
        "INSERT INTO delivery (delivery_id, sha256, owner, kind, event, threshold, channel, destination, message_id, "
        "body,"
        " state, next_try, created_at) VALUES ($1, decode($2, 'hex'), $3, 'expiry', $4, $5, $6, $7, $8, $9, 'pending',"
        " now(), now()) ON CONFLICT (delivery_id) DO NOTHING",
        params, 9, NULL, error);
}

static int queue_webhook(const struct queue *queue, const char *url, struct cm_error *error)
{
    char id[CM_UUID_TEXT_SIZE];
    struct buf body;
    buf_init(&body, ALERT_MESSAGE_BYTES);
    delivery_id(queue->alerts, queue->row, "webhook", url, id);
    alert_json(&body, queue->facts, id);
    int code = insert_delivery(queue, id, "webhook", url, id, &body, error);
    buf_done(&body);
    return code;
}

static int queue_mail(const struct queue *queue, const char *to, struct cm_error *error)
{
    char id[CM_UUID_TEXT_SIZE], message_id[sizeof queue->from + CM_UUID_TEXT_SIZE + 4];
    struct buf body, subject, text;
    if (!mail_address_ok(to)) {
        log_event(LOG_LEVEL_ERROR, "alert_address_unusable", "address=%s", log_quote(to));
        return 0;
    }
    buf_init(&body, ALERT_MESSAGE_BYTES);
    buf_init(&subject, ALERT_MESSAGE_BYTES);
    buf_init(&text, ALERT_MESSAGE_BYTES);
    delivery_id(queue->alerts, queue->row, "smtp", to, id);
    snprintf(message_id, sizeof message_id, "<%s%s>", id, strrchr(queue->from, '@'));
    alert_subject(&subject, queue->facts);
    alert_text(&text, queue->facts);
    const struct mail mail = {.from = queue->from,
                              .to = to,
                              .message_id = message_id,
                              .subject = subject.data,
                              .text = text.data,
                              .date = queue->facts->now};
    mail_write(&body, &mail);
    int code = insert_delivery(queue, id, "smtp", to, message_id, &body, error);
    buf_done(&body);
    buf_done(&subject);
    buf_done(&text);
    return code;
}

static int queue_mails(const struct queue *queue, const char *emails, struct cm_error *error)
{
    char *copy = cm_strdup(emails), *state = NULL;
    int code = 0;
    for (char *to = strtok_r(copy, ",", &state); to && !code; to = strtok_r(NULL, ",", &state))
        code = queue_mail(queue, to, error);
    free(copy);
    return code;
}

/* Of the alert: told, as far as deciding goes. What waits of a looser threshold is overtaken. */
static int mark_told(const struct queue *queue, struct cm_error *error)
{
    const char *params[] = {db_text(queue->alerts, queue->row, SHA256), db_text(queue->alerts, queue->row, OWNER),
                            db_text(queue->alerts, queue->row, THRESHOLD)};
    int code = db_query(queue->db,
                        "UPDATE delivery SET state = 'failed', last_error = 'overtaken by a tighter threshold'"
                        " WHERE sha256 = decode($1, 'hex') AND owner = $2 AND kind = 'expiry' AND event = 'told'"
                        " AND state IN ('pending', 'sending') AND threshold > $3",
                        params, 3, NULL, error);
    if (!code)
        code = db_query(queue->db,
                        "UPDATE alert SET told_threshold = $3, told_at = now()"
                        " WHERE sha256 = decode($1, 'hex') AND owner = $2 AND kind = 'expiry'",
                        params, 3, NULL, error);
    return code;
}

static int queue_alert(struct queue *queue, struct cm_error *error)
{
    struct alert_facts facts;
    struct facts_rows rows = {NULL, NULL, NULL, {0}};
    buf_init(&rows.whom, ALERT_MESSAGE_BYTES);
    int code = collect_facts(queue->db, queue->alerts, queue->row, &facts, &rows, error);
    queue->facts = &facts;
    if (!code)
        code = queue_mails(queue, db_text(queue->alerts, queue->row, EMAIL), error);
    if (!code && !db_is_null(queue->alerts, queue->row, WEBHOOK))
        code = queue_webhook(queue, db_text(queue->alerts, queue->row, WEBHOOK), error);
    if (!code && strcmp(facts.event, "told") == 0)
        code = mark_told(queue, error);
    db_result_free(rows.certificate);
    db_result_free(rows.names);
    db_result_free(rows.places);
    buf_done(&rows.whom);
    return code;
}

static int queue_rows(struct db *db, const struct config *config, const char *sql, const char *const *params,
                      size_t count, struct cm_error *error)
{
    struct db_result *alerts = NULL;
    struct queue queue = {.db = db};
    alert_from(config, queue.from, sizeof queue.from);
    int code = db_query(db, sql, params, count, &alerts, error);
    queue.alerts = alerts;
    for (; !code && queue.row < db_rows(alerts); queue.row++)
        code = queue_alert(&queue, error);
    db_result_free(alerts);
    return code;
}

/* One line when the number changes, not one per tick. */
static int report_untellable(struct db *db, const char *const *params, struct cm_error *error)
{
    static int64_t last;
    struct db_result *rows = NULL;
    int code = db_query(db, nobody_to_tell, params, 3, &rows, error);
    if (!code && db_integer(rows, 0, 0) != last) {
        last = db_integer(rows, 0, 0);
        if (last > 0)
            log_event(LOG_LEVEL_WARN, "alerts_without_recipient",
                      "count=%lld hint=\"give their owners an email or webhook, or set alerts.fallback\"",
                      (long long)last);
    }
    db_result_free(rows);
    return code;
}

int alert_queue(struct db *db, const struct config *config, struct cm_error *error)
{
    char limit[16];
    snprintf(limit, sizeof limit, "%d", ALERT_TOLD_PER_TICK);
    bool mail = config_string(config, "alerts.smtp.url") != NULL;
    const char *fallback = mail ? config_string(config, "alerts.fallback.email") : NULL;
    const char *params[] = {mail ? "true" : "false", fallback, config_string(config, "alerts.fallback.webhook"), limit};
    const char *end_params[] = {limit};
    int code = transaction_begin(db, error);
    if (!code)
        code = queue_rows(db, config, to_tell, params, 4, error);
    if (!code)
        code = queue_rows(db, config, to_end, end_params, 1, error);
    code = transaction_end(db, code, error);
    return code ? code : report_untellable(db, params, error);
}
