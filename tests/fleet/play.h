/* What the fleet does on the wire: one play for each way to behave, honest or not. */
#ifndef CERTMUSTER_FLEET_PLAY_H
#define CERTMUSTER_FLEET_PLAY_H

#include "certmuster/ipaddr.h"
#include "tests/fleet/behaviour.h"
#include "tests/fleet/loop.h"

/* One served address. */
struct place {
    const struct behaviour *behaviour;
    char ip[IPADDR_TEXT_SIZE];
    SSL_CTX *contexts[2];  /* what TLS is made with; the second is the balancer's */
    unsigned *connections; /* counted, for the balancer */
};

extern const struct conn_play *const plays[PLAY_COUNT]; /* PLAY_REFUSE has none */

/* Continues a TLS handshake on conn->ssl, then reads until the peer ends: the `ready` of every TLS play. */
enum conn_fate play_tls_step(struct conn *conn);
/* Begins TLS on the connection as its place says. */
enum conn_fate play_tls_begin(struct conn *conn);

/* starttls.c: dialogues that end in TLS or in the peer's leaving. */
extern const struct conn_play play_smtp, play_imap, play_pop3, play_ldap, play_postgres;

#endif
