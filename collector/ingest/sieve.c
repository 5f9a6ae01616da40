/* The search for what the inventory refuses. A piece of the batch that is refused is halved and each half tried by itself, together with the
 * certificates that its chains need, so that one record to blame costs about twice the batch. Pieces are halved in turn, the largest first: when
 * the time is over, those that are known to be refused are rejected as they are, and all else is stored. */
#include "collector/ingest/sieve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/db.h"
#include "certmuster/timefmt.h"
#include "collector/ingest/batch.h"

enum line_kind { OTHER, CERTIFICATE, WRONG };

/* Without its certificates a chain is not stored but asked for: which lines a line needs. */
static void note_needs(struct sieve *sieve, const struct batch *batch)
{
    size_t count = 0, look = 0;
    for (size_t i = 0; i < batch->look_count; i++)
        count += batch->looks[i].chain_count;
    sieve->needs = cm_calloc(count + 1, sizeof *sieve->needs);
    count = 0;
    sieve->needs_start = cm_calloc(batch->lines + 2, sizeof *sieve->needs_start);
    for (uint32_t line = 1; line <= batch->lines; line++) {
        sieve->needs_start[line] = count;
        for (; look < batch->look_count && batch->looks[look].line == line; look++)
            for (size_t i = 0; i < batch->looks[look].chain_count; i++) {
                size_t at = (batch->looks[look].chain_start + i) * CM_SHA256_SIZE;
                const struct batch_certificate *certificate =
                    batch_certificate(batch, (const uint8_t *)batch->fingerprints.data + at);
                if (certificate)
                    sieve->needs[count++] = certificate->line;
            }
    }
    sieve->needs_start[batch->lines + 1] = count;
}

/* A line that is wrong by itself is not in the order but in every try: chains that need the certificate that it is not are rejected with it. Of one
 * that was rejected for what others say this is not known without them. */
void sieve_init(struct sieve *sieve, const struct batch *batch)
{
    *sieve = (struct sieve){.lines = batch->lines, .search_ms = SIEVE_SEARCH_MS};
    sieve->fate = cm_calloc(batch->lines + 1, 1);
    sieve->blame = cm_calloc(batch->lines + 1, sizeof *sieve->blame);
    sieve->order = cm_calloc(batch->lines + 1, sizeof *sieve->order);
    for (size_t i = 0; i < batch->rejection_count; i++)
        sieve->fate[batch->rejections[i].line - 1] = WRONG;
    for (size_t i = 0; i < batch->look_count; i++)
        sieve->fate[batch->looks[i].line - 1] = OTHER;
    for (size_t i = 0; i < batch->asset_count; i++)
        sieve->fate[batch->assets[i].line - 1] = OTHER;
    for (size_t i = 0; i < batch->run_count; i++)
        if (batch->runs[i].records)
            sieve->fate[batch->runs[i].first_line - 1] = OTHER;
    for (size_t i = 0; i < batch->certificate_count; i++)
        sieve->fate[batch->certificates[i].line - 1] = CERTIFICATE;
    for (int kind = CERTIFICATE; kind >= OTHER; kind--) {
        for (uint32_t line = 1; line <= batch->lines; line++)
            if (sieve->fate[line - 1] == kind)
                sieve->order[sieve->count++] = line;
        sieve->certificates = kind == CERTIFICATE ? sieve->count : sieve->certificates;
    }
    memset(sieve->fate, SIEVE_TAKEN, batch->lines);
    note_needs(sieve, batch);
}

void sieve_done(struct sieve *sieve)
{
    free(sieve->fate);
    free(sieve->blame);
    free(sieve->order);
    free(sieve->needs);
    free(sieve->needs_start);
    free(sieve->refusals);
    *sieve = (struct sieve){.lines = 0};
}

enum sieve_fate sieve_fate(const struct sieve *sieve, uint64_t line, const struct sieve_refusal **why)
{
    if (!sieve || line == 0 || line > sieve->lines)
        return SIEVE_TAKEN;
    if (sieve->fate[line - 1] == SIEVE_REFUSED)
        *why = &sieve->refusals[sieve->blame[line - 1]];
    return (enum sieve_fate)sieve->fate[line - 1];
}

/* --- Tries ----------------------------------------------------------------------------------------------------------------------------- */

struct search {
    struct sieve *sieve;
    sieve_try_fn try;
    void *context;
    int64_t until_ms;
    struct cm_error *error; /* of the last try that failed */
};

static bool is_over(const struct search *search)
{
    const struct sieve *sieve = search->sieve;
    return sieve->tried > SIEVE_GRANTED * sieve->lines + SIEVE_GRANTED_MORE && clock_monotonic_ms() >= search->until_ms;
}

/* The lines [from, to) of the order and those that they need, but for what is refused. */
static void take(struct sieve *sieve, size_t from, size_t to)
{
    for (size_t i = 0; i < sieve->count; i++) {
        uint8_t *fate = &sieve->fate[sieve->order[i] - 1];
        if (*fate != SIEVE_REFUSED)
            *fate = i >= from && i < to ? SIEVE_TAKEN : SIEVE_LEFT_OUT;
    }
    for (size_t i = from; i < to; i++) {
        uint32_t line = sieve->order[i];
        for (size_t j = sieve->needs_start[line]; j < sieve->needs_start[line + 1]; j++)
            if (sieve->fate[sieve->needs[j] - 1] == SIEVE_LEFT_OUT)
                sieve->fate[sieve->needs[j] - 1] = SIEVE_TAKEN;
    }
}

