/* Timers and the loop: order, moving, cancelling from a callback, and events of a watch that is gone. */
#include "tests/unit/lib/cmocka_first.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scanner/scan/loop.h"

enum { MANY = 5000 };

static void test_order(void **state)
{
    (void)state;
    struct timers timers;
    struct timer *all = calloc(MANY, sizeof *all), *timer;
    unsigned seed = 1, cancelled = 0, popped = 0;
    int64_t last = -1;
    timers_init(&timers);
    assert_int_equal(timers_next_due(&timers), -1);
    for (int i = 0; i < MANY; i++)
        timers_set(&timers, &all[i], rand_r(&seed) % 1000);
    for (int i = 0; i < MANY; i += 3) /* moved, both ways */
        timers_set(&timers, &all[i], rand_r(&seed) % 1000);
    for (int i = 0; i < MANY; i += 7, cancelled++)
        timers_cancel(&timers, &all[i]);
    timers_cancel(&timers, &all[0]); /* again: harmless */
    while ((timer = timers_pop(&timers, 499))) {
        assert_true(timer->due_ms >= last && timer->due_ms <= 499);
        assert_int_equal(timer->slot, 0);
        last = timer->due_ms;
        popped++;
    }
    assert_true(timers_next_due(&timers) >= 500);
    while ((timer = timers_pop(&timers, 1000)))
        popped++;
    assert_int_equal(popped + cancelled, MANY);
    timers_done(&timers);
    free(all);
}

struct pair {
    struct loop *loop;
    struct watch watch[2];
    struct timer timer[2];
    int calls;
};

/* Whichever of the two is called first removes the other. */
static void remove_other(struct watch *watch, unsigned events)
{
    struct pair *pair = watch->owner;
    assert_true(events & LOOP_READ);
    pair->calls++;
    loop_unwatch(pair->loop, &pair->watch[watch == &pair->watch[0]]);
    loop_unwatch(pair->loop, watch);
}

static void test_removed_watch_is_not_called(void **state)
{
    (void)state;
    struct pair pair = {0};
    int first[2], second[2];
    assert_int_equal(loop_new(&pair.loop, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, first), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, second), 0);
    pair.watch[0] = (struct watch){.fd = first[0], .ready = remove_other, .owner = &pair};
    pair.watch[1] = (struct watch){.fd = second[0], .ready = remove_other, .owner = &pair};
    assert_int_equal(loop_watch(pair.loop, &pair.watch[0], LOOP_READ), 0);
    assert_int_equal(loop_watch(pair.loop, &pair.watch[1], LOOP_READ), 0);
    assert_int_equal(write(first[1], "x", 1), 1);
    assert_int_equal(write(second[1], "x", 1), 1);
    loop_turn(pair.loop, 1000, NULL);
    loop_turn(pair.loop, 0, NULL);
    assert_int_equal(pair.calls, 1);
    for (int i = 0; i < 2; i++) {
        close(first[i]);
        close(second[i]);
    }
    loop_free(pair.loop);
}

static void cancel_other(struct timer *timer)
{
    struct pair *pair = timer->owner;
    pair->calls++;
    loop_cancel_timer(pair->loop, &pair->timer[timer == &pair->timer[0]]);
}

static void test_cancelled_timer_does_not_fire(void **state)
{
    (void)state;
    struct pair pair = {0};
    assert_int_equal(loop_new(&pair.loop, NULL), 0);
    for (int i = 0; i < 2; i++) {
        pair.timer[i] = (struct timer){.fire = cancel_other, .owner = &pair};
        loop_set_timer(pair.loop, &pair.timer[i], loop_now(pair.loop));
    }
    loop_turn(pair.loop, 0, NULL);
    loop_turn(pair.loop, 0, NULL);
    assert_int_equal(pair.calls, 1);
    loop_free(pair.loop);
}

/* The loop waits for the timer, not for its longest wait. */
static void test_timer_ends_the_wait(void **state)
{
    (void)state;
    struct pair pair = {0};
    assert_int_equal(loop_new(&pair.loop, NULL), 0);
    pair.timer[0] = (struct timer){.fire = cancel_other, .owner = &pair};
    int64_t began = loop_now(pair.loop);
    loop_set_timer(pair.loop, &pair.timer[0], began + 20);
    while (pair.calls == 0)
        loop_turn(pair.loop, 60000, NULL);
    assert_in_range(loop_now(pair.loop) - began, 20, 30000);
    loop_free(pair.loop);
}

