/* The queries of the detail view, each by the fingerprint alone, and the jobs that run them. Called by detail.c.
 *
 * What could be long is bounded here (names, chains, events) or counted apart (places of a certificate that stands at 400,000), so that the
 * view opens as fast for a wildcard as for anything else. */
#include "report/browse/detail_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FINGERPRINT_SIZE = 65 };

#define ITS_CHAINS "ANY (ARRAY(SELECT ch.chain_id FROM chain ch WHERE ch.fingerprints @> ARRAY[decode($1, 'hex')]))"

static const char certificate_sql[] =
    "SELECT display_name, subject, issuer, encode(serial, 'hex'), extract(epoch FROM not_before)::bigint,"
    " extract(epoch FROM not_after)::bigint, key, sig_alg, is_ca, extract(epoch FROM first_seen)::bigint, undecodable,"
    " translate(encode(der, 'base64'), E'\\n', '')"
    " FROM browse_certificate WHERE sha256 = decode($1, 'hex')";

static const char names_sql[] =
    "SELECT kind, name FROM certificate_name WHERE sha256 = decode($1, 'hex') AND kind <> 'cn'"
    " ORDER BY kind, name LIMIT $2::bigint";

static const char chains_sql[] =
    "WITH mine AS MATERIALIZED ("
    "  SELECT ch.chain_id, ch.fingerprints FROM chain ch WHERE ch.chain_id = " ITS_CHAINS
    "     AND EXISTS (SELECT 1 FROM sighting s WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL) LIMIT "
    "$2::bigint)"
    " SELECT m.chain_id, u.position - 1, c.display_name, extract(epoch FROM c.not_before)::bigint,"
    " extract(epoch FROM c.not_after)::bigint, encode(u.sha256, 'hex'), v.verdict, v.depth, extract(epoch FROM "
    "v.verified_at)::bigint, v.trust_store, (SELECT CASE WHEN count(*) > 1 THEN string_agg(a.trust_store || ': ' ||"
    " a.verdict, ', ' ORDER BY a.trust_store <> 'system', a.trust_store) END FROM chain_verdict a WHERE a.chain_id = "
    "m.chain_id),"
    " v.missing_issuer, extract(epoch FROM v.effective_not_after)::bigint, chain_faults(m.chain_id)"
    " FROM mine m CROSS JOIN LATERAL unnest(m.fingerprints) WITH ORDINALITY AS u(sha256, position)"
    " LEFT JOIN certificate c ON c.sha256 = u.sha256"
    " LEFT JOIN LATERAL chain_best(m.chain_id) v ON true ORDER BY m.chain_id, u.position";

/* LIMIT NULL: all of them. */
static const char owners_sql[] =
    "WITH spot AS MATERIALIZED (SELECT DISTINCT x.location_id FROM (SELECT p.location_id FROM place_certificate p"
    "  WHERE p.chain_id = " ITS_CHAINS " AND p.sha256 = decode($1, 'hex') AND NOT p.superseded LIMIT $2::bigint) x)"
    " SELECT u.owner, u.places, u.failing, array_to_string(o.email, ', '), o.contact, o.environment, o.criticality"
    " FROM (SELECT st.owner, count(*) AS places, count(*) FILTER (WHERE st.last_result NOT IN ('ok', '')) AS failing"
    "         FROM spot JOIN location_state st ON st.location_id = spot.location_id GROUP BY st.owner) u"
    " LEFT JOIN owner o ON o.name = u.owner ORDER BY u.owner IS NULL, u.places DESC, u.owner LIMIT 200";

/* Times stay text: whoever signs a staple may write any year, more than timestamptz holds. */
#define TLS_WORDS(kind, path, also)                                                                                    \
    "(SELECT '" kind "', tls #>> '" path "', count(*)::text, " also " FROM said WHERE tls #>> '" path "' IS NOT NULL"  \
    " GROUP BY 2 ORDER BY count(*) DESC, 2 LIMIT 4)"
static const char tls_sql[] =
    "WITH spot AS MATERIALIZED (SELECT DISTINCT x.location_id FROM (SELECT p.location_id FROM place_certificate p"
    "  WHERE p.chain_id = " ITS_CHAINS " AND p.sha256 = decode($1, 'hex') AND p.position = 0 AND NOT p.superseded"
    "  LIMIT $2::bigint) x),"
    " said AS MATERIALIZED (SELECT st.tls FROM spot JOIN location_state st ON st.location_id = spot.location_id"
    "  WHERE st.tls IS NOT NULL) " TLS_WORDS(
        "staple", "{staple,status}",
        "min(tls #>> '{staple,next_update}')") " UNION ALL " TLS_WORDS("proof", "{proof}",
                                                                       "NULL") " UNION ALL " TLS_WORDS("ja3s", "{ja3s}",
                                                                                                       "NULL");

static const char gone_sql[] =
    "SELECT place_text(l), extract(epoch FROM g.since)::bigint, extract(epoch FROM g.last_seen)::bigint, g.places"
    " FROM (SELECT x.location_id, max(x.since) AS since, max(x.last_seen) AS last_seen, count(*) OVER () AS places"
    "  FROM gone_certificate x WHERE x.chain_id = " ITS_CHAINS " AND x.sha256 = decode($1, 'hex')"
    "  GROUP BY x.location_id ORDER BY 2 DESC, 1 LIMIT $2::bigint) g"
    " JOIN location l ON l.location_id = g.location_id ORDER BY g.since DESC, 1";

