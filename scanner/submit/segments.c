/* Draining a spool. A segment is taken by lock, read, delivered, and only then removed, so that a crash at any point
 * sends it again under the same key.
 *
 * A certificate is told once per run, so a later segment may need one that an earlier segment carried, should the collector have lost it:
 * delivered segments with certificates of a run that is not over wait in sent/ (SENT_MAX_BYTES at most, SENT_MAX_SECONDS long). */
#include "scanner/submit/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/delivery.h"
#include "certmuster/escape.h"
#include "certmuster/limits.h"
#include "certmuster/log.h"
#include "certmuster/progress.h"
#include "certmuster/spool.h"
#include "certmuster/timefmt.h"
#include "scanner/submit/aside.h"

enum { SENT_MAX_SECONDS = 24 * 3600, SENT_MAX_BYTES = 256 * 1024 * 1024, RUNS_MAX = 64, DENIED_MAX = 64 };

struct drainer {
    const char *dir;
    const char *scanner; /* of segments whose head is damaged */
    struct delivery *delivery;
    struct submit_totals *totals;
    char over[RUNS_MAX][37]; /* runs whose last segment was delivered */
    size_t over_count;
    char *denied[DENIED_MAX]; /* names of scanners that the collector takes nothing of from here */
    size_t denied_count;
    bool quiet; /* the exit status alone tells that something was not taken */
    bool moved; /* this pass changed something */
    bool busy;  /* another submit has a segment */
};

/* One segment in hand. */
struct work {
    struct drainer *drainer;
    const struct spool_segment *segment;
    struct lines lines;
    uint64_t records;
    uint64_t damaged; /* lines that are no records */
    bool finished;    /* holds the run's finished record */
    bool too_large;
};

/* Refused lines, each with its reason and itself, so that `jq -r .record` gives back what can be sent again. */
static bool keep_rejected(const struct work *work, const struct outcome *outcome, const char *key)
{
    char shown[ASIDE_PATH_SIZE];
    struct buf text;
    buf_init(&text, (size_t)8 * CM_LIMIT_BATCH_BYTES);
    for (size_t i = 0; i < outcome->answer.rejected_count; i++) {
        const struct rejection *rejection = &outcome->answer.rejected[i];
        if (rejection->line > outcome->map_count)
            continue;
        const struct line *line = &work->lines.list[outcome->map[rejection->line - 1]];
        buf_append_str(&text, "{\"key\":\"");
        escape_json(&text, key, strlen(key));
        buf_append_str(&text, "\",\"reason\":\"");
        escape_json(&text, rejection->reason, strlen(rejection->reason));
        buf_append_str(&text, "\",\"record\":\"");
        escape_json(&text, work->lines.bytes.data + line->offset, line->size);
        buf_append_str(&text, "\"}\n");
    }
    bool good = aside_write(work->drainer->dir, work->segment->path, "rejected", ".ndjson", &text, shown);
    buf_done(&text);
    if (good)
        say_error("the collector refused %zu records of segment %s, the first because: %s; they are kept in %s",
                  outcome->answer.rejected_count, aside_name(work->segment->path), outcome->answer.rejected[0].reason,
                  shown);
    return good;
}

/* Away with a delivered segment; those whose certificates may be asked for again move aside instead. What is damaged was not delivered, so
 * a damaged segment goes to rejected/ or nowhere. */
static bool remove_segment(const struct work *work)
{
    const char *dir = work->drainer->dir, *path = work->segment->path;
    struct submit_totals *totals = work->drainer->totals;
    char shown[ASIDE_PATH_SIZE];
    bool certificates = false;
    if (work->damaged) {
        bool kept = aside_move(dir, path, "rejected", ".damaged", shown);
        if (kept)
            say_error("segment %s holds %llu damaged lines; it is kept in %s", aside_name(path),
                      (unsigned long long)work->damaged, shown);
        else
            submit_trouble(totals, NULL,
                           "segment %s holds %llu damaged lines and stays: cannot move it to %s/rejected: %s", path,
                           (unsigned long long)work->damaged, dir, strerror(errno));
        return kept;
    }
    for (size_t i = 0; i < work->lines.count && !certificates; i++)
        certificates = work->lines.list[i].certificate;
    if (certificates && !work->finished && aside_move(dir, path, "sent", "", shown))
        return true;
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    submit_trouble(totals, NULL, "cannot remove %s: %s", path, strerror(errno));
    return false;
}

