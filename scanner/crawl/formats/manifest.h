/* Manifests as trees: one object of Kubernetes, or one Helm release, with the place of each of its texts, and the values in it that are looked into.
 *
 * What a value held and was told is blanked in the file's bytes: the search for PEM that follows tells the rest, and nothing twice. */
#ifndef SCANNER_CRAWL_FORMATS_MANIFEST_H
#define SCANNER_CRAWL_FORMATS_MANIFEST_H

#include "certmuster/yamlevents.h"
#include "scanner/crawl/job.h"

enum {
    MANIFEST_DEPTH_MAX = 100,     /* the deepest schemas of custom resources use 60 */
    MANIFEST_NODES_MAX = 100000,  /* of one object; the largest custom resource definitions have 40,000 */
    MANIFEST_VALUE_MIN_BYTES = 40 /* no certificate, key or store is shorter, however it is encoded */
};

struct manifest_node {
    enum yamlevent_kind
        kind;        /* YAMLEVENT_MAP, _LIST, _SCALAR or _ALIAS, which stands for nothing: what it repeats was seen */
    const char *key; /* of a map's member; "" where it is no text; NULL in lists and for the root */
    char *text;      /* of a scalar, with a NUL behind it; may be overwritten */
    size_t size;
    size_t start, end; /* of a scalar in the file's bytes */
    size_t ordinal;    /* among its siblings, from 1 */
    struct manifest_node *parent, *first, *last, *next;
};

struct manifest {
    struct job *job;
    uint8_t *bytes; /* of the file */
    size_t size;
    size_t base, unit; /* where the events' bytes lie in the file's, and how many of them stand for one: 2 in UTF-16 */
    struct yamlevents *events;
    struct manifest_node *nodes; /* one piece, so that they stay where they are */
    size_t count, nodes_max;
    struct buf text; /* of one piece, too: a key leaves no copies behind by growing */
    size_t taken;    /* of the job's memory */
    bool cut;        /* something did not fit, and is not in the tree */
    bool twice;      /* the search for PEM sees what is blanked here: values that it can read are left to it */
};

/* Takes memory for trees over these bytes; CM_ELIMIT when there is too little left. */
CM_MUST_CHECK int manifest_init(struct manifest *manifest, struct job *job, uint8_t *bytes, size_t size);
void manifest_done(struct manifest *manifest); /* cleanses */
/* Adds the value that begins with event, and all in it, to parent (NULL: as a root). False at the end of what is YAML; the nodes before it stay. */
bool manifest_build(struct manifest *manifest, const struct yamlevent *event, struct manifest_node *parent,
                    const char *key, struct manifest_node **out);
/* The key that begins with event, lending as long as the tree; "" for what is no text. False at the end. */
bool manifest_key(struct manifest *manifest, const struct yamlevent *event, const char **key);
/* A copy that lends as long as the tree; NULL when there is no room. */
char *manifest_keep(struct manifest *manifest, const char *text, size_t size);
/* Forgets the nodes from count on and their texts from size on. */
void manifest_drop(struct manifest *manifest, size_t count, size_t size);

/* The first member of that name; NULL when there is none or node is no map. NULL is allowed for node. */
struct manifest_node *manifest_get(const struct manifest_node *node, const char *key);
/* The text of such a member, NULL when it is none. */
const char *manifest_text(const struct manifest_node *node, const char *key);

enum manifest_value {
    MANIFEST_ANY,    /* looked into when it shows PEM, a manifest, or base64 of something known */
    MANIFEST_TEXT,   /* always looked into, as it stands or as base64 of something known */
    MANIFEST_BASE64, /* decoded and always looked into */
};
/* Looks into a scalar, under the given step of the path (NULL: where it stands below top, "spec/tls/certificate"). */
void manifest_look(struct manifest *manifest, struct manifest_node *scalar, enum manifest_value value,
                   const struct manifest_node *top, const char *name);
/* Looks into each scalar below top that nobody has looked into, as MANIFEST_ANY. */
void manifest_look_below(struct manifest *manifest, struct manifest_node *top);

#endif
