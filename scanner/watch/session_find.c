/* Where TLS begins in a stream of bytes that may hold anything before it: SMTP, LDAP, a proxy's CONNECT, a protocol that nobody told us of.
 *
 * A handshake record's header and the header of the hello (or Certificate, where a capture began late or lost bytes) in it, checked against each other.
 * Records may be cut down to one byte each, and so may the bytes we are given: what could be a beginning is kept until it is one or not. */
#include <string.h>

#include "certmuster/limits.h"
#include "scanner/watch/session_private.h"

enum { AT_TYPE = 5, AT_LENGTH = 6, AT_VERSION = 9, RECORD_LENGTH_MAX = TLS_CIPHERTEXT_MAX };

/* A handshake message's first bytes that stand whole in the record: type, length, and what the RFC lets come next. */
static enum verdict judge_message(const uint8_t *at, size_t size, size_t record)
{
    uint8_t type = at[0];
    if (type != TLS_CLIENT_HELLO && type != TLS_SERVER_HELLO && type != TLS_CERTIFICATE)
        return NO;
    if (size < 4)
        return PERHAPS;
    size_t length = (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    if (length < 4 || length > CM_LIMIT_FLIGHT_BYTES)
        return NO;
    if (record < 7)
        return YES;
    if (size < 7)
        return PERHAPS;
    if (type == TLS_CERTIFICATE)
        return ((size_t)at[4] << 16 | (size_t)at[5] << 8 | at[6]) == length - 3 ? YES : NO;
    return at[4] == 3 && at[5] <= 4 && length >= 38 ? YES : NO;
}

enum verdict session_judge(const uint8_t *at, size_t size)
{
    if (at[0] != TLS_HANDSHAKE || (size > 1 && at[1] != 3) || (size > 2 && at[2] > 4))
        return NO;
    if (size < AT_LENGTH)
        return PERHAPS;
    size_t record = (size_t)at[3] << 8 | at[4];
    if (record == 0 || record > RECORD_LENGTH_MAX)
        return NO;
    if (record >= 4)
        return judge_message(at + AT_TYPE, size - AT_TYPE, record);
    /* A record of one to three bytes: the next header must follow it. */
    if (at[AT_TYPE] != TLS_CLIENT_HELLO && at[AT_TYPE] != TLS_SERVER_HELLO && at[AT_TYPE] != TLS_CERTIFICATE)
        return NO;
    size_t next = TLS_RECORD_HEADER_SIZE + record;
    if (size <= next + 1)
        return PERHAPS;
    return at[next] == TLS_HANDSHAKE && at[next + 1] == 3 ? YES : NO;
}

/* Goes through what was kept, one more byte at a time. True when TLS begins in it. */
static bool find_in_tail(struct direction *direction, struct slice *bytes)
{
    while (direction->tail_size > 0) {
        enum verdict verdict = session_judge(direction->tail, direction->tail_size);
        if (verdict == YES)
            return true;
        if (verdict == NO || direction->tail_size == FIND_BYTES) {
            direction->tail_size--;
            memmove(direction->tail, direction->tail + 1, direction->tail_size);
            continue;
        }
        if (bytes->size == 0)
            return false;
        direction->tail[direction->tail_size++] = *bytes->data;
        bytes->data++;
        bytes->size--;
    }
    return false;
}

bool session_find(struct direction *direction, struct slice *bytes, struct slice *beginning)
{
    if (find_in_tail(direction, bytes)) {
        *beginning = (struct slice){direction->tail, direction->tail_size};
        direction->tail_size = 0;
        return true;
    }
    while (bytes->size > 0) {
        const uint8_t *at = memchr(bytes->data, TLS_HANDSHAKE, bytes->size);
        size_t left = at ? bytes->size - (size_t)(at - bytes->data) : 0;
        enum verdict verdict = at ? session_judge(at, left) : NO;
        if (verdict == YES) {
            *bytes = (struct slice){at, left};
            *beginning = (struct slice){NULL, 0};
            return true;
        }
        if (verdict == PERHAPS) { /* only where fewer than FIND_BYTES are left */
            memcpy(direction->tail, at, left);
            direction->tail_size = (uint8_t)left;
            return false;
        }
        size_t passed = at ? bytes->size - left + 1 : bytes->size;
        bytes->data += passed;
        bytes->size -= passed;
    }
    return false;
}
