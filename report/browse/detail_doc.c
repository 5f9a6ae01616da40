/* What the on-call engineer reads, in the order of the questions: how long, whom do I call, is somebody on it, what was sent, what is
 * it called, and then everything else. Called by detail.c. */
#include "report/browse/detail_doc.h"

#include <stdio.h>
#include <string.h>

#include "certmuster/escape.h"
#include "certmuster/timefmt.h"
#include "report/browse/cell.h"
#include "report/browse/when.h"

enum { NAME_LINES_FOLDED = 2, MORE_WIDTH = 22 /* " and 19999 more (n)" */, BAR_MIN = 10, BAR_MAX = 40, DAY_S = 86400 };

static const char *text_of(const struct detail_show *show, enum fact fact)
{
    return show->facts->certificate.row[0]->field[fact];
}

static int64_t time_of(const struct detail_show *show, enum fact fact, int64_t unknown)
{
    return row_integer(show->facts->certificate.row[0], fact, unknown);
}

/* "2026-11-21 08:12:33 UTC" */
static void utc(char out[static TIMEFMT_SIZE], int64_t seconds)
{
    timefmt_seconds(out, seconds);
    if (strlen(out) == 20) {
        out[10] = ' ';
        memcpy(out + 19, " UTC", 5);
    }
}

static void add_validity(struct doc *doc, const struct detail_show *show)
{
    int64_t from = time_of(show, FACT_NOT_BEFORE, INT64_MIN), to = time_of(show, FACT_NOT_AFTER, WHEN_NEVER);
    char left[WHEN_SIZE], at[TIMEFMT_SIZE], begin[TIMEFMT_SIZE], end[TIMEFMT_SIZE];
    struct buf bar;
    int percent;

    if (to == WHEN_NEVER || from == INT64_MIN) {
        doc_addf(doc, "Expires", PAINT_BAD, "unknown: the certificate cannot be decoded (%s)",
                 text_of(show, FACT_UNDECODABLE));
        return;
    }
    enum urgency urgency = when_urgency(from, to, show->now);
    when_short(left, to, show->now);
    utc(at, to);
    doc_addf(doc, "Expires", when_paint(urgency), "%s %s%s   %s", when_mark(urgency, doc->utf8),
             urgency == URGENCY_EXPIRED ? "expired " : "in ", left, at);
    if (from > show->now) {
        utc(at, from);
        doc_addf(doc, "Valid from", PAINT_BAD, "%s: not yet valid", at);
    }
    timefmt_date(begin, from);
    timefmt_date(end, to);
    int width = doc->width - DOC_LABEL_WIDTH - 45;
    width = width < BAR_MIN ? BAR_MIN : width > BAR_MAX ? BAR_MAX : width;
    buf_init(&bar, BAR_MAX * 4);
    when_bar(&bar, from, to, show->now, width, doc->utf8, &percent);
    doc_addf(doc, "Lifetime", PAINT_PLAIN, "%s %s %d%% %s, %lld days", begin, bar.data, percent, end,
             (long long)((to - from + DAY_S / 2) / DAY_S));
    buf_done(&bar);
}

static void add_owner(struct doc *doc, const struct row *owner, bool several)
{
    const char *name = owner->field[OWNER_NAME];
    char places[CELL_TEXT_SIZE] = "";
    int64_t count = row_integer(owner, OWNER_PLACES, 0);
    cell_count(places, count);
    if (!name[0]) {
        doc_addf(doc, "Owner", several ? PAINT_PLAIN : PAINT_WARN, "nobody%s%s%s: no rule of certmuster owner matches",
                 several ? " for " : "", several ? places : "", several ? " places" : "");
        return;
    }
    const char *runs = owner->field[OWNER_ENVIRONMENT], *critical = owner->field[OWNER_CRITICALITY];
    doc_addf(doc, "Owner", PAINT_STRONG, "%s%s%s%s%s%s%s%s", name, runs[0] || critical[0] ? "   " : "", runs,
             runs[0] && critical[0] ? ", " : "", critical, several ? "   " : "", several ? places : "",
             several ? count == 1 ? " place" : " places" : "");
    if (owner->field[OWNER_CONTACT][0])
        doc_add(doc, "Call", PAINT_STRONG, owner->field[OWNER_CONTACT]);
    if (owner->field[OWNER_EMAIL][0])
        doc_add(doc, "Mail", PAINT_PLAIN, owner->field[OWNER_EMAIL]);
}

