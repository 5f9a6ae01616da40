/* Wraps labelled text. Called by detail_doc.c; breaks at spaces where there are any, anywhere where there are none (a fingerprint, a
 * name made to be long). */
#include "report/browse/doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/escape.h"
#include "report/browse/cell.h"

enum { DOC_TEXT_MAX = 32 * 1024 * 1024, WRAPPED_LINES_MAX = 12 };

void doc_init(struct doc *doc, int width, bool utf8)
{
    *doc = (struct doc){.width = width, .utf8 = utf8};
    buf_init(&doc->text, DOC_TEXT_MAX);
}

void doc_done(struct doc *doc)
{
    buf_done(&doc->text);
    free(doc->lines);
}

static void add_line(struct doc *doc, const char *label, enum paint paint, const char *text, size_t size)
{
    if (doc->count == doc->capacity) {
        doc->capacity = doc->capacity ? doc->capacity * 2 : 64;
        doc->lines = cm_realloc(doc->lines, doc->capacity * sizeof *doc->lines);
    }
    doc->lines[doc->count++] = (struct doc_line){label, doc->text.size, paint};
    buf_append(&doc->text, text, size);
    buf_append_char(&doc->text, '\0');
}

/* How much of the text goes on one line: up to the last space that fits, unless that would waste more than half of it. */
static size_t line_end(const char *text, size_t size, size_t width)
{
    size_t fits = text_fit(text, size, width);
    if (fits == size)
        return size;
    for (size_t at = fits; at > fits / 2; at--)
        if (text[at] == ' ')
            return at;
    return fits > 0 ? fits : size; /* nothing fits: a screen narrower than a character */
}

void doc_add(struct doc *doc, const char *label, enum paint paint, const char *text)
{
    struct buf safe;
    size_t width = doc->width > DOC_LABEL_WIDTH + 10 ? (size_t)(doc->width - DOC_LABEL_WIDTH - 2) : 8;
    buf_init(&safe, CELL_BYTES_MAX * 16);
    cell_plain(&safe, text, doc->utf8);
    const char *at = safe.data;
    size_t left = safe.size;
    for (int line = 0; line == 0 || (left > 0 && line < WRAPPED_LINES_MAX); line++) {
        size_t end = line_end(at, left, width);
        add_line(doc, line == 0 ? label : "", paint, at, end);
        at += end;
        left -= end;
        while (left > 0 && *at == ' ')
            at++, left--;
    }
    buf_done(&safe);
}

void doc_addf(struct doc *doc, const char *label, enum paint paint, const char *format, ...)
{
    struct buf text;
    char *formatted = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&formatted, format, arguments);
    va_end(arguments);
    buf_init(&text, CELL_BYTES_MAX * 4);
    if (size >= 0)
        buf_append_str(&text, formatted);
    free(formatted);
    doc_add(doc, label, paint, text.data);
    buf_done(&text);
}

const char *doc_text(const struct doc *doc, size_t line)
{
    return doc->text.data + doc->lines[line].text;
}
