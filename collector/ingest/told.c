/* Table told: what a batch says of its runs that observation does not hold, for the judge of places that vanished (sql/0015_gone.sql).
 *
 * An absence is a definite word of the run itself: nothing listens at the endpoint, the name does not exist, the file is not there.
 * Which files a crawl would have told of is found later; for that it is kept which it did tell of though they were not as before, and
 * where it could not read. */
#include <stdio.h>
#include <string.h>

#include "certmuster/timefmt.h"
#include "collector/ingest/rows.h"
#include "collector/ingest/work.h"

enum word { ABSENT, NO_NAME, CHANGED, FAILURE, DAMAGE, LIMIT, ASSET, WORDS_ = ASSET + ASSET_KINDS_, NO_WORD = WORDS_ };

static const struct {
    const char *what;
    bool there;
} words[WORDS_] = {
    [ABSENT] = {"certificate", false},
    [NO_NAME] = {"name", false},
    [CHANGED] = {"certificate", true},
    [FAILURE] = {"failure", true},
    [DAMAGE] = {"damage", true},
    [LIMIT] = {"limit", true},
    [ASSET + ASSET_KEY] = {"key", true},
    [ASSET + ASSET_STORE] = {"store", true},
    [ASSET + ASSET_CSR] = {"csr", true},
    [ASSET + ASSET_CRL] = {"crl", true},
    [ASSET + ASSET_SSH] = {"ssh_certificate", true},
};

struct said { /* of one run, by word */
    struct {
        struct buf places;
        int64_t last_ms;
        size_t count;
    } by[WORDS_];
};

static void say(struct said *said, enum word word, const uint8_t place[static CM_UUID_SIZE], int64_t at_ms)
{
    if (word == NO_WORD)
        return;
    if (said->by[word].count++ == 0) {
        buf_init(&said->by[word].places, WORK_PARAM_MAX);
        array_begin(&said->by[word].places);
    }
    array_add_uuid(&said->by[word].places, place);
    if (said->by[word].last_ms < at_ms)
        said->by[word].last_ms = at_ms;
}

/* Of a file. What ends the reading of a file, or of all that lies below a directory, is told from what concerns one thing inside. Damage
 * may be either: of an archive that was cut it is told where the reader stood. */
static enum word word_of_file(const char *result)
{
    static const struct {
        const char *result;
        enum word word;
    } known[] = {
        {"open:not_found", ABSENT},
        {"decode:password", FAILURE},
        {"decode:unsupported", FAILURE},
        {"decode:malformed", DAMAGE},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(result, known[i].result) == 0)
            return known[i].word;
    return LIMIT;
}

static enum word word_of(const struct batch *batch, const struct look *look, bool changed)
{
    const struct saying *saying = &batch->sayings[look->saying];
    const char *result = batch_text(batch, saying->result), *role = batch_text(batch, saying->role);
    if (look->kind == LOOK_SEEN) /* of endpoints nobody asks who was there */
        return changed && strcmp(role, "server") != 0 && strcmp(role, "client") != 0 ? CHANGED : NO_WORD;
    if (look->kind != LOOK_FAILED)
        return NO_WORD;
    if (strcmp(result, "connect:refused") == 0)
        return ABSENT;
    if (strcmp(result, "resolve:nxdomain") == 0)
        return NO_NAME;
    return strncmp(result, "open:", 5) == 0 || strncmp(result, "decode:", 7) == 0 ? word_of_file(result) : NO_WORD;
}

static void collect(const struct work *work, size_t run, struct said *said)
{
    const struct batch *batch = work->batch;
    const struct places *places = &work->places;
    for (size_t i = 0; i < places->count; i++)
        for (size_t j = 0; j < places->list[i].count; j++) {
            const struct look *look = &batch->looks[places->order[places->list[i].start + j]];
            if (look->run_index == run)
                say(said, word_of(batch, look, places->list[i].changed), look->location_id, look->last_ms);
        }
    for (size_t i = 0; i < batch->asset_count; i++) {
        const struct batch_asset *asset = &batch->assets[i];
        if (!asset->rejected && asset->run_index == run)
            say(said, (enum word)(ASSET + asset->kind), asset->location_id, asset->last_ms);
    }
}

static int write_said(struct work *work, const char *run, struct said *said, struct cm_error *error)
{
    int code = 0;
    for (unsigned word = 0; word < WORDS_; word++) {
        char at[TIMEFMT_SIZE];
        struct buf *places = &said->by[word].places;
        if (!said->by[word].count)
            continue;
        array_end(places);
        timefmt_ms(at, said->by[word].last_ms);
        const char *params[] = {run, work->key, words[word].what, words[word].there ? "t" : "f", at, places->data};
        if (!code && places->failed)
            code = error_set(error, CM_ELIMIT, 0, "too many places in one batch");
        if (!code)
            code = db_query(
                work->db,
                "INSERT INTO told (run, batch_key, what, there, last_at, places) VALUES ($1, $2, $3, $4, $5, $6)",
                params, 6, NULL, error);
        buf_done(places);
    }
    return code;
}

/* What the run's row lacks yet. */
static int write_run(struct work *work, const char *id, const struct batch_run *run, struct cm_error *error)
{
    char assets[24];
    if (!run->covered && !run->stored_assets)
        return 0;
    snprintf(assets, sizeof assets, "%llu", (unsigned long long)run->stored_assets);
    const char *params[] = {id, run->covered ? batch_text(work->batch, run->covered) : NULL, assets};
    return db_query(work->db,
                    "UPDATE run SET covered = coalesce($2::jsonb, covered), stored_assets = stored_assets + $3::bigint"
                    " WHERE run = $1",
                    params, 3, NULL, error);
}

int work_tell(struct work *work, struct cm_error *error)
{
    int code = 0;
    for (size_t i = 0; !code && i < work->batch->run_count; i++) {
        const struct batch_run *run = &work->batch->runs[i];
        struct said said = {0};
        char id[CM_UUID_TEXT_SIZE];
        if (run->refused)
            continue;
        uuid_write(id, run->run);
        collect(work, i, &said);
        code = write_said(work, id, &said, error);
        if (!code)
            code = write_run(work, id, run, error);
    }
    return code;
}