static void add_alert(struct doc *doc, const struct detail_show *show, const struct row *alert, bool several)
{
    char opened[WHEN_SIZE], told[WHEN_SIZE], acked[WHEN_SIZE];
    const char *owner = alert->field[ALERT_OWNER], *threshold = alert->field[ALERT_THRESHOLD];
    bool is_acked = alert->field[ALERT_ACKED_AT][0] != '\0', covered = alert->field[ALERT_COVERED][0] == 't',
         expired = strcmp(threshold, "0") == 0;
    when_ago(opened, row_integer(alert, ALERT_OPENED, 0), show->now);
    when_ago(told, row_integer(alert, ALERT_TOLD, 0), show->now);
    doc_addf(doc, "Alert", is_acked && covered ? PAINT_PLAIN : PAINT_WARN, "%s%sopened %s, %s%s%s, %s%s",
             several ? owner[0] ? owner : "nobody" : "", several ? ": " : "", opened,
             expired ? "now expired" : "now within ", expired ? "" : threshold,
             expired                       ? ""
             : strcmp(threshold, "1") == 0 ? " day"
                                           : " days",
             alert->field[ALERT_TOLD][0] ? "told " : "not told yet", alert->field[ALERT_TOLD][0] ? told : "");
    if (!is_acked)
        return;
    when_ago(acked, row_integer(alert, ALERT_ACKED_AT, 0), show->now);
    doc_addf(doc, "", covered ? PAINT_GOOD : PAINT_WARN, "%s acknowledged by %s %s%s%s%s", doc->utf8 ? "✓" : "a",
             alert->field[ALERT_ACKED_BY], acked, alert->field[ALERT_ACKED_NOTE][0] ? ": " : "",
             alert->field[ALERT_ACKED_NOTE], covered ? "" : " (it has got tighter since)");
}

static void add_events(struct doc *doc, const struct detail_show *show)
{
    char at[TIMEFMT_SIZE];
    for (size_t i = 0; show->all_events && i < show->facts->events.count; i++) {
        const struct row *event = show->facts->events.row[i];
        utc(at, row_integer(event, EVENT_AT, 0));
        doc_addf(doc, i == 0 ? "History" : "", PAINT_PLAIN, "%s  %s by %s%s%s%s%s", at, event->field[EVENT_WHAT],
                 event->field[EVENT_ACTOR], event->field[EVENT_OWNER][0] ? " for " : "", event->field[EVENT_OWNER],
                 event->field[EVENT_DETAIL][0] ? ": " : "", event->field[EVENT_DETAIL]);
    }
    if (show->all_events && show->facts->events.count == 0)
        doc_add(doc, "History", PAINT_DIM, "nothing yet");
}

static void add_chain_head(struct doc *doc, const struct detail_show *show, const struct row *row, const char *label)
{
    const char *verdict = row->field[CHAIN_VERDICT], *words = cell_verdict(verdict);
    char verified[WHEN_SIZE];
    when_ago(verified, row_integer(row, CHAIN_VERIFIED, 0), show->now);
    if (!verdict[0])
        doc_add(doc, label, PAINT_DIM, "as sent; not verified yet");
    else if (strcmp(verdict, "ok") == 0)
        doc_addf(doc, label, PAINT_GOOD, "trusted%s%s, verified %s", row->field[CHAIN_STORES][0] ? " by " : "",
                 row->field[CHAIN_STORES][0] ? row->field[CHAIN_STORE] : "", verified);
    else if (strcmp(verdict, "incomplete") == 0)
        doc_addf(doc, label, PAINT_WARN,
                 "incomplete as served: trusted with CA certificates that are known from elsewhere, verified %s",
                 verified);
    else
        doc_addf(doc, label, PAINT_BAD, "not trusted: %s%s%s%s at %s, verified %s", words, words != verdict ? " (" : "",
                 words != verdict ? verdict : "", words != verdict ? ")" : "",
                 *row->field[CHAIN_DEPTH] ? row->field[CHAIN_DEPTH] : "0", verified);
}

/* Below the verdict, where there is something to say. */
static void add_chain_notes(struct doc *doc, const struct row *row, int64_t own_end)
{
    int64_t effective = row_integer(row, CHAIN_EFFECTIVE, WHEN_NEVER);
    if (row->field[CHAIN_MISSING][0])
        doc_addf(doc, "", PAINT_WARN, "no certificate is known of %s", row->field[CHAIN_MISSING]);
    if (effective < own_end) {
        char at[TIMEFMT_SIZE];
        utc(at, effective);
        doc_addf(doc, "", PAINT_WARN, "it holds until %s only, when a CA certificate of its path ends", at);
    }
    if (row->field[CHAIN_FAULTS][0])
        doc_addf(doc, "", PAINT_WARN, "as served: %s", row->field[CHAIN_FAULTS]);
    if (row->field[CHAIN_STORES][0])
        doc_addf(doc, "", PAINT_DIM, "%s", row->field[CHAIN_STORES]);
}

