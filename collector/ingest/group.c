/* What a batch says, put in order: refused records out, the rest counted, by place, and per place by run. */
#include <stdlib.h>
#include <string.h>

#include "collector/ingest/batch.h"

static int compare_sha256(const void *a, const void *b)
{
    return memcmp(a, b, CM_SHA256_SIZE);
}

/* Sorted, each once. */
static size_t unique_sha256(uint8_t (*list)[CM_SHA256_SIZE], size_t count)
{
    size_t kept = 0;
    if (count)
        qsort(list, count, sizeof *list, compare_sha256);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || memcmp(list[i], list[kept - 1], CM_SHA256_SIZE) != 0)
            memmove(list[kept++], list[i], CM_SHA256_SIZE);
    return kept;
}

/* --- Refusals and counts ------------------------------------------------------------------------------------------------------------- */

static int compare_certificates(const void *a, const void *b)
{
    const struct batch_certificate *left = a, *right = b;
    int order = memcmp(left->sha256, right->sha256, CM_SHA256_SIZE);
    return order ? order : (left->line > right->line) - (left->line < right->line);
}

static int compare_rejections(const void *a, const void *b)
{
    const struct batch_rejection *left = a, *right = b;
    return (left->line > right->line) - (left->line < right->line);
}

struct batch_certificate *batch_certificate(const struct batch *batch, const uint8_t sha256[static CM_SHA256_SIZE])
{
    size_t low = 0, high = batch->certificate_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(batch->certificates[middle].sha256, sha256, CM_SHA256_SIZE) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == batch->certificate_count || memcmp(batch->certificates[low].sha256, sha256, CM_SHA256_SIZE) != 0)
        return NULL;
    return &batch->certificates[low];
}

/* The chain needs a certificate whose record in this very batch was rejected. */
static bool needs_rejected(const struct batch *batch, const struct look *look)
{
    if (!batch->claimed_count)
        return false;
    for (size_t i = 0; i < look->chain_count; i++) {
        const char *sha256 = batch->fingerprints.data + (look->chain_start + i) * CM_SHA256_SIZE;
        if (bsearch(sha256, batch->claimed, batch->claimed_count, CM_SHA256_SIZE, compare_sha256) &&
            !batch_certificate(batch, (const uint8_t *)sha256))
            return true;
    }
    return false;
}

static const char *refusal(const struct batch *batch, uint16_t origin, bool run_refused)
{
    if (batch->origins[origin].refused)
        return batch->origins[origin].refused;
    return run_refused ? "the run is another scanner's" : NULL;
}

/* reason: of refusal(), or another. */
static void reject_line(struct batch *batch, uint32_t line, uint16_t origin, const char *reason)
{
    const struct batch_origin *from = &batch->origins[origin];
    batch_reject(batch, line, reason, reason == from->refused ? from->advice : NULL);
}

static void reject_look(struct batch *batch, struct look *look, const char *reason)
{
    look->rejected = true;
    reject_line(batch, look->line, look->origin, reason);
}

/* Of scanners that may all speak and name the same run, the first has it. */
static void settle_claims(struct batch *batch)
{
    for (size_t i = 0; i < batch->run_count; i++)
        for (size_t j = 0; j < i && !batch->runs[i].refused; j++)
            batch->runs[i].refused = memcmp(batch->runs[i].run, batch->runs[j].run, CM_UUID_SIZE) == 0 &&
                                     !refusal(batch, batch->runs[j].origin, batch->runs[j].refused) &&
                                     !refusal(batch, batch->runs[i].origin, false);
}

static void settle_looks(struct batch *batch)
{
    for (size_t i = 0; i < batch->look_count; i++) {
        struct look *look = &batch->looks[i];
        const char *reason = refusal(batch, look->origin, batch->runs[look->run_index].refused);
        if (!reason && needs_rejected(batch, look))
            reason = "a certificate of the chain was rejected";
        if (reason)
            reject_look(batch, look, reason);
    }
}

