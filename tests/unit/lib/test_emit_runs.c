/* Emit for scanners that live long and give up their rights: a run follows another, submit is started by a process of its own. */
#include "tests/unit/lib/cmocka_first.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/emit.h"
#include "certmuster/spool.h"
#include "certmuster/timefmt.h"

static char top[] = "/tmp/cm-emit-runs-XXXXXX";
static struct config *config;

static void write_text(const char *name, const char *text, mode_t mode)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", top, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static int set_up(void **state)
{
    (void)state;
    char text[512], path[4096];
    struct cm_error error;
    if (!mkdtemp(top) || chmod(top, 0755))
        return -1;
    setenv("CERTMUSTER_HOME", top, 1);
    snprintf(path, sizeof path, "%s:%s", top, getenv("PATH"));
    setenv("PATH", path, 1);
    /* A stand-in for certmuster-submit that notes who runs it and with which descriptors. */
    snprintf(text, sizeof text, "#!/bin/sh\necho \"$(id -u) $(ls /proc/$$/fd | tr '\\n' ' ') $*\" >> %s/calls\n", top);
    write_text("certmuster-submit", text, 0755);
    snprintf(text, sizeof text, "host: h.example\nscanner: s1\nspool: {dir: %s/way/spool}\nsubmit: {wait: 2s}\n", top);
    write_text("c.yaml", text, 0600);
    snprintf(path, sizeof path, "%s/c.yaml", top);
    return config_load(path, &config, &error);
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    config_free(config);
    snprintf(command, sizeof command, "rm -rf '%s'", top);
    return system(command);
}

static struct emit *open_emit(const struct emit_heir *heir)
{
    struct emit_options options = {.source = "watch", .config = config, .to = "unix:/nowhere", .heir = heir};
    struct emit *emit = NULL;
    struct cm_error error;
    assert_int_equal(emit_open(&options, &emit, &error), 0);
    return emit;
}

static void one_sighting(struct emit *emit)
{
    uint8_t chain[1][CM_SHA256_SIZE];
    struct cm_error error;
    struct record_endpoint at = {.realm = "r", .transport = "tcp", .ip = "192.0.2.1", .port = 1, .name = ""};
    struct record_sighting sighting = {.seen = {.endpoint = &at}, .role = "server", .chain_count = 1};
    assert_int_equal(emit_certificate(emit, "0", 1, chain[0], &error), 0);
    sighting.chain = (const uint8_t(*)[CM_SHA256_SIZE])chain;
    assert_int_equal(emit_sighting(emit, &sighting, &error), 0);
}

static int append_line(const char *record, size_t size, void *context)
{
    struct buf *all = context;
    buf_append(all, record, size);
    buf_append_char(all, '\n');
    return 0;
}

