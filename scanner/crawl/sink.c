/* The sink of all findings: each becomes a record through emit, a row when a person reads, and a number.
 *
 * Owns its line buffer. main.c makes one; the readers reach it through found_ops. Roles are decided here: a self-issued CA certificate
 * on its own is an anchor that somebody trusts, everything else is stored. */
#include "scanner/crawl/sink.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/cert.h"
#include "certmuster/escape.h"
#include "certmuster/ids.h"
#include "certmuster/limits.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"

enum {
    TICK_MS = 200,
    STALLED_TICK_MS = 5 /* while the reader of our records pauses */,
    MODE_BITS = 07777,
    INNER_BYTES_MAX = 12 * 1024, /* readers of records take 16 KiB */
    CUT_BYTES = 1 + 16           /* what stands for the rest of a name that is cut: "~" and half of a hash in hex */
};

void sink_init(struct sink *sink, struct emit *emit, const char *host, struct rows *rows,
               const volatile sig_atomic_t *stop, bool quiet)
{
    *sink = (struct sink){.emit = emit, .host = host, .rows = rows, .stop = stop};
    progress_init(&sink->progress, "files", quiet);
    buf_init(&sink->line, CM_LIMIT_RECORD_BYTES);
    buf_init(&sink->inner, INNER_BYTES_MAX);
}

void sink_done(struct sink *sink)
{
    progress_clear(&sink->progress);
    buf_done(&sink->line);
    buf_done(&sink->inner);
}

void sink_begin(struct sink *sink, const char *path, int dir, const struct stat *stat)
{
    sink->path = path;
    sink->dir = dir;
    sink->stat = stat;
    sink->counts.files += stat != NULL;
}

static struct record_file place(const struct sink *sink, const char *format, const char *entry)
{
    struct record_file file = {.realm = emit_realm(sink->emit, NULL),
                               .host = sink->host,
                               .path = sink->path,
                               .inner = sink->inner.size ? sink->inner.data : NULL,
                               .layer = sink->depth ? sink->steps[sink->depth - 1].layer : NULL,
                               .entry = entry,
                               .format = format};
    if (sink->stat) {
        file.has_stat = true;
        file.mode = sink->stat->st_mode & MODE_BITS;
        file.uid = sink->stat->st_uid;
        file.gid = sink->stat->st_gid;
        file.size_bytes = (uint64_t)sink->stat->st_size;
        file.inode = sink->stat->st_ino;
        file.mtime = sink->stat->st_mtime;
    }
    return file;
}

static struct record_seen seen(const struct sink *sink, const struct record_file *file)
{
    return (struct record_seen){.source = "crawl",
                                .scanner = emit_scanner(sink->emit),
                                .run = emit_run(sink->emit),
                                .at_ms = clock_wall_ms(),
                                .file = file};
}

/* FILE!INNER, for the table; lends until the next. */
static const char *shown_path(struct sink *sink)
{
    if (!sink->depth)
        return sink->path;
    buf_reset(&sink->line);
    buf_appendf(&sink->line, "%s!%s", sink->path, sink->inner.data);
    return sink->line.data;
}

/* emit keeps what the disk refuses and says so; a record that it cannot take at all is told here, once. */
static void note(int code, const struct sink *sink, const struct cm_error *error)
{
    if (code == CM_EINVAL)
        log_event(LOG_LEVEL_ERROR, "record_refused", "path=%s %s", log_quote(sink->path), log_error(error));
}

static void on_chain(void *context, const struct found_chain *chain)
{
    struct sink *sink = context;
    uint8_t fingerprints[CM_LIMIT_CHAIN_CERTS][CM_SHA256_SIZE];
    struct record_file file = place(sink, chain->format, chain->entry);
    struct cm_error error = {0};
    struct cert leaf;
    for (size_t i = 0; i < chain->count; i++)
        note(emit_certificate(sink->emit, chain->der[i].data, chain->der[i].size, fingerprints[i], &error), sink,
             &error);
    bool readable = cert_parse(chain->der[0].data, chain->der[0].size, &leaf, NULL) == 0;
    struct record_sighting sighting = {.seen = seen(sink, &file),
                                       .role = chain->role ? chain->role
                                               : readable && chain->count == 1 && leaf.ca && leaf.self_issued
                                                   ? "trust"
                                                   : "stored",
                                       .chain = (const uint8_t(*)[CM_SHA256_SIZE])fingerprints,
                                       .chain_count = chain->count,
                                       .connect_ms = -1,
                                       .handshake_ms = -1};
    note(emit_sighting(sink->emit, &sighting, &error), sink, &error);
    sink->counts.certificates += chain->count;
    if (sink->rows) {
        progress_clear(&sink->progress);
        rows_chain(sink->rows, shown_path(sink), chain->entry, readable ? &leaf : NULL, chain->count);
    }
}

