/* What of the bounded reader does not stand in the header, which is the one place that does pointer arithmetic over hostile bytes.
 *
 * Owns nothing: cursors and slices lend. Every parser calls it. It refuses to move past the end, and moves not at all when it fails. */
#include "certmuster/cursor.h"

#include <string.h>

const uint8_t cursor_nothing[1];

bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
