/* Time as the on-call engineer needs it: how long is left, how urgent that is, how much of a lifetime is used up. Pure. */
#ifndef REPORT_BROWSE_WHEN_H
#define REPORT_BROWSE_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "report/browse/screen.h"

enum { WHEN_SIZE = 32 };
#define WHEN_NEVER INT64_MAX /* expires when nobody knows: undecodable */

enum urgency { URGENCY_NONE, URGENCY_30, URGENCY_14, URGENCY_3, URGENCY_EXPIRED };

/* The thresholds of sql/0004, so that a mark and an alert never disagree: N days hold when what is left is at most
 * min(N, lifetime × N / 90) days. not_before may be unknown (INT64_MIN): then N days alone. */
enum urgency when_urgency(int64_t not_before, int64_t not_after, int64_t now);
const char *when_mark(enum urgency urgency, bool utf8); /* one column */
enum paint when_paint(enum urgency urgency);

/* At most 10 columns: "47 min", "4 h 12 m", "6 d 03 h", "397 d", "11 y", "3 d ago", "unknown". */
void when_short(char out[static WHEN_SIZE], int64_t not_after, int64_t now);
/* "5 s ago", "12 min ago", "3 h ago", "2 d ago"; "never" for 0. */
void when_ago(char out[static WHEN_SIZE], int64_t then, int64_t now);
/* A bar of `width` columns, how much of the lifetime is over; *percent 0 to 100. */
void when_bar(struct buf *out, int64_t not_before, int64_t not_after, int64_t now, int width, bool utf8, int *percent);

#endif
