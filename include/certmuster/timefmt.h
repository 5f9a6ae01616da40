/* Times: RFC 3339 in and out, durations as people type them, clocks. All times are UTC, seconds or milliseconds since the
 * epoch; years 0000 to 9999. */
#ifndef CERTMUSTER_TIMEFMT_H
#define CERTMUSTER_TIMEFMT_H

#include <stdint.h>

#include "certmuster/error.h"

enum { TIMEFMT_SIZE = 32 };
#define TIMEFMT_YEAR_ONE                                                                                               \
    INT64_C(-62135596800) /* 0001-01-01T00:00:00Z, the first that PostgreSQL holds: it has no year 0 */

void timefmt_seconds(char out[static TIMEFMT_SIZE], int64_t seconds); /* 2026-11-21T03:00:00Z */
void timefmt_ms(char out[static TIMEFMT_SIZE], int64_t ms);           /* 2026-11-21T03:00:00.000Z */
void timefmt_date(char out[static TIMEFMT_SIZE], int64_t seconds);    /* 2026-11-21 */
/* RFC 3339 with any offset and fraction. */
CM_MUST_CHECK int timefmt_read_ms(const char *text, int64_t *ms);
/* "30d", "12h", "90m", "45s", "250ms", "2w", "1.5d"; a bare number is in units of default_unit_ms. */
CM_MUST_CHECK int duration_read_ms(const char *text, int64_t default_unit_ms, int64_t *ms);
/* For people: "in 5 days", "expired 3 hours ago", "in 47 minutes". */
void timefmt_distance(char out[static TIMEFMT_SIZE], int64_t seconds_from_now);

int64_t clock_wall_ms(void);
int64_t clock_monotonic_ms(void);

#endif
