/* Expiries over time as SVG. Everything in it is a number or a date of ours, so there is nothing to escape; colours are classes, since the
 * page's policy allows no style attribute. */
#include "report/html/chart.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/timefmt.h"

enum { DAY_S = 86400 };

/* ---- counting ---- */

enum chart_column { DAY, CLASS, COUNT, CHART_COLUMN_COUNT };

static const struct column columns[CHART_COLUMN_COUNT] = {
    [DAY] = {"day", NULL, COLUMN_INTEGER, false},
    [CLASS] = {"class", NULL, COLUMN_INTEGER, false},
    [COUNT] = {"count", NULL, COLUMN_INTEGER, false},
};

static const char select_sql[] =
    "SELECT u.day, u.class, count(*)"
    " FROM (SELECT DISTINCT p.sha256, CASE WHEN p.not_after <= now() THEN -1 ELSE (p.not_after AT TIME ZONE "
    "'UTC')::date"
    "   - (now() AT TIME ZONE 'UTC')::date END AS day,"
    "   CASE WHEN p.threshold <= 7 THEN 0 WHEN p.threshold <= 30 THEN 1 ELSE 2 END AS class"
    "  FROM certificate_place p"
    "  WHERE p.not_after <= now() + interval '92 days' AND ($2::boolean OR p.role <> 'trust')"
    "   AND ($3::text IS NULL OR p.owner = $3 OR ($3 = 'none' AND p.owner IS NULL)) AND $1::interval IS NOT NULL"
    " AND $4::boolean IS NOT NULL";

static const char order_sql[] = ") u GROUP BY u.day, u.class ORDER BY u.day, u.class";

static int take_count(const struct field *fields, void *context, struct cm_error *error)
{
    struct chart *chart = context;
    long day = strtol(fields[DAY].text, NULL, 10), class = strtol(fields[CLASS].text, NULL, 10);
    int64_t count = strtoll(fields[COUNT].text, NULL, 10);
    (void)error;
    if (day < 0)
        chart->overdue += count;
    else if (day < CHART_DAYS && class >= 0 && class < URGENCY_COUNT)
        chart->days[day][class] += count;
    return CM_OK;
}

int chart_read(struct db *db, const struct request *request, struct chart *out, struct cm_error *error)
{
    int64_t rows;
    struct chart chart = {0};
    const struct report report = {.sheet = {"chart", columns, CHART_COLUMN_COUNT},
                                  .select = select_sql,
                                  .order = order_sql,
                                  .filter = report_expiring.filter};
    struct request counting = *request;
    counting.report = &report;
    int code = report_each(db, &counting, take_count, &chart, &rows, error);
    if (!code)
        *out = chart;
    return code;
}

static int64_t day_total(const struct chart *chart, int day)
{
    int64_t total = 0;
    for (int class = 0; class < URGENCY_COUNT; class ++)
        total += chart->days[day][class];
    return total;
}

int64_t chart_within(const struct chart *chart, int days)
{
    int64_t total = 0;
    for (int day = 0; day <= days && day < CHART_DAYS; day++)
        total += day_total(chart, day);
    return total;
}

/* ---- drawing ---- */

/* In units of the view box. */
enum {
    WIDTH = 1000,
    HEIGHT = 198,
    LEFT = 44, /* of the overdue bar; tick labels stand before it */
    OVERDUE_WIDTH = 34,
    FIRST_DAY = LEFT + OVERDUE_WIDTH + 18,
    TOP = 20,
    BASE = 176, /* y of the axis */
    BAR_HEIGHT_MIN = 2,
};

static double day_pitch(void)
{
    return (double)(WIDTH - FIRST_DAY - 4) / CHART_DAYS;
}

/* The smallest of 1, 2, 5 × 10^n that is not below value. */
static int64_t nice_ceiling(int64_t value)
{
    static const int64_t steps[] = {1, 2, 5};
    for (int64_t power = 1;; power *= 10)
        for (size_t i = 0; i < 3; i++)
            if (steps[i] * power >= value || power > INT64_MAX / 100)
                return steps[i] * power;
}

static double bar_height(int64_t count, int64_t top)
{
    double height = (double)count * (BASE - TOP) / (double)top;
    if (height > BASE - TOP)
        height = BASE - TOP;
    return count > 0 && height < BAR_HEIGHT_MIN ? BAR_HEIGHT_MIN : height;
}

