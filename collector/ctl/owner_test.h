/* `certmuster owner test`: which rule wins for a place or a name, and why. */
#ifndef CTL_OWNER_TEST_H
#define CTL_OWNER_TEST_H

#include "certmuster/db.h"

/* what: a place as reports print it, an address, a path, or a name. Prints; answers an exit status. */
int owner_test(struct db *db, const char *what);

#endif