static void put_away(struct work *work)
{
    struct drainer *drainer = work->drainer;
    if (!remove_segment(work))
        return;
    drainer->moved = true;
    if (drainer->totals->run && strcmp(drainer->totals->run, work->segment->run) == 0)
        drainer->totals->cleared++;
    if (work->finished && drainer->over_count < RUNS_MAX)
        memcpy(drainer->over[drainer->over_count++], work->segment->run, sizeof work->segment->run);
}

static void refuse(struct work *work, const char *reason)
{
    const char *dir = work->drainer->dir, *path = work->segment->path;
    struct submit_totals *totals = work->drainer->totals;
    char shown[ASIDE_PATH_SIZE];
    struct buf text;
    buf_init(&text, 4096);
    buf_appendf(&text, "%s\n", reason);
    totals->refused++;
    if (aside_write(dir, path, "refused", ".reason", &text, shown) && aside_move(dir, path, "refused", "", shown)) {
        work->drainer->moved = true;
        say_error("the collector refused segment %s: %s; it is kept in %s", aside_name(path), reason, shown);
    } else {
        submit_trouble(totals, NULL, "the collector refused segment %s: %s; it stays where it is", path, reason);
    }
    buf_done(&text);
}

static int take_record(const char *record, size_t size, void *context)
{
    static const char run[] = "{\"v\":1,\"type\":\"run\"", finished[] = "\"state\":\"finished\"";
    struct work *work = context;
    work->records++;
    if (size > sizeof run && memcmp(record, run, sizeof run - 1) == 0 &&
        memmem(record, size, finished, sizeof finished - 1))
        work->finished = true;
    if (!lines_add(&work->lines, record, size, work->records)) {
        work->too_large = true;
        return CM_ELIMIT;
    }
    return CM_OK;
}

/* --- Certificates for a 409 ------------------------------------------------------------------------------------------------- */

struct search {
    const struct digests *missing;
    struct digests found;
    struct lines *lines;
};

static int pick_certificate(const char *record, size_t size, void *context)
{
    struct search *search = context;
    uint8_t sha256[CM_SHA256_SIZE];
    if (!lines_certificate(record, size, sha256) || !digests_have(search->missing, sha256))
        return CM_OK;
    digests_sort(&search->found);
    if (digests_have(&search->found, sha256))
        return CM_OK;
    if (!lines_add(search->lines, record, size, 0))
        return CM_ELIMIT;
    digests_add(&search->found, sha256);
    return search->found.count == search->missing->count ? CM_ELIMIT : CM_OK; /* negative: enough */
}

/* Looks through delivered, waiting and refused segments: those of the same run first. */
static void find_certificates(const struct digests *missing, struct lines *lines, void *context)
{
    static const char *const subs[] = {"sent", ".", "refused"};
    struct work *work = context;
    struct search search = {.missing = missing, .lines = lines};
    for (int other_runs = 0; other_runs <= 1; other_runs++)
        for (size_t i = 0; i < sizeof subs / sizeof *subs; i++) {
            char directory[ASIDE_PATH_SIZE];
            struct spool_segment *list;
            size_t count;
            if (!aside_path(directory, work->drainer->dir, subs[i], "") ||
                spool_list(directory, &list, &count, NULL) != CM_OK)
                continue;
            for (size_t n = 0; n < count && search.found.count < missing->count; n++) {
                uint64_t damaged;
                bool same_run = strcmp(list[n].run, work->segment->run) == 0;
                if (same_run == (other_runs == 0) &&
                    spool_read(list[n].path, pick_certificate, &search, &damaged, NULL) == CM_EIO)
                    say_error("cannot read %s", list[n].path);
            }
            spool_list_free(list, count);
        }
    digests_done(&search.found);
}

/* --- One segment -------------------------------------------------------------------------------------------------------------- */

