/* One TLS conversation read from both directions' ordered bytes: finds TLS by content at any offset in either direction, follows records and
 * handshake messages up to the certificates, tells what it saw, and says when nothing more can come.
 *
 * Client and server are known by their hellos. A direction with a gap goes on looking behind it (for a hello, or a Certificate at a record's
 * start); the other direction does not notice. It is over when both chains that can come are told, at encrypted records, or at something that no TLS does. */
#ifndef SCANNER_WATCH_SESSION_H
#define SCANNER_WATCH_SESSION_H

#include "scanner/watch/observed.h"

struct keylog;
struct session;

struct session_counts {
    uint64_t handshakes; /* ServerHellos and, without one, ClientHellos that were followed */
    uint64_t truncated;  /* ended, or lost bytes, inside a handshake message or a record of some */
    uint64_t refused;    /* a message above its ceiling, or one that makes no sense */
};

struct session_options {
    struct keylog *keylog; /* NULL: none */
    observed_fn observed;
    void *context;
    struct session_counts *counts;
};

/* places[0] sent direction 0. Allocates little; grows with what has arrived, capped. */
struct session *session_new(const struct session_options *options, const struct place places[2], int64_t at_us);
void session_free(struct session *session);
/* The next bytes in order of one direction (0 or 1). False: this session needs no more (told, or hopeless). */
bool session_bytes(struct session *session, int direction, struct slice bytes, int64_t at_us);
/* missing 0: what came so far was garbage; this direction begins anew. */
bool session_gap(struct session *session, int direction, uint32_t missing);
/* The flow ended: tells what was not told yet. A lone ClientHello tells nothing. */
void session_end(struct session *session);
int session_client(const struct session *session); /* the direction that is the client's; -1: unknown */
size_t session_memory(const struct session *session);
/* 0: nothing of TLS seen, 1: TLS seen, 2: a hello seen, or all told that will likely come, 3: both hellos seen and a chain to come. For
 * eviction. */
int session_usefulness(const struct session *session);

#endif
