/* Does a hello begin here? Asked of segments before anything puts them in order: by their first bytes, each of which must fit.
 *
 * The type alone is not enough: behind the header of an encrypted Finished stands a byte of chance, one time in 128 that of a hello. */
#ifndef SCANNER_WATCH_HELLO_START_H
#define SCANNER_WATCH_HELLO_START_H

#include <stdbool.h>

#include "certmuster/cursor.h"

enum {
    HELLO_START_LEAST = 6,  /* bytes; with fewer nothing is said */
    HELLO_START_BYTES = 11, /* with so many it is sure: the record's header, the message's, and its version */
};

/* One of the client, or of either. Of fewer than HELLO_START_BYTES: it may. */
static inline bool hello_starts(struct slice bytes, bool either)
{
    enum { HANDSHAKE = 22, CLIENT_HELLO = 1, SERVER_HELLO = 2, IN_ONE_RECORD = 6 };
    const uint8_t *at = bytes.data;
    if (bytes.size < HELLO_START_LEAST || at[0] != HANDSHAKE || at[1] != 3 || at[2] > 4 ||
        !(at[5] == CLIENT_HELLO || (either && at[5] == SERVER_HELLO)))
        return false;
    if (at[3] == 0 && at[4] < IN_ONE_RECORD) /* what follows is the next record, and no Finished is that short */
        return at[4] > 0;
    return (bytes.size <= 6 || at[6] == 0) && (bytes.size <= 9 || at[9] == 3) && (bytes.size <= 10 || at[10] <= 4);
}

#endif
