/* The clockwork. */
#include "scanner/watch/ledger.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/limits.h"
#include "certmuster/log.h"
#include "certmuster/progress.h"
#include "certmuster/timefmt.h"
#include "scanner/watch/show.h"
#include "scanner/watch/signals.h"

enum {
    PAUSE_MS = 100,
    STALLED_PAUSE_MS = 5, /* while the reader of our records pauses */
    SHOW_MS = 1000,       /* rows are held back so long, to find out how wide columns are */
    RETRY_MS = 10000,
    TELL_SHARE = 8,   /* of the memory: places told */
    QUEUE_SHARE = 16, /* and records that wait */
    DAY_MS = 86400000,
};

struct ledger {
    struct ledger_options options;
    struct ledger_reader reader;
    struct tell *tell;
    struct show *show;
    struct progress progress;
    struct buf line;
    int64_t began_ms, shown_ms, statistics_ms, day, retry_ms;
    bool unread, trouble_said;
};

size_t ledger_memory(size_t memory_max)
{
    return memory_max / TELL_SHARE + memory_max / QUEUE_SHARE;
}

int ledger_new(const struct ledger_options *options, struct ledger **out, struct cm_error *error)
{
    struct ledger *ledger = cm_calloc(1, sizeof *ledger);
    ledger->options = *options;
    ledger->show = options->json ? NULL : show_new();
    struct tell_options tell = {.emit = options->emit,
                                .interval_us = options->interval_us,
                                .memory_max = options->memory_max / TELL_SHARE,
                                .queue_max = options->threaded ? options->memory_max / QUEUE_SHARE : 0,
                                .shown = ledger->show ? show_row : NULL,
                                .context = ledger->show};
    int code = tell_new(&tell, &ledger->tell, error);
    if (code) {
        show_free(ledger->show);
        free(ledger);
        return code;
    }
    buf_init(&ledger->line, CM_LIMIT_RECORD_BYTES);
    ledger->began_ms = ledger->shown_ms = ledger->statistics_ms = clock_monotonic_ms();
    ledger->day = clock_wall_ms() / DAY_MS;
    *out = ledger;
    return 0;
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return;
    tell_free(ledger->tell);
    show_free(ledger->show);
    buf_done(&ledger->line);
    free(ledger);
}

struct tell *ledger_tell(struct ledger *ledger)
{
    return ledger->tell;
}

void ledger_set_reader(struct ledger *ledger, const struct ledger_reader *reader)
{
    ledger->reader = *reader;
    progress_init(&ledger->progress, reader->noun, ledger->options.quiet);
    ledger->progress.failed_word = reader->failed_word;
}

/* --- statistics ------------------------------------------------------------------------------------------------------- */

static struct statistics gather(struct ledger *ledger)
{
    struct statistics statistics = {0};
    struct tell_counts told = tell_get_counts(ledger->tell);
    ledger->reader.gather(ledger->reader.context, &statistics);
    statistics_set_told(&statistics, &told);
    return statistics;
}

static double seconds_since(int64_t began_ms)
{
    return (double)(clock_monotonic_ms() - began_ms) / 1000;
}

static void record(struct ledger *ledger, const struct statistics *statistics)
{
    struct cm_error error = {0};
    buf_reset(&ledger->line);
    statistics_record(statistics, emit_run(ledger->options.emit), clock_wall_ms(), &ledger->line);
    if (emit_line(ledger->options.emit, ledger->line.data, ledger->line.size, &error) == CM_EINVAL)
        log_event(LOG_LEVEL_ERROR, "record_refused", "%s", log_error(&error));
}

static void answer_question(struct ledger *ledger)
{
    struct statistics statistics = gather(ledger);
    progress_make_way();
    statistics_block(&statistics, seconds_since(ledger->began_ms), stderr);
}

/* Every minute, unless the disk is full: these can wait for the next. */
static void keep_statistics(struct ledger *ledger, int64_t now_ms)
{
    if (now_ms - ledger->statistics_ms < ledger->options.statistics_ms)
        return;
    ledger->statistics_ms = now_ms;
    struct statistics statistics = gather(ledger);
    tell_tick(ledger->tell, statistics.packet_now_us);
    if (!emit_blocked(ledger->options.emit))
        record(ledger, &statistics);
}

/* --- ticking ------------------------------------------------------------------------------------------------------------ */

static void change_day(struct ledger *ledger, int64_t now_ms)
{
    struct cm_error error = {0};
    int64_t day = clock_wall_ms() / DAY_MS;
    if (!ledger->options.lasting || day == ledger->day || now_ms < ledger->retry_ms)
        return;
    struct statistics statistics = gather(ledger);
    record(ledger, &statistics);
    if (tell_next_run(ledger->tell, &error) == 0) {
        ledger->day = day;
        ledger->trouble_said = false;
        return;
    }
    ledger->retry_ms = now_ms + RETRY_MS;
    if (!ledger->trouble_said)
        say_error("the new day's run cannot begin yet: %s (%s)", error.reason, error.detail);
    ledger->trouble_said = true;
}

static void look_after_reader(struct ledger *ledger)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    const struct ledger_options *options = &ledger->options;
    bool matters = options->json ? emit_blocked(options->emit) : options->lasting;
    if (matters && poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLNVAL)))
        ledger->unread = true;
}

static void show_progress(struct ledger *ledger)
{
    struct ledger_progress now = {0};
    if (!ledger->progress.enabled)
        return;
    ledger->reader.progress(ledger->reader.context, &now);
    progress_update(&ledger->progress, now.done, now.total, now.failed);
}

void ledger_tick(struct ledger *ledger)
{
    int64_t now_ms = clock_monotonic_ms();
    struct cm_error error;
    if (ledger->options.threaded)
        tell_deliver(ledger->tell);
    emit_tick(ledger->options.emit, now_ms);
    if (signals_asked())
        answer_question(ledger);
    keep_statistics(ledger, now_ms);
    change_day(ledger, now_ms);
    if (ledger->options.lasting && ledger->show && now_ms - ledger->shown_ms >= SHOW_MS) {
        ledger->shown_ms = now_ms;
        if (show_flush(ledger->show, &error)) {
            say_error("%s: %s", error.reason, error.detail);
            ledger->unread = true;
        }
    }
    look_after_reader(ledger);
    show_progress(ledger);
}

int ledger_pause_ms(const struct ledger *ledger)
{
    return emit_stalled(ledger->options.emit) ? STALLED_PAUSE_MS : PAUSE_MS;
}

void ledger_wait(struct ledger *ledger)
{
    ledger_tick(ledger);
    while (emit_blocked(ledger->options.emit) && !signals_stop && !ledger->unread) {
        struct timespec pause = {.tv_nsec = ledger_pause_ms(ledger) * 1000000L};
        nanosleep(&pause, NULL);
        ledger_tick(ledger);
    }
}

bool ledger_is_unread(const struct ledger *ledger)
{
    return ledger->unread;
}

int ledger_finish(struct ledger *ledger, struct cm_error *error)
{
    tell_finish(ledger->tell);
    struct statistics statistics = gather(ledger);
    record(ledger, &statistics);
    progress_clear(&ledger->progress);
    int code = show_flush(ledger->show, error);
    if (!ledger->options.quiet)
        statistics_summary(&statistics, seconds_since(ledger->began_ms), stderr);
    return code;
}
