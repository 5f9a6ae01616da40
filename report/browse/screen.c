/* curses, wrapped: the one file that sees curses.h.
 *
 * Owns the terminal between screen_open and screen_close. Called by app.c (keys, size) and the views through draw.c. ncurses itself handles
 * SIGTSTP (^Z gives the terminal back, fg takes it again) and SIGWINCH (told as INPUT_RESIZE); Ctrl-C belongs to app.c, so that every way
 * out passes through screen_close. It refuses to know what is shown. */
#include "report/browse/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

/* After the standard headers: its macros (erase, move, timeout) would rewrite them. */
#include <curses.h>

enum { ESCAPE_DELAY_MS = 25, PUT_WIDE_MAX = 2048 };

static SCREEN *screen;
static attr_t attributes[PAINT_COUNT_];
static short pairs[PAINT_COUNT_];

/* Without colours, weight carries what colours would; the marks of the rows say it in either case. */
static void choose_paints(bool colour)
{
    static const struct {
        enum paint paint;
        attr_t with, without;
        short colour; /* -1: the terminal's own */
    } rows[] = {
        {PAINT_PLAIN, A_NORMAL, A_NORMAL, -1},
        {PAINT_DIM, A_DIM, A_NORMAL, -1},
        {PAINT_STRONG, A_BOLD, A_BOLD, -1},
        {PAINT_BAD, A_BOLD, A_BOLD, COLOR_RED},
        {PAINT_WARN, A_NORMAL, A_BOLD, COLOR_YELLOW},
        {PAINT_SOON, A_NORMAL, A_NORMAL, COLOR_CYAN},
        {PAINT_GOOD, A_NORMAL, A_NORMAL, COLOR_GREEN},
        {PAINT_TITLE, A_BOLD, A_BOLD, -1},
        {PAINT_HEAD, A_UNDERLINE, A_UNDERLINE, -1},
        {PAINT_KEY, A_BOLD, A_BOLD, COLOR_CYAN},
    };
    bool colours = colour && has_colors() && start_color() == OK;
    if (colours)
        use_default_colors();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum paint paint = rows[i].paint;
        attributes[paint] = colours ? rows[i].with : rows[i].without;
        pairs[paint] = 0;
        if (colours && rows[i].colour >= 0 && init_pair((short)(paint + 1), rows[i].colour, -1) == OK)
            pairs[paint] = (short)(paint + 1);
    }
}

int screen_open(bool colour, struct cm_error *error)
{
    const char *term = getenv("TERM");
    if (!term || !*term)
        return error_set(error, CM_EUNSUPPORTED, 0, "TERM is not set");
    if (strcmp(term, "dumb") == 0)
        return error_set(error, CM_EUNSUPPORTED, 0, "the terminal cannot place its cursor (TERM=dumb)");
    screen = newterm(NULL, stdout, stdin); /* initscr() would print and exit by itself */
    if (!screen)
        return error_setf(error, CM_EUNSUPPORTED, 0, "the terminal type is unknown", "TERM=%.60s", term);
    set_escdelay(ESCAPE_DELAY_MS);
    cbreak();
    noecho();
    nonl();
    intrflush(stdscr, FALSE);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    choose_paints(colour);
    return CM_OK;
}

void screen_close(void)
{
    if (!screen)
        return;
    curs_set(1);
    /* The shell goes on here, where the terminal has no other screen to go back to. */
    move(LINES - 1, 0);
    clrtoeol();
    refresh();
    endwin();
    delscreen(screen);
    screen = NULL;
}

void screen_size(int *rows, int *columns)
{
    getmaxyx(stdscr, *rows, *columns);
}

void screen_erase(void)
{
    erase();
}

void screen_put(int row, int column, const char *text, enum paint paint, bool selected)
{
    wchar_t wide[PUT_WIDE_MAX];
    mbstate_t state;
    int rows, columns;

    screen_size(&rows, &columns);
    if (row < 0 || row >= rows || column < 0 || column >= columns)
        return;
    memset(&state, 0, sizeof state);
    size_t length = mbsrtowcs(wide, &text, PUT_WIDE_MAX - 1, &state);
    if (length == (size_t)-1)
        return; /* cell.c made it valid in this locale; what is not cannot be shown */
    wide[length] = L'\0';
    attr_set(attributes[paint] | (selected ? A_REVERSE : A_NORMAL), pairs[paint], NULL);
    mvaddwstr(row, column, wide);
    attr_set(A_NORMAL, 0, NULL);
}

void screen_cursor(int row, int column)
{
    curs_set(row >= 0 ? 1 : 0);
    if (row >= 0)
        move(row, column);
}

void screen_show(void)
{
    refresh();
}

void screen_redraw(void)
{
    clearok(curscr, TRUE);
}

void screen_print(const char *text)
{
    char answer[256];
    def_prog_mode();
    endwin();
    fputs(text, stdout);
    fflush(stdout);
    for (ssize_t got; (got = read(STDIN_FILENO, answer, sizeof answer)) > 0;)
        if (memchr(answer, '\n', (size_t)got))
            break;
    reset_prog_mode();
    clearok(curscr, TRUE);
    refresh();
}

static int input_of(wint_t key)
{
    static const struct {
        wint_t key;
        int input;
    } rows[] = {
        {KEY_UP, INPUT_UP},         {KEY_DOWN, INPUT_DOWN},           {KEY_LEFT, INPUT_LEFT},
        {KEY_RIGHT, INPUT_RIGHT},   {KEY_PPAGE, INPUT_PAGE_UP},       {KEY_NPAGE, INPUT_PAGE_DOWN},
        {KEY_HOME, INPUT_HOME},     {KEY_FIND, INPUT_HOME},           {KEY_END, INPUT_END},
        {KEY_SELECT, INPUT_END},    {KEY_BACKSPACE, INPUT_BACKSPACE}, {KEY_DC, INPUT_DELETE},
        {KEY_RESIZE, INPUT_RESIZE}, {KEY_ENTER, INPUT_ENTER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].key == key)
            return rows[i].input;
    return INPUT_OTHER;
}

int screen_key(void)
{
    wint_t key;
    switch (get_wch(&key)) {
    case KEY_CODE_YES:
        return input_of(key);
    case OK:
        if (key == 127 || key == '\b')
            return INPUT_BACKSPACE;
        return key == '\n' ? INPUT_ENTER : (int)key;
    default:
        return INPUT_NONE;
    }
}
