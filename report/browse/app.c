/* The loop: keys, news of the links, the clock, one picture after each.
 *
 * Waits in poll() and nowhere else. The frame is the same for every view:
 *
 *     title                                   what is shown, as of when
 *     …                                       the view's own rows
 *     status, or a notice, or the database's  position, totals; what was just done; since when the database is away
 *     hints, or the prompt                    keys; what is being typed
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/escape.h"
#include "certmuster/timefmt.h"
#include "report/browse/acknowledge.h"
#include "report/browse/browse.h"
#include "report/browse/detail.h"
#include "report/browse/keys.h"
#include "report/browse/list.h"
#include "report/browse/when.h"

enum { TICK_MS = 1000, REFRESH_MS = 60 * 1000, NOTICE_MS = 8000, EXIT_INTERRUPTED = 128 };

static volatile sig_atomic_t signalled;
static volatile sig_atomic_t signal_fd = -1;

static void on_signal(int number)
{
    int saved = errno;
    uint64_t one = 1;
    signalled = number;
    ssize_t done = write(signal_fd, &one, sizeof one);
    (void)done;
    errno = saved;
}

const struct view_ops *browse_ops(const struct browse *browse)
{
    static const struct view_ops *const ops[VIEW_COUNT_] = {
        [VIEW_LIST] = &list_ops, [VIEW_DETAIL] = &detail_ops, [VIEW_HELP] = &help_ops};
    return ops[browse->view];
}

void browse_notice(struct browse *browse, enum paint paint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(browse->notice, sizeof browse->notice, format, arguments);
    va_end(arguments);
    browse->notice_paint = paint;
    browse->notice_until_ms = clock_monotonic_ms() + NOTICE_MS;
}

void browse_refresh(struct browse *browse)
{
    browse->refreshed_ms = clock_monotonic_ms();
    list_ops.refresh(browse);
    if (browse->detail)
        detail_ops.refresh(browse);
}

/* --- The prompt ---------------------------------------------------------------------------------------------------------------- */

void browse_ask(struct browse *browse, const char *label, const char *text,
                void (*changed)(struct browse *browse, const char *text),
                void (*accepted)(struct browse *browse, const char *text), void (*given_up)(struct browse *browse))
{
    browse->prompt = (struct prompt){.label = label, .changed = changed, .accepted = accepted, .given_up = given_up};
    line_set(&browse->prompt.line, text);
}

static void prompt_key(struct browse *browse, int key)
{
    struct prompt *prompt = &browse->prompt;
    if (key == INPUT_ENTER) {
        prompt->label = NULL;
        prompt->accepted(browse, prompt->line.text);
    } else if (key == INPUT_ESCAPE) {
        prompt->label = NULL;
        if (prompt->given_up)
            prompt->given_up(browse);
    } else if ((key == INPUT_UP || key == INPUT_DOWN || key == INPUT_PAGE_UP || key == INPUT_PAGE_DOWN) &&
               prompt->changed) {
        /* Looking around in what is found so far, without leaving the prompt. */
        browse_ops(browse)->move(browse, key == INPUT_UP        ? MOVE_UP
                                         : key == INPUT_DOWN    ? MOVE_DOWN
                                         : key == INPUT_PAGE_UP ? MOVE_PAGE_UP
                                                                : MOVE_PAGE_DOWN);
    } else if (line_key(&prompt->line, key) && prompt->changed) {
        prompt->changed(browse, prompt->line.text);
    }
}