/* SIEVE_PASSED and *refused: whether these lines are. */
static int try_lines(struct search *search, size_t from, size_t to, bool *refused)
{
    struct sieve *sieve = search->sieve;
    take(sieve, from, to);
    for (size_t i = 0; i < sieve->count; i++)
        sieve->tried += sieve->fate[sieve->order[i] - 1] == SIEVE_TAKEN;
    int code = search->try(search->context, false, search->error);
    *refused = db_refused(code, search->error);
    return *refused ? SIEVE_PASSED : code;
}

/* Also what was in the way may have been another transaction, which is over. SIEVE_PASSED: there is more to be found. */
static int store_rest(struct search *search)
{
    take(search->sieve, 0, search->sieve->count);
    int code = search->try(search->context, true, search->error);
    return db_refused(code, search->error) ? SIEVE_PASSED : code;
}

/* --- Refusals -------------------------------------------------------------------------------------------------------------------------- */

static void note(struct sieve *sieve, size_t from, size_t to, const char *why)
{
    if (sieve->refusal_count % 16 == 0)
        sieve->refusals = cm_realloc(sieve->refusals, (sieve->refusal_count + 16) * sizeof *sieve->refusals);
    struct sieve_refusal *refusal = &sieve->refusals[sieve->refusal_count++];
    *refusal = (struct sieve_refusal){.from = from, .to = to};
    snprintf(refusal->why, sizeof refusal->why, "%s", why);
}

/* The lines of refusals from at on, but for those that were refused before; how many. */
static size_t refuse(struct sieve *sieve, size_t at)
{
    size_t count = 0;
    for (; at < sieve->refusal_count; at++) {
        struct sieve_refusal *refusal = &sieve->refusals[at];
        for (size_t i = refusal->from; i < refusal->to; i++) {
            uint32_t line = sieve->order[i];
            if (sieve->fate[line - 1] == SIEVE_REFUSED)
                continue;
            if (refusal->lines++ == 0)
                refusal->line = line;
            sieve->fate[line - 1] = SIEVE_REFUSED;
            sieve->blame[line - 1] = (uint32_t)at;
        }
        count += refusal->lines;
    }
    return count;
}

static int try_piece(struct search *search, size_t from, size_t to)
{
    bool refused = false;
    int code = from < to ? try_lines(search, from, to, &refused) : SIEVE_PASSED;
    if (refused)
        note(search->sieve, from, to, search->error->detail);
    return code;
}

/* Whatever is refused of [from, to) by itself. Pieces that are to be halved are noted behind one another. */
static int find(struct search *search, size_t from, size_t to)
{
    struct sieve *sieve = search->sieve;
    size_t first = sieve->refusal_count, middle = from + (to - from) / 2;
    int code = try_piece(search, from, middle);
    if (code == SIEVE_PASSED)
        code = try_piece(search, middle, to);
    for (size_t at = first; code == SIEVE_PASSED && at < sieve->refusal_count; at++) {
        from = sieve->refusals[at].from;
        to = sieve->refusals[at].to;
        middle = from + (to - from) / 2;
        if (middle == from || is_over(search))
            continue;
        sieve->refusals[at].to = from;
        code = try_piece(search, from, middle);
        if (code == SIEVE_PASSED)
            code = try_piece(search, middle, to);
    }
    refuse(sieve, first);
    return code;
}

/* What is refused together and not by itself: the shortest beginning that is refused ends with a line that is to blame. When the time is over,
 * all behind the longest that is not. */
static int find_together(struct search *search)
{
    struct sieve *sieve = search->sieve;
    struct cm_error why = *search->error;
    size_t good = 0, bad = sieve->count, first = sieve->refusal_count;
    while (bad - good > 1 && (good == 0 || !is_over(search))) {
        bool refused;
        size_t middle = good + (bad - good) / 2;
        int code = try_lines(search, 0, middle, &refused);
        if (code != SIEVE_PASSED)
            return code;
        if (refused) {
            bad = middle;
            why = *search->error;
        } else {
            good = middle;
        }
    }
    note(sieve, good, bad - good > 1 ? sieve->count : bad, why.detail);
    *search->error = why;
    return refuse(sieve, first) ? SIEVE_PASSED : why.code;
}

/* Certificates first: chains that need one that is refused are rejected with it, and tried no more. */
int sieve_store(struct sieve *sieve, sieve_try_fn try, void *context, struct cm_error *error)
{
    struct search search = {.sieve = sieve,
                            .try = try,
                            .context = context,
                            .until_ms = clock_monotonic_ms() + sieve->search_ms,
                            .error = error};
    memset(sieve->fate, SIEVE_LEFT_OUT, sieve->lines);
    int code = try(context, false, error);
    memset(sieve->fate, SIEVE_TAKEN, sieve->lines);
    if (code == SIEVE_PASSED)
        code = find(&search, 0, sieve->certificates);
    if (code == SIEVE_PASSED && sieve->refusal_count)
        code = store_rest(&search);
    if (code == SIEVE_PASSED)
        code = find(&search, sieve->certificates, sieve->count);
    if (code == SIEVE_PASSED)
        code = store_rest(&search);
    while (code == SIEVE_PASSED) {
        code = find_together(&search);
        if (code == SIEVE_PASSED)
            code = store_rest(&search);
    }
    return code;
}
