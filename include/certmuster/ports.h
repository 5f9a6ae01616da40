/* Lists of ports as people type them: "443", "443,8443,9000-9010". */
#ifndef CERTMUSTER_PORTS_H
#define CERTMUSTER_PORTS_H

#include <stddef.h>
#include <stdint.h>

#include "certmuster/error.h"

struct ports {
    uint16_t *list; /* in the order given, each once; NULL when empty */
    size_t count;
};

/* Ports 1 to 65535. CM_EINVAL with the offset of what is wrong; *out is untouched then. */
CM_MUST_CHECK int ports_read(const char *text, size_t size, struct ports *out, struct cm_error *error);
void ports_done(struct ports *ports);

#endif
