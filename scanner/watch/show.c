/* The table of watch for people. */
#include "scanner/watch/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "certmuster/cert_short.h"
#include "certmuster/ipaddr.h"
#include "certmuster/limits.h"
#include "certmuster/progress.h"
#include "certmuster/table.h"
#include "certmuster/timefmt.h"

enum { WARN_SECONDS = 30 * 86400, PLACE_SIZE = IPADDR_TEXT_SIZE + 16 };

static const struct table_column columns[] = {
    {.title = "PLACE", .min_width = 15},   {.title = "NAME", .min_width = 8, .stretch = true},
    {.title = "ROLE", .min_width = 6},     {.title = "SUBJECT", .min_width = 12, .stretch = true},
    {.title = "EXPIRES", .min_width = 10}, {.title = "ISSUER", .min_width = 12, .stretch = true},
    {.title = "TLS", .min_width = 7},
};

struct show {
    struct table *table;
    bool terminal; /* rows and the progress line share one */
    bool pending;  /* rows came since the last flush */
};

struct show *show_new(void)
{
    struct show *show = cm_calloc(1, sizeof *show);
    show->table = table_new(stdout, columns, sizeof columns / sizeof *columns);
    show->terminal = isatty(STDOUT_FILENO);
    return show;
}

void show_free(struct show *show)
{
    if (!show)
        return;
    table_free(show->table);
    free(show);
}

int show_flush(struct show *show, struct cm_error *error)
{
    if (!show || !show->pending)
        return CM_OK;
    show->pending = false;
    if (show->terminal)
        progress_make_way();
    return table_flush(show->table, error);
}

static void place_cell(struct show *show, const struct summary *summary)
{
    bool client = summary->kind == OBSERVED_CLIENT_CHAIN;
    const struct place *place = client ? &summary->client : &summary->server;
    struct ipaddr ip = {.family = place->family};
    char address[IPADDR_TEXT_SIZE], text[PLACE_SIZE];
    if (place->family == 0) { /* EAPOL */
        const uint8_t *mac = place->ip;
        snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    } else {
        for (size_t i = 0; i < sizeof ip.bytes; i++)
            ip.bytes[i] = place->ip[i];
        ipaddr_write(address, &ip);
        if (client) /* its port names no place */
            snprintf(text, sizeof text, "%s", address);
        else
            snprintf(text, sizeof text, place->family == 6 ? "[%s]:%u" : "%s:%u", address, place->port);
    }
    table_cell(show->table, text, TABLE_PLAIN);
}

/* Subject, expiry and issuer. */
static void certificate_cells(struct show *show, struct slice leaf)
{
    struct cert cert;
    struct buf text;
    char when[TIMEFMT_SIZE];
    if (leaf.size == 0 || cert_parse(leaf.data, leaf.size, &cert, NULL)) {
        table_cell(show->table, leaf.size ? "(a certificate that cannot be decoded)" : "(not visible)",
                   leaf.size ? TABLE_BAD : TABLE_DIM);
        table_cell(show->table, "", TABLE_PLAIN);
        table_cell(show->table, "", TABLE_PLAIN);
        return;
    }
    buf_init(&text, CM_LIMIT_NAME_BYTES);
    int64_t left = cert.not_after - clock_wall_ms() / 1000;
    cert_short_subject(&cert, &text);
    table_cell(show->table, text.data, TABLE_PLAIN);
    timefmt_distance(when, left);
    table_cell(show->table, when, left < 0 ? TABLE_BAD : left < WARN_SECONDS ? TABLE_WARN : TABLE_GOOD);
    cert_short_name(cert.issuer, &text);
    table_cell(show->table, cert.self_issued ? "(self-signed)" : text.data, TABLE_PLAIN);
    buf_done(&text);
}

void show_row(const struct summary *summary, struct slice leaf, void *context)
{
    struct show *show = context;
    const char *version = summary_version(summary);
    if (show->terminal)
        progress_make_way();
    show->pending = true;
    place_cell(show, summary);
    table_cell(show->table, summary->kind == OBSERVED_CLIENT_CHAIN ? "" : summary->name, TABLE_PLAIN);
    table_cell(show->table, summary->kind == OBSERVED_CLIENT_CHAIN ? "client" : "server", TABLE_PLAIN);
    certificate_cells(show, leaf);
    table_cell(show->table, version ? version : "", TABLE_PLAIN);
}
