/* The search for what the inventory refuses: the shortest beginning of a batch that is refused ends with a line that is to blame. It is
 * left out with the reason, and the rest is stored, or searched again. */
#include "collector/ingest/sieve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/db.h"
#include "certmuster/timefmt.h"
#include "collector/ingest/batch.h"

/* Without its certificates a chain is not stored but asked for, and so is one whose certificate was rejected already: these lines are in
 * every beginning before those that refer to them. */
void sieve_init(struct sieve *sieve, const struct batch *batch)
{
    size_t at = 0;
    *sieve = (struct sieve){.lines = batch->lines};
    sieve->fate = cm_calloc(batch->lines + 1, 1);
    sieve->order = cm_calloc(batch->lines + 1, sizeof *sieve->order);
    for (size_t i = 0; i < batch->rejection_count; i++)
        sieve->fate[batch->rejections[i].line - 1] = true;
    for (size_t i = 0; i < batch->certificate_count; i++)
        sieve->fate[batch->certificates[i].line - 1] = true;
    for (int needed = 1; needed >= 0; needed--)
        for (uint32_t line = 1; line <= batch->lines; line++)
            if (sieve->fate[line - 1] == needed)
                sieve->order[at++] = line;
    memset(sieve->fate, SIEVE_TAKEN, batch->lines);
}

void sieve_done(struct sieve *sieve)
{
    free(sieve->fate);
    free(sieve->order);
    *sieve = (struct sieve){.lines = 0};
}

enum sieve_fate sieve_fate(const struct sieve *sieve, uint64_t line, const char **why)
{
    if (!sieve || line == 0 || line > sieve->lines)
        return SIEVE_TAKEN;
    for (size_t i = 0; sieve->fate[line - 1] == SIEVE_REFUSED && i < sieve->refused_count; i++)
        if (sieve->refused[i].line == line)
            *why = sieve->refused[i].why;
    return (enum sieve_fate)sieve->fate[line - 1];
}

/* The first count lines of the order, but for those that are refused. */
static void take_first(struct sieve *sieve, size_t count)
{
    for (size_t i = 0; i < sieve->lines; i++) {
        uint8_t *fate = &sieve->fate[sieve->order[i] - 1];
        if (*fate != SIEVE_REFUSED)
            *fate = i < count ? SIEVE_TAKEN : SIEVE_LEFT_OUT;
    }
}

/* SIEVE_PASSED and *count: so many lines are not refused, with one more they are, and error says why. */
static int find(struct sieve *sieve, int64_t until_ms, sieve_try_fn try, void *context, size_t *count,
                struct cm_error *error)
{
    struct cm_error why = *error;
    size_t good = 0, bad = sieve->lines;
    take_first(sieve, 0);
    int code = try(context, false, error);
    while (code == SIEVE_PASSED && good + 1 < bad) {
        size_t middle = good + (bad - good) / 2;
        if (clock_monotonic_ms() > until_ms)
            return error_set(error, CM_ELIMIT, 0, "the inventory refuses records that were not found in time");
        take_first(sieve, middle);
        code = try(context, false, error);
        if (code == SIEVE_PASSED) {
            good = middle;
        } else if (db_refused(code, error)) {
            bad = middle;
            why = *error;
            code = SIEVE_PASSED;
        }
    }
    *count = good;
    if (code == SIEVE_PASSED)
        *error = why;
    return code;
}

int sieve_store(struct sieve *sieve, sieve_try_fn try, void *context, struct cm_error *error)
{
    int64_t until_ms = clock_monotonic_ms() + SIEVE_SECONDS_MAX * 1000;
    for (;;) {
        size_t good = 0;
        int code = try(context, true, error); /* what was in the way may have been another transaction, which is over */
        if (!db_refused(code, error))
            return code;
        if (sieve->refused_count == SIEVE_REFUSED_MAX)
            return error_set(error, CM_ELIMIT, 0, "the inventory refuses too many of these records");
        code = find(sieve, until_ms, try, context, &good, error);
        if (code != SIEVE_PASSED)
            return code;
        uint32_t line = sieve->order[good];
        sieve->refused[sieve->refused_count].line = line;
        snprintf(sieve->refused[sieve->refused_count++].why, sizeof error->detail, "%s", error->detail);
        sieve->fate[line - 1] = SIEVE_REFUSED;
        take_first(sieve, sieve->lines);
    }
}
