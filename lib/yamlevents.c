/* libyaml's events, with byte offsets in place of its counts of characters.
 *
 * Owns yaml.h: no other file sees it. yamltree.c builds configuration from these events, the crawler reads manifests. Callers set their own
 * ceilings below the one on depth that stands here. */
#include "certmuster/yamlevents.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <yaml.h>

struct yamlevents {
    yaml_parser_t parser;
    yaml_event_t event;
    const uint8_t *bytes;
    size_t size;
    size_t character, byte; /* the same place, counted both ways */
    size_t depth;           /* of open maps and lists */
    bool open;              /* event holds one */
    bool over;
};

struct yamlevents *yamlevents_new(const void *bytes, size_t size)
{
    struct yamlevents *events = cm_calloc(1, sizeof *events);
    events->bytes = bytes;
    events->size = size;
    if (!yaml_parser_initialize(&events->parser)) {
        events->over = true; /* told by the first yamlevents_next() */
        return events;
    }
    yaml_parser_set_input_string(&events->parser, bytes, size);
    yaml_parser_set_encoding(&events->parser, YAML_UTF8_ENCODING);
    return events;
}

static void close_event(struct yamlevents *events)
{
    if (!events->open)
        return;
    if (events->event.type == YAML_SCALAR_EVENT)
        OPENSSL_cleanse(events->event.data.scalar.value, events->event.data.scalar.length);
    yaml_event_delete(&events->event);
    events->open = false;
}

void yamlevents_free(struct yamlevents *events)
{
    if (!events)
        return;
    close_event(events);
    yaml_parser_t *parser = &events->parser;
    if (parser->raw_buffer.start)
        OPENSSL_cleanse(parser->raw_buffer.start, (size_t)(parser->raw_buffer.end - parser->raw_buffer.start));
    if (parser->buffer.start)
        OPENSSL_cleanse(parser->buffer.start, (size_t)(parser->buffer.end - parser->buffer.start));
    yaml_parser_delete(parser);
    free(events);
}

/* libyaml counts characters: those that do not continue one in UTF-8 (RFC 3629 §3). It has refused invalid bytes. Places come in order but for
 * a few, so a walk from the last place is linear over the whole. */
static size_t byte_of(struct yamlevents *events, size_t character)
{
    while (events->character < character && events->byte < events->size) {
        do
            events->byte++;
        while (events->byte < events->size && (events->bytes[events->byte] & 0xC0) == 0x80);
        events->character++;
    }
    while (events->character > character && events->byte > 0) {
        do
            events->byte--;
        while (events->byte > 0 && (events->bytes[events->byte] & 0xC0) == 0x80);
        events->character--;
    }
    return events->byte;
}

static int fail(struct yamlevents *events, struct cm_error *error)
{
    const yaml_parser_t *parser = &events->parser;
    /* A reader error (bad UTF-8) has no mark: count lines up to the place reached. */
    size_t line = (parser->problem_mark.line ? parser->problem_mark.line : parser->mark.line) + 1;
    events->over = true;
    return error_set(error, CM_EMALFORMED, line, parser->problem ? parser->problem : "not valid YAML");
}

static void take_scalar(struct yamlevents *events, struct yamlevent *out)
{
    const yaml_event_t *event = &events->event;
    out->text = (const char *)event->data.scalar.value;
    out->size = event->data.scalar.length;
    out->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    out->start = byte_of(events, event->start_mark.index);
    out->end = byte_of(events, event->end_mark.index);
}

/* libyaml's work for each token grows with the depth, and so do its stacks: a megabyte of "[" would take minutes. */
static int watch_depth(struct yamlevents *events, enum yamlevent_kind kind, size_t line, struct cm_error *error)
{
    events->depth += kind == YAMLEVENT_MAP || kind == YAMLEVENT_LIST;
    events->depth -= kind == YAMLEVENT_MAP_END || kind == YAMLEVENT_LIST_END;
    if (events->depth <= YAMLEVENTS_DEPTH_MAX)
        return 0;
    events->over = true;
    return error_set(error, CM_ELIMIT, line, "nested too deeply");
}

int yamlevents_next(struct yamlevents *events, struct yamlevent *out, struct cm_error *error)
{
    static const enum yamlevent_kind kinds[] = {
        [YAML_DOCUMENT_START_EVENT] = YAMLEVENT_DOCUMENT,
        [YAML_DOCUMENT_END_EVENT] = YAMLEVENT_DOCUMENT_END,
        [YAML_ALIAS_EVENT] = YAMLEVENT_ALIAS,
        [YAML_SCALAR_EVENT] = YAMLEVENT_SCALAR,
        [YAML_SEQUENCE_START_EVENT] = YAMLEVENT_LIST,
        [YAML_SEQUENCE_END_EVENT] = YAMLEVENT_LIST_END,
        [YAML_MAPPING_START_EVENT] = YAMLEVENT_MAP,
        [YAML_MAPPING_END_EVENT] = YAMLEVENT_MAP_END,
    };
    close_event(events);
    if (events->over)
        return error_set(error, CM_EMALFORMED, 0, "not valid YAML");
    do {
        close_event(events);
        if (!yaml_parser_parse(&events->parser, &events->event))
            return fail(events, error);
        events->open = true;
    } while (events->event.type == YAML_STREAM_START_EVENT);
    *out = (struct yamlevent){.kind = YAMLEVENT_END, .line = events->event.start_mark.line + 1};
    events->over = events->event.type == YAML_STREAM_END_EVENT;
    if (!events->over)
        out->kind = kinds[events->event.type];
    if (out->kind == YAMLEVENT_SCALAR)
        take_scalar(events, out);
    return watch_depth(events, out->kind, out->line, error);
}
