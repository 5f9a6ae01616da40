/* One event a line on stderr, one write(2) each, so that threads and children do not tear each other's lines.
 *
 * Owns the program's name and level. Every program calls it. It refuses raw bytes from outside: those go through log_quote. */
#include "certmuster/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/buf.h"
#include "certmuster/escape.h"
#include "certmuster/progress.h"

enum { LINE_MAX_BYTES = 8192, QUOTE_SLOTS = 4, QUOTE_MAX_BYTES = 500 };

static const char *program_name = "certmuster";
static enum log_level level_now = LOG_LEVEL_INFO;
static bool journal; /* stderr goes to systemd's journal, which reads "<N>" (sd-daemon(3)) */

void log_init(const char *program, enum log_level level)
{
    program_name = program;
    level_now = level;
    journal = getenv("JOURNAL_STREAM") != NULL && !isatty(STDERR_FILENO);
}

void log_set_level(enum log_level level)
{
    level_now = level;
}

const char *log_program(void)
{
    return program_name;
}

static void write_line(struct buf *line)
{
    progress_make_way();
    if (line->failed || line->size == 0 || line->data[line->size - 1] != '\n') {
        line->failed = false;
        line->max++;
        buf_append_char(line, '\n');
    }
    for (size_t at = 0; at < line->size;) {
        ssize_t done = write(STDERR_FILENO, line->data + at, line->size - at);
        if (done <= 0)
            break; /* nobody listens: nothing better to do */
        at += (size_t)done;
    }
}

/* Control characters that slipped into a format's arguments become spaces: a line stays a line. */
CM_PRINTF(2, 0)
static void append_formatted(struct buf *line, const char *format, va_list arguments)
{
    char text[LINE_MAX_BYTES];
    int size = vsnprintf(text, sizeof text, format, arguments);
    if (size < 0)
        return;
    if ((size_t)size >= sizeof text)
        size = (int)sizeof text - 1;
    for (int i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            text[i] = ' ';
    size_t room = line->max - line->size;
    buf_append(line, text, (size_t)size < room ? (size_t)size : room);
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    static const int priority[] = {3, 4, 6, 7};
    if (level > level_now)
        return;
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    if (journal)
        buf_appendf(&line, "<%d>", priority[level]);
    buf_appendf(&line, "%s: %s", program_name, event);
    if (format && *format) {
        buf_append_char(&line, ' ');
        va_list arguments;
        va_start(arguments, format);
        append_formatted(&line, format, arguments);
        va_end(arguments);
    }
    write_line(&line);
    buf_done(&line);
}

static char *next_slot(void)
{
    static _Thread_local char slots[QUOTE_SLOTS][QUOTE_MAX_BYTES + 1];
    static _Thread_local unsigned next;
    return slots[next++ % QUOTE_SLOTS];
}

/* Appends "…" to out: escaped for a terminal, its double quotes too, cut between characters. */
static void append_quoted(struct buf *out, const char *text)
{
    struct buf escaped;
    buf_init(&escaped, 8 * QUOTE_MAX_BYTES);
    escape_terminal(&escaped, text, strnlen(text, QUOTE_MAX_BYTES), false);
    buf_append_char(out, '"');
    for (size_t at = 0; at < escaped.size;) {
        /* A unit is an escape of escape_terminal, or one UTF-8 character: never cut in the middle. */
        const char *unit = escaped.data + at;
        size_t size = 1;
        if (unit[0] == '\\' && unit[1] == 'x')
            size = 4;
        else if (unit[0] == '\\' && unit[1] == 'u')
            size = strcspn(unit, "}") + 1;
        else if (unit[0] == '\\')
            size = 2;
        else
            while ((unit[size] & 0xC0) == 0x80)
                size++;
        if (out->size + size + 5 > out->max) { /* room for "…" and the quote */
            buf_append_str(out, "\xE2\x80\xA6");
            break;
        }
        if (unit[0] == '"')
            buf_append_char(out, '\\');
        buf_append(out, unit, size);
        at += size;
    }
    buf_append_char(out, '"');
    buf_done(&escaped);
}

const char *log_quote(const char *text)
{
    struct buf out;
    buf_init(&out, QUOTE_MAX_BYTES);
    append_quoted(&out, text ? text : "");
    char *slot = next_slot();
    memcpy(slot, out.data, out.size + 1);
    buf_done(&out);
    return slot;
}

const char *log_error(const struct cm_error *error)
{
    struct buf out;
    buf_init(&out, QUOTE_MAX_BYTES);
    buf_appendf(&out, "error=%s", error_name(error->code));
    if (error->reason) {
        buf_append_str(&out, " reason=");
        append_quoted(&out, error->reason);
    }
    if (error->offset)
        buf_appendf(&out, " offset=%zu", error->offset);
    if (error->detail[0]) {
        buf_append_str(&out, " detail=");
        append_quoted(&out, error->detail);
    }
    char *slot = next_slot();
    memcpy(slot, out.data, out.size + 1);
    buf_done(&out);
    return slot;
}

void say_error(const char *format, ...)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    buf_appendf(&line, "%s: ", program_name);
    va_list arguments;
    va_start(arguments, format);
    append_formatted(&line, format, arguments);
    va_end(arguments);
    write_line(&line);
    buf_done(&line);
}