static const char alerts_sql[] =
    "SELECT owner, extract(epoch FROM opened_at)::bigint, threshold, extract(epoch FROM told_at)::bigint,"
    " extract(epoch FROM acked_at)::bigint, acked_by, acked_note,"
    " acked_at IS NOT NULL AND (acked_threshold IS NULL OR acked_threshold <= coalesce(threshold, acked_threshold))"
    " FROM alert WHERE sha256 = decode($1, 'hex') AND resolved_at IS NULL ORDER BY owner LIMIT 200";

static const char events_sql[] = "SELECT extract(epoch FROM at)::bigint, owner, event, actor, detail FROM alert_event"
                                 " WHERE sha256 = decode($1, 'hex') ORDER BY at DESC, owner, event LIMIT $2::bigint";

/* One statement; $2 is most (< 0: NULL) when the statement has one. */
static int collect(struct db *db, const char *sql, const char *fingerprint, int most, struct rows *out,
                   struct cm_error *error)
{
    struct db_result *result = NULL;
    char number[24];
    snprintf(number, sizeof number, "%d", most);
    const char *parameters[] = {fingerprint, most < 0 ? NULL : number};
    rows_done(out);
    int code = db_query(db, sql, parameters, strstr(sql, "$2") ? 2 : 1, &result, error);
    if (code)
        return code;
    rows_take(out, result);
    db_result_free(result);
    return CM_OK;
}

struct facts_job {
    struct link_job job;
    char fingerprint[FINGERPRINT_SIZE];
    struct detail_facts *facts;
    detail_facts_fn done;
};

void detail_facts_free(struct detail_facts *facts)
{
    if (!facts)
        return;
    rows_done(&facts->certificate);
    rows_done(&facts->names);
    rows_done(&facts->chains);
    rows_done(&facts->owners);
    rows_done(&facts->tls);
    rows_done(&facts->gone);
    rows_done(&facts->alerts);
    rows_done(&facts->events);
    free(facts);
}

static int facts_run(struct link_job *job, struct db *db, struct cm_error *error)
{
    struct facts_job *facts = (struct facts_job *)job;
    struct detail_facts *to = facts->facts;
    const struct {
        const char *sql;
        int most;
        struct rows *out;
    } steps[] = {
        {certificate_sql, 0, &to->certificate},       {alerts_sql, 0, &to->alerts},
        {chains_sql, CHAINS_MOST, &to->chains},       {names_sql, NAMES_MOST, &to->names},
        {owners_sql, OWNER_PLACES_MOST, &to->owners}, {events_sql, EVENTS_MOST, &to->events},
        {tls_sql, OWNER_PLACES_MOST, &to->tls},       {gone_sql, GONE_MOST, &to->gone},
    };
    int code = CM_OK;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !code; i++)
        code = collect(db, steps[i].sql, facts->fingerprint, steps[i].most, steps[i].out, error);
    return code;
}

static void facts_done(struct link_job *job, int code, const struct cm_error *error, void *context)
{
    struct facts_job *facts = (struct facts_job *)job;
    facts->done(context, facts->fingerprint, code, code ? NULL : facts->facts, error);
    if (!code)
        facts->facts = NULL;
}

static void facts_discard(struct link_job *job)
{
    struct facts_job *facts = (struct facts_job *)job;
    detail_facts_free(facts->facts);
    free(facts);
}

struct link_job *detail_facts_job(const char *fingerprint, detail_facts_fn done)
{
    struct facts_job *facts = cm_calloc(1, sizeof *facts);
    facts->job = (struct link_job){facts_run, facts_done, facts_discard};
    snprintf(facts->fingerprint, sizeof facts->fingerprint, "%s", fingerprint);
    facts->facts = cm_calloc(1, sizeof *facts->facts);
    facts->done = done;
    return &facts->job;
}

struct owners_job {
    struct link_job job;
    char fingerprint[FINGERPRINT_SIZE];
    struct rows owners;
    detail_owners_fn done;
};

static int owners_run(struct link_job *job, struct db *db, struct cm_error *error)
{
    struct owners_job *owners = (struct owners_job *)job;
    return collect(db, owners_sql, owners->fingerprint, -1, &owners->owners, error);
}

static void owners_done(struct link_job *job, int code, const struct cm_error *error, void *context)
{
    struct owners_job *owners = (struct owners_job *)job;
    owners->done(context, owners->fingerprint, code, code ? NULL : &owners->owners, error);
    if (!code)
        owners->owners = (struct rows){0};
}

static void owners_discard(struct link_job *job)
{
    struct owners_job *owners = (struct owners_job *)job;
    rows_done(&owners->owners);
    free(owners);
}

struct link_job *detail_owners_job(const char *fingerprint, detail_owners_fn done)
{
    struct owners_job *owners = cm_calloc(1, sizeof *owners);
    owners->job = (struct link_job){owners_run, owners_done, owners_discard};
    snprintf(owners->fingerprint, sizeof owners->fingerprint, "%s", fingerprint);
    owners->done = done;
    return &owners->job;
}
