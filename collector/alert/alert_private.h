/* What the files of collector/alert/ share. */
#ifndef ALERT_PRIVATE_H
#define ALERT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/config.h"
#include "certmuster/db.h"
#include "certmuster/error.h"
#include "certmuster/ids.h"

enum {
    ALERT_NAMES_SHOWN = 20,           /* of a certificate, in one message */
    ALERT_PLACES_SHOWN = 10,          /* and of its places */
    ALERT_TOLD_PER_TICK = 200,        /* alerts queued in one transaction; the rest comes with the next tick */
    ALERT_MESSAGE_BYTES = 256 * 1024, /* a largest message: 20 names and 10 places of 8 KiB each, escaped */
    ALERT_FIELD_BYTES = 1000,         /* what a message shows of one name, place or distinguished name */
};

/* sync.c: brings alert and alert_event up to date with expiry_due, drops queued messages that have become untrue. */
CM_MUST_CHECK int alert_sync(struct db *db, struct cm_error *error);

/* queue.c: writes delivery rows for what is to be told and marks it told, in one transaction; sends nothing. */
CM_MUST_CHECK int alert_queue(struct db *db, const struct config *config, struct cm_error *error);

/* deliver.c: sends what is due until deadline_ms (monotonic). */
CM_MUST_CHECK int alert_deliver(struct db *db, const struct config *config, int64_t deadline_ms,
                                struct cm_error *error);

/* What a message says. Strings lend; hostile where they come from certificates, paths or the owners file. */
struct alert_facts {
    const char *event; /* "told" or "resolved" */
    const char *sha256, *display_name, *subject, *issuer, *serial, *key;
    int64_t not_before, not_after, now; /* seconds */
    int threshold;                      /* days: 30, 14, 7, 3, 1, 0 */
    const char *resolution;             /* of "resolved" */
    const char *names[ALERT_NAMES_SHOWN];
    size_t name_count;
    uint64_t name_total;
    const char *places[ALERT_PLACES_SHOWN];
    size_t place_count;
    uint64_t place_total;
    const char *owner, *contact, *environment, *criticality; /* "" when there is none */
    const char
        *whom; /* everybody who is told, comma-separated; webhooks by their host alone, since their URLs are secrets */
};

/* compose.c: facts in, text out; pure. */
void alert_subject(struct buf *out, const struct alert_facts *facts); /* one line, plain UTF-8 */
void alert_text(struct buf *out, const struct alert_facts *facts);    /* lines end in \n */
/* The webhook's body: contrib/schema/alert-v1.schema.json. id is the delivery's. */
void alert_json(struct buf *out, const struct alert_facts *facts, const char *id);

/* mail.c: a whole message after RFC 5322 and 2045 to 2047, CRLF, at most 76 columns; pure. Nothing in it can add a header. */
struct mail {
    const char *from, *to;  /* checked with mail_address_ok */
    const char *message_id; /* with angle brackets */
    const char *subject, *text;
    int64_t date; /* seconds */
};
void mail_write(struct buf *out, const struct mail *mail);
/* An addr-spec that may stand in a header and in an SMTP command as it is. */
bool mail_address_ok(const char *address);

/* send.c: libcurl. 0, or a negative code with error filled; *receiver_down when trying another message to it now makes no sense. */
struct sender;
struct sender *sender_new(const struct config *config);
void sender_free(struct sender *sender);
CM_MUST_CHECK int sender_mail(struct sender *sender, const char *to, const char *message, size_t size,
                              bool *receiver_down, struct cm_error *error);
CM_MUST_CHECK int sender_webhook(struct sender *sender, const char *url, const char *key, const char *body, size_t size,
                                 bool *receiver_down, struct cm_error *error);
/* alerts.from, or certmuster@HOST; in out. */
void alert_from(const struct config *config, char *out, size_t size);

#endif
