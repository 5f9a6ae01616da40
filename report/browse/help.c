/* Help: the rows of keys.c by view, keys that do the same together, then the marks and the words of the filter. */
#include "report/browse/help.h"

#include <stdio.h>
#include <string.h>

#include "report/browse/keys.h"
#include "report/browse/when.h"

enum { KEYS_WIDTH = 16 };

static const char *const more[][2] = {
    {"MARKS", ""},
    {"(expired)", "has expired, and is still there"},
    {"(3)", "ends within 3 days, or 3/90 of a shorter life"},
    {"(14)", "ends within 14 days, or 14/90 of a shorter life"},
    {"(30)", "ends within 30 days, or 30/90 of a shorter life"},
    {"(taken)", "every alert of it is acknowledged"},
    {"", ""},
    {"FILTER", "every word must be found; - in front of one turns it around"},
    {"word", "in names, subject, issuer, places, owners and fingerprint"},
    {"\"two words\"", "as they stand; *.example.org is a glob"},
    {"name: issuer:", "only there"},
    {"place: realm:", "192.0.2.7, /etc/ssl, www.example.org:443"},
    {"owner:", "owner:none finds what nobody answers for"},
    {"key:", "key:RSA, key:\"EC P-256\""},
    {"fingerprint:", "how it starts"},
    {"status:", "expired, expiring, failing, ok, gone"},
};

static const char *mark_of(const char *label, bool utf8)
{
    static const struct {
        const char *label;
        enum urgency urgency;
    } rows[] = {{"(expired)", URGENCY_EXPIRED}, {"(3)", URGENCY_3}, {"(14)", URGENCY_14}, {"(30)", URGENCY_30}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(label, rows[i].label) == 0)
            return when_mark(rows[i].urgency, utf8);
    return strcmp(label, "(taken)") == 0 ? (utf8 ? "✓" : "a") : NULL;
}

enum { HELP_LINES_MAX = 128, HELP_KEYS_SIZE = 48 };

struct help {
    struct {
        char keys[HELP_KEYS_SIZE];
        const char *text;
        bool section;
    } line[HELP_LINES_MAX];
    size_t count;
};

static void add(struct help *help, const char *keys, const char *text, bool section)
{
    if (help->count == HELP_LINES_MAX)
        return;
    snprintf(help->line[help->count].keys, HELP_KEYS_SIZE, "%s", keys);
    help->line[help->count].text = text;
    help->line[help->count++].section = section;
}

/* What stands on the key, for a terminal that cannot show arrows. */
static const char *key_name(const char *name, bool utf8)
{
    static const char *const arrows[][2] = {{"→", "Right"}, {"←", "Left"}, {"↑", "Up"}, {"↓", "Down"}};
    for (size_t i = 0; !utf8 && i < sizeof arrows / sizeof *arrows; i++)
        if (strcmp(name, arrows[i][0]) == 0)
            return arrows[i][1];
    return name;
}

/* The keys of these views; neighbours with the same help share a line. */
static void add_keys(struct help *help, const char *section, unsigned views, bool utf8)
{
    add(help, section, "", true);
    for (const struct key_row *row = key_rows; row->name;) {
        const struct key_row *first = row;
        char keys[HELP_KEYS_SIZE] = "";
        for (; row->name && strcmp(row->help, first->help) == 0 && row->views == first->views; row++) {
            size_t size = strlen(keys);
            snprintf(keys + size, sizeof keys - size, "%s%s", size > 0 ? " " : "", key_name(row->name, utf8));
        }
        if ((first->views & ~IN(VIEW_HELP)) == views)
            add(help, keys, first->help, false);
    }
    add(help, "", "", false);
}

static void build(struct help *help, bool utf8)
{
    help->count = 0;
    add_keys(help, "IN THE LIST", IN(VIEW_LIST), utf8);
    add_keys(help, "IN A CERTIFICATE", IN(VIEW_DETAIL), utf8);
    add_keys(help, "IN BOTH", IN(VIEW_LIST) | IN(VIEW_DETAIL), utf8);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        const char *mark = mark_of(more[i][0], utf8);
        bool section = strcmp(more[i][0], "MARKS") == 0 || strcmp(more[i][0], "FILTER") == 0;
        add(help, mark ? mark : more[i][0], more[i][1], section);
    }
}

static void title(struct browse *browse, struct buf *left, struct buf *right)
{
    (void)browse;
    buf_append_str(left, "certmuster browse: help");
    buf_append_str(right, "certmuster-browse(1)");
}

static void draw(struct browse *browse, int top, int height)
{
    struct help help;
    build(&help, browse->utf8);
    size_t last = help.count > (size_t)height ? help.count - (size_t)height : 0;
    if (browse->help_top > last)
        browse->help_top = last;
    for (int i = 0; i < height && browse->help_top + (size_t)i < help.count; i++) {
        size_t at = browse->help_top + (size_t)i;
        bool section = help.line[at].section;
        draw_cell(browse, top + i, section ? 1 : 3, KEYS_WIDTH, help.line[at].keys, CELL_LEFT,
                  section ? PAINT_STRONG : PAINT_KEY, false);
        draw_cell(browse, top + i, KEYS_WIDTH + 4, browse->columns - KEYS_WIDTH - 5, help.line[at].text, CELL_LEFT,
                  PAINT_PLAIN, false);
    }
}

static void status(struct browse *browse, struct buf *left)
{
    struct help help;
    build(&help, browse->utf8);
    size_t height = browse->rows > 3 ? (size_t)browse->rows - 3 : 1;
    if (help.count > height)
        buf_appendf(left, "lines %zu to %zu of %zu", browse->help_top + 1,
                    browse->help_top + height < help.count ? browse->help_top + height : help.count, help.count);
}

static void move(struct browse *browse, enum motion motion)
{
    size_t page = browse->rows > 4 ? (size_t)browse->rows - 4 : 1, *top = &browse->help_top;
    switch (motion) {
    case MOVE_UP:
        *top -= *top > 0;
        break;
    case MOVE_DOWN:
        *top += 1;
        break;
    case MOVE_PAGE_UP:
        *top -= *top < page ? *top : page;
        break;
    case MOVE_PAGE_DOWN:
        *top += page;
        break;
    case MOVE_HOME:
        *top = 0;
        break;
    case MOVE_END:
        *top = HELP_LINES_MAX; /* drawing knows where the end is */
        break;
    }
}

static void refresh(struct browse *browse)
{
    (void)browse;
}

const struct view_ops help_ops = {"help", title, draw, status, move, refresh};

void help_show(struct browse *browse, int argument)
{
    (void)argument;
    browse->behind_help = browse->view;
    browse->view = VIEW_HELP;
    browse->help_top = 0;
}

void help_leave(struct browse *browse, int argument)
{
    (void)argument;
    browse->view = browse->behind_help;
}
