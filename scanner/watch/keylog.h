/* NSS key logs (SSLKEYLOGFILE): secrets by client random, from --keylog FILE, which may grow meanwhile, and from the secrets blocks of pcapng. Bounded. Shared by
 * all workers. Secrets never leave this process, not even as a log line. */
#ifndef SCANNER_WATCH_KEYLOG_H
#define SCANNER_WATCH_KEYLOG_H

#include <stdbool.h>

#include "certmuster/buf.h"
#include "certmuster/cursor.h"
#include "certmuster/error.h"

enum { KEYLOG_SECRET_MAX = 48, KEYLOG_RANDOM_SIZE = 32 };

struct keylog_secret {
    uint8_t size; /* 0: unknown */
    uint8_t bytes[KEYLOG_SECRET_MAX];
};

struct keylog_secrets {
    struct keylog_secret server, client; /* SERVER_ and CLIENT_HANDSHAKE_TRAFFIC_SECRET */
    struct keylog_secret master;         /* CLIENT_RANDOM: up to TLS 1.2 */
};

struct keylog;
struct keylog *keylog_new(void);
void keylog_free(struct keylog *keylog);
/* The file is kept open and read on when it has grown. */
CM_MUST_CHECK int keylog_open(struct keylog *keylog, const char *path, struct cm_error *error);
void keylog_add(struct keylog *keylog, struct slice text); /* whole lines; what is no secret of ours is passed over */
/* False when nothing is known of that handshake. */
bool keylog_find(struct keylog *keylog, const uint8_t random[static KEYLOG_RANDOM_SIZE], struct keylog_secrets *out);
/* Up to TLS 1.2 a resumed session has the master secret of the one whose Certificate message was seen. A bounded number of messages is kept, the latest; recall
 * appends a copy. Any worker may ask for what another saw. */
void keylog_remember(struct keylog *keylog, const struct keylog_secret *master, struct slice certificate);
bool keylog_recall(struct keylog *keylog, const struct keylog_secret *master, struct buf *certificate);
bool keylog_is_used(const struct keylog *keylog); /* there is a file, or a secret */

#endif
