/* A short list of what a probe tried before, or besides, what became its result. */
#include "scanner/scan/attempts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void attempts_add(struct attempts *attempts, enum starttls protocol, enum record_error error, const char *detail)
{
    bool tls = protocol == STARTTLS_NONE || protocol == STARTTLS_AUTO;
    if (attempts->count == ATTEMPTS_MAX)
        return;
    if (!attempts->list)
        attempts->list = cm_calloc(ATTEMPTS_MAX, sizeof *attempts->list);
    struct attempt *attempt = &attempts->list[attempts->count++];
    snprintf(attempt->what, sizeof attempt->what, "%s%s", tls ? "tls" : "starttls-",
             tls ? "" : starttls_name(protocol));
    attempt->error = error;
    attempt->detail = detail ? cm_strdup(detail) : NULL;
}

struct attempt attempts_take(struct attempts *attempts, size_t index)
{
    struct attempt taken = attempts->list[index];
    attempts->count--;
    memmove(&attempts->list[index], &attempts->list[index + 1], (attempts->count - index) * sizeof *attempts->list);
    return taken;
}

void attempts_done(struct attempts *attempts)
{
    for (size_t i = 0; i < attempts->count; i++)
        free(attempts->list[i].detail);
    free(attempts->list);
    *attempts = (struct attempts){0};
}