void batch_settle(struct batch *batch)
{
    batch->claimed_count = unique_sha256(batch->claimed, batch->claimed_count);
    size_t kept = 0;
    batch->stored += batch->certificate_count; /* a certificate told twice is stored all the same */
    if (batch->certificate_count)
        qsort(batch->certificates, batch->certificate_count, sizeof *batch->certificates, compare_certificates);
    for (size_t i = 0; i < batch->certificate_count; i++)
        if (i == 0 || memcmp(batch->certificates[i].sha256, batch->certificates[kept - 1].sha256, CM_SHA256_SIZE) != 0)
            batch->certificates[kept++] = batch->certificates[i];
    batch->certificate_count = kept;
    settle_claims(batch);
    settle_looks(batch);
    for (size_t i = 0; i < batch->asset_count; i++) {
        struct batch_asset *asset = &batch->assets[i];
        const char *reason = refusal(batch, asset->origin, batch->runs[asset->run_index].refused);
        asset->rejected = reason != NULL;
        if (reason)
            reject_line(batch, asset->line, asset->origin, reason);
        else
            batch->stored++;
    }
    for (size_t i = 0; i < batch->run_count; i++) {
        struct batch_run *run = &batch->runs[i];
        const char *reason = refusal(batch, run->origin, run->refused);
        run->refused = reason != NULL;
        if (run->covered && batch->origins[run->covered_origin].refused)
            run->covered = 0; /* of a realm that is not its own it has nothing to say */
        if (!reason)
            batch->stored += run->records;
        else if (run->records) /* its first record stands for all: they say the same of the same run */
            reject_line(batch, run->first_line, run->origin, reason);
    }
}

/* --- Places -------------------------------------------------------------------------------------------------------------------------- */

static int compare_looks(const void *a, const void *b, void *context)
{
    const struct batch *batch = context;
    const struct look *left = &batch->looks[*(const size_t *)a], *right = &batch->looks[*(const size_t *)b];
    int order = memcmp(left->location_id, right->location_id, CM_UUID_SIZE);
    if (!order)
        order = (left->last_ms > right->last_ms) - (left->last_ms < right->last_ms);
    return order ? order : (left->line > right->line) - (left->line < right->line);
}

/* Rounds in the order in which the runs looked last; looks past the last round are rejected. */
static void give_rounds(struct batch *batch, struct places *places, struct place *place)
{
    uint16_t seen[BATCH_ROUNDS_MAX];
    unsigned count = 0;
    size_t kept = place->start;
    for (size_t i = place->start; i < place->start + place->count; i++) {
        struct look *look = &batch->looks[places->order[i]];
        unsigned round = 0;
        while (round < count && seen[round] != look->run_index)
            round++;
        if (round == BATCH_ROUNDS_MAX) {
            reject_look(batch, look, "more than 64 runs at one place in one batch");
            continue;
        }
        if (round == count)
            seen[count++] = look->run_index;
        look->round = (uint8_t)round;
        places->order[kept++] = places->order[i];
    }
    place->count = kept - place->start;
    if (count > places->rounds)
        places->rounds = count;
}

static bool same_ref(const struct batch *batch, text_ref a, text_ref b)
{
    return a == b || strcmp(batch_text(batch, a), batch_text(batch, b)) == 0;
}

static bool same_saying(const struct batch *batch, const struct look *a, const struct look *b)
{
    const struct saying *left = &batch->sayings[a->saying], *right = &batch->sayings[b->saying];
    return left == right || (same_ref(batch, left->role, right->role) && same_ref(batch, left->result, right->result));
}

static int compare_uuids(const void *a, const void *b)
{
    return memcmp(a, b, CM_UUID_SIZE);
}

size_t place_chains(const struct batch *batch, const struct places *places, const struct place *place,
                    uint8_t (*out)[CM_UUID_SIZE])
{
    size_t kept = 0;
    for (size_t i = 0; i < place->count; i++)
        memcpy(out[i], batch->looks[places->order[place->start + i]].chain, CM_UUID_SIZE);
    if (place->count > 1)
        qsort(out, place->count, sizeof *out, compare_uuids);
    for (size_t i = 0; i < place->count; i++)
        if (i == 0 || memcmp(out[i], out[kept - 1], CM_UUID_SIZE) != 0)
            memmove(out[kept++], out[i], CM_UUID_SIZE);
    return kept;
}

/* What its saying's digest holds, and the chains. */
static void digest_place(const struct batch *batch, const struct places *places, struct place *place)
{
    enum { FEW = 8 };
    struct {
        uint8_t saying[CM_SHA256_SIZE], chains[FEW][CM_UUID_SIZE];
    } few;
    uint8_t digest[CM_SHA256_SIZE], *all = NULL, *said = (uint8_t *)&few;
    size_t count = place->kind == LOOK_SEEN ? place->count : 0;
    if (count > FEW)
        said = all = cm_malloc(CM_SHA256_SIZE + count * CM_UUID_SIZE);
    memcpy(said, batch->sayings[batch->looks[places->order[place->told_by]].saying].digest, CM_SHA256_SIZE);
    if (count)
        count = place_chains(batch, places, place, (uint8_t(*)[CM_UUID_SIZE])(said + CM_SHA256_SIZE));
    sha256_bytes(said, CM_SHA256_SIZE + count * CM_UUID_SIZE, digest);
    memcpy(place->digest, digest, sizeof place->digest);
    free(all);
}

/* Whether looks of one place say one thing, and which of them says it: of several chains always that with the lowest id, so that
 * two sweeps over a server with an RSA and an EC certificate agree. */
