/* Where a scanner's records go: stdout, the spool, or both. Stdout itself is in outlet.c, the submit child in emit_drain.c, what was
 * told in emit_told.c, the run's own records in emit_run.c, the end of a run in emit_end.c.
 *
 * Called by every scanner, one thread at a time. A record that cannot be kept now (disk full) waits in memory, in order, and the scanner
 * is asked to start no new work until it is kept; at the end, what still does not fit goes to a file elsewhere. Nothing is given up
 * silently. */
#include "certmuster/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/delivery.h"
#include "certmuster/home.h"
#include "certmuster/ids.h"
#include "certmuster/ipaddr.h"
#include "certmuster/limits.h"
#include "certmuster/log.h"
#include "certmuster/spool.h"
#include "certmuster/timefmt.h"
#include "lib/emit_private.h"
#include "lib/emit_run.h"

enum {
    LINE_MAX_BYTES = 2 * CM_LIMIT_RECORD_BYTES,
    STDOUT_FLUSH_BYTES = 64 * 1024,
    STDOUT_HELD_BYTES = 1024 * 1024, /* more than this unread by whoever reads stdout, and no new work is started */
    STDOUT_WAIT_BYTES = 64 * 1024 * 1024, /* so much comes of one file at most before its crawl waits for the reader */
};

/* --to, else the configured collector, else the local home's; NULL: none. What makes no sense is told before anything is looked at: CM_EINVAL of --to,
 * CM_EMALFORMED of the configuration. */
static int choose_collector(const struct emit_options *options, char **out, struct cm_error *error)
{
    const char *configured = config_string(options->config, "collector.url"), *url = options->to;
    struct home home;
    *out = NULL;
    if (options->no_submit || (!url && options->json))
        return CM_OK;
    if (!url && configured && *configured)
        url = configured;
    if (url) {
        struct cm_error wrong;
        if (delivery_url_check(url, &wrong))
            return error_setf(error, options->to ? CM_EINVAL : CM_EMALFORMED, 0, wrong.reason, "%s is \"%.180s\"",
                              options->to ? "--to" : "collector.url", url);
        *out = cm_strdup(url);
        return CM_OK;
    }
    if (home_find(&home, NULL) != CM_OK || !home.exists)
        return CM_OK;
    struct buf text;
    buf_init(&text, sizeof home.collector_socket + 8);
    buf_append_str(&text, "unix:");
    buf_append_str(&text, home.collector_socket);
    *out = buf_take(&text, NULL);
    return CM_OK;
}

static bool leaves_rights(const struct emit_heir *heir)
{
    return heir && heir->uid != geteuid();
}

/* Whoever goes on as another user must get there: what is missing on the way can be searched by all, as `certmuster up` makes it. What
 * is there already is its owner's choice. */
static void make_way(const char *dir)
{
    char path[HOME_PATH_SIZE];
    for (size_t i = 1; dir[0] && dir[i] && i < sizeof path; i++) {
        if (dir[i] != '/')
            continue;
        memcpy(path, dir, i);
        path[i] = 0;
        (void)mkdir(path, 0755); /* spool_open tells what is wrong */
    }
}

/* The spool of a scanner that goes on as another user belongs to that user. What is in it already may be anybody's: submit runs with our
 * rights. */
