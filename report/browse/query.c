/* SQL for the list, its totals and the places of a certificate. Called by the jobs; reads the views of sql/0005 and sql/0008, the places by sql/0030.
 *
 * A page is found by key, in the order of an index, and only then joined with what is costly (places, owners, verdicts). Going backwards
 * is the same query with the comparison and the order turned round; the job turns the rows round again. */
#include "report/browse/query.h"

#include <stdio.h>
#include <string.h>

enum { SQL_MAX = 256 * 1024 };

static const struct {
    const char *name, *where;
} scopes[SCOPE_COUNT_] = {
    [SCOPE_ALL] = {"everything in use", ""},
    [SCOPE_VALID] = {"still valid", " AND b.expires > now()"},
    [SCOPE_MONTH] = {"ends within 30 days", " AND b.expires > now() AND b.expires <= now() + interval '30 days'"},
    [SCOPE_EXPIRED] = {"expired", " AND b.expires <= now()"},
    [SCOPE_CHAIN] = {"chain not trusted", " AND b.not_trusted"},
    [SCOPE_TO_DO] = {"alerts nobody took", " AND b.sha256 IN (SELECT a.sha256 FROM alert a WHERE a.resolved_at IS NULL"
                                           " AND (a.acked_threshold IS NULL OR a.threshold < a.acked_threshold))"},
};

static const struct {
    const char *name, *key, *type;
} orders[ORDER_COUNT_] = {
    [ORDER_EXPIRY] = {"soonest first", "expires", "timestamptz"},
    [ORDER_NAME] = {"by name", "name_key", "text"},
};

const char *scope_name(enum scope scope)
{
    return scopes[scope].name;
}

const char *order_name(enum order order)
{
    return orders[order].name;
}

#define NAMED   "b.sha256 IN (SELECT n.sha256 FROM certificate_name n WHERE lower(n.name) LIKE $$)"
#define LEAF(c) "b.sha256 IN (SELECT s.sha256 FROM browse_leaf s WHERE " c ")"
#define SPOT(c) "b.sha256 IN (SELECT s.sha256 FROM browse_spot s WHERE " c ")"

/* By the few owners first: an index leads from them to their places. */
#define OWNER "s.owner IN (SELECT o.name FROM owner o WHERE lower(o.name) LIKE $$)"

/* certmuster-report's meaning of the same words (report/expiring.c), but that a plain word finds by place and owner only what is a leaf there:
 * who types a host's name does not look for the root that half of the fleet sends. Names that are not in certificate_name stand in the subject. */
static const struct filter_sql filter_sql = {
    .text = {[FILTER_ANY] =
                 "lower(b.subject) LIKE $$ OR lower(b.issuer) LIKE $$ OR encode(b.sha256, 'hex') LIKE $$ OR " NAMED
                 " OR " LEAF("lower(s.place) LIKE $$") " OR " LEAF(OWNER),
             [FILTER_NAME] = "lower(b.display_name) LIKE $$ OR " NAMED,
             [FILTER_ISSUER] = "lower(b.issuer) LIKE $$",
             [FILTER_PLACE] = SPOT("lower(s.place) LIKE $$"),
             [FILTER_OWNER] = SPOT(OWNER),
             [FILTER_REALM] = SPOT("lower(s.realm) LIKE $$"),
             [FILTER_KEY] = "lower(b.key) LIKE $$",
             [FILTER_FINGERPRINT] = "encode(b.sha256, 'hex') LIKE $$"},
    .nobody = SPOT("s.owner IS NULL"),
    .status = {[FILTER_EXPIRED] = "b.not_after <= now()",
               [FILTER_EXPIRING] =
                   "b.not_after > now() AND expiry_threshold(b.not_before, b.not_after, now()) IS NOT NULL",
               [FILTER_FAILING] = SPOT("s.last_result NOT IN ('ok', '')"),
               [FILTER_OK] =
                   "b.not_after > now() AND expiry_threshold(b.not_before, b.not_after, now()) IS NULL AND NOT " SPOT(
                       "s.last_result NOT IN ('ok', '')"),
               [FILTER_GONE] = "b.sha256 IN (SELECT g.sha256 FROM gone_certificate g)"},
};

static void query_begin(struct query *query)
{
    memset(query, 0, sizeof *query);
    buf_init(&query->sql, SQL_MAX);
}

void query_done(struct query *query)
{
    buf_done(&query->sql);
    filter_done(&query->filter);
}

static size_t bind(struct query *query, const char *text)
{
    query->parameters[query->count++] = text;
    return query->count;
}

/* FROM and WHERE of what was chosen. in_use: how b.in_use is found out. */
static int append_chosen(struct query *query, const struct choice *choice, const char *in_use, struct cm_error *error)
{
    char used[64];
    int code = filter_parse(choice->filter, FILTER_TYPING, &query->filter, error);
    if (code)
        return code;
    /* What is gone may be nowhere else, and then it stands in none of the indexes of what is there. */
    bool gone = filter_asks_gone(&query->filter);
    buf_append_str(&query->sql, " FROM browse_certificate b WHERE ");
    if (!gone)
        buf_append_str(&query->sql, "b.current AND "); /* as the indexes have it */
    snprintf(used, sizeof used, "(%s%s)", gone ? "true" : in_use, choice->trust ? " OR b.in_trust" : "");
    if (query->filter.count == 0) {
        buf_append_str(&query->sql, used);
    } else {
        /* In this order: whether it is anywhere costs a lookup, and only what matches is worth it. Of AND the server would choose. */
        buf_append_str(&query->sql, "CASE WHEN true");
        query->count +=
            filter_where(&query->filter, &filter_sql, query->count + 1, &query->sql, query->parameters + query->count);
        buf_appendf(&query->sql, " THEN %s ELSE false END", used);
    }
    buf_append_str(&query->sql, scopes[choice->scope].where);
    return CM_OK;
}