static void test_regular_file_cannot_be_watched(void **state)
{
    (void)state;
    struct loop *loop;
    FILE *file = tmpfile();
    assert_int_equal(loop_new(&loop, NULL), 0);
    struct watch watch = {.fd = fileno(file)};
    assert_int_equal(loop_watch(loop, &watch, LOOP_READ), CM_EUNSUPPORTED);
    assert_int_equal(watch.slot, 0);
    fclose(file);
    loop_free(loop);
}

struct edge {
    struct loop *loop;
    struct watch watch;
    unsigned calls, events;
};

static void note_edge(struct watch *watch, unsigned events)
{
    struct edge *edge = watch->owner;
    edge->calls++;
    edge->events = events;
}

static void test_edges(void **state)
{
    (void)state;
    struct edge edge = {0}, other = {0};
    int ends[2], child;
    char byte;
    assert_int_equal(loop_new(&edge.loop, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    edge.watch = (struct watch){.fd = ends[0], .ready = note_edge, .owner = &edge};
    assert_int_equal(loop_watch_edges(edge.loop, &edge.watch), 0);
    loop_turn(edge.loop, 1000, NULL);
    assert_int_equal(edge.events, LOOP_WRITE); /* once: it can be written */
    loop_turn(edge.loop, 0, NULL);
    assert_int_equal(edge.calls, 1);
    assert_int_equal(write(ends[1], "xy", 2), 2);
    loop_turn(edge.loop, 1000, NULL);
    assert_true(edge.events & LOOP_READ);
    assert_false(edge.events & LOOP_ENDED);
    loop_turn(edge.loop, 0, NULL); /* unread, but nothing new */
    assert_int_equal(edge.calls, 2);
    loop_again(edge.loop, &edge.watch);
    loop_turn(edge.loop, 1000, NULL);
    assert_int_equal(edge.calls, 3);
    assert_int_equal(edge.events, LOOP_READ | LOOP_AGAIN);
    /* Handed over: the new owner hears, what came before included. */
    other.watch = (struct watch){.ready = note_edge, .owner = &other};
    loop_hand_over(edge.loop, &edge.watch, &other.watch);
    assert_int_equal(edge.watch.fd, -1);
    loop_turn(edge.loop, 1000, NULL);
    assert_int_equal(edge.calls, 3);
    assert_int_equal(other.events, LOOP_READ | LOOP_AGAIN);
    assert_int_equal(read(other.watch.fd, &byte, 1), 1);
    shutdown(ends[1], SHUT_WR);
    loop_turn(edge.loop, 1000, NULL);
    assert_true(other.events & LOOP_ENDED);
    /* Unwatched and closed here, alive in a child as if between fork() and exec(): its events are nobody's. */
    unsigned calls = other.calls;
    child = dup(other.watch.fd);
    loop_again(edge.loop, &other.watch);
    loop_unwatch(edge.loop, &other.watch);
    close(ends[0]);
    assert_int_equal(write(child, "z", 1), 1);
    close(ends[1]);
    loop_turn(edge.loop, 100, NULL);
    assert_int_equal(other.calls, calls);
    assert_int_equal(other.watch.slot, 0);
    close(child);
    loop_free(edge.loop);
}

static void *wake(void *loop)
{
    loop_wake(loop);
    return NULL;
}

static void test_woken(void **state)
{
    (void)state;
    struct loop *loop;
    pthread_t thread;
    assert_int_equal(loop_new(&loop, NULL), 0);
    loop_wake(loop); /* before it waits: not lost, and not kept for twice */
    loop_wake(loop);
    loop_turn(loop, 60000, NULL);
    assert_int_equal(pthread_create(&thread, NULL, wake, loop), 0);
    loop_turn(loop, 60000, NULL);
    pthread_join(thread, NULL);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_removed_watch_is_not_called),
        cmocka_unit_test(test_cancelled_timer_does_not_fire),
        cmocka_unit_test(test_timer_ends_the_wait),
        cmocka_unit_test(test_regular_file_cannot_be_watched),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