static void add_chains(struct doc *doc, const struct detail_show *show)
{
    const struct rows *chains = &show->facts->chains;
    const char *previous = "";
    size_t shown = 0;
    for (size_t i = 0; i < chains->count; i++) {
        const struct row *row = chains->row[i];
        char left[WHEN_SIZE];
        if (strcmp(previous, row->field[CHAIN_ID]) != 0) {
            if (++shown == CHAINS_MOST) {
                doc_add(doc, "", PAINT_DIM, "and more chains with this certificate");
                return;
            }
            add_chain_head(doc, show, row, shown == 1 ? "Chain" : "or");
            add_chain_notes(doc, row, row_integer(row, CHAIN_NOT_AFTER, WHEN_NEVER)); /* its first row: the leaf */
            previous = row->field[CHAIN_ID];
        }
        int64_t to = row_integer(row, CHAIN_NOT_AFTER, WHEN_NEVER);
        enum urgency urgency = when_urgency(row_integer(row, CHAIN_NOT_BEFORE, INT64_MIN), to, show->now);
        bool self = strcmp(row->field[CHAIN_FINGERPRINT], show->fingerprint) == 0;
        when_short(left, to, show->now);
        doc_addf(doc, "", urgency == URGENCY_NONE ? PAINT_PLAIN : when_paint(urgency), "%2s %s %11s  %s%s",
                 row->field[CHAIN_POSITION], when_mark(urgency, doc->utf8), left,
                 row->field[CHAIN_NAME][0] ? row->field[CHAIN_NAME] : row->field[CHAIN_FINGERPRINT],
                 self ? doc->utf8 ? "  ◂ this one" : "  < this one" : "");
    }
}

/* Folded: what fits on two lines, and how many more there are. Unfolded: one a line. */
static void add_names(struct doc *doc, const struct detail_show *show)
{
    const struct rows *names = &show->facts->names;
    size_t room = (size_t)(doc->width > 40 ? doc->width - DOC_LABEL_WIDTH - 2 : 30) * NAME_LINES_FOLDED, shown = 0;
    struct buf folded;

    if (show->all_names) {
        for (size_t i = 0; i < names->count; i++)
            doc_addf(doc, i == 0 ? "Names" : "", PAINT_PLAIN, "%-5s %s", names->row[i]->field[0],
                     names->row[i]->field[1]);
        return;
    }
    buf_init(&folded, CELL_BYTES_MAX * 4);
    for (; shown < names->count; shown++) {
        const char *name = names->row[shown]->field[1];
        /* What wraps wastes up to a name at the end of a line. */
        if (shown > 0 && text_columns(folded.data, folded.size) + 2 * strlen(name) + MORE_WIDTH > room)
            break;
        buf_appendf(&folded, "%s%s", shown ? ", " : "", name);
    }
    if (shown < names->count)
        buf_appendf(&folded, " and %zu more (n)", names->count - shown);
    doc_add(doc, "Names", names->count > 0 ? PAINT_PLAIN : PAINT_DIM, names->count > 0 ? folded.data : "none");
    buf_done(&folded);
}

/* "good, next update in 5 days   2026-11-26 00:00:00 UTC" */
static enum paint append_staple(struct buf *text, const struct row *row, int64_t now)
{
    const char *status = row->field[TLS_WORD], *next = row->field[TLS_NEXT_UPDATE];
    bool good = strcmp(status, "good") == 0;
    enum paint paint = good ? PAINT_PLAIN : strcmp(status, "revoked") == 0 ? PAINT_BAD : PAINT_WARN;
    int64_t ms;
    char left[WHEN_SIZE], at[TIMEFMT_SIZE];
    buf_append_str(text, status);
    if (!next[0] || timefmt_read_ms(next, &ms) != CM_OK)
        return paint;
    when_short(left, ms / 1000, now);
    utc(at, ms / 1000);
    bool late = ms / 1000 <= now;
    buf_appendf(text, ", next update %s%s%s   %s", late ? "was due " : "in ", left, late ? " ago" : "", at);
    return late && paint == PAINT_PLAIN ? PAINT_WARN : paint;
}

