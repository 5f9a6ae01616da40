/* A YAML file as a bounded tree of maps, lists and scalars with line numbers: configuration and owner rules are read from it.
 *
 * One document per file. Aliases are refused (they make exponential documents), as are duplicate keys, keys that are not plain
 * text, nesting past YAMLTREE_DEPTH_MAX, more than YAMLTREE_NODES_MAX nodes and files past YAMLTREE_BYTES_MAX. */
#ifndef CERTMUSTER_YAMLTREE_H
#define CERTMUSTER_YAMLTREE_H

#include <stdbool.h>
#include <stddef.h>

#include "certmuster/error.h"

enum {
    YAMLTREE_BYTES_MAX = 8 * 1024 * 1024, /* 100,000 owner rules take less */
    YAMLTREE_NODES_MAX = 1000000,
    YAMLTREE_DEPTH_MAX = 16,
};

enum yamltree_kind { YAMLTREE_MAP, YAMLTREE_LIST, YAMLTREE_SCALAR };

struct yamltree_node {
    enum yamltree_kind kind;
    size_t line;                 /* 1 is the first; of a map's member: where its value starts */
    const char *key;             /* of a map's member; NULL in lists and for the root */
    const char *text;            /* of a scalar, NUL-terminated and without NUL inside; NULL else */
    bool quoted;                 /* a scalar that stood in quotes or a block: never a number, never null */
    size_t count;                /* children */
    struct yamltree_node *first; /* of the children, in the order of the file */
    struct yamltree_node *next;  /* the next sibling */
};

struct yamltree; /* owns every node and string below */

/* An empty file has a root that is a map without members. error: offset is the line, detail "FILE:LINE: what". CM_ENOTFOUND when
 * there is no such file, CM_EIO when it cannot be read, CM_ELIMIT past a ceiling, CM_EMALFORMED else. */
CM_MUST_CHECK int yamltree_read_file(const char *path, struct yamltree **out, struct cm_error *error);
/* The same from memory; name stands in error messages. */
CM_MUST_CHECK int yamltree_read(const char *name, const void *bytes, size_t size, struct yamltree **out,
                                struct cm_error *error);
const struct yamltree_node *yamltree_root(const struct yamltree *tree); /* lends */
void yamltree_free(struct yamltree *tree);

/* The member of a map; NULL when there is none or node is no map. */
const struct yamltree_node *yamltree_get(const struct yamltree_node *map, const char *key);
/* A scalar that means "nothing": empty, ~ or null, not quoted. */
bool yamltree_is_null(const struct yamltree_node *node);
/* Fills error for a node: code, "FILE:LINE: " and the formatted text as detail, the line as offset. Returns code. */
int yamltree_error(struct cm_error *error, int code, const struct yamltree *tree, const struct yamltree_node *node,
                   const char *reason, const char *format, ...) CM_PRINTF(6, 7);

#endif
