/* Lines of labelled text, wrapped to a width: the upper part of the detail view. Pure. */
#ifndef REPORT_BROWSE_DOC_H
#define REPORT_BROWSE_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "certmuster/buf.h"
#include "report/browse/screen.h"

enum { DOC_LABEL_WIDTH = 11 };

struct doc_line {
    const char *label; /* static; "" on a continuation */
    size_t text;       /* where its text starts in struct doc's text; NUL terminated, escaped */
    enum paint paint;
};

struct doc {
    struct buf text;
    struct doc_line *lines;
    size_t count, capacity;
    int width; /* of the screen */
    bool utf8;
};

void doc_init(struct doc *doc, int width, bool utf8);
void doc_done(struct doc *doc);
/* Adds text, escaped here, on as many lines as it takes. */
void doc_add(struct doc *doc, const char *label, enum paint paint, const char *text);
void doc_addf(struct doc *doc, const char *label, enum paint paint, const char *format, ...) CM_PRINTF(4, 5);
const char *doc_text(const struct doc *doc, size_t line);

#endif
