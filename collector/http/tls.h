/* TLS of the collector: 1.2 or later, a client certificate always, and whose it is. */
#ifndef COLLECTOR_HTTP_TLS_H
#define COLLECTOR_HTTP_TLS_H

#include <openssl/ssl.h>

#include "certmuster/config.h"
#include "certmuster/error.h"
#include "collector/peer.h"

/* From collector.tls.cert, .key and .client_ca; the caller frees. */
CM_MUST_CHECK int tls_context(const struct config *config, SSL_CTX **out, struct cm_error *error);
/* The names and fingerprint of the client certificate, which the handshake has verified. CM_EAUTH: there is none. */
CM_MUST_CHECK int tls_peer(SSL *ssl, struct peer *out, struct cm_error *error);

#endif
