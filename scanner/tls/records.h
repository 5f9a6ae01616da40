/* The TLS record layer (RFC 8446 §5.1, RFC 5246 §6.2.1) and the handshake messages that ride on it, read from a stream of bytes that
 * may be cut anywhere. Shared by scan (one connection) and watch (one direction of a flow).
 *
 * Reads in place where it can: a message that lies whole inside one record inside the bytes at hand is lent, not copied. What is
 * incomplete is copied into buffers that grow with what has really arrived, never with what a length field announces. */
#ifndef SCANNER_TLS_RECORDS_H
#define SCANNER_TLS_RECORDS_H

#include "certmuster/buf.h"
#include "certmuster/cursor.h"

enum tls_content_type {
    TLS_CHANGE_CIPHER_SPEC = 20,
    TLS_ALERT = 21,
    TLS_HANDSHAKE = 22,
    TLS_APPLICATION_DATA = 23,
};

enum { TLS_RECORD_HEADER_SIZE = 5, TLS_RECORD_MAX = 16384, TLS_CIPHERTEXT_MAX = 16384 + 2048 /* RFC 5246 §6.2.3 */ };

struct tls_record {
    uint8_t type;
    uint16_t version;              /* of the record header */
    struct slice header, fragment; /* header: the five bytes, the additional data of TLS 1.3 */
};

struct record_reader {
    struct buf partial; /* the beginning of a record whose end has not arrived; allocated with the first such */
    struct slice input; /* what tls_records_feed was given and is not yet read */
    bool broken;
};

void tls_records_init(struct record_reader *reader);
void tls_records_done(struct record_reader *reader);
/* Lends bytes to the reader until tls_records_next has answered something other than 0: CM_ETRUNCATED has copied the incomplete rest, CM_EMALFORMED
 * has let go. So: feed once, then call next until it is not 0, and only then feed again or reuse the memory. */
void tls_records_feed(struct record_reader *reader, const void *bytes, size_t size);
/* 0 with the next whole record, lent until the next call of next or done (and while the fed bytes are there: it may lie in them); a fragment of
 * no bytes is a record too, and the caller counts those. CM_ETRUNCATED: more bytes are needed; CM_EMALFORMED: no TLS record (an unknown type, a
 * major version that is not 3, a fragment above TLS_CIPHERTEXT_MAX), now and for ever. */
CM_MUST_CHECK int tls_records_next(struct record_reader *reader, struct tls_record *out);

/* The beginning of a handshake record has arrived and its end has not. */
bool tls_records_inside_handshake(const struct record_reader *reader);

struct message_reader { /* handshake messages over the fragments of handshake records, or of decrypted ones */
    struct buf partial; /* a message whose end is in a later record */
    struct slice input;
    size_t message_max; /* a larger one is refused as soon as its length is read */
};

struct tls_message {
    uint8_t type;       /* enum tls_handshake_type */
    struct slice body;  /* without the four bytes of type and length */
    struct slice whole; /* with them, for transcripts */
};

void tls_messages_init(struct message_reader *reader, size_t message_max);
void tls_messages_done(struct message_reader *reader);
void tls_messages_feed(struct message_reader *reader, struct slice fragment); /* lends, and is drained, as above */
/* 0 with the next whole message, lent until the next call; CM_ETRUNCATED; CM_ELIMIT: a body above message_max, now and for ever. */
CM_MUST_CHECK int tls_messages_next(struct message_reader *reader, struct tls_message *out);
/* True between messages: nothing of the next has arrived (RFC 8446 §5.1: no message may span a key change). */
bool tls_messages_at_boundary(const struct message_reader *reader);

#endif
