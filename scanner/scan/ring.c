/* Takes places from many spreads in turn. A spread stays until it has been asked once more than it has places, so that what ring_next
 * lends is alive until the next call. */
#include "scanner/scan/ring.h"

#include <stdlib.h>

void ring_done(struct ring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        spread_release(ring->spreads[i]);
    free(ring->spreads);
    *ring = (struct ring){0};
}

void ring_add(struct ring *ring, struct spread *spread)
{
    if (ring->count == ring->capacity) {
        ring->capacity = ring->capacity ? ring->capacity * 2 : 64;
        ring->spreads = cm_realloc(ring->spreads, ring->capacity * sizeof *ring->spreads);
    }
    ring->spreads[ring->count++] = spread;
    ring->left += spread_left(spread);
}

struct spread *ring_next(struct ring *ring, struct ipaddr *ip, uint16_t *port)
{
    while (ring->count > 0) {
        if (ring->turn >= ring->count)
            ring->turn = 0;
        struct spread *spread = ring->spreads[ring->turn];
        if (spread_next(spread, ip, port)) {
            ring->turn++;
            ring->left--;
            return spread;
        }
        ring->spreads[ring->turn] = ring->spreads[--ring->count];
        spread_release(spread);
    }
    return NULL;
}
