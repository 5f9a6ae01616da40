/* Bodies as they came: identity, gzip or zstd, unpacked into a buffer whose size is bounded before it grows. */
#ifndef COLLECTOR_HTTP_BODY_H
#define COLLECTOR_HTTP_BODY_H

#include <event2/buffer.h>
#include <stdbool.h>

#include "certmuster/buf.h"
#include "certmuster/error.h"

enum body_encoding { BODY_IDENTITY, BODY_GZIP, BODY_ZSTD };

/* CM_EUNSUPPORTED: another Content-Encoding, or several. value may be NULL. */
CM_MUST_CHECK int body_encoding_read(const char *value, enum body_encoding *out);
/* Before a body passes the size of what is usual, somebody is asked. */
struct body_gate {
    size_t light, max;           /* bytes: the usual, and the limit */
    bool (*pass)(void *context); /* false: not now */
    void *context;
};
/* Drains raw into *out, which is initialised here and freed by the caller also after a failure. CM_ELIMIT: more than the gate's most, at the first
 * byte too many. CM_ECONFLICT: not now. CM_EMALFORMED: damaged. CM_ETRUNCATED: it ends inside a frame. */
CM_MUST_CHECK int body_decode(struct evbuffer *raw, enum body_encoding encoding, const struct body_gate *gate,
                              struct buf *out, struct cm_error *error);

#endif