/* Whose it is: the key begins with it. */
static const char *scanner_of(const struct drainer *drainer, const struct spool_segment *segment)
{
    return *segment->scanner ? segment->scanner : drainer->scanner;
}

static bool is_denied(const struct drainer *drainer, const char *scanner)
{
    for (size_t i = 0; i < drainer->denied_count; i++)
        if (strcmp(drainer->denied[i], scanner) == 0)
            return true;
    return false;
}

/* Identity goes by the scanner's name, so all of its segments are skipped. What bears this scanner's own is told with the collector; another
 * name it had before, or the spool came from elsewhere: then the others are another matter. */
static void deny(struct drainer *drainer, const char *scanner, const char *reason)
{
    struct submit_totals *totals = drainer->totals;
    char about[ASIDE_PATH_SIZE];
    snprintf(about, sizeof about, "%s\n%s", drainer->dir, scanner);
    if (drainer->denied_count == DENIED_MAX)
        totals->stop = true;
    else
        drainer->denied[drainer->denied_count++] = cm_strdup(scanner);
    if (strcmp(scanner, drainer->scanner) == 0)
        totals->away = true;
    else if (totals->before || !drainer->quiet)
        submit_trouble(totals, about,
                       "%s: segments of scanner %s are skipped: %s; deliver them with that scanner's certificate, or "
                       "remove them",
                       drainer->dir, log_quote(scanner), reason);
}

/* Who stays is not asked how it ended: it is told what waits without end. */
static void lack(const struct work *work, const char *reason)
{
    struct submit_totals *totals = work->drainer->totals;
    if (totals->before)
        submit_trouble(totals, NULL, "segment %s waits: %s", work->segment->path, reason);
}

static void account(struct work *work, struct outcome *outcome, const char *key)
{
    struct submit_totals *totals = work->drainer->totals;
    switch (outcome->what) {
    case DELIVER_TAKEN:
        totals->batches++;
        totals->stored += outcome->answer.stored;
        totals->rejected += outcome->answer.rejected_count;
        if (!outcome->answer.rejected_count || keep_rejected(work, outcome, key))
            put_away(work);
        else
            submit_trouble(totals, NULL, "cannot write to %s/rejected: %s; segment %s stays", work->drainer->dir,
                           strerror(errno), work->segment->path);
        return;
    case DELIVER_REFUSED:
        refuse(work, outcome->reason);
        return;
    case DELIVER_DENIED:
        deny(work->drainer, scanner_of(work->drainer, work->segment), outcome->reason);
        break;
    case DELIVER_LATER:
        totals->stop = totals->away = true;
        totals->retry_after_ms = outcome->retry_after_ms;
        break;
    case DELIVER_LACKING:
        lack(work, outcome->reason);
        break;
    }
    totals->undelivered++;
    snprintf(totals->reason, sizeof totals->reason, "%s", outcome->reason);
}

static void deliver_segment(struct drainer *drainer, const struct spool_segment *segment)
{
    struct work work = {.drainer = drainer, .segment = segment};
    struct cm_error error = {.code = CM_OK};
    struct outcome outcome;
    char key[DELIVERY_KEY_MAX + 1];
    lines_init(&work.lines, CM_LIMIT_BATCH_BYTES - CM_LIMIT_BATCH_BYTES / 16); /* room for line feeds */
    int code = spool_read(segment->path, take_record, &work, &work.damaged, &error);
    bool has_key = delivery_key_write(key, scanner_of(drainer, segment), segment->run, segment->number);
    drainer->totals->damaged += work.damaged;
    if (work.too_large || !has_key) {
        refuse(&work, work.too_large ? "the segment is larger than a batch may be" : "the scanner's name is too long");
    } else if (code == CM_ENOTFOUND) {
        /* Another submit was quicker. */
    } else if (code) {
        submit_unreadable(drainer->totals, "%s: %s", error.reason, error.detail);
    } else if (work.lines.count == 0) {
        put_away(&work);
    } else {
        deliver(drainer->delivery, &work.lines, key, find_certificates, &work, &outcome);
        account(&work, &outcome, key);
        outcome_done(&outcome);
    }
    lines_done(&work.lines);
}

