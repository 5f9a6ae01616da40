/* Brings alert and alert_event up to date with view expiry_due: opens, tightens, resolves, reopens.
 *
 * Set-based and idempotent: it compares what is true with what is written and writes the difference, so that running it late, twice or from two
 * places changes nothing but the time. Tells nobody; that is queue.c. */
#include "collector/alert/alert_private.h"

#include "certmuster/log.h"
#include "collector/transaction.h"

/* The view is read once: it goes over every open span. A temporary table of the session has statistics, which a CTE has not: with tens of
 * thousands of alerts that is the difference between a hash join and minutes. */
static const char take_due[] =
    "CREATE TEMPORARY TABLE IF NOT EXISTS alert_due (sha256 bytea, owner text, places integer, threshold integer) ON "
    "COMMIT DELETE ROWS;"
    " INSERT INTO alert_due SELECT sha256, owner, places, threshold FROM expiry_due; ANALYZE alert_due";

/* Opens what is new, reopens what came back, notes tighter thresholds. A reopened alert is news: what was told or acknowledged before it was
 * resolved counts no more, only told_at stays, for at most one message a day. */
static const char open_and_tighten[] =
    "WITH compared AS MATERIALIZED ("
    "   SELECT d.*, CASE WHEN a.sha256 IS NULL THEN 'opened' WHEN a.resolved_at IS NOT NULL THEN 'reopened'"
    "                    WHEN d.threshold IS DISTINCT FROM a.threshold THEN 'threshold' ELSE 'places' END AS event"
    "     FROM alert_due d LEFT JOIN alert a ON a.sha256 = d.sha256 AND a.owner = d.owner AND a.kind = 'expiry'"
    "    WHERE a.sha256 IS NULL OR a.resolved_at IS NOT NULL OR d.threshold IS DISTINCT FROM a.threshold OR d.places "
    "<> a.places),"
    " written AS ("
    "   INSERT INTO alert AS a (sha256, owner, kind, opened_at, places, threshold)"
    "   SELECT sha256, owner, 'expiry', now(), places, threshold FROM compared ORDER BY sha256, owner"
    "   ON CONFLICT (sha256, owner, kind) DO UPDATE SET"
    "     places = excluded.places, threshold = excluded.threshold,"
    "     opened_at = CASE WHEN a.resolved_at IS NULL THEN a.opened_at ELSE now() END,"
    "     told_threshold = CASE WHEN a.resolved_at IS NULL THEN a.told_threshold END,"
    "     acked_at = CASE WHEN a.resolved_at IS NULL THEN a.acked_at END,"
    "     acked_by = CASE WHEN a.resolved_at IS NULL THEN a.acked_by END,"
    "     acked_note = CASE WHEN a.resolved_at IS NULL THEN a.acked_note END,"
    "     acked_threshold = CASE WHEN a.resolved_at IS NULL THEN a.acked_threshold END,"
    "     resolved_at = NULL, resolution = NULL"
    "   RETURNING a.sha256, a.owner)"
    " INSERT INTO alert_event (sha256, owner, kind, at, event, actor, detail)"
    " SELECT c.sha256, c.owner, 'expiry', now(), c.event, 'collector', c.threshold::text"
    "   FROM compared c JOIN written w ON w.sha256 = c.sha256 AND w.owner = c.owner"
    "  WHERE c.event <> 'places' ON CONFLICT DO NOTHING";

/* Resolves what is true no more, and says why. Of the places of this owner where the certificate ever was: some serve another one that lives
 * longer: renewed; none does: gone. It was at none of this owner's places as they stand, but is due for another owner: reassigned.
 * Owners are compared with IS NOT DISTINCT FROM so that no join is made of it: there are few owners and many places. What is above the limit
 * is resolved by the next look. */
