/* The keys: one row each, from which the dispatch, the line of hints and the help screen are made. */
#ifndef REPORT_BROWSE_KEYS_H
#define REPORT_BROWSE_KEYS_H

#include "report/browse/browse.h"

#define IN(view) (1u << (view))

struct key_row {
    int key;          /* screen.h */
    unsigned views;   /* IN(VIEW_LIST) | … */
    const char *name; /* as on the keyboard */
    const char *hint; /* one word for the bottom line; NULL: not there */
    const char *help; /* one sentence; rows that share it stand together in the help */
    void (*run)(struct browse *browse, int argument);
    int argument;
};

extern const struct key_row key_rows[]; /* ends with name NULL */

/* Runs what the key means in the present view. False: nothing. */
bool keys_press(struct browse *browse, int key);

#endif