/* Every record in the spool, in order. */
static char *spooled(const char *name)
{
    char dir[64];
    struct spool_segment *segments;
    struct buf all;
    size_t count;
    uint64_t damaged = 0;
    snprintf(dir, sizeof dir, "%s/%s", top, name);
    buf_init(&all, 1 << 20);
    assert_int_equal(spool_list(dir, &segments, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(spool_read(segments[i].path, append_line, &all, &damaged, NULL), 0);
    spool_list_free(segments, count);
    assert_int_equal(damaged, 0);
    return buf_take(&all, NULL);
}

static unsigned count_of(const char *text, const char *needle)
{
    unsigned count = 0;
    for (; (text = strstr(text, needle)) != NULL; text++)
        count++;
    return count;
}

static void test_next_run(void **state)
{
    (void)state;
    struct emit *emit = open_emit(NULL);
    struct emit_outcome outcome;
    char first[64];
    one_sighting(emit);
    one_sighting(emit);
    snprintf(first, sizeof first, "%s", emit_run(emit));
    assert_int_equal(emit_next_run(emit, NULL), 0);
    assert_string_not_equal(emit_run(emit), first);
    assert_int_equal(emit_sightings(emit), 0);
    one_sighting(emit);
    assert_int_equal(emit_close(emit, false, &outcome, NULL), 0);
    char *all = spooled("way/spool");
    assert_int_equal(count_of(all, "\"state\":\"started\""), 2);
    assert_int_equal(count_of(all, "\"state\":\"finished\""), 2);
    assert_int_equal(count_of(all, "\"type\":\"certificate\""), 2); /* once per run */
    assert_int_equal(count_of(all, "\"type\":\"sighting\""), 3);
    assert_int_equal(count_of(all, "\"ok\":2"), 1);
    assert_int_equal(count_of(all, "\"ok\":1"), 1);
    assert_int_equal(count_of(all, first), 4); /* started, two sightings, finished */
    free(all);
}

/* A spool that has no room for another run: the old one goes on, nothing of it is lost. */
static void test_no_room(void **state)
{
    (void)state;
    char command[256], filler[128], first[64];
    struct cm_error error;
    struct emit_outcome outcome;
    snprintf(command, sizeof command, "rm -rf '%s/way'", top);
    assert_int_equal(system(command), 0);
    struct emit *emit = open_emit(NULL);
    one_sighting(emit);
    snprintf(first, sizeof first, "%s", emit_run(emit));
    snprintf(filler, sizeof filler, "%s/way/spool/00000000-0000-7000-8000-000000000000-1.seg", top);
    FILE *file = fopen(filler, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(truncate(filler, (off_t)config_integer(config, "spool.max_bytes") + 1), 0);
    assert_int_equal(emit_next_run(emit, &error), CM_ELIMIT);
    assert_string_equal(emit_run(emit), first);
    one_sighting(emit);
    assert_int_equal(emit_sightings(emit), 2);
    unlink(filler);
    assert_int_equal(emit_next_run(emit, &error), 0);
    assert_string_not_equal(emit_run(emit), first);
    assert_int_equal(emit_close(emit, false, &outcome, NULL), 0);
    char *all = spooled("way/spool");
    assert_int_equal(count_of(all, first), 4); /* started, two sightings, finished */
    assert_int_equal(count_of(all, "\"type\":\"run\""), 4);
    free(all);
}

static void read_calls(char out[static 4096])
{
    char path[64];
    snprintf(path, sizeof path, "%s/calls", top);
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(out, 1, 4095, file) : 0;
    out[size] = 0;
    if (file)
        fclose(file);
}

/* What the scanner may no longer do its launcher does: the child is started as who we were, with no descriptor of ours. */
static void test_heir(void **state)
{
    (void)state;
    struct emit_heir heir = {geteuid() ? geteuid() : 65534, getegid() ? getegid() : 65534};
    char said[4096], command[256], expected[64];
    struct emit_outcome outcome;
    snprintf(command, sizeof command, "rm -rf '%s/way' '%s/calls'", top, top);
    assert_int_equal(system(command), 0);
    struct emit *emit = open_emit(&heir);
    if (!geteuid()) {
        struct stat status;
        snprintf(command, sizeof command, "%s/way/spool-watch", top);
        assert_int_equal(stat(command, &status), 0);
        assert_int_equal(status.st_uid, heir.uid);
        assert_int_equal(status.st_mode & 0777, 0700);
        assert_int_equal(seteuid(heir.uid), 0);
    }
    one_sighting(emit);
    assert_int_equal(emit_next_run(emit, NULL), 0); /* a spool is opened, and a segment written, by the heir */
    one_sighting(emit);
    int64_t deadline_ms = clock_monotonic_ms() + 20000;
    do {
        emit_tick(emit, clock_monotonic_ms());
        read_calls(said);
    } while (!strchr(said, '\n') && clock_monotonic_ms() < deadline_ms);
    assert_int_equal(emit_close(emit, false, &outcome, NULL), 0);
    assert_true(outcome.submitted);
    assert_true(outcome.delivered);
    int failed = seteuid(getuid());
    assert_int_equal(failed, 0);
    read_calls(said);
    snprintf(expected, sizeof expected, "%d 0 1 10 2 ", (int)getuid()); /* 10: the shell's own, its script */
    assert_int_equal(strncmp(said, expected, strlen(expected)), 0);
    assert_non_null(strstr(said, "--once"));
    assert_non_null(strstr(said, "--wait 2.000"));
    char *all = spooled(getuid() ? "way/spool" : "way/spool-watch");
    assert_int_equal(count_of(all, "\"type\":\"sighting\""), 2);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_next_run), cmocka_unit_test(test_no_room),
                                       cmocka_unit_test(test_heir)};
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
