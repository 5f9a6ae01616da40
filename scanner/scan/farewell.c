/* Lingering connections, each with a watch and the time of its end.
 *
 * A server that closes first is answered by a FIN, so that nothing is reset and TIME_WAIT, if anybody's, is the server's. */
#include "scanner/scan/farewell.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DRAIN_BYTES = 4096, DRAIN_ROUNDS = 16 };

struct lingering {
    struct farewells *farewells;
    struct watch watch;
    struct timer timer;
    struct lingering *before, *after;
};

struct farewells {
    struct loop *loop;
    struct lingering *list;
    size_t count;
};

struct farewells *farewells_new(struct loop *loop)
{
    struct farewells *farewells = cm_calloc(1, sizeof *farewells);
    farewells->loop = loop;
    return farewells;
}

size_t farewells_count(const struct farewells *farewells)
{
    return farewells->count;
}

static void end(struct lingering *lingering)
{
    struct farewells *farewells = lingering->farewells;
    loop_cancel_timer(farewells->loop, &lingering->timer);
    loop_unwatch(farewells->loop, &lingering->watch);
    close(lingering->watch.fd);
    if (lingering->before)
        lingering->before->after = lingering->after;
    else
        farewells->list = lingering->after;
    if (lingering->after)
        lingering->after->before = lingering->before;
    farewells->count--;
    free(lingering);
}

static void outstayed(struct timer *timer)
{
    end(timer->owner);
}

/* What the server still says is of no interest; that it closes is. */
static void heard(struct watch *watch, unsigned events)
{
    static const struct linger in_peace = {.l_onoff = 0};
    struct lingering *lingering = watch->owner;
    char bytes[DRAIN_BYTES];
    (void)events;
    for (int round = 0; round < DRAIN_ROUNDS; round++) {
        ssize_t size = recv(watch->fd, bytes, sizeof bytes, 0);
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return;
        if (size == 0)
            setsockopt(watch->fd, SOL_SOCKET, SO_LINGER, &in_peace, sizeof in_peace);
        if (size <= 0) {
            end(lingering);
            return;
        }
    }
    loop_again(lingering->farewells->loop, watch);
}

bool farewells_take(struct farewells *farewells, struct watch *watch, struct slice alert)
{
    if (alert.size == 0 || send(watch->fd, alert.data, alert.size, MSG_NOSIGNAL) != (ssize_t)alert.size)
        return false;
    struct lingering *lingering = cm_calloc(1, sizeof *lingering);
    *lingering = (struct lingering){.farewells = farewells,
                                    .watch = {.ready = heard, .owner = lingering},
                                    .timer = {.fire = outstayed, .owner = lingering},
                                    .after = farewells->list};
    if (lingering->after)
        lingering->after->before = lingering;
    farewells->list = lingering;
    farewells->count++;
    loop_hand_over(farewells->loop, watch, &lingering->watch);
    loop_set_timer(farewells->loop, &lingering->timer, loop_now(farewells->loop) + FAREWELL_MS);
    return true;
}

void farewells_free(struct farewells *farewells)
{
    if (!farewells)
        return;
    while (farewells->list)
        end(farewells->list);
    free(farewells);
}
