/* One line of text being typed: the filter, a note. UTF-8, the cursor between characters. Pure. */
#ifndef REPORT_BROWSE_LINE_H
#define REPORT_BROWSE_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum { LINE_BYTES_MAX = 512 };

struct line {
    char text[LINE_BYTES_MAX]; /* ends with NUL */
    size_t size, cursor;       /* bytes */
};

void line_clear(struct line *line);
void line_set(struct line *line, const char *text);
/* A key of screen.h. True when the text changed. Keys that mean nothing here are ignored. */
bool line_key(struct line *line, int key);

#endif
