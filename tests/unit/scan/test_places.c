/* The source of probes, shared by threads: each place once, no more at once than allowed, everybody gets a share, and what this host could
 * not start comes again. */
#include "tests/unit/lib/cmocka_first.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "certmuster/timefmt.h"
#include "scanner/scan/places.h"

enum { THREADS = 4, PARALLEL = 40, PREFIX_PLACES = 1 << 16 };

struct fixture {
    struct loop *loops[THREADS];
    struct ports ports;
    struct names *names;
    struct places *places;
};

static void set_up(struct fixture *fixture, unsigned threads, double rate)
{
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(loop_new(&fixture->loops[i], NULL), 0);
    assert_int_equal(ports_read("443", 3, &fixture->ports, NULL), 0);
    fixture->names = names_new(NULL);
    struct places_options options = {.ports = &fixture->ports,
                                     .starttls_local = STARTTLS_AUTO,
                                     .timeout_ms = 1000,
                                     .parallel = PARALLEL,
                                     .rate = rate,
                                     .names = fixture->names,
                                     .loops = fixture->loops,
                                     .threads = threads};
    fixture->places = places_new(&options, 0);
}

static void tear_down(struct fixture *fixture)
{
    places_free(fixture->places);
    names_free(fixture->names);
    ports_done(&fixture->ports);
    for (unsigned i = 0; i < THREADS; i++)
        loop_free(fixture->loops[i]);
}

static void add(struct places *places, const char *text)
{
    struct target target;
    assert_int_equal(target_read(text, strlen(text), &target, NULL), 0);
    places_add(places, &target, NULL, 0, 0);
}

struct taker {
    struct fixture *fixture;
    unsigned number;
    uint64_t taken;
};

static atomic_uint at_once, most_at_once, times[PREFIX_PLACES];

static void *take_all(void *context)
{
    struct taker *taker = context;
    struct places *places = taker->fixture->places;
    struct loop *loop = taker->fixture->loops[taker->number];
    struct place mine[PARALLEL];
    unsigned own = 0;
    int64_t wait_ms;
    for (;;) {
        enum places_answer answer = places_take(places, taker->number, own, clock_monotonic_ms(), &mine[own], &wait_ms);
        if (answer == PLACES_ONE) {
            unsigned now = atomic_fetch_add(&at_once, 1) + 1, most = atomic_load(&most_at_once);
            while (now > most && !atomic_compare_exchange_weak(&most_at_once, &most, now))
                ;
            atomic_fetch_add(&times[mine[own].ip.bytes[2] << 8 | mine[own].ip.bytes[3]], 1);
            taker->taken++;
            own++;
            continue;
        }
        for (; own > 0; own--) {
            atomic_fetch_sub(&at_once, 1);
            spread_release(mine[own - 1].spread);
            places_ended(places);
        }
        if (answer == PLACES_END)
            return NULL;
        if (answer == PLACES_LATER)
            loop_turn(loop, 60000, NULL); /* woken, or the test hangs */
    }
}

static void test_threads(void **state)
{
    (void)state;
    struct fixture fixture;
    struct taker takers[THREADS];
    pthread_t threads[THREADS];
    uint64_t taken = 0;
    set_up(&fixture, THREADS, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        takers[i] = (struct taker){.fixture = &fixture, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, take_all, &takers[i]), 0);
    }
    add(fixture.places, "10.0.0.0/17");
    add(fixture.places, "10.0.64.0/18"); /* asked for already */
    add(fixture.places, "10.0.128.0/17");
    add(fixture.places, "10.0.0.1");
    places_close(fixture.places);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        taken += takers[i].taken;
    }
    assert_int_equal(taken, PREFIX_PLACES);
    for (unsigned i = 0; i < PREFIX_PLACES; i++)
        assert_int_equal(atomic_load(&times[i]), 1);
    assert_in_range(atomic_load(&most_at_once), 1, PARALLEL);
    assert_true(places_are_over(fixture.places));
    assert_int_equal(places_left(fixture.places), 0);
    tear_down(&fixture);
}

/* One thread cannot take what is the others' share. */
static void test_shares(void **state)
{
    (void)state;
    struct fixture fixture;
    struct place place;
    int64_t wait_ms;
    unsigned own[2] = {0, 0};
    set_up(&fixture, 2, 0);
    add(fixture.places, "10.0.0.0/24");
    for (unsigned thread = 0; thread < 2; thread++) {
        while (places_take(fixture.places, thread, own[thread], 0, &place, &wait_ms) == PLACES_ONE) {
            spread_release(place.spread);
            own[thread]++;
        }
        assert_int_equal(own[thread], PARALLEL / 2);
        assert_int_equal(wait_ms, -1);
    }
    assert_int_equal(places_left(fixture.places), 256);
    tear_down(&fixture);
}

