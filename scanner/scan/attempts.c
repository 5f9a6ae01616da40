/* A short list of what a probe tried before, or besides, what became its result. */
#include "scanner/scan/attempts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t attempts_add(struct attempts *attempts, const char *what, enum record_error error, const char *detail)
{
    if (attempts->count == ATTEMPTS_MAX)
        return 0;
    if (!attempts->list)
        attempts->list = cm_calloc(ATTEMPTS_MAX, sizeof *attempts->list);
    struct attempt *attempt = &attempts->list[attempts->count++];
    snprintf(attempt->what, sizeof attempt->what, "%s", what);
    attempt->error = error;
    attempt->detail = detail ? cm_strdup(detail) : NULL;
    return attempts->count;
}

struct attempt attempts_take(struct attempts *attempts, size_t place)
{
    struct attempt taken = attempts->list[place - 1];
    attempts->count--;
    memmove(&attempts->list[place - 1], &attempts->list[place],
            (attempts->count - (place - 1)) * sizeof *attempts->list);
    return taken;
}

void attempts_done(struct attempts *attempts)
{
    for (size_t i = 0; i < attempts->count; i++)
        free(attempts->list[i].detail);
    free(attempts->list);
    *attempts = (struct attempts){0};
}
