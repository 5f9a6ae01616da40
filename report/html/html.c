/* Fills the embedded page: markers of the form @@NAME@@ are replaced by what a row of `parts` writes. Text that comes from outside goes
 * through escape_html; the rows are JSON inside <script type="application/json">, where every < > and & is written as an
 * escape, so that no name can end the element. The policy names the hashes of our own style and script: nothing else runs. */
#include "report/html/html.h"

#include <string.h>

#include "certmuster/encode.h"
#include "certmuster/escape.h"
#include "certmuster/ids.h"
#include "certmuster/timefmt.h"

static const char page_html[] = {
#include "gen/report/html/page.html.inc"
};
static const char page_css[] = {
#include "gen/report/html/page.css.inc"
};
static const char page_js[] = {
#include "gen/report/html/page.js.inc"
};

struct filling {
    const struct request *request;
    const struct summary *summary;
    const struct chart *chart;
};

static void append_html(struct buf *out, const char *text)
{
    escape_html(out, text, strlen(text));
}

static void append_source_hash(struct buf *out, const char *source, size_t size)
{
    uint8_t hash[CM_SHA256_SIZE];
    sha256_bytes(source, size, hash);
    buf_append_str(out, "'sha256-");
    base64_append(out, hash, sizeof hash);
    buf_append_str(out, "'");
}

static void part_policy(const struct filling *filling, struct buf *out)
{
    (void)filling;
    buf_append_str(out, "default-src 'none'; style-src ");
    append_source_hash(out, page_css, sizeof page_css);
    buf_append_str(out, "; script-src ");
    append_source_hash(out, page_js, sizeof page_js);
    buf_append_str(out, "; img-src data:; base-uri 'none'; form-action 'none'");
}

static void part_css(const struct filling *filling, struct buf *out)
{
    (void)filling;
    buf_append(out, page_css, sizeof page_css);
}

static void part_js(const struct filling *filling, struct buf *out)
{
    (void)filling;
    buf_append(out, page_js, sizeof page_js);
}

static void part_title(const struct filling *filling, struct buf *out)
{
    append_html(out, filling->request->report->title);
}

/* What was asked, when it was true, who looked last. */
static void part_scope(const struct filling *filling, struct buf *out)
{
    const struct request *request = filling->request;
    char at[TIMEFMT_SIZE];
    timefmt_seconds(at, filling->summary->at);
    buf_appendf(out, "As of <time datetime=\"%s\">%.10s %.5s UTC</time>", at, at, at + 11);
    if (request->report->takes_within) {
        buf_append_str(out, " · expiring within <b>");
        struct buf period;
        buf_init(&period, 256);
        append_period(&period, request);
        append_html(out, period.data);
        buf_done(&period);
        buf_append_str(out, "</b>");
    }
    if (request->owner) {
        buf_append_str(out, " · owner <b>");
        append_html(out, request->owner);
        buf_append_str(out, "</b>");
    }
    if (request->filter_text && *request->filter_text) {
        buf_append_str(out, " · filter <code>");
        append_html(out, request->filter_text);
        buf_append_str(out, "</code>");
    }
    buf_append_str(out, request->include_trust ? " · with trust anchors · " : " · ");
    append_last_look(out, filling->summary);
}

static void append_figure(struct buf *out, const char *class, int64_t count, const char *label)
{
    buf_appendf(out, "<div class=\"figure %s%s\"><dt>%s</dt><dd>", class, count == 0 ? " none" : "", label);
    append_number(out, count);
    buf_append_str(out, "</dd></div>");
}

/* The first four count what was asked for, the others the whole inventory: they say so where the two differ. */
static void part_figures(const struct filling *filling, struct buf *out)
{
    bool narrowed = filling->request->filter.count > 0 || filling->request->owner;
    append_figure(out, "expired", filling->chart->overdue, "expired");
    append_figure(out, "urgent", chart_within(filling->chart, 7), "within 7 days");
    append_figure(out, "soon", chart_within(filling->chart, 30), "within 30 days");
    append_figure(out, "later", chart_within(filling->chart, 90), "within 90 days");
    append_figure(out, "all", filling->summary->certificates, narrowed ? "certificates in all" : "certificates in use");
    append_figure(out, "all", filling->summary->places, narrowed ? "places in all" : "places");
    append_figure(out, "failing", filling->summary->failing, narrowed ? "not readable in all" : "places not readable");
    append_figure(out, "unowned", filling->summary->unowned, narrowed ? "nobody's in all" : "places nobody owns");
}

