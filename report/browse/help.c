/* Help: one line per row of keys.c, keys that do the same together, then the marks and the words of the filter. */
#include "report/browse/help.h"

#include <string.h>

#include "report/browse/keys.h"
#include "report/browse/when.h"

enum { KEYS_WIDTH = 16 };

static const char *const more[][2] = {
    {"", ""},
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
    {"status:", "expired, expiring, failing, ok"},
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

/* The text of one line; false behind the last. Keys of neighbouring rows with the same help share a line. */
static bool line_at(size_t wanted, bool utf8, struct buf *keys, const char **text)
{
    size_t line = 0;
    if (wanted == line++) {
        buf_append_str(keys, "KEYS");
        *text = "";
        return true;
    }
    for (const struct key_row *row = key_rows; row->name;) {
        const struct key_row *first = row;
        buf_reset(keys);
        for (; row->name && strcmp(row->help, first->help) == 0 && row->views == first->views; row++) {
            buf_append_str(keys, row == first ? "" : " ");
            if (utf8 || (unsigned char)row->name[0] < 0x80)
                buf_append_str(keys, row->name);
            else
                buf_append_str(keys, strcmp(row->name, "→") == 0   ? "Right"
                                     : strcmp(row->name, "←") == 0 ? "Left"
                                     : strcmp(row->name, "↑") == 0 ? "Up"
                                                                   : "Down");
        }
        *text = first->help;
        if (wanted == line++)
            return true;
    }
    wanted -= line;
    if (wanted >= sizeof more / sizeof *more)
        return false;
    const char *mark = mark_of(more[wanted][0], utf8);
    buf_reset(keys);
    buf_append_str(keys, mark ? mark : more[wanted][0]);
    *text = more[wanted][1];
    return true;
}

static size_t line_count(void)
{
    struct buf keys;
    const char *text;
    size_t count = 0;
    buf_init(&keys, CELL_BYTES_MAX);
    while (line_at(count, true, &keys, &text))
        count++;
    buf_done(&keys);
    return count;
}

static void title(struct browse *browse, struct buf *left, struct buf *right)
{
    (void)browse;
    buf_append_str(left, "certmuster browse: help");
    buf_append_str(right, "certmuster-browse(1)");
}

static void draw(struct browse *browse, int top, int height)
{
    struct buf keys;
    const char *text;
    size_t count = line_count(), last = count > (size_t)height ? count - (size_t)height : 0;
    if (browse->help_top > last)
        browse->help_top = last;
    buf_init(&keys, CELL_BYTES_MAX);
    for (int i = 0; i < height && line_at(browse->help_top + (size_t)i, browse->utf8, &keys, &text); i++) {
        bool section =
            keys.size > 1 && keys.data[0] >= 'A' && keys.data[0] <= 'Z' && keys.data[1] >= 'A' && keys.data[1] <= 'Z';
        draw_cell(browse, top + i, 2, KEYS_WIDTH, keys.data, CELL_LEFT, section ? PAINT_STRONG : PAINT_KEY, false);
        draw_cell(browse, top + i, 2 + KEYS_WIDTH + 1, browse->columns - KEYS_WIDTH - 4, text, CELL_LEFT, PAINT_PLAIN,
                  false);
        buf_reset(&keys);
    }
    buf_done(&keys);
}

static void status(struct browse *browse, struct buf *left)
{
    (void)browse;
    buf_appendf(left, "%zu lines", line_count());
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
        *top = line_count();
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
