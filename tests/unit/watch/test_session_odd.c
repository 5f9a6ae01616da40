/* Conversations that show no certificate, show it twice, or never end: hidden, resumed, renegotiated, hostile. */
#include "tests/unit/watch/talk.h"

#define SERVER                                                                                                         \
    "server 198.51.100.2:443 192.0.2.1 name=www.example version=0303 suite=c02f group=001d alpn= auth=0 "              \
    "chain=A700,B700\n"
#define HIDDEN_13                                                                                                      \
    "hidden 198.51.100.2:443 192.0.2.1 name=www.example version=0304 suite=1301 group=0000 alpn= auth=-1\n"
#define HIDDEN_12                                                                                                      \
    "hidden 198.51.100.2:443 192.0.2.1 name=www.example version=0303 suite=c02f group=0000 alpn= auth=-1\n"

static void put_one(struct buf *out, void (*put)(struct buf *))
{
    struct buf messages = new_buf();
    put(&messages);
    put_records(out, &messages, 16384);
    buf_done(&messages);
}

static void hello_12(struct buf *out)
{
    put_server_hello(out, false);
}

static void hello_13(struct buf *out)
{
    put_server_hello(out, true);
}

static void put_change(struct buf *out)
{
    put_record(out, 20, (struct slice){(const uint8_t *)"\1", 1});
}

static void put_encrypted(struct buf *out, uint8_t type)
{
    put_record(out, type, (struct slice){(const uint8_t *)"0123456789abcdef0123456789abcdef01234567", 40});
}

static void test_tls13_is_hidden(void **state)
{
    struct buf hello = client_hello(true), flight = new_buf();
    struct talk talk;
    (void)state;
    put_one(&flight, hello_13);
    put_change(&flight);
    put_encrypted(&flight, 23);
    talk_init(&talk);
    say(&talk, 0, &hello);
    assert_true(talk.more);
    say(&talk, 1, &flight);
    assert_false(talk.more);
    assert_told(&talk, HIDDEN_13);
    /* Only the server's side: told when it ends. */
    talk_init(&talk);
    say(&talk, 1, &flight);
    assert_told(&talk, "hidden 198.51.100.2:443 192.0.2.1 name=- version=0304 suite=1301 group=0000 alpn= auth=-1\n");
    buf_done(&hello);
    buf_done(&flight);
}

static void put_retry(struct buf *out)
{
    /* The random of a HelloRetryRequest (RFC 8446 §4.1.3), and a group. */
    buf_append(out, "\2\0\0\64\3\3", 6);
    put_hex(out, "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c");
    buf_append(out, "\0\x13\1\0\0\14\0\53\0\2\3\4\0\63\0\2\0\35", 18);
    out->data[3] = (char)(out->size - 4);
}

static void test_hello_retry(void **state)
{
    struct buf hello = client_hello(true), retry = new_buf(), flight = new_buf();
    struct talk talk;
    (void)state;
    put_one(&retry, put_retry);
    put_change(&retry);
    put_one(&flight, hello_13);
    put_encrypted(&flight, 23);
    talk_init(&talk);
    say(&talk, 0, &hello);
    say(&talk, 1, &retry);
    assert_true(talk.more);
    assert_int_equal(talk.seen.count, 0);
    say(&talk, 0, &hello);
    say(&talk, 1, &flight);
    assert_int_equal(talk.seen.counts.handshakes, 1);
    assert_told(
        &talk, "hidden 198.51.100.2:443 192.0.2.1 name=www.example version=0304 suite=1301 group=001d alpn= auth=-1\n");
    buf_done(&hello);
    buf_done(&retry);
    buf_done(&flight);
}

static void test_resumed_12_is_hidden(void **state)
{
    struct buf hello = client_hello(false), flight = new_buf();
    struct talk talk;
    (void)state;
    put_one(&flight, hello_12);
    put_change(&flight);
    put_encrypted(&flight, 22);
    talk_init(&talk);
    say(&talk, 0, &hello);
    say(&talk, 1, &flight);
    assert_false(talk.more);
    assert_told(&talk, HIDDEN_12);
    buf_done(&hello);
    buf_done(&flight);
}

/* A handshake that failed shows nothing, and what is told of it is nothing. */
static void test_alerts(void **state)
{
    struct buf hello = client_hello(false), alert = new_buf(), flight = server_flight(false, 16384);
    struct talk talk;
    (void)state;
    put_record(&alert, 21, (struct slice){(const uint8_t *)"\2\50", 2});
    talk_init(&talk);
    say(&talk, 0, &hello);
    say(&talk, 1, &alert);
    assert_told(&talk, "");
    /* A warning before the flight (unrecognized_name) hides nothing. */
    buf_append(&alert, flight.data, flight.size);
    talk_init(&talk);
    say(&talk, 0, &hello);
    say(&talk, 1, &alert);
    assert_told(&talk, SERVER);
    buf_done(&hello);
    buf_done(&alert);
    buf_done(&flight);
}

