/* YAML files as bounded trees: events, checked and put together.
 *
 * Called by the configuration and by whoever reads rule files. Aliases, duplicate keys and anything
 * past the ceilings of the header are refused before memory grows; recursion is bounded by the depth ceiling. */
#include "certmuster/yamltree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/yamlevents.h"

struct yamltree {
    char *name;
    struct yamltree_node root;
};

struct reader {
    struct yamlevents *events;
    struct yamltree *tree;
    struct cm_error *error;
    size_t nodes;
};

static void node_done(struct yamltree_node *node)
{
    for (struct yamltree_node *child = node->first, *next; child; child = next) {
        next = child->next;
        node_done(child);
        free(child);
    }
    free((char *)node->key);
    free((char *)node->text);
}

static int fail_at(struct reader *reader, int code, size_t line, const char *reason, const char *what)
{
    return error_setf(reader->error, code, line, reason, "%s:%zu: %s", reader->tree->name, line, what);
}

static int next_event(struct reader *reader, struct yamlevent *event)
{
    struct cm_error error = {0};
    if (yamlevents_next(reader->events, event, &error))
        return fail_at(reader, CM_EMALFORMED, error.offset, "not valid YAML", error.reason);
    return CM_OK;
}

static int take_text(struct reader *reader, const struct yamlevent *event, const char **out)
{
    if (memchr(event->text, 0, event->size))
        return fail_at(reader, CM_EMALFORMED, event->line, "a NUL byte in a text", "a NUL byte in a text");
    *out = cm_strndup(event->text, event->size);
    return CM_OK;
}

/* Keys of one map are few (configuration) or the list is long but each map small (rules): a linear look is enough, and is
 * bounded by the ceiling below so that a hostile map of a million keys does not cost its square. */
enum { MAP_KEYS_MAX = 1000 };

static int check_key(struct reader *reader, const struct yamltree_node *map, const char *key, size_t line)
{
    char text[128];
    if (map->count >= MAP_KEYS_MAX)
        return fail_at(reader, CM_ELIMIT, line, "too many keys in one map", "too many keys in one map");
    if (!yamltree_get(map, key))
        return CM_OK;
    snprintf(text, sizeof text, "the key \"%.60s\" stands twice", key);
    return fail_at(reader, CM_EMALFORMED, line, "duplicate key", text);
}

static int read_value(struct reader *reader, struct yamlevent *event, struct yamltree_node *node, unsigned depth);

static struct yamltree_node *add_child(struct yamltree_node *parent, struct yamltree_node **last)
{
    struct yamltree_node *child = cm_calloc(1, sizeof *child);
    child->kind = YAMLTREE_SCALAR;
    if (*last)
        (*last)->next = child;
    else
        parent->first = child;
    *last = child;
    parent->count++;
    return child;
}

static int read_list(struct reader *reader, struct yamltree_node *list, unsigned depth)
{
    struct yamltree_node *last = NULL;
    for (;;) {
        struct yamlevent event;
        int code = next_event(reader, &event);
        if (code)
            return code;
        if (event.kind == YAMLEVENT_LIST_END)
            return CM_OK;
        code = read_value(reader, &event, add_child(list, &last), depth + 1);
        if (code)
            return code;
    }
}

static int read_member(struct reader *reader, struct yamlevent *key_event, struct yamltree_node *map,
                       struct yamltree_node **last, unsigned depth)
{
    size_t line = key_event->line;
    const char *key;
    struct yamlevent event;
    if (key_event->kind != YAMLEVENT_SCALAR)
        return fail_at(reader, CM_EMALFORMED, line, "a key that is no text", "a key must be plain text");
    int code = take_text(reader, key_event, &key);
    if (code)
        return code;
    code = check_key(reader, map, key, line);
    if (code) {
        free((char *)key);
        return code;
    }
    struct yamltree_node *child = add_child(map, last);
    child->key = key;
    child->line = line;
    code = next_event(reader, &event);
    if (code)
        return code;
    return read_value(reader, &event, child, depth + 1);
}

static int read_map(struct reader *reader, struct yamltree_node *map, unsigned depth)
{
    struct yamltree_node *last = NULL;
    for (;;) {
        struct yamlevent event;
        int code = next_event(reader, &event);
        if (code)
            return code;
        if (event.kind == YAMLEVENT_MAP_END)
            return CM_OK;
        code = read_member(reader, &event, map, &last, depth);
        if (code)
            return code;
    }
}