bool query_may_hope(const struct choice *choice)
{
    return !choice->trust && choice->filter[strspn(choice->filter, " \t")] == '\0';
}

int query_list(struct query *query, const struct choice *choice, const struct pages_request *request, bool behind,
               bool sure, struct cm_error *error)
{
    const char *key = orders[choice->order].key, *direction = behind ? "" : " DESC";
    query_begin(query);
    buf_append_str(&query->sql, "WITH page AS MATERIALIZED (SELECT b.sha256, b.expires, b.name_key, b.display_name, "
                                "b.issuer, b.not_before, b.not_after, b.key");
    /* Of each row that is read, one after the other: whatever the server estimates, it shall not gather first all that are in use. */
    int code = append_chosen(query, choice, sure ? "member_in_use(b.sha256)" : "true", error);
    if (code) {
        query_done(query);
        return code;
    }
    if (request->sort) {
        size_t sort = bind(query, request->sort), id = bind(query, request->id);
        buf_appendf(&query->sql, " AND (b.%s, b.sha256) %s ($%zu::%s, decode($%zu, 'hex'))", key,
                    !behind                         ? "<"
                    : request->from == PAGES_AROUND ? ">="
                                                    : ">",
                    sort, orders[choice->order].type, id);
    }
    buf_appendf(&query->sql, " ORDER BY b.%s%s, b.sha256%s LIMIT %zu)", key, direction, direction, request->limit);
    buf_appendf(
        &query->sql,
        " SELECT p.%s, encode(p.sha256, 'hex'), p.display_name, p.issuer, extract(epoch FROM p.not_before)::bigint,"
        " extract(epoch FROM p.not_after)::bigint, u.places, u.owner, u.owners, u.verdict, u.acknowledged, p.key,"
        " o.environment, o.criticality,"
        " (SELECT count(*) FROM certificate_name n WHERE n.sha256 = p.sha256 AND n.kind <> 'cn')"
        " FROM browse_uses(ARRAY(SELECT p.sha256 FROM page p), %s, %d) u JOIN page p ON p.sha256 = u.sha256"
        " LEFT JOIN owner o ON o.name = u.owner"
        " ORDER BY p.%s%s, p.sha256%s",
        key, choice->trust ? "true" : "false", LIST_PLACES_MOST, key, direction, direction);
    return CM_OK;
}

int query_totals(struct query *query, const struct choice *choice, const char *sort, const char *id,
                 struct cm_error *error)
{
    query_begin(query);
    buf_append_str(&query->sql,
                   "SELECT count(*), count(*) FILTER (WHERE b.not_after <= now()),"
                   " count(*) FILTER (WHERE b.not_after > now() AND b.not_after <= now() + interval '7 days'),"
                   " count(*) FILTER (WHERE b.not_after > now() AND b.not_after <= now() + interval '30 days')");
    if (sort) {
        size_t sort_at = bind(query, sort), id_at = bind(query, id);
        buf_appendf(&query->sql, ", count(*) FILTER (WHERE (b.%s, b.sha256) < ($%zu::%s, decode($%zu, 'hex')))",
                    orders[choice->order].key, sort_at, orders[choice->order].type, id_at);
    }
    int code = append_chosen(query, choice, "b.in_use", error);
    if (code)
        query_done(query);
    return code;
}

void query_places(struct query *query, const char *fingerprint, const struct pages_request *request, bool behind)
{
    query_begin(query);
    buf_append_str(
        &query->sql,
        "SELECT p.chain_id, p.location_id || ' ' || p.role, l.place, l.last_result, l.last_detail,"
        " extract(epoch FROM greatest(p.last_seen, l.last_ok))::bigint, l.owner, l.tls ->> 'version', "
        "l.starttls, p.role,"
        " l.kind = 'endpoint' AND l.name <> '' AND p.role = 'server'"
        " AND name_matches((SELECT ch.leaf_sha256 FROM chain ch WHERE ch.chain_id = p.chain_id), l.name) IS FALSE");
    buf_appendf(&query->sql, " FROM browse_places_%s(decode($%zu, 'hex'), ", behind ? "behind" : "before",
                bind(query, fingerprint));
    if (request->sort) {
        size_t chain = bind(query, request->sort), id = bind(query, request->id);
        buf_appendf(&query->sql, "$%zu::uuid, split_part($%zu, ' ', 1)::uuid, split_part($%zu, ' ', 2)", chain, id, id);
    } else {
        buf_append_str(&query->sql, "NULL, NULL, NULL");
    }
    buf_appendf(&query->sql,
                ", %s, %zu) WITH ORDINALITY AS p(chain_id, location_id, role, last_seen, rank)"
                " JOIN place l ON l.location_id = p.location_id ORDER BY p.rank",
                behind && request->from == PAGES_AROUND ? "true" : "false", request->limit);
}
