/* Emit: where records go, what is told once, what a full disk or a full spool does, and what the submit child is asked. */
#include "tests/unit/lib/cmocka_first.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certmuster/emit.h"
#include "certmuster/ipaddr.h"
#include "certmuster/limits.h"
#include "certmuster/spool.h"
#include "certmuster/timefmt.h"
#include "lib/emit_private.h"

static char top[] = "/tmp/cm-emit-XXXXXX";
static char spool_dir[64], calls[64], old_path[4096];
static struct config *config;

static void write_text(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void load_config(const char *max_bytes)
{
    char path[64], text[512];
    struct cm_error error;
    snprintf(path, sizeof path, "%s/c.yaml", top);
    snprintf(text, sizeof text,
             "host: h.example\nscanner: s1\nrealm: dmz\nspool: {dir: %s, max_bytes: %s}\nsubmit: {wait: 2s}\n",
             spool_dir, max_bytes);
    write_text(path, text, 0600);
    config_free(config);
    assert_int_equal(config_load(path, &config, &error), 0);
}

/* A stand-in for certmuster-submit that notes its arguments and ends as told. */
static void set_submit(int status)
{
    char path[64], text[256];
    snprintf(path, sizeof path, "%s/certmuster-submit", top);
    snprintf(text, sizeof text, "#!/bin/sh\necho \"$@\" >> %s\nexit %d\n", calls, status);
    write_text(path, text, 0700);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(top))
        return -1;
    snprintf(spool_dir, sizeof spool_dir, "%s/spool", top);
    snprintf(calls, sizeof calls, "%s/calls", top);
    setenv("CERTMUSTER_HOME", top, 1);
    snprintf(old_path, sizeof old_path, "%s:%s", top, getenv("PATH"));
    setenv("PATH", old_path, 1);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s' '%s'", spool_dir, calls);
    load_config("1GiB");
    set_submit(0);
    return system(command);
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    config_free(config);
    snprintf(command, sizeof command, "rm -rf '%s'", top);
    return system(command);
}

static struct emit *open_emit(bool json, const char *to)
{
    static char name[] = "certmuster-scan", flag[] = "--json", *argv[] = {name, flag, NULL};
    struct emit_options options = {.source = "scan", .config = config, .json = json, .to = to, .argc = 2, .argv = argv};
    struct emit *emit = NULL;
    struct cm_error error;
    assert_int_equal(emit_open(&options, &emit, &error), 0);
    return emit;
}

static int one_failure(struct emit *emit, unsigned port)
{
    struct cm_error error;
    struct record_endpoint at = {
        .realm = emit_realm(emit, NULL), .transport = "tcp", .ip = "192.0.2.1", .port = port, .name = ""};
    struct record_failure failure = {.seen = {.endpoint = &at}, .stage = "connect", .error = RECORD_ERROR_TIMEOUT};
    return emit_failure(emit, &failure, &error);
}

static int one_sighting(struct emit *emit, const char *der)
{
    uint8_t chain[1][CM_SHA256_SIZE];
    struct cm_error error;
    struct record_endpoint at = {.realm = "r", .transport = "tcp", .ip = "192.0.2.1", .port = 1, .name = ""};
    struct record_sighting sighting = {.seen = {.endpoint = &at, .at_ms = 1}, .role = "server", .chain_count = 1};
    int code = emit_certificate(emit, der, strlen(der), chain[0], &error);
    sighting.chain = (const uint8_t(*)[CM_SHA256_SIZE])chain;
    return code ? code : emit_sighting(emit, &sighting, &error);
}

static unsigned count_of(const char *text, const char *needle)
{
    unsigned count = 0;
    for (; (text = strstr(text, needle)) != NULL; text++)
        count++;
    return count;
}

static void test_json(void **state)
{
    (void)state;
    struct emit_outcome outcome;
    struct cm_error error;
    struct ipaddr loopback, other;
    char path[64], *text = calloc(1, 65536);
    snprintf(path, sizeof path, "%s/out", top);
    fflush(stdout);
    int saved = dup(STDOUT_FILENO), file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(file, STDOUT_FILENO);
    struct emit *emit = open_emit(true, NULL);
    int codes = one_sighting(emit, "a") | one_sighting(emit, "a") | one_sighting(emit, "b") | one_failure(emit, 2);
    bool blocked = emit_blocked(emit);
    assert_int_equal(ipaddr_read("127.0.0.9", &loopback), 0);
    assert_int_equal(ipaddr_read("192.0.2.9", &other), 0);
    assert_string_equal(emit_realm(emit, &loopback), "host:h.example");
    assert_string_equal(emit_realm(emit, &other), "dmz");
    emit_tick(emit, clock_monotonic_ms());
    uint64_t sightings = emit_sightings(emit), failures = emit_failures(emit);
    int closed = emit_close(emit, true, &outcome, &error);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    assert_true(pread(file, text, 65535, 0) > 0);
    close(file);
    assert_int_equal(codes | closed, 0);
    assert_false(blocked);
    assert_int_equal(sightings, 3);
    assert_int_equal(failures, 1);
    assert_false(outcome.submitted); /* --json alone tells nobody */
    assert_int_equal(access(spool_dir, F_OK), -1);
    assert_int_equal(count_of(text, "\n"), 8);
    assert_int_equal(count_of(text, "\"type\":\"certificate\""), 2);
    assert_memory_equal(text, "{\"v\":1,\"type\":\"run\",", 20);
    assert_non_null(strstr(text, "\"state\":\"started\""));
    assert_non_null(strstr(text, "\"args\":[\"certmuster-scan\",\"--json\"]"));
    assert_non_null(strstr(text, "\"targets\":4,\"ok\":3,\"failed\":1,\"interrupted\":true}\n"));
    assert_non_null(strstr(text, "\"source\":\"scan\""));
    assert_non_null(strstr(text, "\"scanner\":\"s1\""));
    free(text);
}

