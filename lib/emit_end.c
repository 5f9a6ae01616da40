/* The end of a run: what a full disk refused is tried again, at last kept elsewhere; submit drains the spool. Or a next run follows in
 * its place. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "lib/emit_private.h"

/* Goes on trying what a full disk refused, for as long as the configuration says. A reader of stdout that is merely slow has all the time it
 * wants, unless the run was interrupted. */
static int settle(struct emit *emit, int64_t wait_ms, bool interrupted, struct cm_error *error)
{
    int64_t deadline_ms = clock_monotonic_ms() + wait_ms;
    for (;;) {
        int code = CM_OK;
        if (emit->json)
            outlet_flush(&emit->out);
        if (emit->pending.size)
            code = emit_flush_pending(emit, error);
        bool slow = outlet_left(&emit->out) && !emit->out.trouble, late = clock_monotonic_ms() >= deadline_ms;
        if (!code && emit->out.trouble)
            code = error_setf(error, CM_EIO, 0, "cannot write to standard output", "%s", strerror(emit->out.trouble));
        if (!code && slow && late && interrupted)
            code = error_set(error, CM_ETIMEOUT, 0, "nobody reads standard output, its last records are lost");
        /* A pipe that nobody reads any more will not be read later, nor will a stream open that never was. */
        bool hopeless = emit->out.trouble == EPIPE || emit->out.trouble == EBADF;
        if ((!code && !slow) || hopeless || (code && late))
            return code;
        if (emit->spool)
            drain_tick(&emit->drain, spool_closed(emit->spool), clock_monotonic_ms());
        if (code) {
            struct timespec pause = {.tv_nsec = EMIT_RETRY_MS * 1000000L};
            nanosleep(&pause, NULL);
        } else {
            outlet_wait(&emit->out, EMIT_RETRY_MS);
        }
    }
}

/* The last resort for what the spool's disk does not take: a plain file on another one, which submit delivers as well. */
static void rescue(struct emit *emit)
{
    const char *const dirs[] = {getenv("TMPDIR"), "/var/tmp", "/tmp", "/dev/shm", "."};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        char path[4096];
        size_t done = 0;
        if (!dirs[i] ||
            (size_t)snprintf(path, sizeof path, "%s/certmuster-%s.ndjson", dirs[i], emit->run) >= sizeof path)
            continue;
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        while (fd >= 0 && done < emit->pending.size) {
            ssize_t written = write(fd, emit->pending.data + done, emit->pending.size - done);
            if (written <= 0 && errno != EINTR)
                break;
            done += written > 0 ? (size_t)written : 0;
        }
        bool good = fd >= 0 && done == emit->pending.size && fsync(fd) == 0;
        if (fd >= 0)
            close(fd);
        if (good) {
            say_error("the spool could not take the last records; they are kept in %s: deliver them with "
                      "certmuster-submit %s",
                      path, path);
            buf_reset(&emit->pending);
            return;
        }
        if (fd >= 0)
            unlink(path);
    }
    say_error("the last %zu bytes of records could not be kept anywhere and are lost", emit->pending.size);
}

static void say_kept(const struct emit *emit)
{
    struct spool_usage usage;
    if (spool_usage(emit->spool_dir, &usage, NULL) == CM_OK && usage.segments)
        say_error("the spool keeps %llu bytes in %llu segments; deliver them with: certmuster-submit --to %s %s",
                  (unsigned long long)usage.bytes, (unsigned long long)usage.segments, emit->to, emit->spool_dir);
}

int emit_close(struct emit *emit, bool interrupted, struct emit_outcome *outcome, struct cm_error *error)
{
    struct emit_counts counts = {emit->sightings, emit->failures, interrupted, NULL};
    int64_t wait_ms = config_integer(emit->config, "submit.wait");
    struct record_covered covered;
    *outcome = (struct emit_outcome){.submitted = emit->spool != NULL};
    if (emit->covered && !interrupted) {
        covered = *emit->covered;
        covered.realm = emit->realm;
        covered.assets = emit->assets;
        counts.covered = &covered;
    }
    buf_reset(&emit->line);
    emit_run_write(&emit->line, emit, "finished", &counts);
    (void)emit_written(emit, NULL); /* what is not kept now is pending */
    int code = settle(emit, wait_ms, interrupted, error);
    if (emit->spool) {
        if (emit->pending.size)
            rescue(emit);
        int closed = spool_close(emit->spool, code ? NULL : error);
        code = code ? code : closed;
        bool told = false;
        outcome->delivered = drain_finish(&emit->drain, wait_ms, &told) && !code;
        outcome->refused = emit->drain.refused;
        if (!outcome->delivered && !told)
            say_kept(emit);
    }
    emit_free(emit);
    return code;
}

/* What still waits for a disk goes into the next run's spool: each record names its own run. */
int emit_next_run(struct emit *emit, struct cm_error *error)
{
    struct emit_counts counts = {emit->sightings, emit->failures, false, NULL};
    struct spool *next = NULL;
    uint8_t id[CM_UUID_SIZE];
    char run[CM_UUID_TEXT_SIZE];
    int code = CM_OK;
    uuid_v7(id);
    uuid_write(run, id);
    if (emit->spool)
        code = spool_open(emit->spool_dir, emit->scanner, run,
                          (uint64_t)config_integer(emit->config, "spool.max_bytes"), &next, error);
    if (code)
        return code;
    buf_reset(&emit->line);
    emit_run_write(&emit->line, emit, "finished", &counts);
    (void)emit_written(emit, NULL); /* what is not kept now is pending */
    if (emit->spool) {
        code = spool_close(emit->spool, error);
        emit->spool = next;
        emit->drain.leftovers = true;
        emit->drain.closed_seen = 0;
    }
    memcpy(emit->run, run, sizeof emit->run);
    emit->sightings = emit->failures = 0;
    told_done(&emit->told);
    told_init(&emit->told, EMIT_TOLD_MAX);
    buf_reset(&emit->line);
    emit_run_write(&emit->line, emit, "started", NULL);
    int written = emit_written(emit, NULL);
    return code ? code : written == CM_EINVAL ? written : CM_OK;
}
