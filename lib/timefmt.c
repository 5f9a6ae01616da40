/* Times as text: RFC 3339 in and out, durations as people type them, distances as people say them, and the two clocks.
 *
 * Owns nothing. Calendar arithmetic is its own (proleptic Gregorian, UTC, years 0000 to 9999), so no locale or time zone can change it. */
#include "certmuster/timefmt.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MS_PER_SECOND = 1000, MS_PER_DAY = 86400000, SECONDS_PER_DAY = 86400 };
static const int64_t SECONDS_MIN = -62167219200; /* 0000-01-01T00:00:00Z */
static const int64_t SECONDS_MAX = 253402300799; /* 9999-12-31T23:59:59Z */

struct civil {
    int year, month, day, hour, minute, second;
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since the epoch to a date and back; an era is the calendar's 400-year cycle, years begin in March. */
static void civil_of(int64_t seconds, struct civil *out)
{
    int64_t clamped = seconds < SECONDS_MIN ? SECONDS_MIN : seconds > SECONDS_MAX ? SECONDS_MAX : seconds;
    int64_t days = floor_div(clamped, SECONDS_PER_DAY);
    int rest = (int)(clamped - days * SECONDS_PER_DAY);
    days += 719468;
    int64_t era = floor_div(days, 146097);
    int day_of_era = (int)(days - era * 146097);
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int march_month = (5 * day_of_year + 2) / 153;
    out->day = day_of_year - (153 * march_month + 2) / 5 + 1;
    out->month = march_month < 10 ? march_month + 3 : march_month - 9;
    out->year = (int)(year_of_era + era * 400) + (out->month <= 2);
    out->hour = rest / 3600;
    out->minute = rest / 60 % 60;
    out->second = rest % 60;
}

static int64_t seconds_of(const struct civil *civil)
{
    int year = civil->year - (civil->month <= 2);
    int64_t era = floor_div(year, 400);
    int year_of_era = (int)(year - era * 400);
    int day_of_year = (153 * (civil->month + (civil->month > 2 ? -3 : 9)) + 2) / 5 + civil->day - 1;
    int64_t days = era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
    return days * SECONDS_PER_DAY + civil->hour * 3600 + civil->minute * 60 + civil->second;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static void write_digits(char *at, int value, unsigned count)
{
    for (; count > 0; value /= 10)
        at[--count] = (char)('0' + value % 10);
}

/* By hand: records have two or three, and printf would cost more than the rest of them. */
void timefmt_seconds(char out[static TIMEFMT_SIZE], int64_t seconds)
{
    struct civil c;
    civil_of(seconds, &c);
    memcpy(out, "0000-00-00T00:00:00Z", 21);
    write_digits(out, c.year, 4);
    write_digits(out + 5, c.month, 2);
    write_digits(out + 8, c.day, 2);
    write_digits(out + 11, c.hour, 2);
    write_digits(out + 14, c.minute, 2);
    write_digits(out + 17, c.second, 2);
}

void timefmt_ms(char out[static TIMEFMT_SIZE], int64_t ms)
{
    int64_t seconds = floor_div(ms, MS_PER_SECOND);
    timefmt_seconds(out, seconds);
    bool clamped = seconds < SECONDS_MIN || seconds > SECONDS_MAX;
    memcpy(out + 19, ".000Z", 6);
    write_digits(out + 20, clamped ? 0 : (int)(ms - seconds * MS_PER_SECOND), 3);
}

void timefmt_date(char out[static TIMEFMT_SIZE], int64_t seconds)
{
    timefmt_seconds(out, seconds);
    out[10] = '\0';
}

/* Exactly count digits at *text, which moves behind them; -1 when they are not there. */
static int read_digits(const char **text, unsigned count)
{
    int sum = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!isdigit((unsigned char)(*text)[i]))
            return -1;
        sum = sum * 10 + ((*text)[i] - '0');
    }
    *text += count;
    return sum;
}

static bool read_char(const char **text, const char *any)
{
    if (!**text || !strchr(any, **text))
        return false;
    (*text)++;
    return true;
}

