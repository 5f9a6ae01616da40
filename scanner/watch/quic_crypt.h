/* The protection of QUIC Initial packets (RFC 9001 §5, RFC 9369 §3): keys that anybody can derive from a connection ID. */
#ifndef SCANNER_WATCH_QUIC_CRYPT_H
#define SCANNER_WATCH_QUIC_CRYPT_H

#include <stdbool.h>

#include "certmuster/cursor.h"
#include "certmuster/error.h"

enum { QUIC_VERSION_1 = 0x00000001, QUIC_VERSION_2 = 0x6b3343cf, QUIC_ID_MAX = 20, QUIC_PACKET_MAX = 65535 };

struct quic_keys { /* of one direction's Initial packets */
    uint8_t key[16], iv[12], header[16];
};

bool quic_version_known(uint32_t version); /* 1, 2, and the drafts from 23 on, which share their form */
/* CM_EUNSUPPORTED for an unknown version. */
CM_MUST_CHECK int quic_initial_keys(uint32_t version, struct slice connection_id, bool server, struct quic_keys *out);

/* Removes header protection and opens an Initial packet: packet is the whole of it, number_at where its packet number is. plain holds packet.size bytes.
 * CM_EAUTH: the keys are others. */
CM_MUST_CHECK int quic_open(const struct quic_keys *keys, struct slice packet, size_t number_at, uint8_t *plain,
                            size_t *size);

#endif