static int read_value(struct reader *reader, struct yamlevent *event, struct yamltree_node *node, unsigned depth)
{
    size_t line = event->line;
    node->line = line;
    if (depth > YAMLTREE_DEPTH_MAX)
        return fail_at(reader, CM_ELIMIT, line, "nested too deeply", "nested too deeply");
    if (++reader->nodes > YAMLTREE_NODES_MAX)
        return fail_at(reader, CM_ELIMIT, line, "too many values", "too many values");
    switch (event->kind) {
    case YAMLEVENT_SCALAR:
        node->kind = YAMLTREE_SCALAR;
        node->quoted = event->quoted;
        return take_text(reader, event, &node->text);
    case YAMLEVENT_LIST:
        node->kind = YAMLTREE_LIST;
        return read_list(reader, node, depth);
    case YAMLEVENT_MAP:
        node->kind = YAMLTREE_MAP;
        return read_map(reader, node, depth);
    case YAMLEVENT_ALIAS:
        return fail_at(reader, CM_EUNSUPPORTED, line, "aliases are not read", "aliases (*name) are not read here");
    default:
        return fail_at(reader, CM_EMALFORMED, line, "not valid YAML", "a value was expected");
    }
}

/* Either nothing at all (an empty file) or DOCUMENT value DOCUMENT-END and no more. */
static int read_stream(struct reader *reader)
{
    struct yamlevent event;
    int code = next_event(reader, &event);
    if (code || event.kind == YAMLEVENT_END)
        return code;
    if ((code = next_event(reader, &event)) || (code = read_value(reader, &event, &reader->tree->root, 0)) ||
        (code = next_event(reader, &event)) || (code = next_event(reader, &event)))
        return code;
    if (event.kind != YAMLEVENT_END)
        return fail_at(reader, CM_EMALFORMED, event.line, "more than one document", "one document only");
    /* A document of comments alone is one empty scalar. */
    if (yamltree_is_null(&reader->tree->root)) {
        free((char *)reader->tree->root.text);
        reader->tree->root.text = NULL;
        reader->tree->root.kind = YAMLTREE_MAP;
    }
    return CM_OK;
}

int yamltree_read(const char *name, const void *bytes, size_t size, struct yamltree **out, struct cm_error *error)
{
    if (size > YAMLTREE_BYTES_MAX)
        return error_setf(error, CM_ELIMIT, 0, "file too large", "%s: larger than %d bytes", name, YAMLTREE_BYTES_MAX);
    struct reader reader = {.error = error, .events = yamlevents_new(bytes, size)};
    reader.tree = cm_calloc(1, sizeof *reader.tree);
    reader.tree->name = cm_strdup(name);
    reader.tree->root.kind = YAMLTREE_MAP;
    reader.tree->root.line = 1;
    int code = read_stream(&reader);
    yamlevents_free(reader.events);
    if (code) {
        yamltree_free(reader.tree);
        return code;
    }
    *out = reader.tree;
    return CM_OK;
}

static int read_all(int fd, const char *path, char *bytes, size_t max, size_t *size, struct cm_error *error)
{
    for (*size = 0; *size < max;) {
        ssize_t got = read(fd, bytes + *size, max - *size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_setf(error, CM_EIO, 0, "cannot read", "%s: %s", path, strerror(errno));
        if (got == 0)
            return CM_OK;
        *size += (size_t)got;
    }
    return error_setf(error, CM_ELIMIT, 0, "file too large", "%s: larger than %d bytes", path, YAMLTREE_BYTES_MAX);
}

int yamltree_read_file(const char *path, struct yamltree **out, struct cm_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_setf(error, errno == ENOENT ? CM_ENOTFOUND : CM_EIO, 0, "cannot read", "%s: %s", path,
                          strerror(errno));
    struct stat status;
    size_t max = YAMLTREE_BYTES_MAX + (size_t)1;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size < YAMLTREE_BYTES_MAX)
        max = (size_t)status.st_size + 1; /* one more, to see the end */
    char *bytes = cm_malloc(max);
    size_t size = 0;
    int code = read_all(fd, path, bytes, max, &size, error);
    close(fd);
    if (!code)
        code = yamltree_read(path, bytes, size, out, error);
    free(bytes);
    return code;
}

const struct yamltree_node *yamltree_root(const struct yamltree *tree)
{
    return &tree->root;
}

void yamltree_free(struct yamltree *tree)
{
    if (!tree)
        return;
    node_done(&tree->root);
    free(tree->name);
    free(tree);
}

const struct yamltree_node *yamltree_get(const struct yamltree_node *map, const char *key)
{
    if (!map || map->kind != YAMLTREE_MAP)
        return NULL;
    for (const struct yamltree_node *child = map->first; child; child = child->next)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

bool yamltree_is_null(const struct yamltree_node *node)
{
    return node->kind == YAMLTREE_SCALAR && !node->quoted &&
           (!node->text || !*node->text || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

int yamltree_error(struct cm_error *error, int code, const struct yamltree *tree, const struct yamltree_node *node,
                   const char *reason, const char *format, ...)
{
    char text[CM_ERROR_DETAIL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_setf(error, code, node->line, reason, "%s:%zu: %s", tree->name, node->line, text);
}
