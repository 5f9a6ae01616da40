/* From observations to records: once per thing and interval, counts in between, a queue that is bounded and forgets nothing that it took, several threads, a run that
 * follows another. Records are read back from standard output. */
#include "tests/unit/lib/cmocka_first.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scanner/watch/tell.h"

enum { SECOND_US = 1000000, DER_SIZE = 1000 };

static char path[64];
static struct config *config;

static int set_up(void **state)
{
    (void)state;
    char text[64] = "/tmp/cm-tell-XXXXXX";
    struct cm_error error;
    int fd = mkstemp(text);
    if (fd < 0 || write(fd, "host: h.example\n", 16) != 16)
        return -1;
    close(fd);
    int code = config_load(text, &config, &error);
    unlink(text);
    return code;
}

static int tear_down(void **state)
{
    (void)state;
    config_free(config);
    return 0;
}

struct telling_run { /* emit writes to descriptor 1, which is a file meanwhile */
    int standard_output;
    struct emit *emit;
    struct tell *tell;
};

static void begin(struct telling_run *run, size_t queue_max)
{
    struct cm_error error;
    snprintf(path, sizeof path, "/tmp/cm-tell-out-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    fflush(stdout);
    run->standard_output = dup(STDOUT_FILENO);
    assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    close(fd);
    struct emit_options options = {.source = "watch", .config = config, .json = true, .no_submit = true};
    assert_int_equal(emit_open(&options, &run->emit, &error), 0);
    struct tell_options tell = {
        .emit = run->emit, .interval_us = INT64_C(3600) * SECOND_US, .memory_max = 16 << 20, .queue_max = queue_max};
    assert_int_equal(tell_new(&tell, &run->tell, &error), 0);
}

/* Everything that was written. */
static char *end(struct telling_run *run)
{
    struct emit_outcome outcome;
    struct cm_error error;
    tell_finish(run->tell);
    assert_int_equal(tell_get_counts(run->tell).waiting, 0);
    tell_free(run->tell);
    assert_int_equal(emit_close(run->emit, false, &outcome, &error), 0);
    fflush(stdout);
    dup2(run->standard_output, STDOUT_FILENO);
    close(run->standard_output);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 32 << 20);
    assert_true(file && fread(text, 1, (32 << 20) - 1, file) > 0);
    fclose(file);
    unlink(path);
    return text;
}

static unsigned count_of(const char *text, const char *needle)
{
    unsigned count = 0;
    for (; (text = strstr(text, needle)) != NULL; text++)
        count++;
    return count;
}

/* A chain of one certificate, which nobody can decode, at a place of its own. */
static void observe(struct tell *tell, unsigned number, int64_t at_us)
{
    uint8_t der[DER_SIZE] = {0};
    memcpy(der, &number, sizeof number);
    struct slice chain = {der, sizeof der};
    struct observed observed = {.kind = OBSERVED_SERVER_CHAIN,
                                .server = {.ip = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number},
                                           .port = 443,
                                           .family = 4},
                                .client = {.ip = {10, 255, 0, 1}, .port = 40000, .family = 4},
                                .version = 0x0303,
                                .client_auth = -1,
                                .scts = -1,
                                .chain = &chain,
                                .chain_count = 1,
                                .at_us = at_us};
    tell_observed(&observed, tell);
}

static void test_interval(void **state)
{
    (void)state;
    struct telling_run run;
    begin(&run, 0);
    for (int i = 0; i < 100; i++)
        observe(run.tell, 1, (1000 + i) * INT64_C(1000000));
    assert_int_equal(tell_get_counts(run.tell).told, 1);
    observe(run.tell, 1, (1000 + 3600) * INT64_C(1000000));
    assert_int_equal(tell_get_counts(run.tell).told, 2);
    observe(run.tell, 1, (1000 + 3700) * INT64_C(1000000));
    char *text = end(&run);
    assert_int_equal(count_of(text, "\"type\":\"certificate\""), 1);
    assert_int_equal(count_of(text, "\"type\":\"sighting\""), 3);
    assert_int_equal(count_of(text, "\"count\":100"), 1);
    assert_int_equal(count_of(text, "\"since\":\"1970-01-01T00:16:41.000Z\""), 1);
    free(text);
}

/* Nobody delivers: what finds no room is not lost, but told when it is seen again. */
static void test_full_queue(void **state)
{
    (void)state;
    struct telling_run run;
    enum { PLACES = 1000 };
    begin(&run, 256 * 1024);
    for (unsigned i = 0; i < PLACES; i++)
        observe(run.tell, i, 1000);
    struct tell_counts counts = tell_get_counts(run.tell);
    assert_true(counts.waiting > 50 && counts.waiting < 250);
    assert_int_equal(counts.waiting + counts.postponed, PLACES);
    assert_int_equal(counts.told, 0);
    for (int round = 0; round < 20; round++) {
        tell_deliver(run.tell);
        for (unsigned i = 0; i < PLACES; i++)
            observe(run.tell, i, 2000);
    }
    tell_deliver(run.tell);
    counts = tell_get_counts(run.tell);
    assert_int_equal(counts.told, PLACES);
    char *text = end(&run);
    assert_int_equal(count_of(text, "\"type\":\"certificate\""), PLACES);
    assert_true(count_of(text, "\"type\":\"sighting\"") >= PLACES);
    free(text);
}

struct observer {
    pthread_t id;
    struct tell *tell;
};

enum { OBSERVERS = 4, ROUNDS = 50, SHARED = 200 };

static void *be_observer(void *context)
{
    const struct observer *observer = context;
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < SHARED; i++)
            observe(observer->tell, i, 1000 + round);
    }
    return NULL;
}

/* Every observation is in exactly one record's count, also over a change of runs. */
static void test_threads(void **state)
{
    (void)state;
    struct telling_run run;
    struct observer observers[OBSERVERS];
    struct cm_error error;
    begin(&run, 8 << 20);
    for (int i = 0; i < OBSERVERS; i++) {
        observers[i].tell = run.tell;
        assert_int_equal(pthread_create(&observers[i].id, NULL, be_observer, &observers[i]), 0);
    }
    for (int i = 0; i < 20; i++) {
        tell_deliver(run.tell);
        if (i % 5 == 4)
            assert_int_equal(tell_next_run(run.tell, &error), 0);
    }
    for (int i = 0; i < OBSERVERS; i++)
        pthread_join(observers[i].id, NULL);
    assert_int_equal(tell_get_counts(run.tell).postponed, 0);
    assert_int_equal(tell_get_counts(run.tell).observations, OBSERVERS * ROUNDS * SHARED);
    char *text = end(&run);
    uint64_t sum = 0, sightings = 0;
    for (const char *at = text; (at = strstr(at, "\"type\":\"sighting\"")); at++) {
        const char *line_end = strchr(at, '\n'), *count = strstr(at, "\"count\":");
        sum += count && count < line_end ? strtoull(count + 8, NULL, 10) : 1;
        sightings++;
    }
    assert_int_equal(sum, OBSERVERS * ROUNDS * SHARED);
    assert_true(sightings >= SHARED);
    assert_int_equal(count_of(text, "\"state\":\"started\""), 5);
    assert_int_equal(count_of(text, "\"state\":\"finished\""), 5);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_interval), cmocka_unit_test(test_full_queue),
                                       cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
