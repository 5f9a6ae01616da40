/* --polite: connections that were told goodbye by an alert and may linger for a second until the server closes them.
 *
 * They hold a descriptor and nobody's result: the probe is told before. Whoever outstays the second is reset. */
#ifndef SCANNER_SCAN_FAREWELL_H
#define SCANNER_SCAN_FAREWELL_H

#include "certmuster/cursor.h"
#include "scanner/scan/loop.h"

enum { FAREWELL_MS = 1000 };

struct farewells; /* of a thread */

struct farewells *farewells_new(struct loop *loop);
void farewells_free(struct farewells *farewells); /* resets those that are left */
/* Sends the alert and takes the descriptor, which is watched by edge on the same loop. False when nothing can be sent: it is still the
 * caller's then. */
bool farewells_take(struct farewells *farewells, struct watch *watch, struct slice alert);
size_t farewells_count(const struct farewells *farewells);

#endif
