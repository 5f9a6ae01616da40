/* YAML (and JSON, which is YAML as far as files in the wild go) as a stream of events with the places of their bytes.
 *
 * Nothing is built: memory is that of the largest scalar, and aliases are events like any other, never expanded. The caller bounds counts and
 * sizes. Several documents may stand behind one another. */
#ifndef CERTMUSTER_YAMLEVENTS_H
#define CERTMUSTER_YAMLEVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "certmuster/error.h"

enum { YAMLEVENTS_DEPTH_MAX = 500 };

enum yamlevent_kind {
    YAMLEVENT_END, /* of the bytes */
    YAMLEVENT_DOCUMENT,
    YAMLEVENT_DOCUMENT_END,
    YAMLEVENT_MAP, /* then key, value, key, value, … each a scalar, an alias, a map or a list */
    YAMLEVENT_MAP_END,
    YAMLEVENT_LIST,
    YAMLEVENT_LIST_END,
    YAMLEVENT_SCALAR,
    YAMLEVENT_ALIAS,
};

struct yamlevent {
    enum yamlevent_kind kind;
    const char *text; /* of a scalar, unescaped; a NUL behind it, and perhaps inside; lends until the next event */
    size_t size;
    bool quoted;       /* a scalar that stood in quotes or a block */
    size_t line;       /* where it starts; 1 is the first */
    size_t start, end; /* of a scalar: its bytes in the input, quotes and indicators included */
};

struct yamlevents;

/* bytes lend, and may be overwritten up to the end of the event that came last. */
struct yamlevents *yamlevents_new(const void *bytes, size_t size);
/* Cleanses what the parser held of the bytes: they may have been keys. NULL is allowed. */
void yamlevents_free(struct yamlevents *events);
/* CM_EMALFORMED: no YAML from here on; CM_ELIMIT: more than YAMLEVENTS_DEPTH_MAX maps and lists are open. error's offset is the line. No event
 * follows. */
CM_MUST_CHECK int yamlevents_next(struct yamlevents *events, struct yamlevent *out, struct cm_error *error);

#endif
