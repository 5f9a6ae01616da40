/* Zeroed memory for tables that are looked into at random. */
#ifndef SCANNER_WATCH_PAGES_H
#define SCANNER_WATCH_PAGES_H

#include <stddef.h>

/* Huge pages where there are such, or a miss of the translation would come on top of each miss of the cache; elsewhere memory is used as the table
 * fills. */
void *pages_new(size_t size);
void pages_free(void *pages, size_t size); /* pages may be NULL */

#endif