static int hand_over(const struct emit *emit, const struct emit_heir *heir, struct cm_error *error)
{
    int fd = open(emit->spool_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int failed = fd < 0 ? -1 : fchown(fd, heir->uid, heir->gid);
    if (failed)
        error_setf(error, CM_EIO, 0, "cannot hand the spool over", "%s: %s", emit->spool_dir, strerror(errno));
    if (fd >= 0)
        close(fd);
    return failed ? CM_EIO : CM_OK;
}

static int open_spool(struct emit *emit, const struct emit_heir *heir, struct cm_error *error)
{
    const char *dir = config_string(emit->config, "spool.dir");
    struct home home;
    if (!dir || !*dir) {
        int code = home_find(&home, error);
        if (code)
            return code;
        dir = home.spool;
    }
    emit->spool_dir = leaves_rights(heir) ? spool_own_dir(dir, emit->source) : cm_strdup(dir);
    emit->drain = (struct drain){
        .spool_dir = emit->spool_dir, .to = emit->to, .config_path = config_path(emit->config), .leftovers = true};
    if (leaves_rights(heir))
        make_way(emit->spool_dir);
    int code = spool_open(emit->spool_dir, emit->scanner, emit->run,
                          (uint64_t)config_integer(emit->config, "spool.max_bytes"), &emit->spool, error);
    if (!code && leaves_rights(heir))
        code = hand_over(emit, heir, error);
    if (!code && heir)
        code = launcher_new(&emit->drain, &emit->drain.launcher, error);
    return code;
}

void emit_free(struct emit *emit)
{
    launcher_free(emit->drain.launcher);
    told_done(&emit->told);
    outlet_done(&emit->out);
    buf_done(&emit->pending);
    buf_done(&emit->line);
    free(emit->spool_dir);
    free(emit->to);
    free(emit->local_realm);
    free(emit);
}

int emit_open(const struct emit_options *options, struct emit **out, struct cm_error *error)
{
    uint8_t id[CM_UUID_SIZE];
    if (options->run && uuid_read(options->run, id) != CM_OK)
        return error_setf(error, CM_EINVAL, 0, "--run takes a UUID", "%.60s", options->run);
    char *to;
    int code = choose_collector(options, &to, error);
    if (code)
        return code;
    struct emit *emit = cm_calloc(1, sizeof *emit);
    emit->to = to;
    emit->config = options->config;
    emit->source = options->source;
    emit->argc = options->argc;
    emit->argv = options->argv;
    emit->json = options->json;
    emit->scanner = config_scanner(options->config);
    emit->host = config_host(options->config);
    emit->realm = config_string(options->config, "realm");
    struct buf local;
    buf_init(&local, 4096);
    buf_append_str(&local, "host:");
    buf_append_str(&local, emit->host);
    emit->local_realm = buf_take(&local, NULL);
    if (!options->run)
        uuid_v7(id);
    uuid_write(emit->run, id);
    emit_machine_read(&emit->machine);
    outlet_init(&emit->out, EMIT_PENDING_MAX_BYTES);
    buf_init(&emit->pending, EMIT_PENDING_MAX_BYTES);
    buf_init(&emit->line, LINE_MAX_BYTES);
    told_init(&emit->told, EMIT_TOLD_MAX);
    code = emit->to ? open_spool(emit, options->heir, error) : CM_OK;
    if (code == CM_EINVAL) /* a path of the configuration or the environment, not wrong use */
        code = CM_EMALFORMED;
    if (!code) {
        emit_run_write(&emit->line, emit, "started", NULL);
        code = emit_line(emit, emit->line.data, emit->line.size, error);
    }
    if (code) {
        int closed = spool_close(emit->spool, NULL);
        code = code ? code : closed; /* the first failure is the one to tell */
        emit_free(emit);
        return code;
    }
    *out = emit;
    return CM_OK;
}

const char *emit_run(const struct emit *emit)
{
    return emit->run;
}

const char *emit_source(const struct emit *emit)
{
    return emit->source;
}

const struct emit_machine *emit_machine(const struct emit *emit)
{
    return &emit->machine;
}

char *const *emit_args(const struct emit *emit, size_t *count)
{
    *count = emit->argc > 0 ? (size_t)emit->argc : 0;
    return emit->argv;
}

const char *emit_scanner(const struct emit *emit)
{
    return emit->scanner;
}

const char *emit_host(const struct emit *emit)
{
    return emit->host;
}

const char *emit_spool_dir(const struct emit *emit)
{
    return emit->spool ? emit->spool_dir : NULL;
}

const char *emit_realm(const struct emit *emit, const struct ipaddr *ip)
{
    return ip && ipaddr_is_host_local(ip) ? emit->local_realm : emit->realm;
}

int emit_flush_pending(struct emit *emit, struct cm_error *error)
{
    size_t done = 0;
    int code = CM_OK;
    while (!code && done < emit->pending.size) {
        const char *line = emit->pending.data + done;
        const char *feed = memchr(line, '\n', emit->pending.size - done);
        size_t size = (size_t)(feed - line) + 1;
        code = spool_append(emit->spool, line, size, error);
        if (!code)
            done += size;
    }
    buf_consume(&emit->pending, done);
    return code;
}

/* Whoever reads our records pauses; that is their right, and nothing to report. */
bool emit_stalled(const struct emit *emit)
{
    return outlet_left(&emit->out) > STDOUT_HELD_BYTES && !emit->out.trouble;
}

static bool is_refused(const struct emit *emit)
{
    return emit->pending.size > 0 || emit->out.trouble != 0 || (emit->spool && spool_full(emit->spool));
}

static void say_blocked(struct emit *emit, const struct cm_error *error)
{
    bool blocked = is_refused(emit);
    if (blocked == emit->blocked_said)
        return;
    emit->blocked_said = blocked;
    if (!blocked)
        say_error("the spool takes records again; going on");
    else if (error && error->reason)
        say_error("%s (%s); no new work is started until it can be kept", error->reason, error->detail);
    else if (emit->out.trouble)
        say_error("cannot write to standard output (%s); no new work is started until it can be kept",
                  strerror(emit->out.trouble));
    else
        say_error("the spool %s is full; no new work is started until the collector has taken some of it",
                  emit->spool_dir);
}

/* A record that the spool cannot take waits. Should even that be too much, this waits for the disk: there is no third place. */
static int keep_in_spool(struct emit *emit, const char *record, size_t size, struct cm_error *error)
{
    struct cm_error local = {.code = CM_OK};
    int code = emit->pending.size ? emit_flush_pending(emit, &local) : CM_OK;
    if (!code)
        code = spool_append(emit->spool, record, size, &local);
    if (code == CM_OK || code == CM_EINVAL) {
        if (error && code)
            *error = local;
        return code;
    }
    while (emit->pending.size + size + 1 > EMIT_PENDING_MAX_BYTES) {
        struct timespec pause = {.tv_nsec = EMIT_RETRY_MS * 1000000L};
        nanosleep(&pause, NULL);
        (void)emit_flush_pending(emit, NULL);
    }
    buf_append(&emit->pending, record, size);
    if (record[size - 1] != '\n')
        buf_append_char(&emit->pending, '\n');
    say_blocked(emit, &local);
    if (error)
        *error = local;
    return code;
}

int emit_line(struct emit *emit, const char *record, size_t size, struct cm_error *error)
{
    if (size == 0 || memchr(record, '\n', size - 1) || size > CM_LIMIT_RECORD_BYTES)
        return error_set(error, CM_EINVAL, 0, "a record is one line of at most 2 MiB");
    if (emit->json) {
        buf_append(&emit->out.held, record, size);
        if (record[size - 1] != '\n')
            buf_append_char(&emit->out.held, '\n');
        if (outlet_left(&emit->out) >= STDOUT_FLUSH_BYTES && !emit->out.trouble)
            outlet_flush(&emit->out);
        while (outlet_left(&emit->out) > STDOUT_WAIT_BYTES && !emit->out.trouble) {
            outlet_wait(&emit->out, -1);
            outlet_flush(&emit->out);
        }
        if (emit->out.held.failed)
            return error_set(error, CM_ELIMIT, 0, "standard output takes nothing and memory is full");
    }
    return emit->spool ? keep_in_spool(emit, record, size, error) : CM_OK;
}

int emit_written(struct emit *emit, struct cm_error *error)
{
    if (emit->line.failed)
        return error_set(error, CM_ELIMIT, 0, "a record of more than 2 MiB");
    return emit_line(emit, emit->line.data, emit->line.size, error);
}

int emit_certificate(struct emit *emit, const void *der, size_t size, uint8_t sha256_out[static CM_SHA256_SIZE],
                     struct cm_error *error)
{
    sha256_bytes(der, size, sha256_out);
    return emit_certificate_hashed(emit, der, size, sha256_out, error);
}

int emit_certificate_hashed(struct emit *emit, const void *der, size_t size,
                            const uint8_t sha256[static CM_SHA256_SIZE], struct cm_error *error)
{
    if ((!emit->json && !emit->spool) || !told_add(&emit->told, sha256))
        return CM_OK;
    buf_reset(&emit->line);
    record_write_certificate(&emit->line, der, size, sha256);
    return emit_written(emit, error);
}

/* What the caller left open of who saw it. */
static struct record_seen complete(const struct emit *emit, const struct record_seen *seen)
{
    struct record_seen whole = *seen;
    whole.source = seen->source ? seen->source : emit->source;
    whole.scanner = seen->scanner ? seen->scanner : emit->scanner;
    whole.run = seen->run ? seen->run : emit->run;
    whole.at_ms = seen->at_ms ? seen->at_ms : clock_wall_ms();
    return whole;
}

int emit_sighting(struct emit *emit, const struct record_sighting *sighting, struct cm_error *error)
{
    emit->sightings++;
    if (!emit->json && !emit->spool)
        return CM_OK;
    struct record_sighting whole = *sighting;
    whole.seen = complete(emit, &sighting->seen);
    buf_reset(&emit->line);
    record_write_sighting(&emit->line, &whole);
    return emit_written(emit, error);
}

int emit_hidden(struct emit *emit, const struct record_hidden *hidden, struct cm_error *error)
{
    if (!emit->json && !emit->spool)
        return CM_OK;
    struct record_hidden whole = *hidden;
    whole.seen = complete(emit, &hidden->seen);
    buf_reset(&emit->line);
    record_write_hidden(&emit->line, &whole);
    return emit_written(emit, error);
}

int emit_failure(struct emit *emit, const struct record_failure *failure, struct cm_error *error)
{
    emit->failures++;
    if (!emit->json && !emit->spool)
        return CM_OK;
    struct record_failure whole = *failure;
    whole.seen = complete(emit, &failure->seen);
    buf_reset(&emit->line);
    record_write_failure(&emit->line, &whole);
    return emit_written(emit, error);
}

bool emit_blocked(const struct emit *emit)
{
    return is_refused(emit) || emit_stalled(emit);
}

void emit_tick(struct emit *emit, int64_t now_monotonic_ms)
{
    struct cm_error error = {.code = CM_OK};
    if (emit->json)
        outlet_flush(&emit->out);
    if (emit->spool) {
        int code = emit->pending.size ? emit_flush_pending(emit, &error) : CM_OK;
        if (!code)
            code = spool_tick(emit->spool, now_monotonic_ms, &error);
        say_blocked(emit, code ? &error : NULL);
        drain_tick(&emit->drain, spool_closed(emit->spool), now_monotonic_ms);
    } else {
        say_blocked(emit, NULL);
    }
}

int emit_asset(struct emit *emit, const char *record, size_t size, struct cm_error *error)
{
    emit->assets++;
    return emit_line(emit, record, size, error);
}

void emit_covered(struct emit *emit, const struct record_covered *covered)
{
    emit->covered = covered;
}

uint64_t emit_sightings(const struct emit *emit)
{
    return emit->sightings;
}

uint64_t emit_failures(const struct emit *emit)
{
    return emit->failures;
}
