/* Reading files, and what is said of those that are damaged. What stands before the damage counts. */
#include "scanner/watch/offline.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "scanner/watch/capture_file.h"
#include "scanner/watch/signals.h"

enum { PACKETS_BETWEEN = 4096, OPEN_MAX_FOLLOWED = 8, LOOK_MS = 200 };

struct reading { /* a file that is open */
    struct capture_file *file;
    char *name;
    dev_t device;
    ino_t inode;
    int unfiltered; /* the link type at which the filter makes no sense, -1: none was met */
    int unread;     /* one that is not read */
    int link_type;  /* of the packet before */
};

struct offline {
    struct offline_options options;
    struct offline_outcome *outcome;
    struct reading open[OPEN_MAX_FOLLOWED];
    size_t open_count;
    struct reading *current; /* whose packets come now */
    uint64_t total_bytes;
    struct stopwatch began;
    uint64_t packets; /* when nothing more was there, and since then … */
    int64_t idle_ms;  /* … so much time has passed */
};

/* --- packets ----------------------------------------------------------------------------------------------------------- */

static void on_packet(const struct packet *packet, void *context)
{
    struct offline *offline = context;
    struct reading *reading = offline->current;
    const struct capture_filter *filter = offline->options.filter;
    if (packet->link_type != reading->link_type) {
        reading->link_type = packet->link_type;
        if (!decode_knows_link(packet->link_type))
            reading->unread = packet->link_type;
    }
    if (filter && !capture_filter_matches(filter, packet)) {
        if (!capture_filter_knows(filter, packet->link_type))
            reading->unfiltered = packet->link_type;
        return;
    }
    worker_packet(packet, offline->options.worker);
}

static void on_secrets(struct slice text, void *context)
{
    const struct offline *offline = context;
    keylog_add(offline->options.keylog, text);
}

/* --- files ------------------------------------------------------------------------------------------------------------- */

static void say_damaged(struct offline *offline, const struct reading *reading, const struct cm_error *error)
{
    offline->outcome->damaged++;
    say_error("%s: %s%s%s%s at byte %zu%s; what was read before it counts", log_quote(reading->name), error->reason,
              error->detail[0] ? " (" : "", error->detail, error->detail[0] ? ")" : "", error->offset,
              capture_file_is_packed(reading->file) ? " of what it unpacks to" : "");
}

static struct reading *begin(struct offline *offline, const struct source *source)
{
    struct capture_file_events events = {.packet = on_packet, .secrets = on_secrets, .context = offline};
    struct reading *reading = &offline->open[offline->open_count++];
    struct stat status = {0};
    *reading = (struct reading){.name = cm_strdup(source->name), .unfiltered = -1, .unread = -1, .link_type = -1};
    if (fstat(source->fd, &status) == 0) {
        reading->device = status.st_dev;
        reading->inode = status.st_ino;
    }
    reading->file = capture_file_new(source->fd, &events);
    offline->total_bytes = source->total_bytes;
    return reading;
}

/* error NULL: nothing is wrong with it. */
static void end(struct offline *offline, struct reading *reading, const struct cm_error *error)
{
    if (error) {
        say_damaged(offline, reading, error);
    } else if (reading->unread >= 0) {
        offline->outcome->damaged++;
        say_error("%s: packets of link type %d are not read", log_quote(reading->name), reading->unread);
    } else if (reading->unfiltered >= 0) {
        offline->outcome->damaged++;
        say_error("%s: the filter makes no sense for packets of link type %d; none of them were read",
                  log_quote(reading->name), reading->unfiltered);
    }
    offline->outcome->files++;
    offline->outcome->bytes += capture_file_offset(reading->file);
    capture_file_free(reading->file);
    free(reading->name);
    size_t after = offline->open_count - 1 - (size_t)(reading - offline->open);
    memmove(reading, reading + 1, after * sizeof *reading);
    offline->open_count--;
}

static bool goes_on(const struct offline *offline)
{
    return !signals_stop && !ledger_is_unread(offline->options.ledger);
}

/* Nothing is there to read just now. Time goes on all the same, or what a silent connection still has to tell would wait for the next packet of another. */
static void let_time_pass(struct offline *offline, int64_t passed_ms)
{
    struct worker_counts counts = worker_get_counts(offline->options.worker);
    if (counts.decode.packets != offline->packets)
        offline->idle_ms = 0;
    offline->packets = counts.decode.packets;
    offline->idle_ms += passed_ms;
    if (counts.packet_now_us < INT64_MAX / 2)
        worker_idle(offline->options.worker, counts.packet_now_us + offline->idle_ms * 1000);
}