static void on_key(void *context, const struct found_key *key)
{
    struct sink *sink = context;
    struct record_file file = place(sink, key->format, key->entry);
    struct record_key record = {.seen = seen(sink, &file),
                                .kind = key->kind,
                                .encrypted = key->encrypted,
                                .spki_sha256 = key->has_spki ? key->spki_sha256 : NULL,
                                .key_alg = key->has_spki ? key->alg : NULL,
                                .key_bits = key->has_spki ? key->bits : 0};
    struct cm_error error = {0};
    buf_reset(&sink->line);
    record_write_key(&sink->line, &record);
    note(emit_asset(sink->emit, sink->line.data, sink->line.size, &error), sink, &error);
    sink->counts.keys++;
    if (sink->rows) {
        progress_clear(&sink->progress);
        rows_key(sink->rows, shown_path(sink), key);
    }
}

/* Requests, lists and SSH certificates: the record's writer decodes them, and the row's. */
static void tell_asset(struct sink *sink, const char *format, const char *entry, struct slice bytes,
                       void (*write)(struct buf *, const struct record_seen *, const void *, size_t),
                       void (*row)(struct rows *, const char *, const char *, struct slice))
{
    struct record_file file = place(sink, format, entry);
    struct record_seen observed = seen(sink, &file);
    struct cm_error error = {0};
    buf_reset(&sink->line);
    write(&sink->line, &observed, bytes.data, bytes.size);
    note(emit_asset(sink->emit, sink->line.data, sink->line.size, &error), sink, &error);
    if (sink->rows) {
        progress_clear(&sink->progress);
        row(sink->rows, shown_path(sink), entry, bytes);
    }
}

static void on_request(void *context, const struct found_der *request)
{
    struct sink *sink = context;
    sink->counts.requests++;
    tell_asset(sink, request->format, request->entry, request->der, record_write_csr, rows_request);
}

static void on_crl(void *context, const struct found_der *crl)
{
    struct sink *sink = context;
    sink->counts.crls++;
    tell_asset(sink, crl->format, crl->entry, crl->der, record_write_crl, rows_crl);
}

static void on_ssh_certificate(void *context, const struct found_ssh_certificate *certificate)
{
    struct sink *sink = context;
    sink->counts.ssh_certificates++;
    tell_asset(sink, certificate->format, certificate->entry, certificate->blob, record_write_ssh_certificate,
               rows_ssh_certificate);
}

static void on_store(void *context, const struct found_store *store)
{
    struct sink *sink = context;
    struct record_file file = place(sink, store->format, NULL);
    struct record_store record = {.seen = seen(sink, &file),
                                  .format = store->format,
                                  .integrity = store->integrity,
                                  .entries = store->entries,
                                  .weak = store->weak,
                                  .weak_count = store->weak_count};
    struct cm_error error = {0};
    buf_reset(&sink->line);
    record_write_store(&sink->line, &record);
    note(emit_asset(sink->emit, sink->line.data, sink->line.size, &error), sink, &error);
    if (sink->rows && (store->weak_count || strcmp(store->integrity, "bad") == 0)) {
        progress_clear(&sink->progress);
        rows_store(sink->rows, shown_path(sink), store);
    }
}

static void fail(struct sink *sink, const char *stage, const struct found_problem *problem)
{
    bool cancelled = *sink->stop && problem->error == RECORD_ERROR_TIMEOUT;
    struct record_file file = place(sink, problem->format, problem->entry);
    struct record_failure failure = {.seen = seen(sink, &file),
                                     .stage = stage,
                                     .error = cancelled ? RECORD_ERROR_CANCELLED : problem->error,
                                     .detail = problem->detail};
    struct cm_error error = {0};
    note(emit_failure(sink->emit, &failure, &error), sink, &error);
    sink->counts.problems++;
    if (sink->rows) {
        progress_clear(&sink->progress);
        rows_problem(sink->rows, shown_path(sink), problem->entry, record_error_name(failure.error), problem->detail);
    }
}

static void on_problem(void *context, const struct found_problem *problem)
{
    fail(context, problem->error == RECORD_ERROR_IO || problem->error == RECORD_ERROR_PERMISSION ? "open" : "decode",
         problem);
}

void sink_unopened(struct sink *sink, const struct walk_entry *entry)
{
    sink_begin(sink, entry->path, -1, NULL);
    if (entry->operand && !sink->rows) { /* somebody asked for it: a line, also where nobody reads a table */
        progress_clear(&sink->progress);
        say_error("cannot read %s: %s", log_quote(entry->path), entry->detail);
    }
    fail(sink, "open", &(struct found_problem){NULL, NULL, entry->error, entry->detail});
}

