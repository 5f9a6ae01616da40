/* YAML files as bounded trees: libyaml's events, checked and put together.
 *
 * Owns yaml.h: no other file sees it. Called by the configuration and by whoever reads rule files. Aliases, duplicate keys and anything
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
#include <yaml.h>

struct yamltree {
    char *name;
    struct yamltree_node root;
};

struct reader {
    yaml_parser_t parser;
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

static int fail_parser(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    /* A reader error (bad UTF-8) has no mark: count lines up to the place reached. */
    size_t line = (parser->problem_mark.line ? parser->problem_mark.line : parser->mark.line) + 1;
    return fail_at(reader, CM_EMALFORMED, line, "not valid YAML", parser->problem ? parser->problem : "not valid YAML");
}

static int next_event(struct reader *reader, yaml_event_t *event)
{
    return yaml_parser_parse(&reader->parser, event) ? CM_OK : fail_parser(reader);
}

static int take_text(struct reader *reader, const yaml_event_t *event, const char **out)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    if (memchr(value, 0, size))
        return fail_at(reader, CM_EMALFORMED, event->start_mark.line + 1, "a NUL byte in a text",
                       "a NUL byte in a text");
    *out = cm_strndup(value, size);
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

static int read_value(struct reader *reader, yaml_event_t *event, struct yamltree_node *node, unsigned depth);

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
        yaml_event_t event;
        int code = next_event(reader, &event);
        if (code)
            return code;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return CM_OK;
        }
        code = read_value(reader, &event, add_child(list, &last), depth + 1);
        yaml_event_delete(&event);
        if (code)
            return code;
    }
}

static int read_member(struct reader *reader, yaml_event_t *key_event, struct yamltree_node *map,
                       struct yamltree_node **last, unsigned depth)
{
    size_t line = key_event->start_mark.line + 1;
    const char *key;
    yaml_event_t event;
    if (key_event->type != YAML_SCALAR_EVENT)
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
    code = read_value(reader, &event, child, depth + 1);
    yaml_event_delete(&event);
    return code;
}

static int read_map(struct reader *reader, struct yamltree_node *map, unsigned depth)
{
    struct yamltree_node *last = NULL;
    for (;;) {
        yaml_event_t event;
        int code = next_event(reader, &event);
        if (code)
            return code;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return CM_OK;
        }
        code = read_member(reader, &event, map, &last, depth);
        yaml_event_delete(&event);
        if (code)
            return code;
    }
}

static int read_value(struct reader *reader, yaml_event_t *event, struct yamltree_node *node, unsigned depth)
{
    size_t line = event->start_mark.line + 1;
    node->line = line;
    if (depth > YAMLTREE_DEPTH_MAX)
        return fail_at(reader, CM_ELIMIT, line, "nested too deeply", "nested too deeply");
    if (++reader->nodes > YAMLTREE_NODES_MAX)
        return fail_at(reader, CM_ELIMIT, line, "too many values", "too many values");
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        node->kind = YAMLTREE_SCALAR;
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        return take_text(reader, event, &node->text);
    case YAML_SEQUENCE_START_EVENT:
        node->kind = YAMLTREE_LIST;
        return read_list(reader, node, depth);
    case YAML_MAPPING_START_EVENT:
        node->kind = YAMLTREE_MAP;
        return read_map(reader, node, depth);
    case YAML_ALIAS_EVENT:
        return fail_at(reader, CM_EUNSUPPORTED, line, "aliases are not read", "aliases (*name) are not read here");
    default:
        return fail_at(reader, CM_EMALFORMED, line, "not valid YAML", "a value was expected");
    }
}

/* STREAM-START, then either STREAM-END (an empty file) or DOCUMENT-START value DOCUMENT-END STREAM-END. */
static int read_stream(struct reader *reader)
{
    static const yaml_event_type_t frame[] = {YAML_STREAM_START_EVENT, YAML_DOCUMENT_START_EVENT, YAML_NO_EVENT,
                                              YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT};
    for (size_t i = 0; i < sizeof frame / sizeof *frame; i++) {
        yaml_event_t event;
        int code = next_event(reader, &event);
        if (code)
            return code;
        size_t line = event.start_mark.line + 1;
        yaml_event_type_t type = event.type;
        if (frame[i] == YAML_NO_EVENT)
            code = read_value(reader, &event, &reader->tree->root, 0);
        yaml_event_delete(&event);
        if (code)
            return code;
        if (i == 1 && type == YAML_STREAM_END_EVENT)
            return CM_OK;
        if (frame[i] != YAML_NO_EVENT && type != frame[i])
            return fail_at(reader, CM_EMALFORMED, line, "more than one document", "one document only");
    }
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
    struct reader reader = {.error = error};
    if (!yaml_parser_initialize(&reader.parser))
        return error_set(error, CM_ELIMIT, 0, "out of memory");
    reader.tree = cm_calloc(1, sizeof *reader.tree);
    reader.tree->name = cm_strdup(name);
    reader.tree->root.kind = YAMLTREE_MAP;
    reader.tree->root.line = 1;
    yaml_parser_set_input_string(&reader.parser, bytes, size);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    int code = read_stream(&reader);
    yaml_parser_delete(&reader.parser);
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
