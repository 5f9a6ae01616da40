/* Escaping on the way out, once per medium. Input is hostile and need not be UTF-8: invalid bytes become U+FFFD (JSON,
 * HTML, terminal) so that the output is always valid UTF-8. */
#ifndef CERTMUSTER_ESCAPE_H
#define CERTMUSTER_ESCAPE_H

#include "certmuster/buf.h"

/* The contents of a JSON string, without the quotes (RFC 8259 §7). What changes text without being seen (C1, DEL, bidirectional overrides,
 * zero-width and line separators) becomes \uXXXX: the same string to every reader, harmless to whoever looks at the bytes. A NUL becomes
 * U+FFFD, since many readers, PostgreSQL's jsonb among them, refuse \u0000. */
void escape_json(struct buf *out, const char *text, size_t size);
/* A whole JSON text that somebody else wrote (PostgreSQL's json_agg): the same value, its strings as escape_json would leave them. */
void escape_json_text(struct buf *out, const char *json, size_t size);
/* For a terminal or a log line: controls (C0, C1, DEL), bidirectional overrides, zero-width and line separators become \xNN or
 * \u{NNNN}; a backslash is doubled. With ascii_only everything above 0x7E is escaped as well. */
void escape_terminal(struct buf *out, const char *text, size_t size, bool ascii_only);
/* One CSV field (RFC 4180), quoted when needed; a field that a spreadsheet would run (starts with = + - @ TAB CR) gets a
 * leading apostrophe. Line breaks and controls become spaces, other characters that are not seen \u{NNNN}. */
void escape_csv(struct buf *out, const char *text, size_t size);
/* Text and double-quoted attribute values: & < > " ' and controls. */
void escape_html(struct buf *out, const char *text, size_t size);

/* The text as it is where it is valid UTF-8; U+FFFD for every byte that is not, and for NUL: what a database column of text takes. */
void escape_utf8(struct buf *out, const char *text, size_t size);

/* Columns that the text takes on a terminal (wcwidth), and the byte count of its longest prefix of at most `columns`. */
size_t text_columns(const char *text, size_t size);
size_t text_fit(const char *text, size_t size, size_t columns);

#endif