/* A second handshake in the clear of the first: what was told is not told again, and what it costs does not add up. */
static void test_renegotiation_and_repetition(void **state)
{
    struct buf hello = client_hello(false), messages = new_buf(), certificate = new_buf();
    struct talk talk;
    size_t most = 0;
    (void)state;
    put_server_hello(&messages, false);
    put_certificate(&messages, 'A', 3, 4000);
    put_message(&messages, 22, (struct slice){(const uint8_t *)"\1\0\0\5abcde", 9});
    put_records(&certificate, &messages, 16384);
    talk_init(&talk);
    for (int i = 0; i < 2000; i++) {
        say(&talk, 0, &hello);
        say(&talk, 1, &certificate);
        if (session_memory(talk.session) > most)
            most = session_memory(talk.session);
    }
    assert_true(talk.more);
    assert_true(most < 64 * 1024);
    assert_told(&talk, "server 198.51.100.2:443 192.0.2.1 name=www.example version=0303 suite=c02f group=0000 alpn= "
                       "auth=-1 chain=A4000,B4000,C4000\n");
    buf_done(&hello);
    buf_done(&messages);
    buf_done(&certificate);
}

/* --- floods ------------------------------------------------------------------------------------------------------------------ */

static void flood(uint8_t type, size_t size, unsigned most)
{
    struct buf hello = client_hello(false), record = new_buf();
    struct talk talk;
    unsigned count = 0;
    put_record(&record, type, (struct slice){(const uint8_t *)"\1\0", size});
    talk_init(&talk);
    say(&talk, 0, &hello);
    while (talk.more && talk.session->directions[0].phase != PHASE_OVER && count < 100000) {
        say(&talk, 0, &record);
        count++;
    }
    assert_true(count <= most);
    assert_told(&talk, "");
    buf_done(&hello);
    buf_done(&record);
}

static void test_odd_records_without_end(void **state)
{
    (void)state;
    flood(22, 0, ODD_RECORDS_MAX + 1);
    flood(20, 1, ODD_RECORDS_MAX + 1);
    flood(21, 2, ODD_RECORDS_MAX + 1);
}

/* 16 MiB are announced: refused at once where the length is seen first, or as soon as it is. */
static void test_messages_of_16_mib(void **state)
{
    static const uint8_t announced[] = {11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc};
    struct buf hello = client_hello(false), start = new_buf(), more = new_buf();
    uint8_t filling[16384] = {0};
    struct talk talk;
    (void)state;
    put_one(&start, hello_12);
    put_record(&start, 22, (struct slice){announced, sizeof announced});
    put_record(&more, 22, (struct slice){filling, sizeof filling});
    talk_init(&talk);
    say(&talk, 0, &hello);
    say(&talk, 1, &start);
    for (int i = 0; i < 1024; i++) {
        say(&talk, 1, &more);
        assert_true(session_memory(talk.session) < 8192);
    }
    assert_int_equal(talk.seen.counts.refused, 1);
    assert_told(&talk, HIDDEN_12); /* TLS is there, and that is all that can be said */
    buf_done(&hello);
    buf_done(&start);
    buf_done(&more);
}

/* The longest message that is still read, and never comes whole: bounded by what has arrived, and by its ceiling. */
static void test_memory_follows_what_arrived(void **state)
{
    static const uint8_t announced[] = {11, 0x0f, 0xff, 0xf0, 0x0f, 0xff, 0xed};
    struct buf start = new_buf(), more = new_buf();
    uint8_t filling[1000] = {0};
    struct talk talk;
    size_t sent = 0;
    (void)state;
    put_one(&start, hello_12);
    put_record(&start, 22, (struct slice){announced, sizeof announced});
    put_record(&more, 22, (struct slice){filling, sizeof filling});
    talk_init(&talk);
    say(&talk, 1, &start);
    for (int i = 0; i < 2000; i++) {
        say(&talk, 1, &more);
        sent += sizeof filling;
        assert_true(session_memory(talk.session) < 4096 + 2 * sent + 4 * 1024);
        assert_true(session_memory(talk.session) < 3 * 1024 * 1024);
    }
    assert_told(&talk, "");
    buf_done(&start);
    buf_done(&more);
}

/* Hellos and certificates that make no sense are refused, and the rest is read on. */
static void test_damaged_messages(void **state)
{
    struct buf hello = client_hello(false), messages = new_buf(), damaged = new_buf(),
               flight = server_flight(false, 16384);
    (void)state;
    put_server_flight(&messages, false);
    for (size_t at = 0; at < messages.size; at += 3) {
        struct talk talk;
        buf_reset(&damaged);
        messages.data[at] ^= 0x55;
        put_records(&damaged, &messages, 16384);
        messages.data[at] ^= 0x55;
        talk_init(&talk);
        say(&talk, 0, &hello);
        say(&talk, 1, &damaged);
        say(&talk, 1, &flight);
        if (talk.more)
            session_end(talk.session);
        assert_true(talk.seen.count <= 2);
        session_free(talk.session);
        observing_done(&talk.seen);
    }
    buf_done(&hello);
    buf_done(&messages);
    buf_done(&damaged);
    buf_done(&flight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls13_is_hidden),
        cmocka_unit_test(test_hello_retry),
        cmocka_unit_test(test_resumed_12_is_hidden),
        cmocka_unit_test(test_alerts),
        cmocka_unit_test(test_renegotiation_and_repetition),
        cmocka_unit_test(test_odd_records_without_end),
        cmocka_unit_test(test_messages_of_16_mib),
        cmocka_unit_test(test_memory_follows_what_arrived),
        cmocka_unit_test(test_damaged_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