static int count_line(const char *record, size_t size, void *context)
{
    (void)record;
    (void)size;
    ++*(unsigned *)context;
    return 0;
}

static unsigned spooled(void)
{
    struct spool_segment *list;
    size_t count;
    unsigned records = 0;
    uint64_t damaged;
    struct cm_error error;
    assert_int_equal(spool_list(spool_dir, &list, &count, &error), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(spool_read(list[i].path, count_line, &records, &damaged, &error), 0);
    spool_list_free(list, count);
    return records;
}

static void read_calls(char out[static 1024])
{
    int fd = open(calls, O_RDONLY);
    ssize_t size = fd < 0 ? 0 : read(fd, out, 1023);
    out[size > 0 ? size : 0] = 0;
    if (fd >= 0)
        close(fd);
}

static void test_submit_child(void **state)
{
    (void)state;
    struct emit_outcome outcome;
    struct cm_error error;
    char said[1024], expected[256];
    struct emit *emit = open_emit(false, "unix:/x/y");
    assert_int_equal(one_sighting(emit, "a"), 0);
    emit_tick(emit,
              clock_monotonic_ms() + CM_LIMIT_SEGMENT_SECONDS * 1000 + 1); /* a segment closes; a child looks at it */
    assert_int_equal(one_failure(emit, 1), 0);
    assert_int_equal(emit_close(emit, false, &outcome, &error), 0);
    assert_true(outcome.submitted);
    assert_true(outcome.delivered); /* so the stand-in says */
    read_calls(said);
    snprintf(expected, sizeof expected, "--config %s/c.yaml --to unix:/x/y --once --quiet -- %s\n", top, spool_dir);
    assert_non_null(strstr(said, expected));
    snprintf(expected, sizeof expected, "--config %s/c.yaml --to unix:/x/y --wait 2.000 -- %s\n", top, spool_dir);
    assert_non_null(strstr(said, expected));
    assert_int_equal(spooled(), 5);

    /* Not delivered, refused, and no submit at all: the outcome says so, the records stay. */
    static const int statuses[] = {CM_EXIT_FAILED, CM_EXIT_PARTIAL};
    for (size_t i = 0; i < 2; i++) {
        set_submit(statuses[i]);
        emit = open_emit(false, "unix:/x/y");
        assert_int_equal(emit_close(emit, false, &outcome, &error), 0);
        assert_false(outcome.delivered);
        assert_int_equal(outcome.refused, statuses[i] == CM_EXIT_PARTIAL);
    }
    char program[96];
    snprintf(program, sizeof program, "%s/certmuster-submit", top);
    unlink(program);
    emit = open_emit(false, "unix:/x/y");
    assert_int_equal(emit_close(emit, false, &outcome, &error), 0);
    assert_false(outcome.delivered);
    assert_int_equal(spooled(), 5 + 3 * 2);
}

static void test_nowhere(void **state)
{
    (void)state;
    struct emit_outcome outcome;
    struct cm_error error;
    struct emit_options options = {.source = "scan", .config = config, .to = "unix:/x", .no_submit = true};
    struct emit *emit;
    assert_int_equal(emit_open(&options, &emit, &error), 0);
    assert_int_equal(one_sighting(emit, "a") | one_failure(emit, 1), 0);
    assert_int_equal(emit_sightings(emit), 1);
    emit_tick(emit, 0);
    assert_int_equal(emit_close(emit, false, &outcome, &error), 0);
    assert_false(outcome.submitted);
    assert_int_equal(access(spool_dir, F_OK), -1);
}

static void test_full_spool(void **state)
{
    (void)state;
    struct emit_outcome outcome;
    struct cm_error error;
    unsigned kept = 0;
    load_config("1MiB");
    set_submit(CM_EXIT_FAILED);
    struct emit *emit = open_emit(false, "unix:/x/y"), *refused = NULL;
    while (!emit_blocked(emit)) {
        assert_int_equal(one_failure(emit, kept % 65536), 0);
        kept++;
    }
    assert_true(kept > 1000);
    assert_int_equal(one_failure(emit, 1), 0); /* what was under way is still kept */
    struct emit_options options = {.source = "scan", .config = config, .to = "unix:/x/y"};
    assert_int_equal(emit_open(&options, &refused, &error), CM_ELIMIT);
    assert_null(refused);
    assert_int_equal(emit_close(emit, false, &outcome, &error), 0);
    assert_int_equal(spooled(), kept + 3);
}

static void test_full_disk(void **state)
{
    (void)state;
    struct emit_outcome outcome;
    struct cm_error error;
    struct rlimit old, limit;
    unsigned held = 0;
    struct emit *emit = open_emit(false, "unix:/x/y");
    assert_int_equal(one_failure(emit, 1), 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    limit = (struct rlimit){1000, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    for (unsigned port = 2; port < 20; port++)
        held += one_failure(emit, port) != 0;
    emit_tick(emit, clock_monotonic_ms());
    bool blocked = emit_blocked(emit);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_true(held > 10);
    assert_true(blocked);
    emit_tick(emit, clock_monotonic_ms()); /* there is room again */
    assert_false(emit_blocked(emit));
    assert_int_equal(one_failure(emit, 20), 0);
    assert_int_equal(emit_close(emit, false, &outcome, &error), 0);
    assert_int_equal(spooled(), 22); /* 20, and the run's two */
}

static uint64_t told_bytes(const struct told *told)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < TOLD_TABLES; i++)
        bytes += told->tables[i].capacity * sizeof *told->tables[i].slots;
    return bytes;
}

/* Every fingerprint once, however alike they are; memory stays in proportion; past the maximum what is new is told again. */
static void test_told(void **state)
{
    (void)state;
    enum { COUNT = 300000, ALIKE = 4 };
    struct told told;
    for (unsigned word = 0; word < ALIKE; word++) { /* they differ in one 64-bit word alone, and little */
        uint8_t sha256[CM_SHA256_SIZE] = {0};
        told_init(&told, COUNT);
        for (unsigned round = 0; round < 2; round++)
            for (unsigned i = 0; i < COUNT; i++) {
                memcpy(sha256 + (size_t)8 * word, &i, sizeof i);
                if (told_add(&told, sha256) != (round == 0))
                    fail_msg("round %u, word %u, fingerprint %u", round, word, i);
            }
        assert_int_equal(told.count, COUNT);
        assert_in_range(told_bytes(&told), (uint64_t)COUNT * 16, (uint64_t)COUNT * 28);
        sha256[31] = 1;
        assert_true(told_add(&told, sha256)); /* full */
        assert_true(told_add(&told, sha256));
        assert_int_equal(told.count, COUNT);
        told_done(&told);
    }
    told_init(&told, 0);
    assert_true(told_add(&told, (const uint8_t[CM_SHA256_SIZE]){1}));
    assert_true(told_add(&told, (const uint8_t[CM_SHA256_SIZE]){1}));
    told_done(&told);
}

enum { MANY = 20000 };

/* Nobody reads: records are held and nobody waits for it. Then a child reads, and gets them all; ends are those of a pipe or the like. */
static void check_slow_reader(const int ends[static 2])
{
    struct emit_outcome outcome;
    struct cm_error error;
    int bad = 0, status = -1;
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    struct emit *emit = open_emit(true, NULL);
    for (unsigned i = 0; i < MANY; i++)
        bad |= one_failure(emit, i % 65536);
    bool stalled = emit_stalled(emit);
    int flags_then = fcntl(STDOUT_FILENO, F_GETFL);
    pid_t reader = fork();
    if (reader == 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", MANY + 2);
        dup2(ends[0], STDIN_FILENO);
        dup2(saved, STDOUT_FILENO);
        closefrom(3); /* or it would hold the end that it waits for open itself */
        execlp("sh", "sh", "-c", "test \"$(wc -l)\" -eq $0", number, (char *)NULL);
        _exit(127);
    }
    close(ends[0]);
    int code = emit_close(emit, false, &outcome, &error);
    dup2(saved, STDOUT_FILENO); /* the reader sees the end */
    close(saved);
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(bad | code, 0);
    assert_true(stalled);
    assert_int_equal(flags_then, flags); /* whoever shares the descriptor feels nothing */
    assert_int_equal(status, 0);
}

static void test_slow_reader(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    check_slow_reader(ends);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    check_slow_reader(ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_json, fresh),       cmocka_unit_test_setup(test_submit_child, fresh),
        cmocka_unit_test_setup(test_nowhere, fresh),    cmocka_unit_test_setup(test_full_spool, fresh),
        cmocka_unit_test_setup(test_full_disk, fresh),  cmocka_unit_test_setup(test_told, fresh),
        cmocka_unit_test_setup(test_slow_reader, fresh)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