/* To its present end. As capture_file_read, but never 1 unless the run ends. */
static int read_on(struct offline *offline, struct reading *reading, struct cm_error *error)
{
    int code = 1;
    offline->current = reading;
    while (code > 0 && goes_on(offline)) {
        code = capture_file_read(reading->file, PACKETS_BETWEEN, error);
        if (code == 2)
            let_time_pass(offline, CAPTURE_WAIT_MS);
        ledger_wait(offline->options.ledger);
    }
    return code;
}

static void say_unreadable(struct offline *offline, const struct source *source)
{
    offline->outcome->damaged++;
    say_error("cannot read %s: %s", log_quote(source->name), strerror(source->trouble));
}

/* --- one after the other ------------------------------------------------------------------------------------------------- */

static void read_all(struct offline *offline)
{
    struct source source;
    enum sources_answer answer;
    struct cm_error error;
    while (goes_on(offline) && (answer = opener_next(offline->options.opener, &source)) != SOURCES_END) {
        if (answer == SOURCES_NONE_YET) {
            ledger_wait(offline->options.ledger);
        } else if (source.fd < 0) {
            say_unreadable(offline, &source);
        } else {
            struct reading *reading = begin(offline, &source);
            int code = read_on(offline, reading, &error);
            end(offline, reading, code < 0 ? &error : NULL);
        }
    }
}

/* --- following ----------------------------------------------------------------------------------------------------------- */

/* Reads every open file on. One that only ends inside a packet may still grow. */
static void read_open(struct offline *offline)
{
    struct cm_error error;
    for (size_t i = 0; i < offline->open_count && goes_on(offline);) {
        struct reading *reading = &offline->open[i];
        int code = read_on(offline, reading, &error);
        if (code < 0 && code != CM_ETRUNCATED)
            end(offline, reading, &error);
        else
            i++;
    }
}

/* The file is as long as it will be. */
static void leave(struct offline *offline, struct reading *reading)
{
    struct cm_error error;
    int code = read_on(offline, reading, &error);
    end(offline, reading, code < 0 ? &error : NULL);
}

static void follow_one(struct offline *offline, const struct source *source)
{
    struct stat status = {0};
    if (source->fd < 0) {
        say_unreadable(offline, source);
        return;
    }
    /* One of the ring that was begun anew: what stood there before is gone. */
    for (size_t i = 0; fstat(source->fd, &status) == 0 && i < offline->open_count; i++) {
        if (offline->open[i].device == status.st_dev && offline->open[i].inode == status.st_ino)
            end(offline, &offline->open[i--], NULL);
    }
    if (offline->open_count == OPEN_MAX_FOLLOWED)
        leave(offline, &offline->open[0]);
    begin(offline, source);
}

static void pause_a_little(void)
{
    struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    nanosleep(&pause, NULL);
}

static void follow_all(struct offline *offline)
{
    struct source source;
    while (goes_on(offline)) {
        enum sources_answer answer = opener_next(offline->options.opener, &source);
        if (answer == SOURCES_END)
            break;
        if (answer == SOURCES_ONE)
            follow_one(offline, &source);
        read_open(offline);
        ledger_wait(offline->options.ledger);
        if (answer == SOURCES_NONE_YET && goes_on(offline)) {
            pause_a_little();
            let_time_pass(offline, LOOK_MS);
        }
    }
    while (offline->open_count) /* whoever writes may be in the middle of a packet */
        end(offline, &offline->open[0], NULL);
}

/* --- for the ledger -------------------------------------------------------------------------------------------------------- */

static void gather(void *context, struct statistics *statistics)
{
    const struct offline *offline = context;
    struct worker_counts counts = worker_get_counts(offline->options.worker);
    struct stopwatch took = stopwatch_since(&offline->began);
    statistics_add(statistics, &counts, &took);
    statistics->files = offline->outcome->files;
}

static void progress(void *context, struct ledger_progress *out)
{
    const struct offline *offline = context;
    *out = (struct ledger_progress){
        .done = offline->outcome->bytes, .total = offline->total_bytes, .failed = offline->outcome->damaged};
    for (size_t i = 0; i < offline->open_count; i++)
        out->done += capture_file_offset(offline->open[i].file);
}

int offline_run(const struct offline_options *options, struct offline_outcome *outcome, struct cm_error *error)
{
    struct offline offline = {.options = *options, .outcome = outcome, .began = stopwatch_now()};
    ledger_set_reader(
        options->ledger,
        &(struct ledger_reader){
            .noun = "bytes", .failed_word = "damaged", .gather = gather, .progress = progress, .context = &offline});
    *outcome = (struct offline_outcome){0};
    if (options->follow)
        follow_all(&offline);
    else
        read_all(&offline);
    worker_flush(options->worker);
    return ledger_finish(options->ledger, error);
}