/* "Z", "+01:00", "-0330": minutes east of UTC. */
static int read_offset(const char **text, int *minutes)
{
    *minutes = 0;
    if (read_char(text, "Zz"))
        return 0;
    int sign = **text == '-' ? -1 : 1;
    if (!read_char(text, "+-"))
        return CM_EINVAL;
    int hours = read_digits(text, 2);
    read_char(text, ":");
    int rest = read_digits(text, 2);
    if (hours < 0 || hours > 23 || rest < 0 || rest > 59)
        return CM_EINVAL;
    *minutes = sign * (hours * 60 + rest);
    return 0;
}

int timefmt_read_ms(const char *text, int64_t *ms)
{
    struct civil c;
    int offset, fraction = 0;
    bool ok = (c.year = read_digits(&text, 4)) >= 0 && read_char(&text, "-") &&
              (c.month = read_digits(&text, 2)) >= 1 && c.month <= 12 && read_char(&text, "-") &&
              (c.day = read_digits(&text, 2)) >= 1 && c.day <= days_in_month(c.year, c.month) &&
              read_char(&text, "Tt ") && (c.hour = read_digits(&text, 2)) >= 0 && c.hour <= 23 &&
              read_char(&text, ":") && (c.minute = read_digits(&text, 2)) >= 0 && c.minute <= 59 &&
              read_char(&text, ":") && (c.second = read_digits(&text, 2)) >= 0 && c.second <= 60;
    if (!ok)
        return CM_EINVAL;
    if (read_char(&text, ".")) {
        if (!isdigit((unsigned char)*text))
            return CM_EINVAL;
        for (int scale = 100; isdigit((unsigned char)*text); text++, scale /= 10)
            fraction += (*text - '0') * scale;
    }
    if (read_offset(&text, &offset) || *text)
        return CM_EINVAL;
    *ms = (seconds_of(&c) - (int64_t)offset * 60) * MS_PER_SECOND + fraction;
    return 0;
}

int duration_read_ms(const char *text, int64_t default_unit_ms, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t unit_ms;
    } units[] = {{"ms", 1},      {"s", 1000},       {"m", 60000},           {"min", 60000},
                 {"h", 3600000}, {"d", MS_PER_DAY}, {"w", 7LL * MS_PER_DAY}};
    static const int64_t limit_ms = 1000LL * 366 * MS_PER_DAY; /* a thousand years: far from overflow, far beyond use */

    int64_t whole = 0, parts = 0, scale = 1;
    const char *start = text;
    for (; isdigit((unsigned char)*text); text++)
        if ((whole = whole * 10 + (*text - '0')) > limit_ms)
            return CM_EINVAL;
    if (text == start)
        return CM_EINVAL;
    if (read_char(&text, ".")) {
        if (!isdigit((unsigned char)*text))
            return CM_EINVAL;
        for (; isdigit((unsigned char)*text); text++)
            if (scale < 1000000)
                parts = parts * 10 + (*text - '0'), scale *= 10;
    }
    int64_t unit = *text ? 0 : default_unit_ms;
    for (size_t i = 0; *text && i < sizeof units / sizeof *units; i++)
        if (strcmp(text, units[i].name) == 0)
            unit = units[i].unit_ms;
    if (unit <= 0 || whole > limit_ms / unit)
        return CM_EINVAL;
    *ms = whole * unit + (int64_t)((double)parts / (double)scale * (double)unit + 0.5);
    return 0;
}

void timefmt_distance(char out[static TIMEFMT_SIZE], int64_t seconds_from_now)
{
    static const struct {
        int64_t least, unit; /* from `least` seconds on, said in units of `unit` */
        const char *name;
    } steps[] = {{2 * 365 * 86400LL, 365 * 86400LL, "year"},
                 {2 * 86400, 86400, "day"},
                 {2 * 3600, 3600, "hour"},
                 {2 * 60, 60, "minute"},
                 {0, 1, "second"}};
    bool past = seconds_from_now < 0;
    int64_t distance = !past ? seconds_from_now : seconds_from_now == INT64_MIN ? INT64_MAX : -seconds_from_now;
    size_t i = 0;
    while (distance < steps[i].least)
        i++;
    long long count = distance / steps[i].unit;
    const char *plural = count == 1 ? "" : "s";
    if (past)
        snprintf(out, TIMEFMT_SIZE, "expired %lld %s%s ago", count % 1000000000, steps[i].name, plural);
    else
        snprintf(out, TIMEFMT_SIZE, "in %lld %s%s", count % 1000000000, steps[i].name, plural);
}

static int64_t clock_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * MS_PER_SECOND + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}
