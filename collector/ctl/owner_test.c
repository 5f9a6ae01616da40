/* `certmuster owner test`: which rule wins for a place or a name, and why.
 *
 * Places that the inventory knows are decided by the same function that assigns them (owners_of); what it does not know is tried as if it
 * were there: an address, a path or a name alone. */
#include "collector/ctl/owner_test.h"

#include <stdio.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/escape.h"
#include "certmuster/ipaddr.h"
#include "collector/ctl/ctl.h"

enum { PLACES_SHOWN = 20 };

/* Every condition of the rule that decided, with what it was compared with. The leaf is chosen as owners_of does. */
#define WHY                                                                                                            \
    "concat_ws('; ',"                                                                                                  \
    " CASE WHEN r.name_like IS NOT NULL THEN 'name ' || owner_unglob(r.name_like) || ' matches ' || f.matching_name "  \
    "END,"                                                                                                             \
    " CASE WHEN r.cidr IS NOT NULL THEN 'address ' || host(f.ip) || ' is in ' || r.cidr::text END,"                    \
    " CASE WHEN r.path_like IS NOT NULL THEN 'path ' || owner_unglob(r.path_like) || ' matches ' || f.path END,"       \
    " CASE WHEN r.issuer_like IS NOT NULL THEN 'issuer ' || owner_unglob(r.issuer_like) || ' matches ' || f.issuer "   \
    "END,"                                                                                                             \
    " CASE WHEN r.realm IS NOT NULL THEN 'realm is ' || r.realm END,"                                                  \
    " CASE WHEN num_nonnulls(r.name_like, r.cidr::text, r.path_like, r.issuer_like, r.realm) = 0 THEN 'it holds for "  \
    "everything' END)"

static const char known_places[] =
    "WITH wanted AS (SELECT l.* FROM location l"
    "  WHERE place_text(l) = $1 OR l.location_id::text = $1 OR (l.kind = 'endpoint' AND (l.name = lower($1)"
    "        OR host(l.ip) = $1 OR host(l.ip) || ':' || l.port = $1 OR '[' || host(l.ip) || ']:' || l.port = $1))"
    "     OR (l.kind = 'file' AND l.path = $1)"
    "  ORDER BY l.kind, l.ip, l.port, l.name, l.host, l.path, l.entry LIMIT $2)"
    " SELECT place_text(w), decided.owner, r.position, CASE WHEN r.position IS NOT NULL THEN " WHY " END"
    "  FROM wanted w"
    "  JOIN LATERAL owner_decision(w.location_id) decided ON true"
    "  LEFT JOIN owner_rule r ON r.position = decided.position"
    "  LEFT JOIN LATERAL (SELECT w.ip, w.path, leaf.issuer, CASE WHEN w.name LIKE r.name_like THEN w.name ELSE"
    "        (SELECT min(n.name) FROM certificate_name n WHERE n.sha256 = decided.leaf_sha256 AND n.kind IN ('dns', "
    "'cn')"
    "            AND lower(n.name) LIKE r.name_like) END AS matching_name"
    "        FROM (SELECT 1) one LEFT JOIN certificate leaf ON leaf.sha256 = decided.leaf_sha256) f ON true";

static const char imagined[] =
    "SELECT r.owner, r.position, " WHY
    "  FROM (SELECT $1::text AS matching_name, $2::inet AS ip, $3::text AS path, NULL::text AS issuer) f"
    "  JOIN owner_rule r ON (r.name_like IS NULL OR lower(f.matching_name) LIKE r.name_like)"
    "   AND (r.cidr IS NULL OR f.ip <<= r.cidr) AND (r.path_like IS NULL OR f.path LIKE r.path_like)"
    "   AND r.issuer_like IS NULL AND r.realm IS NULL"
    " ORDER BY r.position LIMIT 1";

/* What comes from the database is somebody's certificate: escaped before it reaches the terminal. */
static void print_escaped(const char *text)
{
    struct buf out;
    buf_init(&out, 64 * 1024);
    escape_terminal(&out, text, strlen(text), false);
    fputs(out.data, stdout);
    buf_done(&out);
}

static void print_decision(const char *what, const char *owner, const char *position, const char *why)
{
    print_escaped(what);
    if (!*position) {
        puts(": nobody; no rule holds");
        return;
    }
    fputs(": ", stdout);
    print_escaped(owner);
    printf(" by rule %s: ", position);
    print_escaped(why);
    putchar('\n');
}

static int test_imagined(struct db *db, const char *what)
{
    struct cm_error error = {0};
    struct db_result *rows = NULL;
    struct ipaddr ip;
    bool is_address = ipaddr_read(what, &ip) == 0, is_path = what[0] == '/';
    const char *params[] = {is_address || is_path ? NULL : what, is_address ? what : NULL, is_path ? what : NULL};
    if (db_query(db, imagined, params, 3, &rows, &error) != 0)
        return ctl_fail(&error, "cannot read the rules");
    printf("The inventory does not know it; as %s alone:\n", is_address ? "an address" : is_path ? "a path" : "a name");
    bool decided = db_rows(rows) > 0;
    print_decision(what, decided ? db_text(rows, 0, 0) : "", decided ? db_text(rows, 0, 1) : "",
                   decided ? db_text(rows, 0, 2) : "");
    db_result_free(rows);
    return decided ? CM_EXIT_OK : CM_EXIT_PARTIAL;
}

int owner_test(struct db *db, const char *what)
{
    struct cm_error error = {0};
    struct db_result *rows = NULL;
    char limit[16];
    snprintf(limit, sizeof limit, "%d", PLACES_SHOWN + 1);
    const char *params[] = {what, limit};
    if (db_query(db, known_places, params, 2, &rows, &error) != 0)
        return ctl_fail(&error, "cannot read the inventory");
    size_t count = db_rows(rows);
    bool all_owned = true;
    for (size_t i = 0; i < count && i < PLACES_SHOWN; i++) {
        print_decision(db_text(rows, i, 0), db_text(rows, i, 1), db_text(rows, i, 2), db_text(rows, i, 3));
        all_owned = all_owned && !db_is_null(rows, i, 2);
    }
    if (count > PLACES_SHOWN)
        printf("... and more places of that name\n");
    db_result_free(rows);
    if (count == 0)
        return test_imagined(db, what);
    return all_owned ? CM_EXIT_OK : CM_EXIT_PARTIAL;
}
