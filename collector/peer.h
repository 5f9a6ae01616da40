/* Who asks: a uid on the unix socket, or the holder of a client certificate that the configured CA issued. */
#ifndef COLLECTOR_PEER_H
#define COLLECTOR_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "certmuster/client_names.h"
#include "certmuster/encode.h"

enum { PEER_NAMES_MAX = CLIENT_NAMES_MAX, PEER_NAME_SIZE = CLIENT_NAME_SIZE };

struct peer {
    bool is_local; /* unix socket */
    uid_t uid;
    /* TLS: the names of the certificate, as candidates for a scanner's; its SHA-256; and when the first of its verified chain ends. */
    char names[PEER_NAMES_MAX][PEER_NAME_SIZE];
    size_t name_count;
    char fingerprint[CM_SHA256_HEX_SIZE];
    int64_t not_after; /* seconds since the epoch */
};

#endif
