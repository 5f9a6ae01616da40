/* The client's side of asking a server to begin TLS: SMTP (RFC 3207), IMAP and POP3 (RFC 2595), LDAP (RFC 4511 §4.14),
 * PostgreSQL (protocol §55.2.10). Bytes in, bytes out, like the handshake; no I/O, no clock.
 *
 * Bounded: an answer's line, and all that a server may say. Bytes that arrive after the server's go-ahead and before our ClientHello
 * are refused as a protocol error: they are either an injection or a server that would mix clear text into TLS (CVE-2011-0411,
 * CVE-2021-23222). */
#ifndef SCANNER_SCAN_STARTTLS_H
#define SCANNER_SCAN_STARTTLS_H

#include <stdbool.h>

#include "certmuster/buf.h"
#include "certmuster/record.h"
#include "certmuster/starttls.h"

bool starttls_server_first(enum starttls protocol); /* the server greets before we say a word */

enum dialogue_state { DIALOGUE_GOING, DIALOGUE_READY /* TLS may begin */, DIALOGUE_FAILED };

enum { DIALOGUE_DETAIL_SIZE = 200 };

struct dialogue {
    enum starttls protocol;
    enum dialogue_state state;
    size_t exchange; /* the row of the table that is waited for */
    const char *client_name;
    struct buf in, out;
    size_t received;
    bool offered; /* STARTTLS stood among the capabilities */
    enum record_error error;
    char detail[DIALOGUE_DETAIL_SIZE]; /* hostile: a server's line */
};

/* client_name (for EHLO) lends. protocol is one of the five dialogues. */
void dialogue_init(struct dialogue *dialogue, enum starttls protocol, const char *client_name);
void dialogue_done(struct dialogue *dialogue);
enum dialogue_state dialogue_feed(struct dialogue *dialogue, const void *bytes, size_t size);
struct slice dialogue_output(const struct dialogue *dialogue); /* lends until the next call */
void dialogue_sent(struct dialogue *dialogue, size_t size);

#endif
