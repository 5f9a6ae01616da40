/* By which names a client certificate may speak: what the collector lets in by, and what `certmuster scanner add` therefore asks for. */
#ifndef CERTMUSTER_CLIENT_NAMES_H
#define CERTMUSTER_CLIENT_NAMES_H

#include <stddef.h>

#include "certmuster/cert.h"

enum { CLIENT_NAMES_MAX = 16, CLIENT_NAME_SIZE = 256 };

/* The DNS and URI names, then the common name, in UTF-8: one with a NUL, a space or a hidden character in it is nobody's. Those past
 * CLIENT_NAMES_MAX, and longer ones, are left out. How many there are. */
size_t client_names_read(const struct cert *cert, char out[static CLIENT_NAMES_MAX][CLIENT_NAME_SIZE]);

#endif