static void tick(struct sink *sink)
{
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms - sink->ticked_ms < (emit_stalled(sink->emit) ? STALLED_TICK_MS : TICK_MS))
        return;
    sink->ticked_ms = now_ms;
    emit_tick(sink->emit, now_ms);
    progress_update(&sink->progress, sink->counts.files, 0, sink->counts.problems);
}

static bool on_pulse(void *context)
{
    struct sink *sink = context;
    tick(sink);
    return *sink->stop;
}

/* A step of the path within containers, in UTF-8. One that is too long is cut, with a hash of the whole in its place: two do not become
 * one. False: it was cut. There is room for that at every depth. */
static bool append_step(struct sink *sink, const char *name)
{
    size_t reserved = (1 + CUT_BYTES) * (SINK_STEPS_MAX - sink->depth), begin = sink->inner.size;
    size_t room = INNER_BYTES_MAX - begin - reserved, size = strlen(name);
    struct buf step;
    buf_init(&step, 3 * size + 1);
    escape_utf8(&step, name, size);
    bool fits = step.size <= room;
    if (fits) {
        buf_append(&sink->inner, step.data, step.size);
    } else {
        uint8_t digest[CM_SHA256_SIZE];
        size_t kept = room - CUT_BYTES;
        while (kept && ((uint8_t)step.data[kept] & 0xC0) == 0x80) /* within a character */
            kept--;
        sha256_bytes(name, size, digest);
        buf_append(&sink->inner, step.data, kept);
        buf_append_char(&sink->inner, '~');
        hex_append(&sink->inner, digest, (CUT_BYTES - 1) / 2);
    }
    buf_done(&step);
    return fits;
}

/* The job's depth bounds the steps. A slash or "!" in a name stays as it is: the path is to be read, never opened. */
static void on_enter(void *context, const char *name, const char *layer)
{
    struct sink *sink = context;
    const char *outer = sink->depth ? sink->steps[sink->depth - 1].layer : NULL;
    struct sink_step *step = &sink->steps[sink->depth++];
    step->inner_size = sink->inner.size;
    step->layer = layer || outer ? cm_strdup(layer ? layer : outer) : NULL;
    if (!name)
        return;
    if (sink->inner.size)
        buf_append_char(&sink->inner, '!');
    if (!append_step(sink, name))
        fail(sink, "decode",
             &(struct found_problem){NULL, NULL, RECORD_ERROR_LIMIT, "its name is too long and was cut (bytes=12288)"});
}

static void on_leave(void *context)
{
    struct sink *sink = context;
    struct sink_step *step = &sink->steps[--sink->depth];
    free(step->layer);
    sink->inner.size = step->inner_size;
    sink->inner.failed = false;
    sink->inner.data[sink->inner.size] = '\0';
}

/* Looked up in the directory that is open, where there is one: its path may lead elsewhere by now. */
static bool on_beside(void *context, const char *ending)
{
    struct sink *sink = context;
    struct stat stat;
    if (sink->depth || !sink->stat)
        return false;
    const char *slash = strrchr(sink->path, '/'), *name = slash && sink->dir >= 0 ? slash + 1 : sink->path;
    const char *dot = strrchr(slash ? slash : name, '.');
    buf_reset(&sink->line);
    buf_append(&sink->line, name, ending[0] == '.' && dot ? (size_t)(dot - name) : strlen(name));
    buf_append_str(&sink->line, ending);
    return fstatat(sink->dir >= 0 ? sink->dir : AT_FDCWD, sink->line.data, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(stat.st_mode);
}

struct found_ops sink_ops(struct sink *sink)
{
    return (struct found_ops){.chain = on_chain,
                              .key = on_key,
                              .request = on_request,
                              .crl = on_crl,
                              .ssh_certificate = on_ssh_certificate,
                              .store = on_store,
                              .problem = on_problem,
                              .enter = on_enter,
                              .leave = on_leave,
                              .beside = on_beside,
                              .pulse = on_pulse,
                              .context = sink};
}

/* A reader that closed its end of the pipe will not come back. */
static bool stdout_is_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLNVAL));
}

bool sink_wait(struct sink *sink)
{
    tick(sink);
    while (!*sink->stop && emit_blocked(sink->emit)) {
        struct timespec pause = {.tv_nsec = (emit_stalled(sink->emit) ? STALLED_TICK_MS : TICK_MS) * 1000000L};
        if (stdout_is_gone())
            return true;
        nanosleep(&pause, NULL);
        tick(sink);
    }
    return *sink->stop;
}
