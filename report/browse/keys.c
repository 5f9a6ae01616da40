/* The key bindings. Adding one means adding a row; the help screen and the bottom line follow. A test holds that no key means two
 * things in one view. */
#include "report/browse/keys.h"

#include "report/browse/acknowledge.h"
#include "report/browse/copy.h"
#include "report/browse/detail.h"
#include "report/browse/help.h"
#include "report/browse/list.h"

#define EVERYWHERE (IN(VIEW_LIST) | IN(VIEW_DETAIL) | IN(VIEW_HELP))
#define INVENTORY  (IN(VIEW_LIST) | IN(VIEW_DETAIL))
#define CONTROL(c) ((c)&0x1F)

static void move(struct browse *browse, int motion);
static void quit(struct browse *browse, int argument);
static void refresh(struct browse *browse, int argument);
static void redraw(struct browse *browse, int argument);

const struct key_row key_rows[] = {
    {INPUT_ENTER, IN(VIEW_LIST), "Enter", "open", "Open the certificate: owner, chain, places.", list_enter, 0},
    {INPUT_RIGHT, IN(VIEW_LIST), "→", NULL, "Open the certificate: owner, chain, places.", list_enter, 0},
    {'/', IN(VIEW_LIST), "/", "filter", "Filter as you type (the words are explained below).", list_filter, 0},
    {INPUT_ESCAPE, IN(VIEW_LIST), "Esc", NULL, "Clear the filter.", list_clear_filter, 0},
    {'a', INVENTORY, "a", "acknowledge", "Acknowledge the expiry alert: silent until it gets tighter.", acknowledge_ask,
     0},
    {'A', INVENTORY, "A", NULL, "Take the acknowledgement back.", acknowledge_undo, 0},
    {'s', IN(VIEW_LIST), "s", "scope", "Next scope: all, valid, 30 days, expired, chain, to do.", list_scope, 1},
    {'S', IN(VIEW_LIST), "S", NULL, "Previous scope.", list_scope, -1},
    {'o', IN(VIEW_LIST), "o", "order", "Order: soonest first, by name.", list_order, 0},
    {'t', IN(VIEW_LIST), "t", "trust", "With and without trust stores.", list_trust, 0},
    {'?', INVENTORY, "?", "help", "This help.", help_show, 0},
    {'q', IN(VIEW_LIST), "q", "quit", "Quit.", quit, 0},
    {'n', IN(VIEW_LIST), "n", "now", "Go to the first that has not expired.", list_now, 0},
    {'n', IN(VIEW_DETAIL), "n", "names", "Show all names, or only the first.", detail_names, 0},
    {'h', IN(VIEW_DETAIL), "h", "history", "Show the alert's history.", detail_events, 0},
    {']', IN(VIEW_DETAIL), "]", "next", "Next certificate of the list.", detail_neighbour, 1},
    {'[', IN(VIEW_DETAIL), "[", NULL, "Previous certificate of the list.", detail_neighbour, -1},
    {'y', INVENTORY, "y", "copy", "Print fingerprint and PEM outside the screen, to be copied.", copy_run, 0},
    {'q', IN(VIEW_DETAIL), "q", "back", "Back.", detail_back, 0},
    {INPUT_ESCAPE, IN(VIEW_DETAIL), "Esc", NULL, "Back.", detail_back, 0},
    {INPUT_LEFT, IN(VIEW_DETAIL), "←", NULL, "Back.", detail_back, 0},
    {'r', INVENTORY, "r", "refresh", "Refresh now (it also happens every minute).", refresh, 0},
    {'q', IN(VIEW_HELP), "q", "back", "Back.", help_leave, 0},
    {INPUT_ESCAPE, IN(VIEW_HELP), "Esc", NULL, "Back.", help_leave, 0},
    {'?', IN(VIEW_HELP), "?", NULL, "Back.", help_leave, 0},
    {INPUT_DOWN, EVERYWHERE, "↓", NULL, "Down.", move, MOVE_DOWN},
    {'j', EVERYWHERE, "j", NULL, "Down.", move, MOVE_DOWN},
    {INPUT_UP, EVERYWHERE, "↑", NULL, "Up.", move, MOVE_UP},
    {'k', EVERYWHERE, "k", NULL, "Up.", move, MOVE_UP},
    {INPUT_PAGE_DOWN, EVERYWHERE, "PgDn", NULL, "A page down.", move, MOVE_PAGE_DOWN},
    {' ', EVERYWHERE, "Space", NULL, "A page down.", move, MOVE_PAGE_DOWN},
    {CONTROL('f'), EVERYWHERE, "^F", NULL, "A page down.", move, MOVE_PAGE_DOWN},
    {INPUT_PAGE_UP, EVERYWHERE, "PgUp", NULL, "A page up.", move, MOVE_PAGE_UP},
    {CONTROL('b'), EVERYWHERE, "^B", NULL, "A page up.", move, MOVE_PAGE_UP},
    {INPUT_HOME, EVERYWHERE, "Home", NULL, "To the start.", move, MOVE_HOME},
    {'g', EVERYWHERE, "g", NULL, "To the start.", move, MOVE_HOME},
    {INPUT_END, EVERYWHERE, "End", NULL, "To the end.", move, MOVE_END},
    {'G', EVERYWHERE, "G", NULL, "To the end.", move, MOVE_END},
    {CONTROL('l'), EVERYWHERE, "^L", NULL, "Paint the screen anew.", redraw, 0},
    {0, 0, NULL, NULL, NULL, NULL, 0},
};

static void move(struct browse *browse, int motion)
{
    browse_ops(browse)->move(browse, (enum motion)motion);
}

static void quit(struct browse *browse, int argument)
{
    (void)argument;
    browse->quit = true;
}

static void refresh(struct browse *browse, int argument)
{
    (void)argument;
    for (int i = 0; i < BROWSE_LINKS; i++)
        link_retry(browse->link[i]);
    browse_refresh(browse);
}

static void redraw(struct browse *browse, int argument)
{
    (void)browse;
    (void)argument;
    screen_redraw();
}

bool keys_press(struct browse *browse, int key)
{
    for (const struct key_row *row = key_rows; row->name; row++) {
        if (row->key == key && (row->views & IN(browse->view))) {
            row->run(browse, row->argument);
            return true;
        }
    }
    return false;
}
