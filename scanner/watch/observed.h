/* What one handshake showed, from whatever transport: the one form in which readers (session.h, dtls.h, quic.h, eap.h) tell what they saw.
 *
 * Hellos are told as they were read and not as fingerprints: those cost more than all the rest, and most of what is observed was told before. */
#ifndef SCANNER_WATCH_OBSERVED_H
#define SCANNER_WATCH_OBSERVED_H

#include "scanner/tls/messages.h"
#include "scanner/watch/packet.h"

enum observed_kind {
    OBSERVED_SERVER_CHAIN,
    OBSERVED_CLIENT_CHAIN,
    OBSERVED_HIDDEN, /* TLS was there, its certificate cannot be seen (1.3, resumption, QUIC): an endpoint record */
};

enum observed_transport { OBSERVED_TCP, OBSERVED_DTLS, OBSERVED_QUIC, OBSERVED_EAP };

struct observed { /* everything lends for the length of the call */
    enum observed_kind kind;
    enum observed_transport transport;
    struct place server, client;                 /* by the hellos, not by who opened the connection */
    bool roles_guessed;                          /* no hello was seen: roles by message types or ports */
    const struct tls_client_hello *client_hello; /* NULL: not seen. name and alpn in it are hostile */
    const struct tls_server_hello *server_hello; /* NULL: not seen */
    uint16_t version;                            /* 0x0300 to 0x0304, of DTLS 0xfeff and 0xfefd; 0: unknown */
    uint32_t quic_version;
    uint16_t suite, group; /* 0: unknown */
    struct slice alpn;     /* chosen; empty: none or unknown */
    int client_auth;       /* 1, 0, -1 unknown */
    struct slice ocsp;     /* OCSPResponse; empty: none */
    int scts;              /* -1 unknown */
    const struct slice *chain;
    size_t chain_count;
    int64_t at_us;
};

typedef void (*observed_fn)(const struct observed *observed, void *context);

#endif
