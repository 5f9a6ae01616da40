/* Hex and base64 (RFC 4648), into growable buffers; decoding is strict. */
#ifndef CERTMUSTER_ENCODE_H
#define CERTMUSTER_ENCODE_H

#include "certmuster/buf.h"

enum { CM_SHA256_SIZE = 32, CM_SHA256_HEX_SIZE = 65 };

void hex_append(struct buf *out, const void *bytes, size_t size); /* lower case */
/* Writes 2 × size digits and a NUL. */
void hex_write(char *out, const void *bytes, size_t size);
/* Exactly size bytes from exactly 2 × size digits of either case; CM_EMALFORMED otherwise. */
CM_MUST_CHECK int hex_read(const char *text, size_t text_size, uint8_t *out, size_t size);

void base64_append(struct buf *out, const void *bytes, size_t size);
/* Padding is required, white space refused. CM_EMALFORMED, or CM_ELIMIT when out is full. */
CM_MUST_CHECK int base64_read(const char *text, size_t size, struct buf *out);
/* As PEM wants it: white space anywhere, missing padding allowed. */
CM_MUST_CHECK int base64_read_loose(const char *text, size_t size, struct buf *out);

#endif
