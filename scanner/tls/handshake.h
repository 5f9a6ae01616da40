/* One TLS handshake as a client, up to the server's certificates and no further: bytes in, bytes out, a result.
 *
 * Does no I/O and knows no clock: whoever owns the connection feeds what arrived, sends what handshake_output lends, and says
 * when the connection or the time has ended. Nothing is verified and nothing is trusted: the chain is the Certificate
 * message's bytes, in the order sent, duplicates and bytes that are no certificate included.
 *
 * It ends as early as it can: in 1.3 at Certificate, before at ServerHelloDone, which tells whether a client certificate is
 * asked for. If a connection ends between Certificate and ServerHelloDone, the chain counts all the same. */
#ifndef SCANNER_TLS_HANDSHAKE_H
#define SCANNER_TLS_HANDSHAKE_H

#include <stdbool.h>

#include "certmuster/cursor.h"
#include "certmuster/error.h"
#include "certmuster/record.h"

enum { HANDSHAKE_CLIENT_CA_MAX = 100, HANDSHAKE_DETAIL_SIZE = 256 };

struct handshake_engine; /* what all handshakes of a process share */
struct handshake;        /* one connection's */

struct handshake_ask {
    const char *name; /* SNI, an A-label; NULL or "": none is sent */
    bool alpn;        /* offer h2 and http/1.1 */
};

enum handshake_state {
    HANDSHAKE_GOING,  /* send the output, feed what comes */
    HANDSHAKE_CHAIN,  /* done: the chain is there */
    HANDSHAKE_FAILED, /* done: error and detail say why */
};

enum handshake_end { HANDSHAKE_END_CLOSED, HANDSHAKE_END_RESET, HANDSHAKE_END_DEADLINE, HANDSHAKE_END_CANCELLED };
enum record_error handshake_end_error(enum handshake_end end);

struct handshake_result {                 /* lends until handshake_free */
    const char *version, *cipher, *group; /* NULL while unknown; known ones stand in failures too */
    const char *alpn;
    int client_auth; /* 1 asked for, 0 not, -1 unknown */
    const char *const *client_ca;
    size_t client_ca_count;
    const struct slice *chain;
    size_t chain_count;
    const char *stage; /* "hello" until a ServerHello was read, then "certificate" */
    enum record_error error;
    const char
        *detail; /* alert: its RFC 8446 name; not_tls: the first bytes, escaped; NULL when there is nothing to say */
};

CM_MUST_CHECK int handshake_engine_new(struct handshake_engine **out, struct cm_error *error);
void handshake_engine_free(struct handshake_engine *engine);

/* The ClientHello is in the output at once. The engine must outlive it. */
struct handshake *handshake_new(struct handshake_engine *engine, const struct handshake_ask *ask);
void handshake_free(struct handshake *handshake);
/* What the server sent; any cut is fine. Once done, further bytes are ignored. */
enum handshake_state handshake_feed(struct handshake *handshake, const void *bytes, size_t size);
/* No more bytes will come, for this reason. Never answers HANDSHAKE_GOING. */
enum handshake_state handshake_finish(struct handshake *handshake, enum handshake_end end);
struct slice handshake_output(const struct handshake *handshake); /* lends until the next call */
void handshake_sent(struct handshake *handshake, size_t size);    /* that many bytes of the output are on their way */
const struct handshake_result *handshake_get_result(const struct handshake *handshake);

#endif
