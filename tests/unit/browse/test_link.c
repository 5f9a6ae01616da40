/* The link without a database: it says that it is away, keeps what is wanted, never calls done for what is not, and ends at once. The
 * rest is tested with a real PostgreSQL in tests/e2e/browse.py. */
#include "tests/unit/lib/cmocka_first.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "certmuster/timefmt.h"
#include "report/browse/link.h"

struct test_job {
    struct link_job job;
    int *ran, *done, *discarded;
};

static int run(struct link_job *job, struct db *db, struct cm_error *error)
{
    (void)db;
    (void)error;
    ++*((struct test_job *)job)->ran;
    return CM_OK;
}

static void done(struct link_job *job, int code, const struct cm_error *error, void *context)
{
    (void)code;
    (void)error;
    (void)context;
    ++*((struct test_job *)job)->done;
}

static void discard(struct link_job *job)
{
    ++*((struct test_job *)job)->discarded;
    free(job);
}

static struct link_job *job_new(int counts[3])
{
    struct test_job *job = cm_calloc(1, sizeof *job);
    *job = (struct test_job){{run, done, discard}, &counts[0], &counts[1], &counts[2]};
    return &job->job;
}

static void wait_for_attempts(struct link *link, int fd, struct link_status *status)
{
    int64_t until = clock_monotonic_ms() + 10000;
    do {
        struct pollfd news = {.fd = fd, .events = POLLIN};
        poll(&news, 1, 100);
        link_status(link, status);
    } while (status->state != LINK_AWAY && clock_monotonic_ms() < until);
}

static void test_away(void **state)
{
    (void)state;
    const struct link_options options = {.db = {"host=/nonexistent dbname=none", "nobody", "test", 2, 1000}};
    int counts[3] = {0}, fd = eventfd(0, EFD_NONBLOCK);
    struct link_status status;
    struct link *link = link_new(&options, fd, NULL);
    link_submit(link, 1, job_new(counts));
    wait_for_attempts(link, fd, &status);
    assert_int_equal(status.state, LINK_AWAY);
    assert_true(status.busy && status.since_ms > 0 && status.retry_at_ms > status.since_ms && status.connects == 0);
    assert_non_null(strstr(status.message, "/nonexistent"));
    link_collect(link);
    assert_int_equal(counts[1] + counts[2], 0); /* still wanted */
    link_submit(link, 1, job_new(counts));
    assert_int_equal(counts[2], 1); /* the first was replaced */
    link_drop(link, 1);
    assert_int_equal(counts[2], 2);
    link_status(link, &status);
    assert_false(status.busy);
    link_submit(link, 0, job_new(counts));
    link_retry(link);
    int64_t began = clock_monotonic_ms();
    link_free(link);
    assert_true(clock_monotonic_ms() - began < 2000);
    assert_int_equal(counts[0], 0);
    assert_int_equal(counts[1], 0);
    assert_int_equal(counts[2], 3);
    close(fd);
}

static void test_on_demand(void **state)
{
    (void)state;
    const struct link_options options = {.db = {"host=/nonexistent dbname=none", "nobody", "test", 2, 1000},
                                         .idle_close_ms = 1000};
    int counts[3] = {0}, fd = eventfd(0, EFD_NONBLOCK);
    struct link_status status;
    struct link *link = link_new(&options, fd, NULL);
    link_status(link, &status);
    assert_int_equal(status.state, LINK_CONNECTING); /* and stays so: nobody asked for anything */
    for (int i = 0; i < 2; i++) {
        link_submit(link, 0, job_new(counts));
        link_status(link, &status);
        wait_for_attempts(link, fd, &status);
        assert_int_equal(status.state, LINK_AWAY);
        assert_true(status.busy);
        link_drop(link, 0);
    }
    link_free(link);
    assert_int_equal(counts[2], 2);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_away), cmocka_unit_test(test_on_demand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