static void sum_up(const struct batch *batch, const struct places *places, struct place *place)
{
    const struct look *first = &batch->looks[places->order[place->start]], *told = first;
    place->kind = first->kind;
    place->told_by = place->start;
    place->first_ms = first->first_ms;
    place->last_ms = first->last_ms;
    for (size_t i = place->start + 1; i < place->start + place->count; i++) {
        const struct look *look = &batch->looks[places->order[i]];
        if (look->kind != first->kind || look->run_index != first->run_index || !same_saying(batch, look, first))
            place->kind = LOOK_MIXED;
        if (look->first_ms < place->first_ms)
            place->first_ms = look->first_ms;
        if (look->last_ms > place->last_ms)
            place->last_ms = look->last_ms;
        if (memcmp(look->chain, told->chain, CM_UUID_SIZE) <= 0) {
            told = look;
            place->told_by = i;
        }
    }
}

/* From when to when the looks saw each certificate of the batch. */
static void date_certificates(struct batch *batch, const struct look *look)
{
    for (size_t i = 0; batch->certificate_count && i < look->chain_count; i++) {
        const char *sha256 = batch->fingerprints.data + (look->chain_start + i) * CM_SHA256_SIZE;
        struct batch_certificate *certificate = batch_certificate(batch, (const uint8_t *)sha256);
        if (!certificate)
            continue;
        if (certificate->first_ms < 0 || look->first_ms < certificate->first_ms)
            certificate->first_ms = look->first_ms;
        if (look->last_ms > certificate->last_ms)
            certificate->last_ms = look->last_ms;
    }
}

void batch_group(struct batch *batch, struct places *out)
{
    *out = (struct places){.rounds = 0};
    out->order = cm_calloc(batch->look_count + 1, sizeof *out->order);
    out->list = cm_calloc(batch->look_count + 1, sizeof *out->list);
    for (size_t i = 0; i < batch->look_count; i++)
        if (!batch->looks[i].rejected && !batch->sayings[batch->looks[i].saying].cancelled)
            out->order[out->order_count++] = i;
    qsort_r(out->order, out->order_count, sizeof *out->order, compare_looks, batch);
    for (size_t i = 0; i < out->order_count;) {
        struct place *place = &out->list[out->count++];
        const uint8_t *id = batch->looks[out->order[i]].location_id;
        place->start = i;
        while (i < out->order_count && memcmp(batch->looks[out->order[i]].location_id, id, CM_UUID_SIZE) == 0)
            i++;
        place->count = i - place->start;
        if (place->count > 1)
            give_rounds(batch, out, place);
        else if (out->rounds == 0)
            out->rounds = 1;
        sum_up(batch, out, place);
        if (place->kind != LOOK_MIXED)
            digest_place(batch, out, place);
    }
    for (size_t i = 0; i < batch->look_count; i++) {
        struct look *look = &batch->looks[i];
        struct batch_run *run = &batch->runs[look->run_index];
        if (!look->rejected)
            date_certificates(batch, look);
        batch->stored += !look->rejected;
        run->stored_ok += !look->rejected && look->kind == LOOK_SEEN;
        run->stored_failed += !look->rejected && look->kind == LOOK_FAILED;
        if (!look->rejected && look->kind == LOOK_FAILED)
            results_count(batch, run, batch->sayings[look->saying].result);
    }
    for (size_t i = 0; i < batch->asset_count; i++)
        batch->runs[batch->assets[i].run_index].stored_assets += !batch->assets[i].rejected;
    if (batch->rejection_count)
        qsort(batch->rejections, batch->rejection_count, sizeof *batch->rejections, compare_rejections);
}

void places_done(struct places *places)
{
    free(places->list);
    free(places->order);
    *places = (struct places){.rounds = 0};
}

uint8_t (*batch_references(const struct batch *batch, const struct places *places, size_t *count))[CM_SHA256_SIZE]
{
    size_t total = 0;
    uint8_t(*list)[CM_SHA256_SIZE] =
        cm_malloc(batch->fingerprints.size + batch->certificate_count * CM_SHA256_SIZE + CM_SHA256_SIZE);
    for (size_t i = 0; i < places->count; i++)
        for (size_t j = 0; !places->list[i].same && j < places->list[i].count; j++) {
            const struct look *look = &batch->looks[places->order[places->list[i].start + j]];
            memcpy(list[total], batch->fingerprints.data + look->chain_start * CM_SHA256_SIZE,
                   look->chain_count * CM_SHA256_SIZE);
            total += look->chain_count;
        }
    for (size_t i = 0; i < batch->certificate_count; i++)
        memcpy(list[total++], batch->certificates[i].sha256, CM_SHA256_SIZE);
    *count = unique_sha256(list, total);
    return list;
}
