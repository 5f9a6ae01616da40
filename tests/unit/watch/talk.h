/* A conversation that a test speaks both parts of. */
#ifndef TESTS_UNIT_WATCH_TALK_H
#define TESTS_UNIT_WATCH_TALK_H

#include "tests/unit/lib/cmocka_first.h"

#include "scanner/watch/session_private.h"
#include "tests/unit/watch/observing.h"

struct talk {
    struct session *session;
    struct observing seen;
    bool more;
};

static inline void talk_init(struct talk *talk)
{
    struct ends ends = ends4();
    observing_init(&talk->seen);
    struct session_options options = observing_options(&talk->seen, NULL);
    talk->session = session_new(&options, (const struct place[]){ends.from, ends.to}, 1000);
    talk->more = true;
}

static inline void say_bytes(struct talk *talk, int direction, const void *bytes, size_t size)
{
    if (!talk->more || !size)
        return;
    uint8_t *copy = malloc(size); /* what is lent must not be kept */
    memcpy(copy, bytes, size);
    talk->more = session_bytes(talk->session, direction, (struct slice){copy, size}, 2000);
    free(copy);
}

static inline void say(struct talk *talk, int direction, const struct buf *bytes)
{
    say_bytes(talk, direction, bytes->data, bytes->size);
}

static inline void assert_told(struct talk *talk, const char *expected)
{
    if (talk->more)
        session_end(talk->session);
    assert_string_equal(talk->seen.lines.data, expected);
    session_free(talk->session);
    observing_done(&talk->seen);
}

static inline struct buf new_buf(void)
{
    struct buf buf;
    buf_init(&buf, PACKETS_BUF_MAX);
    return buf;
}

static inline struct buf client_hello(bool tls13)
{
    struct buf messages = new_buf(), out = new_buf();
    put_client_hello(&messages, "www.example", tls13, 0xc1);
    put_records(&out, &messages, 16384);
    buf_done(&messages);
    return out;
}

static inline struct buf server_flight(bool ask, size_t record)
{
    struct buf messages = new_buf(), out = new_buf();
    put_server_flight(&messages, ask);
    put_records(&out, &messages, record);
    buf_done(&messages);
    return out;
}

static inline struct buf client_finish(bool certificate)
{
    struct buf out = new_buf();
    put_client_finish(&out, certificate);
    return out;
}

#endif
