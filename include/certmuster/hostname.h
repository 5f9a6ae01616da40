/* Host names as people type them to the A-label form that goes into DNS and SNI (RFC 5890, RFC 6066 §3). */
#ifndef CERTMUSTER_HOSTNAME_H
#define CERTMUSTER_HOSTNAME_H

#include <stddef.h>

#include "certmuster/error.h"

enum { HOSTNAME_SIZE = 254 }; /* 253 octets of text (RFC 1035 §2.3.4) and a NUL */

/* Lower case, without the final dot, U-labels as A-labels (IDNA 2008, with the mapping of UTS 46). Letters, digits, hyphens and
 * underscores only. CM_EINVAL with a reason for anything else, for wildcards, and for what looks like a broken IPv4 address. */
CM_MUST_CHECK int hostname_read(const char *text, size_t size, char out[static HOSTNAME_SIZE], struct cm_error *error);

#endif