static void draw_ticks(int64_t top, struct buf *out)
{
    int64_t step = top >= 4 ? top / (top % 4 == 0 ? 4 : 2) : 1;
    if (step < 1)
        step = 1;
    for (int64_t value = 0; value <= top; value += step) {
        double y = BASE - (double)value * (BASE - TOP) / (double)top;
        buf_appendf(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT - 4, WIDTH, y, y);
        buf_appendf(out, "<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 8, y + 3.5);
        append_number(out, value);
        buf_append_str(out, "</text>");
    }
}

static void draw_overdue(int64_t count, int64_t top, struct buf *out)
{
    double height = bar_height(count, top);
    buf_append_str(out, "<g class=\"day\" data-day=\"overdue\"><title>");
    append_count(out, count, "certificate has expired", "certificates have expired");
    buf_appendf(out, "</title><rect class=\"hit\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>", LEFT, TOP,
                OVERDUE_WIDTH, BASE - TOP);
    if (count > 0)
        buf_appendf(out, "<rect class=\"expired\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" rx=\"2\"/>", LEFT,
                    BASE - height, OVERDUE_WIDTH, height);
    if (count > top) /* higher than the picture: a broken bar, the number above tells */
        buf_appendf(out, "<path class=\"break\" d=\"M%d %d l%d -6 v5 l-%d 6 z\"/>", LEFT - 2, TOP + 22,
                    OVERDUE_WIDTH + 4, OVERDUE_WIDTH + 4);
    buf_appendf(out, "<text class=\"value\" x=\"%d\" y=\"%.1f\" text-anchor=\"middle\">", LEFT + OVERDUE_WIDTH / 2,
                BASE - height - 5);
    append_number(out, count);
    buf_appendf(out, "</text><text class=\"tick strong\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">expired</text></g>",
                LEFT + OVERDUE_WIDTH / 2, BASE + 15);
}

static void draw_day(const struct chart *chart, int day, int64_t at, int64_t top, struct buf *out)
{
    static const char *const classes[URGENCY_COUNT] = {"urgent", "soon", "later"};
    char date[TIMEFMT_SIZE];
    double x = FIRST_DAY + day * day_pitch(), width = day_pitch() - 1.6, y = BASE;
    int64_t total = day_total(chart, day);

    timefmt_date(date, at + (int64_t)day * DAY_S);
    if (total == 0)
        return;
    buf_appendf(out, "<g class=\"day\" data-day=\"%s\"><title>%s: ", date, date);
    append_count(out, total, "certificate expires", "certificates expire");
    buf_appendf(out, "</title><rect class=\"hit\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>", x - 0.8, TOP,
                width + 1.6, BASE - TOP);
    for (int class = 0; class < URGENCY_COUNT; class ++) {
        double height = bar_height(chart->days[day][class], top);
        if (chart->days[day][class] == 0)
            continue;
        y -= height;
        buf_appendf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"1\"/>",
                    classes[class], x, y, width, height);
    }
    buf_append_str(out, "</g>");
}

/* A date under every seventh day, a line where the month begins. */
static void draw_dates(int64_t at, struct buf *out)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int day = 0; day < CHART_DAYS; day++) {
        char date[TIMEFMT_SIZE];
        double x = FIRST_DAY + day * day_pitch();
        timefmt_date(date, at + (int64_t)day * DAY_S);
        int month = atoi(date + 5), of_month = atoi(date + 8);
        if (of_month == 1)
            buf_appendf(out, "<line class=\"month\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", x - 0.8, x - 0.8,
                        TOP, BASE + 20);
        if (day % 7 != 0)
            continue;
        buf_appendf(out, "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", x, x, BASE, BASE + 4);
        buf_appendf(out, "<text class=\"tick%s\" x=\"%.1f\" y=\"%d\">%s", day ? "" : " strong", x - 1, BASE + 15,
                    day ? "" : "today</text>");
        if (day)
            buf_appendf(out, "%d %s</text>", of_month, month >= 1 && month <= 12 ? months[month - 1] : "");
    }
}

void chart_svg(const struct chart *chart, int64_t at, struct buf *out)
{
    int64_t highest = 1;
    for (int day = 0; day < CHART_DAYS; day++)
        if (day_total(chart, day) > highest)
            highest = day_total(chart, day);
    int64_t top = nice_ceiling(highest);

    buf_appendf(out,
                "<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"chart-title chart-desc\">"
                "<title id=\"chart-title\">Certificates by day of expiry</title><desc id=\"chart-desc\">",
                WIDTH, HEIGHT);
    append_count(out, chart->overdue, "certificate has expired; ", "certificates have expired; ");
    append_count(out, chart_within(chart, 7), "expires", "expire");
    buf_append_str(out, " within 7 days, ");
    append_number(out, chart_within(chart, 30));
    buf_append_str(out, " within 30, ");
    append_number(out, chart_within(chart, 90));
    buf_append_str(out, " within 90.</desc>");
    draw_ticks(top, out);
    draw_dates(at, out);
    draw_overdue(chart->overdue, top, out);
    for (int day = 0; day < CHART_DAYS; day++)
        draw_day(chart, day, at, top, out);
    buf_appendf(out, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/></svg>", LEFT - 4, WIDTH, BASE,
                BASE);
}
