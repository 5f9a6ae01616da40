/* Text as it may stand on the screen: escaped, cut and padded to a number of columns. Pure. */
#ifndef REPORT_BROWSE_CELL_H
#define REPORT_BROWSE_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certmuster/buf.h"

enum { CELL_BYTES_MAX = 4096, CELL_TEXT_SIZE = 64 };

enum cell_align { CELL_LEFT, CELL_RIGHT };

/* Appends text, escaped for a terminal and exactly `width` columns wide: padded with spaces, or cut with an ellipsis ("…", in ASCII "~").
 * utf8 false: the result is ASCII. */
void cell_fit(struct buf *out, const char *text, size_t size, size_t width, enum cell_align align, bool utf8);
/* Escaped, neither cut nor padded beyond CELL_BYTES_MAX. */
void cell_plain(struct buf *out, const char *text, bool utf8);

/* What people call an issuer or a subject: its common name, else its organisation, else all of it. Reads RFC 4514. */
void cell_common_name(struct buf *out, const char *name);

/* "1,234,567". */
void cell_count(char out[static CELL_TEXT_SIZE], int64_t count);
/* OpenSSL's name of a verification error in words that fit beside a name: "expired", "no issuer". Lends what it does not know. */
const char *cell_verdict(const char *verdict);

#endif
