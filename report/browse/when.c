/* How long is left, in words, marks and bars. See when.h; the clock is always a parameter. */
#include "report/browse/when.h"

#include <stdio.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
#define YEAR (INT64_C(31557600))

static bool holds(int days, int64_t not_before, int64_t not_after, int64_t now)
{
    double left = (double)not_after - (double)now, limit = (double)days * DAY;
    if (not_before != INT64_MIN && ((double)not_after - (double)not_before) * days / 90.0 < limit)
        limit = ((double)not_after - (double)not_before) * days / 90.0;
    return left <= limit;
}

enum urgency when_urgency(int64_t not_before, int64_t not_after, int64_t now)
{
    if (not_after == WHEN_NEVER)
        return URGENCY_NONE;
    if (not_after <= now)
        return URGENCY_EXPIRED;
    if (holds(3, not_before, not_after, now))
        return URGENCY_3;
    if (holds(14, not_before, not_after, now))
        return URGENCY_14;
    return holds(30, not_before, not_after, now) ? URGENCY_30 : URGENCY_NONE;
}

const char *when_mark(enum urgency urgency, bool utf8)
{
    static const char *const marks[][2] = {
        [URGENCY_NONE] = {" ", " "}, [URGENCY_30] = {".", "·"},      [URGENCY_14] = {"+", "▴"},
        [URGENCY_3] = {"!", "!"},    [URGENCY_EXPIRED] = {"x", "✗"},
    };
    return marks[urgency][utf8];
}

enum paint when_paint(enum urgency urgency)
{
    static const enum paint paints[] = {
        [URGENCY_NONE] = PAINT_PLAIN, [URGENCY_30] = PAINT_SOON,     [URGENCY_14] = PAINT_WARN,
        [URGENCY_3] = PAINT_BAD,      [URGENCY_EXPIRED] = PAINT_BAD,
    };
    return paints[urgency];
}

void when_short(char out[static WHEN_SIZE], int64_t not_after, int64_t now)
{
    if (not_after == WHEN_NEVER) {
        snprintf(out, WHEN_SIZE, "unknown");
        return;
    }
    bool past = not_after <= now;
    long long left = past ? now - not_after : not_after - now;
    const char *ago = past ? " ago" : "";
    if (left < HOUR)
        snprintf(out, WHEN_SIZE, "%lld min%s", left / MINUTE, ago);
    else if (past && left < 2 * DAY)
        snprintf(out, WHEN_SIZE, "%lld h%s", left / HOUR, ago);
    else if (left < 2 * DAY)
        snprintf(out, WHEN_SIZE, "%lld h %02lld m", left / HOUR, left % HOUR / MINUTE);
    else if (!past && left < 14 * DAY)
        snprintf(out, WHEN_SIZE, "%lld d %02lld h", left / DAY, left % DAY / HOUR);
    else if (left < 1000 * (long long)DAY)
        snprintf(out, WHEN_SIZE, "%lld d%s", left / DAY, ago);
    else
        snprintf(out, WHEN_SIZE, "%lld y%s", left / YEAR, ago);
}

void when_ago(char out[static WHEN_SIZE], int64_t then, int64_t now)
{
    static const struct {
        int64_t least, unit;
        const char *name;
    } steps[] = {{2 * DAY, DAY, "d"}, {2 * HOUR, HOUR, "h"}, {2 * MINUTE, MINUTE, "min"}, {0, 1, "s"}};
    int64_t passed = now > then ? now - then : 0;
    size_t i = 0;
    while (passed < steps[i].least)
        i++;
    if (then == 0)
        snprintf(out, WHEN_SIZE, "never");
    else
        snprintf(out, WHEN_SIZE, "%lld %s ago", (long long)(passed / steps[i].unit), steps[i].name);
}

void when_bar(struct buf *out, int64_t not_before, int64_t not_after, int64_t now, int width, bool utf8, int *percent)
{
    double lifetime = (double)not_after - (double)not_before, used = (double)now - (double)not_before;
    double part = lifetime > 0 ? used / lifetime : 1;
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    *percent = (int)(part * 100);
    int full = (int)(part * width + 0.5);
    for (int i = 0; i < width; i++)
        buf_append_str(out, i < full ? (utf8 ? "█" : "#") : (utf8 ? "░" : "-"));
}
