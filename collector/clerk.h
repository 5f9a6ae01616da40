/* Work beside the judge that may take long: a thread with a database connection of its own, which does a round, rests, and does the next. */
#ifndef COLLECTOR_CLERK_H
#define COLLECTOR_CLERK_H

#include <stdbool.h>

#include "certmuster/db.h"
#include "certmuster/error.h"
#include "collector/settings.h"

struct clerk_work {
    const char *name;    /* of the connection, and of the log's events */
    const char *session; /* SQL that is said on each connection; NULL: nothing */
    int rest_ms;         /* between two rounds, at least */
    int share;           /* a round may take one part in so many of the clerk's time; 0: however much */
    /* Leaves no transaction open, whatever it answers. context is lent by who makes the clerk. */
    int (*round)(struct db *db, void *context, struct cm_error *error);
};

struct clerk;
/* *work and its texts are copied; settings and context are lent until it has ended. */
CM_MUST_CHECK int clerk_new(const struct settings *settings, const struct clerk_work *work, void *context,
                            struct clerk **out, struct cm_error *error);
/* Asks it to end and waits; false: it is in a statement still after timeout_ms, and must not be freed, nor what it was lent. */
bool clerk_stop(struct clerk *clerk, int timeout_ms);
/* Only after clerk_stop was true; NULL is fine. */
void clerk_free(struct clerk *clerk);

#endif
