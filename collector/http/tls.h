/* TLS of the collector: 1.3 alone, a client certificate always, and whose it is. */
#ifndef COLLECTOR_HTTP_TLS_H
#define COLLECTOR_HTTP_TLS_H

#include <openssl/ssl.h>
#include <sys/stat.h>

#include "certmuster/config.h"
#include "certmuster/error.h"
#include "collector/peer.h"

/* From collector.tls.cert, .key and .client_ca; the caller frees. */
CM_MUST_CHECK int tls_context(const struct config *config, SSL_CTX **out, struct cm_error *error);

/* The three files as they were when they were last looked at. */
struct tls_files {
    struct stat seen[3];
};
/* True when a file is another one than last time (a renewal renames; what was written in place counts as well). */
bool tls_files_changed(const struct config *config, struct tls_files *files);

/* The names and fingerprint of the client certificate, which the handshake has verified. CM_EAUTH: there is none. */
CM_MUST_CHECK int tls_peer(SSL *ssl, struct peer *out, struct cm_error *error);

#endif
