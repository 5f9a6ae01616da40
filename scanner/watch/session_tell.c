/* From what a conversation showed to observations: when is a chain whole, whose is it, and what else is known of it. */
#include <stdlib.h>

#include "scanner/tls/staple.h"
#include "scanner/watch/session_private.h"

/* No hello and no message type says who is who: the lower port is the server's. */
static int guess_client(const struct session *session)
{
    return session->places[0].port > session->places[1].port ? 0 : 1;
}

static void fill(const struct session *session, enum observed_kind kind, struct observed *out)
{
    const struct server_part *part = session->server_part;
    int client = session->client >= 0 ? session->client : guess_client(session);
    *out = (struct observed){
        .kind = kind,
        .transport = session->transport,
        .server = session->places[!client],
        .client = session->places[client],
        .roles_guessed = session->client < 0 || session->guessed,
        .client_hello = session->client_part ? &session->client_part->hello : NULL,
        .server_hello = part ? &part->hello : NULL,
        .version = part ? part->hello.version : 0,
        .quic_version = session->quic_version,
        .suite = part ? part->hello.cipher : 0,
        .group = session->group,
        .client_auth = session->asked         ? 1
                       : session->flight_over ? 0
                                              : -1,
        .scts = -1,
        .at_us = session->at_us,
    };
    if (part)
        out->alpn = part->hello.alpn;
    if (part && part->status &&
        tls_read_certificate_status((struct slice){part->status, part->status_size}, &out->ocsp))
        out->ocsp = (struct slice){NULL, 0};
    unsigned scts;
    if (part && part->hello.scts.size && sct_count(part->hello.scts, &scts) == 0)
        out->scts = (int)scts;
    else if (part && !session_is_13(session))
        out->scts = 0;
}

/* In 1.3 the staple and the SCTs come with the certificate. */
static void fill_13(const struct tls_chain *chain, struct observed *out)
{
    unsigned scts;
    out->ocsp = chain->staple;
    out->scts = chain->scts.size && sct_count(chain->scts, &scts) == 0 ? (int)scts : 0;
}

static void tell_chain(struct session *session, int direction)
{
    static _Thread_local struct tls_chain chain;
    struct reading *reading = session->directions[direction].reading;
    int client = session->client >= 0 ? session->client : guess_client(session);
    enum observed_kind kind = direction == client ? OBSERVED_CLIENT_CHAIN : OBSERVED_SERVER_CHAIN;
    struct slice body = {reading->certificate, reading->certificate_size};
    /* A Certificate in clear has the form of TLS 1.2, whatever a ServerHello that we may have missed said. */
    int code = tls_read_certificate(body, reading->opened ? TLS_VERSION_1_3 : TLS_VERSION_1_2, &chain);
    if (code)
        session->options.counts->refused++;
    if (code == 0 && chain.count > 0) {
        struct observed observed;
        fill(session, kind, &observed);
        observed.chain = chain.certs;
        observed.chain_count = chain.count;
        if (reading->opened)
            fill_13(&chain, &observed);
        else if (kind == OBSERVED_SERVER_CHAIN)
            session_secret_remember(session, body);
        session->options.observed(&observed, session->options.context);
        session->told |= (uint8_t)(1u << kind);
    }
    free(reading->certificate);
    reading->certificate = NULL;
}

/* The client's chain is whole when it is there; the server's when its flight is over, because staple, group and request come behind it. Of whom nothing was heard yet
 * may have been overtaken: his hello is waited for until the handshake goes on to what is encrypted. */
static bool is_whole(const struct session *session, int direction)
{
    const struct direction *side = &session->directions[direction];
    if (side->phase == PHASE_OVER || (side->reading && side->reading->changed))
        return true;
    if (session->client < 0)
        return false;
    if (side->reading && side->reading->opened)
        return true;
    if (!session->directions[!direction].heard)
        return false;
    return direction == session->client ? session->client_part != NULL || !session->guessed : session->flight_over;
}

/* The handshake went on without a certificate that could be seen. */
static bool is_hidden(struct session *session, bool at_end)
{
    const struct direction *sides = session->directions;
    if (session->told || !(session->server_part || session->client_part))
        return false;
    if (session_is_13(session) && !at_end && session_secret_begin(session))
        return sides[!session->client].phase == PHASE_OVER;
    if (session->server_part) {
        bool retry = session->server_part->hello.retry;
        if (session_is_13(session) && (!retry || at_end))
            return session->client_part || at_end;
        bool changed = sides[!session->client].phase == PHASE_OVER ||
                       (sides[!session->client].reading && sides[!session->client].reading->changed);
        return at_end ? changed : changed && !retry && !session->flight_over;
    }
    return at_end && sides[(int)session->client].encrypted;
}

/* A resumed session has the certificate of the one before; without that nothing can be shown but the place. */
static void tell_hidden(struct session *session)
{
    static _Thread_local struct tls_chain chain;
    struct observed observed;
    struct buf certificate;
    buf_init(&certificate, CM_LIMIT_FLIGHT_BYTES);
    bool recalled = !session_is_13(session) && session_secret_recall(session, &certificate) &&
                    tls_read_certificate(buf_slice(&certificate), TLS_VERSION_1_2, &chain) == 0 && chain.count > 0;
    fill(session, recalled ? OBSERVED_SERVER_CHAIN : OBSERVED_HIDDEN, &observed);
    if (recalled) {
        observed.chain = chain.certs;
        observed.chain_count = chain.count;
    }
    session->options.observed(&observed, session->options.context);
    session->told |= 1u << OBSERVED_HIDDEN;
    buf_done(&certificate);
}

void session_tell(struct session *session, bool at_end)
{
    for (int direction = 0; direction < 2; direction++) {
        const struct reading *reading = session->directions[direction].reading;
        if (reading && reading->certificate && (at_end || is_whole(session, direction)))
            tell_chain(session, direction);
    }
    if (is_hidden(session, at_end))
        tell_hidden(session);
}
