/* "Did you mean": how far two names are from each other. */
#ifndef CERTMUSTER_SUGGEST_H
#define CERTMUSTER_SUGGEST_H

#include <stddef.h>

/* Keeps the nearest of the names offered so far. Start with {typed, NULL, 0}; near is NULL when nothing is near enough. */
struct suggest {
    const char *typed;
    const char *near; /* lends from the name offered */
    size_t distance;
};

void suggest_offer(struct suggest *suggest, const char *name);

#endif
