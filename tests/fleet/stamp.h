/* A certificate for each of a million addresses, from one template: serial, names, address and validity have fixed places and
 * lengths, so that a certificate is a few patched bytes and one Ed25519 signature (about 40 µs), and the same every time. */
#ifndef CERTMUSTER_FLEET_STAMP_H
#define CERTMUSTER_FLEET_STAMP_H

#include "tests/fleet/store.h"

enum { STAMP_NAME_SIZE = 32 }; /* "ep-0000042.many.fleet.example" and a NUL */

struct stamp_options {
    uint32_t base; /* the first address, host order */
    int days;      /* until expiry; INT_MIN: 1 to 400 by index */
    bool sign;     /* else the template's signature stays as it is: canned replies are never verified */
};

struct stamp;
struct stamp *stamp_new(struct store *store, const struct stamp_options *options);
void stamp_free(struct stamp *stamp);
size_t stamp_size(const struct stamp *stamp); /* all have this size */
/* The DER of certificate number index; lends until the next call. */
const uint8_t *stamp_make(struct stamp *stamp, uint32_t index);
void stamp_name(uint32_t index, char out[static STAMP_NAME_SIZE]);

#endif
