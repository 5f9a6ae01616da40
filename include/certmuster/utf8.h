/* UTF-8 (RFC 3629), one code point at a time, over text that need not be UTF-8. */
#ifndef CERTMUSTER_UTF8_H
#define CERTMUSTER_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/buf.h"

enum { UTF8_REPLACEMENT = 0xFFFD };

/* Decodes the code point at text (size > 0): returns its bytes, 1 to 4; 0 when the first byte begins none (overlong forms, surrogates and
 * values above U+10FFFF included): skip one byte then. */
unsigned utf8_decode(const char *text, size_t size, uint32_t *code);
/* Appends a code point; surrogates and values above U+10FFFF become U+FFFD. */
void utf8_append(struct buf *out, uint32_t code);
/* Changes what people see without being seen: C1 controls, bidirectional marks and overrides, zero-width and blank characters, line
 * separators, tags. ASCII controls are not asked here. */
bool utf8_is_hidden(uint32_t code);

#endif