static void part_chart(const struct filling *filling, struct buf *out)
{
    chart_svg(filling->chart, filling->summary->at, out);
}

/* The members before "rows": what the script needs to know about them. */
static void part_data(const struct filling *filling, struct buf *out)
{
    static const char *const kinds[] = {[COLUMN_TEXT] = "text",
                                        [COLUMN_INTEGER] = "integer",
                                        [COLUMN_BOOLEAN] = "boolean",
                                        [COLUMN_TIME] = "time",
                                        [COLUMN_LIST] = "list"};
    const struct sheet *sheet = &filling->request->report->sheet;
    char at[TIMEFMT_SIZE];
    timefmt_seconds(at, filling->summary->at);
    buf_appendf(out, "{\"report\":\"%s\",\"at\":\"%s\",\"columns\":[", filling->request->report->name, at);
    for (size_t i = 0; i < sheet->count; i++)
        buf_appendf(out, "%s{\"name\":\"%s\",\"title\":\"%s\",\"kind\":\"%s\",\"detail\":%s}", i ? "," : "",
                    sheet->columns[i].name, sheet->columns[i].title, kinds[sheet->columns[i].kind],
                    sheet->columns[i].detail ? "true" : "false");
    buf_append_str(out, "],\"rows\":[\n");
}

static const struct {
    const char *name;
    void (*write)(const struct filling *filling, struct buf *out);
} parts[] = {
    {"POLICY", part_policy}, {"CSS", part_css},         {"TITLE", part_title}, {"SCOPE", part_scope},
    {"CHART", part_chart},   {"FIGURES", part_figures}, {"DATA", part_data},   {"JS", part_js},
};

/* Writes the page from `from` up to the marker @@ROWS@@ or the end; returns where it stopped, behind the marker. */
static size_t fill(const struct filling *filling, size_t from, struct buf *out)
{
    size_t at = from;
    while (at < sizeof page_html) {
        const char *mark = memmem(page_html + at, sizeof page_html - at, "@@", 2);
        size_t text = mark ? (size_t)(mark - (page_html + at)) : sizeof page_html - at;
        buf_append(out, page_html + at, text);
        if (!mark)
            return sizeof page_html;
        const char *name = mark + 2;
        const char *end = memmem(name, (size_t)(page_html + sizeof page_html - name), "@@", 2);
        size_t length = (size_t)(end - name);
        at = (size_t)(end + 2 - page_html);
        if (length == 4 && memcmp(name, "ROWS", 4) == 0)
            return at;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            if (strlen(parts[i].name) == length && memcmp(parts[i].name, name, length) == 0)
                parts[i].write(filling, out);
    }
    return at;
}

int html_head(const struct request *request, const struct summary *summary, const struct chart *chart, struct buf *out,
              struct cm_error *error)
{
    const struct filling filling = {request, summary, chart};
    fill(&filling, 0, out);
    return out->failed ? error_set(error, CM_ELIMIT, 0, "the page is too long") : CM_OK;
}

void html_row(const struct request *request, const struct field *fields, bool first, struct buf *out)
{
    struct buf row;
    buf_init(&row, SHEET_ROW_BYTES_MAX);
    sheet_json_array(&request->report->sheet, fields, &row);
    buf_append_str(out, first ? "" : ",\n");
    for (size_t at = 0; at < row.size;) {
        size_t plain = strcspn(row.data + at, "<>&");
        buf_append(out, row.data + at, plain);
        at += plain;
        if (at < row.size)
            buf_appendf(out, "\\u%04x", (unsigned char)row.data[at++]);
    }
    out->failed = out->failed || row.failed;
    buf_done(&row);
}

int html_tail(struct buf *out, struct cm_error *error)
{
    static const char mark[] = "@@ROWS@@";
    const struct filling nothing = {0};
    const char *rest = memmem(page_html, sizeof page_html, mark, sizeof mark - 1);
    buf_append_str(out, "\n]}");
    fill(&nothing, (size_t)(rest - page_html) + sizeof mark - 1, out);
    return out->failed ? error_set(error, CM_ELIMIT, 0, "the page is too long") : CM_OK;
}
