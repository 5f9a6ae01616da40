/* Drives emit and the spool while one call in turn fails; tests/e2e/torture.py counts what is left. Linked with --wrap for each call
 * below, so that every call of the library comes through here and no other does.
 *
 *   emit SPOOL WHAT N       WHAT: memory, write (fails), short (writes a part, then fails), sync, name (open, rename); N: which call, 0 none
 *
 * Says on standard output, one line each: "ack I" (emit kept record I), "held I" (it waits in memory), "closed CODE", "calls COUNT". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/config.h"
#include "certmuster/emit.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"

enum { RECORDS = 60, BURST = 5 };

static const char *what;
static long fail_at, calls;
static int armed;

static int fails(const char *kind)
{
    return armed && strcmp(kind, what) == 0 && ++calls == fail_at;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return fails("memory") ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return fails("memory") ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size)
{
    return fails("memory") ? NULL : __real_realloc(pointer, size);
}

ssize_t __real_pwrite64(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
    static int fail_next;
    if (fail_next || fails("write")) {
        fail_next = 0;
        errno = ENOSPC;
        return -1;
    }
    if (fails("short")) {
        fail_next = 1;
        return __real_pwrite64(fd, bytes, size / 2, offset);
    }
    return __real_pwrite64(fd, bytes, size, offset);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    if (fails("sync")) {
        errno = EIO;
        return -1;
    }
    return __real_fsync(fd);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    if (fails("name")) {
        errno = ENOSPC;
        return -1;
    }
    return __real_rename(from, to);
}

int __real_open64(const char *path, int flags, unsigned mode);
int __wrap_open64(const char *path, int flags, unsigned mode);
int __wrap_open64(const char *path, int flags, unsigned mode)
{
    if (fails("name")) {
        errno = EDQUOT;
        return -1;
    }
    return __real_open64(path, flags, mode);
}

static void tell(const char *word, long number)
{
    char line[64];
    int size = snprintf(line, sizeof line, "%s %ld\n", word, number);
    if (write(STDOUT_FILENO, line, (size_t)size) != size)
        _exit(9);
}

static int emit_one(struct emit *emit, unsigned i)
{
    uint8_t chain[1][CM_SHA256_SIZE];
    char der[16];
    struct cm_error error;
    struct record_endpoint at = {.realm = "default", .transport = "tcp", .ip = "192.0.2.1", .port = i, .name = ""};
    struct record_sighting sighting = {
        .seen = {.endpoint = &at}, .role = "server", .chain_count = 1, .connect_ms = -1, .handshake_ms = -1};
    struct record_failure failure = {.seen = {.endpoint = &at}, .stage = "connect", .error = RECORD_ERROR_REFUSED};
    if (i % 3 == 0)
        return emit_failure(emit, &failure, &error);
    snprintf(der, sizeof der, "certificate %u", i);
    int code = emit_certificate(emit, der, strlen(der), chain[0], &error);
    sighting.chain = (const uint8_t(*)[CM_SHA256_SIZE])chain;
    int second = emit_sighting(emit, &sighting, &error);
    return code ? code : second;
}

int main(int argc, char **argv)
{
    struct config *config;
    struct emit *emit;
    struct emit_outcome outcome;
    struct cm_error error;
    char yaml[4200];
    if (argc != 4)
        return 2;
    log_init("torture", LOG_LEVEL_ERROR);
    what = argv[2];
    fail_at = atol(argv[3]);
    snprintf(yaml, sizeof yaml, "%s.yaml", argv[1]);
    if (config_load(yaml, &config, &error) != 0)
        return 2;
    struct emit_options options = {
        .source = "scan", .config = config, .to = "unix:/nonexistent/collectd.sock", .argc = argc, .argv = argv};
    armed = 1;
    int code = emit_open(&options, &emit, &error);
    if (code) {
        tell("refused", code);
        tell("calls", calls);
        config_free(config);
        return 3;
    }
    int64_t now = clock_monotonic_ms();
    for (unsigned i = 1; i <= RECORDS; i++) {
        tell(emit_one(emit, i) == 0 ? "ack" : "held", i);
        if (i % BURST == 0) /* so that there are a dozen segments */
            emit_tick(emit, now += 100000);
    }
    code = emit_close(emit, false, &outcome, &error);
    tell("closed", code);
    tell("calls", calls);
    config_free(config);
    return 0;
}