static const char resolve[] =
    "WITH ended AS MATERIALIZED ("
    "   SELECT a.sha256, a.owner, c.not_after"
    "     FROM (SELECT sha256, owner FROM alert WHERE kind = 'expiry' AND resolved_at IS NULL"
    "           EXCEPT SELECT sha256, owner FROM alert_due LIMIT 10000) a"
    "     JOIN certificate c ON c.sha256 = a.sha256),"
    " chains AS MATERIALIZED ("
    "   SELECT e.*, ch.chain_id FROM ended e JOIN chain ch ON ch.fingerprints @> ARRAY[e.sha256]),"
    " held AS MATERIALIZED ("
    "   SELECT h.sha256, h.owner, bool_or(EXISTS ("
    "            SELECT 1 FROM sighting s2 JOIN chain ch2 ON ch2.chain_id = s2.chain_id"
    "              JOIN certificate leaf ON leaf.sha256 = ch2.leaf_sha256"
    "             WHERE s2.location_id = s.location_id AND s2.role = s.role AND s2.closed_at IS NULL AND "
    "s2.absent_runs = 0"
    "               AND NOT ch2.fingerprints @> ARRAY[h.sha256] AND leaf.not_after > h.not_after)) AS renewed"
    "     FROM chains h JOIN sighting s ON s.chain_id = h.chain_id JOIN location_state st ON st.location_id = "
    "s.location_id"
    "    WHERE s.role <> 'trust' AND st.owner IS NOT DISTINCT FROM nullif(h.owner, '') GROUP BY h.sha256, h.owner),"
    " judged AS MATERIALIZED ("
    "   SELECT e.sha256, e.owner, CASE WHEN h.renewed THEN 'renewed' WHEN h.renewed IS NULL"
    "          AND EXISTS (SELECT 1 FROM alert_due d WHERE d.sha256 = e.sha256) THEN 'reassigned' ELSE 'gone' END AS "
    "resolution"
    "     FROM ended e LEFT JOIN held h ON h.sha256 = e.sha256 AND h.owner = e.owner),"
    " written AS ("
    "   UPDATE alert a SET resolved_at = now(), resolution = j.resolution FROM judged j"
    "    WHERE a.sha256 = j.sha256 AND a.owner = j.owner AND a.kind = 'expiry' AND a.resolved_at IS NULL"
    "   RETURNING a.sha256, a.owner, a.resolution)"
    " INSERT INTO alert_event (sha256, owner, kind, at, event, actor, detail)"
    " SELECT sha256, owner, 'expiry', now(), 'resolved', 'collector', resolution FROM written ON CONFLICT DO NOTHING";

/* A queued message that would say what is untrue or known by now: its alert was resolved, acknowledged before anybody was told, or opened
 * again. */
static const char drop_untrue[] =
    "UPDATE delivery d SET state = 'failed', last_error = CASE WHEN d.event = 'resolved' THEN 'reopened before it "
    "could be told'"
    "       WHEN a.resolved_at IS NOT NULL THEN 'resolved before it could be told'"
    "       ELSE 'acknowledged before it could be told' END"
    "  FROM alert a WHERE d.state IN ('pending', 'sending')"
    "   AND a.sha256 = d.sha256 AND a.owner = d.owner AND a.kind = d.kind"
    "   AND CASE d.event WHEN 'told' THEN a.resolved_at IS NOT NULL OR a.acked_threshold <= d.threshold"
    "                    ELSE a.resolved_at IS NULL END";

static int run(struct db *db, const char *sql, const char *event, struct cm_error *error)
{
    struct db_result *result = NULL;
    int code = db_query(db, sql, NULL, 0, &result, error);
    if (!code && db_affected(result) > 0)
        log_event(LOG_LEVEL_INFO, event, "count=%lld", (long long)db_affected(result));
    db_result_free(result);
    return code;
}

int alert_sync(struct db *db, struct cm_error *error)
{
    int code = transaction_begin(db, error);
    if (!code)
        code = db_exec(db, take_due, error);
    if (!code)
        code = run(db, open_and_tighten, "alerts_opened_or_tightened", error);
    if (!code)
        code = run(db, resolve, "alerts_resolved", error);
    if (!code)
        code = run(db, drop_untrue, "alert_messages_dropped", error);
    return transaction_end(db, code, error);
}
