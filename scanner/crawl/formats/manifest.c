/* Builds the trees of manifests from YAML's events.
 *
 * Owns the nodes and the texts. kubernetes.c and helm.c drive it, manifest_value.c looks into what it holds. Depth, nodes and memory are bounded;
 * what does not fit is left out and said, and the file's bytes still hold it for the search for PEM. */
#include "scanner/crawl/formats/manifest.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

/* JSON writes characters beyond the BMP as two escapes, which YAML refuses: they become other characters of the same length. */
static void mend_surrogates(uint8_t *bytes, size_t size)
{
    uint8_t *at = bytes, *end = bytes + size;
    while ((at = memmem(at, (size_t)(end - at), "\\u", 2))) {
        size_t slashes = 0;
        while (at - slashes > bytes && at[-1 - (ptrdiff_t)slashes] == '\\')
            slashes++;
        if (end - at >= 6 && slashes % 2 == 0 && (at[2] | 0x20) == 'd' && memchr("89abcdefABCDEF", at[3], 14))
            memset(at, '?', 6);
        at += 2;
    }
}

int manifest_init(struct manifest *manifest, struct job *job, uint8_t *bytes, size_t size)
{
    /* Escapes are longer than what they stand for, but for a few that no writer uses; each node takes at least two bytes, a text one more. */
    size_t nodes = size / 2 + 2 < MANIFEST_NODES_MAX ? size / 2 + 2 : MANIFEST_NODES_MAX;
    size_t text = size + nodes + 1, all = text + nodes * sizeof(struct manifest_node);
    *manifest = (struct manifest){.job = job, .bytes = bytes, .size = size, .unit = 1, .nodes_max = nodes};
    buf_init(&manifest->text, text);
    if (all > job->memory_left)
        return CM_ELIMIT;
    manifest->taken = all;
    job->memory_left -= all;
    mend_surrogates(bytes, size);
    manifest->nodes = cm_malloc(nodes * sizeof *manifest->nodes);
    buf_extend(&manifest->text, text - 1);
    buf_reset(&manifest->text);
    return 0;
}

void manifest_done(struct manifest *manifest)
{
    yamlevents_free(manifest->events);
    if (manifest->text.capacity)
        OPENSSL_cleanse(manifest->text.data, manifest->text.capacity);
    buf_done(&manifest->text);
    free(manifest->nodes);
    manifest->job->memory_left += manifest->taken;
}

void manifest_drop(struct manifest *manifest, size_t count, size_t size)
{
    OPENSSL_cleanse(manifest->text.data + size, manifest->text.size - size);
    manifest->text.size = size;
    manifest->text.failed = false;
    manifest->count = count;
}

char *manifest_keep(struct manifest *manifest, const char *text, size_t size)
{
    char *at = buf_extend(&manifest->text, size + 1);
    if (!at) {
        manifest->text.failed = false; /* shorter ones may fit */
        manifest->cut = true;
        return NULL;
    }
    memcpy(at, text, size);
    at[size] = '\0';
    return at;
}

static struct manifest_node *add_node(struct manifest *manifest, const struct yamlevent *event,
                                      struct manifest_node *parent, const char *key)
{
    if (manifest->count == manifest->nodes_max) {
        manifest->cut = true;
        return NULL;
    }
    struct manifest_node *node = &manifest->nodes[manifest->count++];
    *node = (struct manifest_node){.kind = event->kind, .key = key, .parent = parent, .ordinal = 1};
    if (event->kind == YAMLEVENT_SCALAR) {
        node->text = manifest_keep(manifest, event->text, event->size);
        node->size = node->text ? event->size : 0;
        node->start = event->start;
        node->end = event->end;
    }
    if (!parent)
        return node;
    if (parent->last) {
        parent->last->next = node;
        node->ordinal = parent->last->ordinal + 1;
    } else {
        parent->first = node;
    }
    parent->last = node;
    return node;
}

static bool next_event(struct manifest *manifest, struct yamlevent *event)
{
    return !job_pulse(manifest->job) && yamlevents_next(manifest->events, event, NULL) == 0 &&
           event->kind != YAMLEVENT_END;
}

/* Goes on behind a value that is not kept. */
static bool skip(struct manifest *manifest, const struct yamlevent *begin)
{
    struct yamlevent event = *begin;
    size_t open = 0;
    for (;;) {
        open += event.kind == YAMLEVENT_MAP || event.kind == YAMLEVENT_LIST;
        open -= event.kind == YAMLEVENT_MAP_END || event.kind == YAMLEVENT_LIST_END;
        if (open == 0)
            return true;
        if (!next_event(manifest, &event))
            return false;
    }
}

bool manifest_key(struct manifest *manifest, const struct yamlevent *event, const char **key)
{
    const char *text = event->kind == YAMLEVENT_SCALAR ? manifest_keep(manifest, event->text, event->size) : NULL;
    *key = text ? text : "";
    return skip(manifest, event);
}

static bool build(struct manifest *manifest, const struct yamlevent *event, struct manifest_node *parent,
                  const char *key, unsigned depth, struct manifest_node **out)
{
    struct manifest_node *node = depth < MANIFEST_DEPTH_MAX ? add_node(manifest, event, parent, key) : NULL;
    struct yamlevent next;
    if (out)
        *out = node;
    if (!node) {
        manifest->cut = true;
        return skip(manifest, event);
    }
    if (node->kind != YAMLEVENT_MAP && node->kind != YAMLEVENT_LIST)
        return true;
    while (next_event(manifest, &next)) {
        if (next.kind == YAMLEVENT_MAP_END || next.kind == YAMLEVENT_LIST_END)
            return true;
        const char *name = NULL;
        if (node->kind == YAMLEVENT_MAP && (!manifest_key(manifest, &next, &name) || !next_event(manifest, &next)))
            return false;
        if (!build(manifest, &next, node, name, depth + 1, NULL))
            return false;
    }
    return false;
}

bool manifest_build(struct manifest *manifest, const struct yamlevent *event, struct manifest_node *parent,
                    const char *key, struct manifest_node **out)
{
    return build(manifest, event, parent, key, 0, out);
}

struct manifest_node *manifest_get(const struct manifest_node *node, const char *key)
{
    if (!node || node->kind != YAMLEVENT_MAP)
        return NULL;
    for (struct manifest_node *child = node->first; child; child = child->next)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

const char *manifest_text(const struct manifest_node *node, const char *key)
{
    const struct manifest_node *member = manifest_get(node, key);
    return member ? member->text : NULL;
}