/* The end of what was typed is shown when it does not fit. */
static void draw_prompt(struct browse *browse, int row)
{
    const struct prompt *prompt = &browse->prompt;
    struct buf shown;
    int label = (int)strlen(prompt->label), room = browse->columns - label - 1;
    size_t from = 0;

    if (room < 1) {
        label = 0;
        room = browse->columns - 1;
    }
    while (from < prompt->line.cursor &&
           text_columns(prompt->line.text + from, prompt->line.cursor - from) > (size_t)room)
        from++;
    buf_init(&shown, LINE_BYTES_MAX * 16);
    cell_plain(&shown, prompt->line.text + from, browse->utf8);
    draw_blank(browse, row, PAINT_PLAIN, false);
    if (label > 0)
        draw_cell(browse, row, 0, label, prompt->label, CELL_LEFT, PAINT_KEY, false);
    draw_cell(browse, row, label, room, prompt->line.text + from, CELL_LEFT, PAINT_STRONG, false);
    int used = label + (int)text_columns(shown.data, shown.size);
    if (prompt->wrong[0] && used + 4 < browse->columns)
        draw_cell(browse, row, used + 2, browse->columns - used - 2, prompt->wrong, CELL_LEFT, PAINT_BAD, false);
    buf_reset(&shown);
    char before[LINE_BYTES_MAX];
    snprintf(before, sizeof before, "%.*s", (int)(prompt->line.cursor - from), prompt->line.text + from);
    cell_plain(&shown, before, browse->utf8);
    screen_cursor(row, label + (int)text_columns(shown.data, shown.size));
    buf_done(&shown);
}

/* --- The frame ------------------------------------------------------------------------------------------------------------------- */

static void draw_title(struct browse *browse)
{
    struct buf left, right;
    buf_init(&left, CELL_BYTES_MAX);
    buf_init(&right, CELL_BYTES_MAX);
    browse_ops(browse)->title(browse, &left, &right);
    int width = (int)text_columns(right.data, right.size);
    if (width > browse->columns / 3)
        width = 0;
    draw_blank(browse, 0, PAINT_TITLE, true);
    draw_cell(browse, 0, 1, browse->columns - width - 3, left.data, CELL_LEFT, PAINT_TITLE, true);
    if (width > 0)
        draw_cell(browse, 0, browse->columns - width - 1, width, right.data, CELL_RIGHT, PAINT_TITLE, true);
    buf_done(&left);
    buf_done(&right);
}

static void append_clock(struct buf *out, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm when;
    localtime_r(&seconds, &when);
    buf_appendf(out, "%02d:%02d:%02d", when.tm_hour, when.tm_min, when.tm_sec);
}

/* What the user must know of the database: nothing while it is there. */
static void append_away(struct browse *browse, struct buf *out)
{
    const struct link_status *status = &browse->status;
    char ago[WHEN_SIZE];
    int64_t left = (status->retry_at_ms - clock_wall_ms() + 999) / 1000;
    when_ago(ago, status->since_ms / 1000, browse->now);
    buf_append_str(out, "The database is away since ");
    append_clock(out, status->since_ms);
    buf_appendf(out, " (%s); ", ago);
    if (left > 0)
        buf_appendf(out, "next try in %lld s. ", (long long)left);
    else
        buf_append_str(out, "trying now. ");
    buf_append_str(out, status->message);
}

static void draw_status(struct browse *browse, int row)
{
    struct buf text;
    const char *right = browse->status.state == LINK_CONNECTING ? "connecting" : browse->status.busy ? "loading" : "";
    buf_init(&text, CELL_BYTES_MAX);
    draw_blank(browse, row, PAINT_PLAIN, false);
    if (browse->notice[0] && clock_monotonic_ms() < browse->notice_until_ms) {
        draw_cell(browse, row, 1, browse->columns - 2, browse->notice, CELL_LEFT, browse->notice_paint, false);
    } else if (browse->status.state == LINK_AWAY) {
        append_away(browse, &text);
        draw_cell(browse, row, 1, browse->columns - 2, text.data, CELL_LEFT, PAINT_BAD, false);
    } else {
        browse_ops(browse)->status(browse, &text);
        int width = (int)strlen(right);
        draw_cell(browse, row, 1, browse->columns - width - 3, text.data, CELL_LEFT, PAINT_PLAIN, false);
        draw_cell(browse, row, browse->columns - width - 1, width, right, CELL_RIGHT, PAINT_DIM, false);
    }
    buf_done(&text);
}

