/* The table of scan for people. */
#include "scanner/scan/tell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/cert_short.h"
#include "certmuster/limits.h"
#include "certmuster/outlet.h"
#include "certmuster/progress.h"
#include "certmuster/table.h"
#include "certmuster/timefmt.h"

enum {
    TABLE_HELD_ROWS = 1000 /* table.h holds so many back */,
    WARN_SECONDS = 30 * 86400,
    DETAIL_SHOWN = 60,
    SHORT_TEXT = 256,
    HELD_BYTES = 1024 * 1024,         /* more than this unread, and no new work is started */
    HELD_BYTES_MAX = 64 * 1024 * 1024 /* what is under way then comes to less */
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
    struct outlet out;
    FILE *into;    /* out */
    int trouble;   /* errno of the first write that failed: the rest goes nowhere */
    bool terminal; /* rows and the progress line share one */
    uint64_t rows;
};

static void let_out(struct tell *tell)
{
    outlet_flush(&tell->out);
    if (!tell->trouble)
        tell->trouble = tell->out.held.failed ? ENOMEM : tell->out.trouble;
    if (tell->trouble) {
        buf_reset(&tell->out.held);
        tell->out.sent = 0;
    }
}

static ssize_t take_bytes(void *cookie, const char *bytes, size_t size)
{
    struct tell *tell = cookie;
    buf_append(&tell->out.held, bytes, size);
    let_out(tell);
    return (ssize_t)size;
}

struct tell *tell_new(void)
{
    static const cookie_io_functions_t functions = {.write = take_bytes};
    struct tell *tell = cm_calloc(1, sizeof *tell);
    tell->table = table_new(stdout, columns, sizeof columns / sizeof *columns);
    tell->terminal = isatty(STDOUT_FILENO);
    outlet_init(&tell->out, HELD_BYTES_MAX);
    tell->into = fopencookie(tell, "w", functions);
    if (!tell->into)
        abort(); /* no memory */
    setvbuf(tell->into, NULL, tell->terminal ? _IOLBF : _IOFBF, BUFSIZ);
    table_write_to(tell->table, tell->into);
    return tell;
}

void tell_tick(struct tell *tell)
{
    if (tell)
        let_out(tell);
}

bool tell_stalled(const struct tell *tell)
{
    return tell && outlet_left(&tell->out) > HELD_BYTES;
}

int tell_flush(struct tell *tell, struct cm_error *error)
{
    int code = tell ? table_flush(tell->table, error) : CM_OK;
    if (!tell || code)
        return code;
    for (let_out(tell); outlet_left(&tell->out); let_out(tell))
        outlet_wait(&tell->out, -1);
    if (tell->trouble == 0 || tell->trouble == EPIPE) /* a reader that left had what it wanted */
        return CM_OK;
    return error_setf(error, CM_EIO, 0, "the table could not be written", "%s", strerror(tell->trouble));
}

void tell_free(struct tell *tell)
{
    if (!tell)
        return;
    table_free(tell->table);
    fclose(tell->into);
    outlet_done(&tell->out);
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