static enum paint append_proof(struct buf *text, const char *word)
{
    bool good = strcmp(word, "good") == 0, bad = strcmp(word, "bad") == 0;
    buf_append_str(text, good  ? "the server showed that it has the key"
                         : bad ? "the server does NOT have the key of this certificate"
                               : "nothing that the server sent could show that it has the key");
    return good ? PAINT_GOOD : bad ? PAINT_BAD : PAINT_DIM;
}

/* The handshake's side of it: staple, proof of the key, the server's fingerprint; with how many places, where they differ. */
static void add_tls(struct doc *doc, const struct detail_show *show)
{
    const struct rows *rows = &show->facts->tls;
    const char *previous = "";
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = rows->row[i];
        const char *kind = row->field[TLS_KIND];
        bool staple = strcmp(kind, "staple") == 0, proof = strcmp(kind, "proof") == 0,
             first = strcmp(kind, previous) != 0;
        bool several = !first || (i + 1 < rows->count && strcmp(rows->row[i + 1]->field[TLS_KIND], kind) == 0);
        enum paint paint = PAINT_PLAIN;
        struct buf text;
        buf_init(&text, CELL_BYTES_MAX);
        if (staple)
            paint = append_staple(&text, row, show->now);
        else if (proof)
            paint = append_proof(&text, row->field[TLS_WORD]);
        else
            buf_append_str(&text, row->field[TLS_WORD]);
        if (several) {
            char places[CELL_TEXT_SIZE];
            int64_t count = row_integer(row, TLS_PLACES, 0);
            cell_count(places, count);
            buf_appendf(&text, "   %s place%s", places, count == 1 ? "" : "s");
        }
        doc_add(doc, !first ? "" : staple ? "Staple" : proof ? "Proof" : "JA3S", paint, text.data);
        buf_done(&text);
        previous = kind;
    }
}

/* Where it was and is no more. */
static void add_gone(struct doc *doc, const struct detail_show *show)
{
    const struct rows *gone = &show->facts->gone;
    for (size_t i = 0; i < gone->count; i++) {
        const struct row *row = gone->row[i];
        char since[WHEN_SIZE], seen[TIMEFMT_SIZE];
        when_ago(since, row_integer(row, GONE_SINCE, 0), show->now);
        timefmt_date(seen, row_integer(row, GONE_LAST_SEEN, 0));
        doc_addf(doc, i == 0 ? "Gone" : "", PAINT_DIM, "%s   missed since %s, last seen %s", row->field[GONE_PLACE],
                 since, seen);
    }
    int64_t more = gone->count ? row_integer(gone->row[0], GONE_ALL, 0) - (int64_t)gone->count : 0;
    if (more > 0)
        doc_addf(doc, "", PAINT_DIM, "and from %lld more places", (long long)more);
}

/* "04:A3:…" as other tools print it. */
static void add_serial(struct doc *doc, const char *hex)
{
    struct buf text;
    buf_init(&text, CELL_BYTES_MAX);
    for (size_t i = 0; hex[i] && hex[i + 1]; i += 2)
        buf_appendf(&text, "%s%.2s", i ? ":" : "", hex + i);
    doc_add(doc, "Serial", PAINT_PLAIN, text.data);
    buf_done(&text);
}

static void add_identity(struct doc *doc, const struct detail_show *show)
{
    char seen[TIMEFMT_SIZE];
    doc_add(doc, "Subject", PAINT_PLAIN, text_of(show, FACT_SUBJECT));
    doc_add(doc, "Issuer", PAINT_PLAIN, text_of(show, FACT_ISSUER));
    add_serial(doc, text_of(show, FACT_SERIAL));
    timefmt_date(seen, time_of(show, FACT_FIRST_SEEN, 0));
    doc_addf(doc, "Key", PAINT_PLAIN, "%s, %s%s, first seen %s", text_of(show, FACT_KEY), text_of(show, FACT_SIG_ALG),
             text_of(show, FACT_IS_CA)[0] == 't' ? ", a CA" : "", seen);
    doc_add(doc, "SHA-256", PAINT_PLAIN, show->fingerprint);
}

void detail_doc(struct doc *doc, const struct detail_show *show)
{
    const struct detail_facts *facts = show->facts;
    add_validity(doc, show);
    for (size_t i = 0; i < show->owners->count; i++)
        add_owner(doc, show->owners->row[i], show->owners->count > 1);
    for (size_t i = 0; i < facts->alerts.count; i++)
        add_alert(doc, show, facts->alerts.row[i], facts->alerts.count > 1);
    add_events(doc, show);
    add_chains(doc, show);
    add_names(doc, show);
    add_identity(doc, show);
    add_tls(doc, show);
    add_gone(doc, show);
}