static void draw_hints(struct browse *browse, int row)
{
    int at = 1;
    draw_blank(browse, row, PAINT_PLAIN, false);
    for (const struct key_row *key = key_rows; key->name; key++) {
        if (!key->hint || !(key->views & IN(browse->view)))
            continue;
        int name = (int)strlen(key->name), hint = (int)strlen(key->hint);
        if (at + name + 1 + hint >= browse->columns)
            break;
        draw_cell(browse, row, at, name, key->name, CELL_LEFT, PAINT_KEY, false);
        draw_cell(browse, row, at + name + 1, hint, key->hint, CELL_LEFT, PAINT_PLAIN, false);
        at += name + hint + 3;
    }
}

static void draw(struct browse *browse)
{
    screen_size(&browse->rows, &browse->columns);
    screen_erase();
    screen_cursor(-1, 0);
    if (browse->rows < BROWSE_ROWS_MIN || browse->columns < BROWSE_COLUMNS_MIN) {
        draw_cell(browse, 0, 0, browse->columns, "terminal too small", CELL_LEFT, PAINT_PLAIN, false);
        char least[48];
        snprintf(least, sizeof least, "at least %d x %d", BROWSE_COLUMNS_MIN, BROWSE_ROWS_MIN);
        draw_cell(browse, 1, 0, browse->columns, least, CELL_LEFT, PAINT_PLAIN, false);
    } else {
        draw_title(browse);
        browse_ops(browse)->draw(browse, 1, browse->rows - 3);
        draw_status(browse, browse->rows - 2);
        if (browse->prompt.label)
            draw_prompt(browse, browse->rows - 1);
        else
            draw_hints(browse, browse->rows - 1);
    }
    screen_show();
}

/* --- The loop --------------------------------------------------------------------------------------------------------------------- */

static void look_at_links(struct browse *browse)
{
    for (int i = 0; i < BROWSE_LINKS; i++)
        link_collect(browse->link[i]);
    acknowledge_watch(browse);
    struct link_status totals;
    link_status(browse->link[BROWSE_LINK_TOTALS],
                &totals); /* so that it is looked after; what it says is seen in the rows' */
    link_status(browse->link[BROWSE_LINK_ROWS], &browse->status);
    if (browse->status.state == LINK_UP && browse->status.connects != browse->connects) {
        /* It is back: what is shown may be old, and the other links need not wait out their pause. */
        if (browse->connects > 0) {
            link_retry(browse->link[BROWSE_LINK_TOTALS]);
            browse_refresh(browse);
        }
        browse->connects = browse->status.connects;
    }
}

static void press(struct browse *browse, int key)
{
    if (key == INPUT_RESIZE)
        return; /* the next draw measures */
    if (browse->prompt.label) {
        prompt_key(browse, key);
        return;
    }
    browse->notice[0] = '\0';
    keys_press(browse, key);
}

static void catch_signals(int fd)
{
    /* Before curses looks: it leaves signals alone that somebody handles. */
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action = {.sa_handler = on_signal};
    signal_fd = fd;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int browse_run(struct browse *browse)
{
    uint64_t news;
    catch_signals(browse->notify_fd);
    browse->refreshed_ms = clock_monotonic_ms();
    list_open(browse);
    while (!browse->quit && !signalled) {
        browse->now = clock_wall_ms() / 1000;
        look_at_links(browse);
        if (clock_monotonic_ms() - browse->refreshed_ms >= REFRESH_MS)
            browse_refresh(browse);
        draw(browse);
        struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = browse->notify_fd, .events = POLLIN}};
        int ready = poll(fds, 2, TICK_MS);
        if (ready > 0 && fds[1].revents && read(browse->notify_fd, &news, sizeof news) < 0 && errno != EAGAIN)
            break;
        if (ready > 0 && (fds[0].revents & (POLLERR | POLLNVAL | POLLHUP)))
            break; /* the terminal is gone */
        for (int key; !browse->quit && (key = screen_key()) != INPUT_NONE;)
            press(browse, key);
    }
    return signalled ? EXIT_INTERRUPTED + signalled : CM_EXIT_OK;
}