static void test_put_back(void **state)
{
    (void)state;
    struct fixture fixture;
    struct place place, again;
    int64_t wait_ms;
    set_up(&fixture, 1, 0);
    add(fixture.places, "a.example@192.0.2.1:8443");
    places_close(fixture.places);
    assert_int_equal(places_take(fixture.places, 0, 0, 10, &place, &wait_ms), PLACES_ONE);
    assert_int_equal(place.since_ms, 0);
    assert_true(places_put_back(fixture.places, &place, EMFILE, 10));
    assert_false(places_are_over(fixture.places));
    assert_true(places_are_short(fixture.places, 10));
    assert_int_equal(places_take(fixture.places, 0, 0, 11, &again, &wait_ms), PLACES_FULL); /* a pause first */
    assert_in_range(wait_ms, 1, 1000);
    assert_int_equal(places_take(fixture.places, 0, 0, 500, &again, &wait_ms), PLACES_ONE);
    assert_ptr_equal(again.spread, place.spread);
    assert_int_equal(again.port, 8443);
    assert_int_equal(again.since_ms, 10);
    assert_true(places_put_back(fixture.places, &again, EMFILE, 500));
    assert_int_equal(places_take(fixture.places, 0, 0, 1500, &again, &wait_ms), PLACES_ONE);
    assert_false(places_put_back(fixture.places, &again, EMFILE, 1500)); /* as long as a target has: it never comes */
    spread_release(again.spread);
    assert_true(places_are_over(fixture.places));
    assert_string_equal(names_get(fixture.names, &place.ip, 0, ""), "a.example");
    tear_down(&fixture);
}

/* No port is left towards one destination: others go on, and it has its next turn as soon as it is time. */
static void test_one_destination_lacks_ports(void **state)
{
    (void)state;
    struct fixture fixture;
    struct place first, place;
    int64_t wait_ms;
    set_up(&fixture, 1, 0);
    add(fixture.places, "192.0.2.0/29:8443");
    assert_int_equal(places_take(fixture.places, 0, 0, 10, &first, &wait_ms), PLACES_ONE);
    assert_true(places_put_back(fixture.places, &first, EADDRNOTAVAIL, 10));
    assert_true(places_are_short(fixture.places, 10));
    for (unsigned own = 0; own < 3; own++) {
        assert_int_equal(places_take(fixture.places, 0, own, 11, &place, &wait_ms), PLACES_ONE);
        assert_memory_not_equal(&place.ip, &first.ip, sizeof first.ip);
        assert_int_equal(place.since_ms, 0);
        spread_release(place.spread);
    }
    assert_int_equal(places_take(fixture.places, 0, 3, 500, &place, &wait_ms), PLACES_ONE);
    assert_memory_equal(&place.ip, &first.ip, sizeof first.ip);
    assert_true(
        places_put_back(fixture.places, &place, EADDRNOTAVAIL, 5000)); /* ours are in the way: it may yet come */
    for (unsigned i = 0; i < 3; i++)
        places_ended(fixture.places);
    for (unsigned own = 0; own < 4; own++) {
        assert_int_equal(places_take(fixture.places, 0, own, 5001, &place, &wait_ms), PLACES_ONE);
        places_ended(fixture.places);
        spread_release(place.spread);
    }
    assert_int_equal(places_take(fixture.places, 0, 0, 5001, &place, &wait_ms),
                     PLACES_FULL); /* no end while one waits */
    assert_int_equal(wait_ms, 99);
    places_close(fixture.places);
    assert_int_equal(places_take(fixture.places, 0, 0, 5001, &place, &wait_ms), PLACES_FULL);
    assert_int_equal(places_take(fixture.places, 0, 0, 5100, &place, &wait_ms), PLACES_ONE);
    assert_false(places_put_back(fixture.places, &place, EADDRNOTAVAIL, 5100));
    spread_release(place.spread);
    assert_true(places_are_over(fixture.places));
    tear_down(&fixture);
}

/* Many that wait hold up those behind them: memory is bounded. */
static void test_many_lack_ports(void **state)
{
    (void)state;
    struct fixture fixture;
    struct place place;
    int64_t wait_ms;
    unsigned taken = 0;
    set_up(&fixture, 1, 0);
    add(fixture.places, "192.0.2.0/24:8443");
    while (places_take(fixture.places, 0, 0, 10, &place, &wait_ms) == PLACES_ONE) {
        assert_true(places_put_back(fixture.places, &place, EADDRNOTAVAIL, 10));
        taken++;
    }
    assert_in_range(taken, 1, 255);
    assert_in_range(wait_ms, 1, 100);
    assert_int_equal(places_left(fixture.places), 256);
    tear_down(&fixture);
}

static void test_lingering_counts(void **state)
{
    (void)state;
    struct fixture fixture;
    struct place place;
    int64_t wait_ms;
    set_up(&fixture, 1, 0);
    add(fixture.places, "10.0.0.0/24");
    places_count_lingering(fixture.places, PARALLEL);
    assert_int_equal(places_take(fixture.places, 0, 0, 0, &place, &wait_ms), PLACES_FULL);
    places_count_lingering(fixture.places, -1);
    assert_int_equal(places_take(fixture.places, 0, 0, 0, &place, &wait_ms), PLACES_ONE);
    spread_release(place.spread);
    tear_down(&fixture);
}

/* The rate is everybody's together. */
static void test_rate(void **state)
{
    (void)state;
    struct fixture fixture;
    struct place place;
    int64_t wait_ms;
    unsigned taken = 0;
    set_up(&fixture, THREADS, 100);
    add(fixture.places, "10.0.0.0/16");
    for (int64_t now = 0; now < 5000; now++) {
        for (unsigned thread = 0; thread < THREADS; thread++) {
            while (places_take(fixture.places, thread, 0, now, &place, &wait_ms) == PLACES_ONE) {
                spread_release(place.spread);
                places_ended(fixture.places);
                taken++;
            }
            assert_true(wait_ms > 0);
        }
    }
    assert_in_range(taken, 490, 510);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_put_back),
        cmocka_unit_test(test_one_destination_lacks_ports),
        cmocka_unit_test(test_many_lack_ports),
        cmocka_unit_test(test_lingering_counts),
        cmocka_unit_test(test_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
