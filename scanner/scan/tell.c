/* The table of scan for people. */
#include "scanner/scan/tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/cert_short.h"
#include "certmuster/limits.h"
#include "certmuster/progress.h"
#include "certmuster/table.h"
#include "certmuster/timefmt.h"

enum {
    TABLE_HELD_ROWS = 1000 /* table.h holds so many back */,
    WARN_SECONDS = 30 * 86400,
    DETAIL_SHOWN = 60,
    SHORT_TEXT = 256
};

static const struct table_column columns[] = {
    {.title = "PLACE", .min_width = 15},
    {.title = "NAME", .min_width = 8, .stretch = true},
    {.title = "SUBJECT", .min_width = 12, .stretch = true},
    {.title = "EXPIRES", .min_width = 10},
    {.title = "ISSUER", .min_width = 12, .stretch = true},
    {.title = "TLS", .min_width = 7},
};

struct tell {
    struct table *table;
    bool terminal; /* rows and the progress line share one */
    uint64_t rows;
};

struct tell *tell_new(void)
{
    struct tell *tell = cm_calloc(1, sizeof *tell);
    tell->table = table_new(stdout, columns, sizeof columns / sizeof *columns);
    tell->terminal = isatty(STDOUT_FILENO);
    return tell;
}

int tell_flush(struct tell *tell, struct cm_error *error)
{
    return tell ? table_flush(tell->table, error) : CM_OK;
}

void tell_free(struct tell *tell)
{
    if (!tell)
        return;
    table_free(tell->table);
    free(tell);
}

static void certificate_cells(struct tell *tell, const struct probe_result *result)
{
    struct slice leaf = result->handshake->chain[0];
    struct cert cert;
    struct buf text;
    char when[TIMEFMT_SIZE];
    buf_init(&text, CM_LIMIT_NAME_BYTES);
    if (cert_parse(leaf.data, leaf.size, &cert, NULL)) {
        table_cell(tell->table, "(a certificate that cannot be decoded)", TABLE_BAD);
        table_cell(tell->table, "", TABLE_PLAIN);
        table_cell(tell->table, "", TABLE_PLAIN);
    } else {
        int64_t left = cert.not_after - clock_wall_ms() / 1000;
        cert_short_subject(&cert, &text);
        table_cell(tell->table, text.data, TABLE_PLAIN);
        timefmt_distance(when, left);
        table_cell(tell->table, when, left < 0 ? TABLE_BAD : left < WARN_SECONDS ? TABLE_WARN : TABLE_GOOD);
        cert_short_name(cert.issuer, &text);
        table_cell(tell->table, cert.self_issued ? "(self-signed)" : text.data, TABLE_PLAIN);
    }
    buf_reset(&text);
    buf_append_str(&text, result->handshake->version ? result->handshake->version : "");
    if (result->starttls != STARTTLS_NONE)
        buf_appendf(&text, " (%s)", starttls_name(result->starttls));
    bool bad = result->handshake->proof == PROOF_BAD;
    if (bad)
        buf_append_str(&text, ", key not proved");
    table_cell(tell->table, text.data, bad ? TABLE_BAD : TABLE_PLAIN);
    buf_done(&text);
}

static void failure_cells(struct tell *tell, const char *stage, enum record_error error, const char *detail)
{
    char text[SHORT_TEXT];
    snprintf(text, sizeof text, "%s: %s%s%.*s%s%s", stage, record_error_name(error), detail ? " (" : "", DETAIL_SHOWN,
             detail ? detail : "", detail && strlen(detail) > DETAIL_SHOWN ? "..." : "", detail ? ")" : "");
    table_cell(tell->table, text, error == RECORD_ERROR_CANCELLED ? TABLE_DIM : TABLE_BAD);
    for (size_t i = 3; i < sizeof columns / sizeof *columns; i++)
        table_cell(tell->table, "", TABLE_PLAIN);
}

void tell_probe(struct tell *tell, const struct probe_ask *ask, const struct probe_result *result)
{
    char ip[IPADDR_TEXT_SIZE], place[IPADDR_TEXT_SIZE + 16];
    ipaddr_write(ip, &ask->ip);
    if (tell->terminal && ++tell->rows >= TABLE_HELD_ROWS)
        progress_make_way();
    snprintf(place, sizeof place, ask->ip.family == 6 ? "[%s]:%u" : "%s:%u", ip, ask->port);
    table_cell(tell->table, place, TABLE_PLAIN);
    table_cell(tell->table, result->name, TABLE_PLAIN);
    if (result->ok)
        certificate_cells(tell, result);
    else
        failure_cells(tell, result->stage, result->error, result->detail);
}

void tell_unresolved(struct tell *tell, const char *name, enum record_error error, const char *detail)
{
    table_cell(tell->table, "-", TABLE_DIM);
    table_cell(tell->table, name, TABLE_PLAIN);
    failure_cells(tell, "resolve", error, detail);
}
