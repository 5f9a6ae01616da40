/* Lists of TLS extensions (RFC 8446 §4.2), shared by the readers of hellos and of certificates.
 *
 * A list is walked once and the extensions that a reader interprets are picked out of it. One that comes twice is refused:
 * whoever takes the first and whoever takes the last would be told two stories. */
#ifndef SCANNER_TLS_EXTENSIONS_H
#define SCANNER_TLS_EXTENSIONS_H

#include <stdbool.h>

#include "certmuster/cursor.h"

enum tls_extension {
    TLS_EXT_SERVER_NAME = 0,
    TLS_EXT_STATUS_REQUEST = 5,
    TLS_EXT_GROUPS = 10,
    TLS_EXT_POINT_FORMATS = 11,
    TLS_EXT_SIGNATURE_ALGORITHMS = 13,
    TLS_EXT_ALPN = 16,
    TLS_EXT_SCT = 18,
    TLS_EXT_SUPPORTED_VERSIONS = 43,
    TLS_EXT_COOKIE = 44,
    TLS_EXT_CERTIFICATE_AUTHORITIES = 47,
    TLS_EXT_KEY_SHARE = 51,
};

struct picked_extension {
    uint16_t type;      /* set by the caller: which one */
    bool present;       /* was it in the list? */
    struct cursor data; /* over its contents; empty without */
};

/* The next extension of a list: 1 with type and data, 0 at the end, CM_EMALFORMED. */
CM_MUST_CHECK int tls_next_extension(struct cursor *list, uint16_t *type, struct cursor *data);
/* Fills the count rows of wanted from a whole list. CM_EMALFORMED when the list is damaged or one of them stands in it twice. */
CM_MUST_CHECK int tls_pick_extensions(struct cursor list, struct picked_extension *wanted, size_t count);

/* What is left of a cursor, lent. */
struct slice tls_rest(const struct cursor *cursor);
/* A vector<…> that fills the whole extension: its contents. CM_EMALFORMED when bytes are missing or left over. */
CM_MUST_CHECK int tls_whole_vector8(struct cursor data, struct cursor *out);
CM_MUST_CHECK int tls_whole_vector16(struct cursor data, struct cursor *out);

#endif
