/* Who asks: a uid on the unix socket, or the holder of a client certificate that the configured CA issued. */
#ifndef COLLECTOR_PEER_H
#define COLLECTOR_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "certmuster/encode.h"

enum { PEER_NAMES_MAX = 16, PEER_NAME_SIZE = 256 };

struct peer {
    bool is_local; /* unix socket */
    uid_t uid;
    /* TLS: the DNS and URI names of the certificate, then its CN, as candidates for a scanner's name; and its SHA-256. */
    char names[PEER_NAMES_MAX][PEER_NAME_SIZE];
    size_t name_count;
    char fingerprint[CM_SHA256_HEX_SIZE];
};

#endif