/* One look at the directory. Returns how many segments it held. */
static size_t one_pass(struct drainer *drainer, struct progress *progress)
{
    struct spool_segment *list;
    struct cm_error error;
    size_t count;
    drainer->moved = drainer->busy = false;
    drainer->totals->undelivered = 0; /* counted again: what stayed is still there */
    if (spool_list(drainer->dir, &list, &count, &error) != CM_OK) {
        submit_unreadable(drainer->totals, "%s: %s", error.reason, error.detail);
        return 0;
    }
    for (size_t i = 0; i < count && !drainer->totals->stop; i++) {
        int fd;
        if (is_denied(drainer, scanner_of(drainer, &list[i]))) {
            drainer->totals->undelivered++;
            continue;
        }
        int code = spool_take(list[i].path, &fd, &error);
        if (code == CM_ECONFLICT) {
            drainer->busy = true;
        } else if (code == CM_OK) {
            deliver_segment(drainer, &list[i]);
            close(fd);
        } else if (code != CM_ENOTFOUND) {
            submit_unreadable(drainer->totals, "%s: %s", error.reason, error.detail);
        }
        progress_update(progress, i + 1, count, drainer->totals->refused);
        if (drainer->delivery->between && !drainer->delivery->between(drainer->delivery->context))
            drainer->totals->stop = true;
    }
    spool_list_free(list, count);
    return count;
}

static bool is_over(const struct drainer *drainer, const char *run)
{
    for (size_t i = 0; i < drainer->over_count; i++)
        if (strcmp(drainer->over[i], run) == 0)
            return true;
    return false;
}

static bool still_waits(const struct spool_segment *waiting, size_t count, const char *run)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(waiting[i].run, run) == 0)
            return true;
    return false;
}

/* Delivered segments are of no use any more when their run is over and delivered, when they are old, or when they are too many. */
static void prune_sent(const struct drainer *drainer)
{
    char directory[ASIDE_PATH_SIZE];
    struct spool_segment *sent, *waiting;
    size_t sent_count, waiting_count;
    uint64_t bytes = 0;
    if (!aside_path(directory, drainer->dir, "sent", ""))
        return;
    int dir = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); /* see aside.c */
    if (dir < 0 || spool_list(directory, &sent, &sent_count, NULL) != CM_OK) {
        if (dir >= 0)
            close(dir);
        return;
    }
    if (spool_list(drainer->dir, &waiting, &waiting_count, NULL) == CM_OK) {
        for (size_t i = sent_count; i-- > 0;) { /* newest first: the oldest are the ones too many */
            struct stat status;
            bool known = stat(sent[i].path, &status) == 0;
            bool over = is_over(drainer, sent[i].run) && !still_waits(waiting, waiting_count, sent[i].run);
            bool old = known && time(NULL) - status.st_mtime > SENT_MAX_SECONDS;
            bytes += sent[i].size_bytes;
            if (over || old || bytes > SENT_MAX_BYTES)
                unlinkat(dir, aside_name(sent[i].path), 0);
        }
        spool_list_free(waiting, waiting_count);
    }
    spool_list_free(sent, sent_count);
    close(dir);
}

void segments_drain(const char *dir, struct delivery *delivery, const char *scanner, bool quiet,
                    struct submit_totals *totals)
{
    struct drainer drainer = {.dir = dir, .scanner = scanner, .delivery = delivery, .totals = totals, .quiet = quiet};
    struct progress progress;
    uint64_t kept_elsewhere = totals->undelivered;
    unsigned waited = 0;
    progress_init(&progress, "segments", quiet);
    while (one_pass(&drainer, &progress) > 0 && !totals->stop) {
        if (drainer.moved) {
            waited = 0;
            continue;
        }
        if (!drainer.busy || !deliver_pause(delivery, waited++, 0))
            break;
    }
    progress_clear(&progress);
    if (drainer.busy && !totals->undelivered && !delivery->once) {
        totals->undelivered++;
        snprintf(totals->reason, sizeof totals->reason, "another certmuster-submit is delivering it");
    }
    totals->undelivered += kept_elsewhere;
    prune_sent(&drainer);
    while (drainer.denied_count)
        free(drainer.denied[--drainer.denied_count]);
}
