/* DER elements and their times (X.690 §8, §10, §11.7; RFC 5280 §4.1.2.5).
 *
 * Owns nothing. cert.c, the PKCS#12 reader and the key reader call it. It refuses BER: indefinite lengths, long forms where a short one
 * would do, tag numbers above 30. What it writes is DER. */
#include "certmuster/der.h"

static int read_length(struct cursor *cursor, size_t *length)
{
    uint8_t first;
    if (cursor_u8(cursor, &first))
        return CM_ETRUNCATED;
    if (first < 0x80) {
        *length = first;
        return 0;
    }
    if (first == 0x80)
        return CM_EUNSUPPORTED; /* indefinite */
    unsigned count = first & 0x7f;
    if (count > 4)
        return CM_EMALFORMED;
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++) {
        uint8_t byte;
        if (cursor_u8(cursor, &byte))
            return CM_ETRUNCATED;
        sum = sum << 8 | byte;
    }
    if (sum < 0x80 || sum >> (8 * (count - 1)) == 0)
        return CM_EMALFORMED; /* not the shortest form */
    *length = (size_t)sum;
    return 0;
}

int der_next(struct cursor *cursor, struct der_element *out)
{
    struct cursor trial = *cursor;
    struct der_element element;
    size_t length;
    if (cursor_u8(&trial, &element.tag))
        return CM_ETRUNCATED;
    if ((element.tag & 0x1f) == 0x1f)
        return CM_EMALFORMED;
    int status = read_length(&trial, &length);
    if (status)
        return status;
    if (cursor_slice(&trial, length, &element.contents))
        return CM_ETRUNCATED;
    element.whole.data = cursor->at;
    element.whole.size = (size_t)(trial.at - cursor->at);
    *cursor = trial;
    *out = element;
    return 0;
}

int der_expect(struct cursor *cursor, uint8_t tag, struct cursor *out)
{
    struct cursor trial = *cursor;
    struct der_element element;
    int status = der_next(&trial, &element);
    if (status)
        return status;
    if (element.tag != tag)
        return CM_EMALFORMED;
    cursor_init_slice(out, element.contents);
    *cursor = trial;
    return 0;
}

/* Exactly count digits; -1 when they are not there. */
static int digits(struct cursor *cursor, unsigned count)
{
    struct cursor trial = *cursor;
    int sum = 0;
    for (unsigned i = 0; i < count; i++) {
        uint8_t c;
        if (cursor_u8(&trial, &c) || c < '0' || c > '9')
            return -1;
        sum = sum * 10 + (c - '0');
    }
    *cursor = trial;
    return sum;
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t past = (int64_t)year - 1; /* whole years behind us, leap days counted from year 0 */
    int64_t leaps = year > 0 ? past / 4 - past / 100 + past / 400 + 1 : 0;
    int leap_now = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return (int64_t)year * 365 + leaps + before[month - 1] + (leap_now && month > 2) + day - 1 - 719528;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (leap && month == 2);
}

/* What follows the digits: nothing (taken as UTC), Z, or +hhmm / -hhmm. */
static int read_zone(struct cursor *cursor, int64_t *offset_seconds)
{
    uint8_t sign;
    *offset_seconds = 0;
    if (cursor_u8(cursor, &sign) || (sign == 'Z' && cursor_at_end(cursor)))
        return 0;
    if (sign != '+' && sign != '-')
        return CM_EMALFORMED;
    int hours = digits(cursor, 2), minutes = digits(cursor, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || !cursor_at_end(cursor))
        return CM_EMALFORMED;
    *offset_seconds = (sign == '+' ? 1 : -1) * ((int64_t)hours * 3600 + (int64_t)minutes * 60);
    return 0;
}

int der_time(const struct der_element *element, int64_t *seconds)
{
    struct cursor cursor;
    cursor_init_slice(&cursor, element->contents);
    bool general = element->tag == DER_GENERALIZED_TIME;
    if (!general && element->tag != DER_UTC_TIME)
        return CM_EMALFORMED;

    int year = digits(&cursor, general ? 4 : 2);
    if (!general && year >= 0)
        year += year < 50 ? 2000 : 1900; /* RFC 5280 §4.1.2.5.1 */
    int month = digits(&cursor, 2), day = digits(&cursor, 2), hour = digits(&cursor, 2);
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > month_days(year, month) || hour < 0 || hour > 23)
        return CM_EMALFORMED;
    int minute = digits(&cursor, 2);
    if (minute > 59 || (minute < 0 && !general))
        return CM_EMALFORMED;
    int second = minute < 0 ? -1 : digits(&cursor, 2);
    if (second > 59)
        return CM_EMALFORMED;
    uint8_t c;
    if (general && second >= 0 && !cursor_peek_u8(&cursor, &c) && (c == '.' || c == ',')) {
        unsigned fraction = 0;
        if (cursor_skip(&cursor, 1))
            return CM_EMALFORMED;
        while (digits(&cursor, 1) >= 0)
            fraction++;
        if (!fraction)
            return CM_EMALFORMED;
    }
    int64_t offset;
    if (read_zone(&cursor, &offset))
        return CM_EMALFORMED;
    *seconds = days_of(year, month, day) * 86400 + hour * 3600 + (minute < 0 ? 0 : minute) * 60 +
               (second < 0 ? 0 : second) - offset;
    return 0;
}

static void append_length(struct buf *out, size_t size)
{
    unsigned count = 1;
    if (size < 0x80) {
        buf_append_char(out, (char)size);
        return;
    }
    while (count < sizeof size && size >> (8 * count))
        count++;
    buf_append_char(out, (char)(0x80 | count));
    while (count--)
        buf_append_char(out, (char)(size >> (8 * count)));
}

void der_append(struct buf *out, uint8_t tag, const void *contents, size_t size)
{
    buf_append_char(out, (char)tag);
    append_length(out, size);
    buf_append(out, contents, size);
}

void der_append_unsigned(struct buf *out, const void *magnitude, size_t size)
{
    const uint8_t *at = magnitude;
    while (size && !*at) {
        at++;
        size--;
    }
    bool zero = size == 0 || *at & 0x80;
    buf_append_char(out, DER_INTEGER);
    append_length(out, size + zero);
    if (zero)
        buf_append_char(out, 0);
    buf_append(out, at, size);
}
