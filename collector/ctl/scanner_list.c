/* `certmuster scanner list`: who may deliver, by what, and when each was last heard of. */
#include "certmuster/table.h"
#include "collector/ctl/scanner.h"

/* Who is enrolled is written down with that moment in both columns; what it delivers first, however soon, moves the second. */
#define SEEN "(last_seen > first_seen OR enrolled <> 'certificate')"

int scanner_list(const struct scanner_call *call)
{
    static const struct table_column columns[] = {
        {"SCANNER", false, 8, true}, {"REALMS", false, 6, true},     {"CERTIFICATES", false, 16, true},
        {"STATE", false, 0, false},  {"LAST SEEN", false, 0, false}, {"CLOCK OFF BY", true, 0, false},
        {NULL, false, 0, false}};
    static const char text[] =
        "SELECT name, array_to_string(realms, ' '), concat_ws(', ', CASE WHEN enrolled <> 'certificate' THEN enrolled "
        "END,"
        " (SELECT string_agg(left(c.sha256, 16) ||"
        "   CASE WHEN c.revoked_at IS NOT NULL THEN ' revoked' ELSE coalesce(' until ' || to_char(c.not_after, "
        "'YYYY-MM-DD'), '') END, ', ' ORDER BY c.added_at DESC) FROM scanner_certificate c WHERE c.scanner = name)),"
        " CASE WHEN disabled THEN 'disabled' ELSE 'enabled' END,"
        " CASE WHEN " SEEN " THEN to_char(last_seen, 'YYYY-MM-DD HH24:MI') ELSE 'never' END, CASE WHEN skewed_ms IS "
        "NOT NULL THEN round(skewed_ms / 1000.0, 1) "
        "|| ' s' END"
        " FROM scanner ORDER BY name";
    static const char json[] =
        "SELECT json_strip_nulls(json_build_object('name', name, 'realms', realms, 'enrolled', "
        "enrolled, 'disabled', disabled,"
        " 'certificates', (SELECT json_agg(json_strip_nulls(json_build_object('sha256', c.sha256,"
        " 'not_after', utc_text(c.not_after), 'added_at', utc_text(c.added_at), 'revoked_at', "
        "utc_text(c.revoked_at))) ORDER BY c.added_at) FROM scanner_certificate c WHERE c.scanner = name),"
        " 'last_seen', CASE WHEN " SEEN " THEN to_char(last_seen, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') END, 'skewed_ms', "
        "skewed_ms)) FROM scanner ORDER BY name";
    struct db *db = NULL;
    int status = ctl_connect(call->cli, "certmuster_read", &db);
    if (!status && call->format == CTL_JSON)
        status = ctl_print_json(db, json, NULL, 0);
    else if (!status)
        status = ctl_print_table(db, text, NULL, 0, columns, "no scanner has delivered yet, none is enrolled");
    db_close(db);
    return status;
}
