/* Fields as Java's DataOutputStream writes them: text in modified UTF-8, bytes behind their length; and passwords as UTF-16. Pure. */
#ifndef SCANNER_CRAWL_FORMATS_JAVA_TEXT_H
#define SCANNER_CRAWL_FORMATS_JAVA_TEXT_H

#include <stdbool.h>

#include "certmuster/buf.h"
#include "scanner/crawl/passwords.h"

/* u16 length and text, u32 length and bytes. CM_ETRUNCATED leaves the cursor where it was. */
CM_MUST_CHECK int java_read_text(struct cursor *cursor, struct slice *text);
CM_MUST_CHECK int java_read_data(struct cursor *cursor, struct slice *data);

/* Appends text of modified UTF-8 (The Java Virtual Machine Specification §4.4.7) as UTF-8, plain UTF-8 as it is. What has no place in a name, NUL
 * and halves of pairs and bytes that are no text, becomes U+FFFD. Stops at max bytes in out: false then. */
CM_MUST_CHECK bool java_text_append(struct buf *out, struct slice text, size_t max);
/* True when text is modified or plain UTF-8 without control characters: an alias that somebody could have typed. */
bool java_text_plausible(struct slice text);

/* A password as Java's char[]: UTF-16, big-endian, followed by two zero bytes that size does not count. */
struct java_password {
    uint8_t bytes[2 * PASSWORD_BYTES_MAX + 2];
    size_t size;
};
enum { JAVA_PASSWORD_READINGS = 2 };
/* Reading 0: password as UTF-8. Reading 1: each byte a char, as a keytool makes it that was started under the C locale; false when that is no
 * other than reading 0. The caller cleanses *out. */
bool java_password(const char *password, unsigned reading, struct java_password *out);

#endif
