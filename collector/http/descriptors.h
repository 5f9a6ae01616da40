/* File descriptors: how many the daemon may have, and how many connections that is. */
#ifndef COLLECTOR_HTTP_DESCRIPTORS_H
#define COLLECTOR_HTTP_DESCRIPTORS_H

#include <stddef.h>

/* Raises the soft limit to the hard one where `wanted` connections beside so many workers, and `beside` descriptors for a moment, need it.
 * Answers how many connections there may be, at least DESCRIPTORS_CONNECTIONS_MIN; fewer than wanted is logged. */
enum { DESCRIPTORS_CONNECTIONS_MIN = 4 };
size_t descriptors_bound(size_t wanted, unsigned workers, size_t beside);

#endif
