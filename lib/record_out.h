/* What the writers of records share: members of JSON objects, appended fast. Every member but the first of an object starts with its
 * comma: keys are given as they stand in the line, `,"port":`. Private to lib/record*.c. */
#ifndef CERTMUSTER_LIB_RECORD_OUT_H
#define CERTMUSTER_LIB_RECORD_OUT_H

#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/cert.h"
#include "certmuster/escape.h"
#include "certmuster/record.h"
#include "certmuster/timefmt.h"

#define OUT_LITERAL(out, literal) buf_append((out), "" literal, sizeof(literal) - 1)

/* `"text"`, escaped. */
static inline void out_string(struct buf *out, const char *text, size_t size)
{
    buf_append_char(out, '"');
    escape_json(out, text, size);
    buf_append_char(out, '"');
}

/* A member that is always there; NULL counts as "". */
static inline void out_text(struct buf *out, const char *key, const char *text)
{
    buf_append_str(out, key);
    out_string(out, text ? text : "", text ? strlen(text) : 0);
}

/* A member that is left out when nothing is known. */
static inline void out_known(struct buf *out, const char *key, const char *text)
{
    if (text && *text)
        out_text(out, key, text);
}

/* JSON readers hold 63 bits: counters and sizes stop there. */
static inline void out_number(struct buf *out, const char *key, uint64_t value)
{
    buf_append_str(out, key);
    buf_append_u64(out, value <= INT64_MAX ? value : INT64_MAX);
}

/* RFC 3339 with seconds: `2026-11-21T03:00:00Z`, which needs no escaping. */
static inline void out_seconds(struct buf *out, const char *key, int64_t seconds)
{
    char text[TIMEFMT_SIZE];
    timefmt_seconds(text, seconds);
    buf_append_str(out, key);
    buf_append_char(out, '"');
    buf_append_str(out, text);
    buf_append_char(out, '"');
}

enum { RECORD_NAME_MAX = 64 * 1024 }; /* bytes of a name's text: what scratch buffers below hold */

/* `…:"hex"`; key ends in the quote. */
static inline void out_hex(struct buf *out, const char *key, const void *bytes, size_t size)
{
    buf_append_str(out, key);
    hex_append(out, bytes, size);
    buf_append_char(out, '"');
}

void record_begin(struct buf *out, const char *type); /* {"v":1,"type":"…" */
void record_end(struct buf *out);                     /* } and the line feed */
/* record.c: who saw it, when and where. */
void record_out_seen(struct buf *out, const struct record_seen *seen);
/* record_certificate.c: members of what was decoded; left out when there is nothing. */
void record_out_name(struct buf *out, const char *key, struct slice name, struct buf *scratch);
void record_out_key(struct buf *out, const struct cert *cert); /* spki_sha256 and key */
void record_out_san(struct buf *out, const struct cert *cert, struct buf *scratch);

#endif
