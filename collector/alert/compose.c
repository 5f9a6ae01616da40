/* What an alert says to a person and to a machine: facts in, text out.
 *
 * Everything in the facts may be hostile: certificate names hold line breaks and escapes. For people it is escaped as for a terminal, so that
 * every fact stays on its line; for machines as JSON. */
#include <string.h>

#include "certmuster/escape.h"
#include "certmuster/timefmt.h"
#include "collector/alert/alert.h"
#include "collector/alert/alert_private.h"

enum { SUBJECT_NAME_BYTES = 120 };

/* At most max bytes, cut between characters, with an ellipsis. */
static void append_text(struct buf *out, const char *text, size_t max)
{
    size_t size = strlen(text), fit = size;
    if (size > max)
        for (fit = max; fit > 0 && ((unsigned char)text[fit] & 0xC0) == 0x80;)
            fit--;
    escape_terminal(out, text, fit, false);
    if (fit < size)
        buf_append_str(out, "...");
}

void alert_webhook_host(struct buf *out, const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t size = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', size);
    if (at) {
        size -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    buf_append(out, host, size);
}

/* "expires in 5 days", "expired 3 hours ago", "is renewed". */
static void append_state(struct buf *out, const struct alert_facts *facts)
{
    char distance[TIMEFMT_SIZE];
    if (strcmp(facts->event, "resolved") == 0) {
        buf_append_str(out, strcmp(facts->resolution, "renewed") == 0      ? "is renewed at every place"
                            : strcmp(facts->resolution, "reassigned") == 0 ? "is another owner's now"
                                                                           : "is gone from every place");
        return;
    }
    timefmt_distance(distance, facts->not_after - facts->now);
    if (facts->not_after > facts->now)
        buf_append_str(out, "expires ");
    buf_append_str(out, distance);
}

void alert_subject(struct buf *out, const struct alert_facts *facts)
{
    append_text(out, facts->display_name, SUBJECT_NAME_BYTES);
    buf_append_char(out, ' ');
    append_state(out, facts);
    if (facts->place_total > 1)
        buf_appendf(out, ", at %llu places", (unsigned long long)facts->place_total);
}

static void append_line(struct buf *out, const char *label, const char *text)
{
    if (!text || !*text)
        return;
    buf_appendf(out, "%-12s ", label);
    append_text(out, text, ALERT_FIELD_BYTES);
    buf_append_char(out, '\n');
}

static void append_validity(struct buf *out, const struct alert_facts *facts)
{
    char from[TIMEFMT_SIZE], until[TIMEFMT_SIZE];
    timefmt_seconds(from, facts->not_before);
    timefmt_seconds(until, facts->not_after);
    buf_appendf(out, "%-12s %s until %s\n", "Valid from", from, until);
}

static void append_owner(struct buf *out, const struct alert_facts *facts)
{
    append_line(out, "Owner", *facts->owner ? facts->owner : "nobody (no rule holds; see certmuster owner test)");
    append_line(out, "Contact", facts->contact);
    append_line(out, "Environment", facts->environment);
    append_line(out, "Criticality", facts->criticality);
    append_line(out, "Told", facts->whom);
}

static void append_list(struct buf *out, const char *const *items, size_t count, uint64_t total, const char *title)
{
    if (total == 0)
        return;
    buf_appendf(out, "\n%s (%llu):\n", title, (unsigned long long)total);
    for (size_t i = 0; i < count; i++) {
        buf_append_str(out, "  ");
        append_text(out, items[i], ALERT_FIELD_BYTES);
        buf_append_char(out, '\n');
    }
    if (total > count)
        buf_appendf(out, "  ... and %llu more\n", (unsigned long long)(total - count));
}

void alert_text(struct buf *out, const struct alert_facts *facts)
{
    char date[TIMEFMT_SIZE];
    buf_append_str(out, "The certificate ");
    append_text(out, facts->display_name, ALERT_FIELD_BYTES);
    buf_append_char(out, ' ');
    append_state(out, facts);
    timefmt_date(date, facts->not_after);
    buf_appendf(out, " (%s UTC).\n\n", date);
    append_line(out, "Certificate", facts->display_name);
    append_line(out, "Subject", facts->subject);
    append_line(out, "Issuer", facts->issuer);
    append_line(out, "Serial", facts->serial);
    append_line(out, "Key", facts->key);
    append_validity(out, facts);
    append_line(out, "SHA-256", facts->sha256);
    append_owner(out, facts);
    append_list(out, facts->places, facts->place_count, facts->place_total, "Places");
    append_list(out, facts->names, facts->name_count, facts->name_total, "Names");
    buf_appendf(out,
                "\nThe alert ends by itself when every place serves a newer certificate. To see its history, or to "
                "silence it until\n"
                "the next threshold:\n"
                "  certmuster alert show %.16s\n"
                "  certmuster alert ack %.16s --note \"...\"\n",
                facts->sha256, facts->sha256);
}

/* --- The webhook's body --------------------------------------------------------------------------------------------------------------- */

/* ,"name":"text" or nothing for an unknown one. */
static void json_member(struct buf *out, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    buf_appendf(out, "%s\"%s\":\"", out->data[out->size - 1] == '{' ? "" : ",", name);
    escape_json(out, text, strlen(text));
    buf_append_char(out, '"');
}

static void json_time(struct buf *out, const char *name, int64_t seconds)
{
    char text[TIMEFMT_SIZE];
    timefmt_seconds(text, seconds);
    json_member(out, name, text);
}

static void json_list(struct buf *out, const char *name, const char *const *items, size_t count)
{
    buf_appendf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        buf_append_str(out, i ? ",\"" : "\"");
        escape_json(out, items[i], strlen(items[i]));
        buf_append_char(out, '"');
    }
    buf_append_char(out, ']');
}

void alert_json(struct buf *out, const struct alert_facts *facts, const char *id)
{
    struct buf text;
    buf_init(&text, ALERT_MESSAGE_BYTES);
    alert_subject(&text, facts);
    buf_append_str(out, "{\"v\":1");
    json_member(out, "event", facts->event);
    json_member(out, "kind", "expiry");
    json_member(out, "id", id);
    json_time(out, "at", facts->now);
    json_member(out, "text", text.data);
    buf_appendf(out, ",\"threshold_days\":%d", facts->threshold);
    json_member(out, "resolution", facts->resolution);
    buf_append_str(out, ",\"certificate\":{");
    json_member(out, "sha256", facts->sha256);
    json_member(out, "name", facts->display_name);
    json_member(out, "subject", facts->subject);
    json_member(out, "issuer", facts->issuer);
    json_member(out, "serial", facts->serial);
    json_member(out, "key", facts->key);
    json_time(out, "not_before", facts->not_before);
    json_time(out, "not_after", facts->not_after);
    json_list(out, "names", facts->names, facts->name_count);
    buf_appendf(out, ",\"names_total\":%llu}", (unsigned long long)facts->name_total);
    if (*facts->owner) {
        buf_append_str(out, ",\"owner\":{");
        json_member(out, "name", facts->owner);
        json_member(out, "contact", facts->contact);
        json_member(out, "environment", facts->environment);
        json_member(out, "criticality", facts->criticality);
        buf_append_char(out, '}');
    }
    json_list(out, "places", facts->places, facts->place_count);
    buf_appendf(out, ",\"places_total\":%llu", (unsigned long long)facts->place_total);
    json_member(out, "told", facts->whom);
    buf_append_char(out, '}');
    buf_done(&text);
}
