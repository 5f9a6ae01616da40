/* Conversations as they are: cut anywhere, one-sided, behind any text, with roles the other way round, renegotiated, hidden. Both directions' bytes come as
 * they would out of two streams in order. */
#include "tests/unit/lib/cmocka_first.h"

#include "tests/unit/watch/talk.h"

#define SERVER                                                                                                         \
    "server 198.51.100.2:443 192.0.2.1 name=www.example version=0303 suite=c02f group=001d alpn= auth=0 "              \
    "chain=A700,B700\n"
#define ASKING                                                                                                         \
    "server 198.51.100.2:443 192.0.2.1 name=www.example version=0303 suite=c02f group=001d alpn= auth=1 "              \
    "chain=A700,B700\n"
#define CLIENT                                                                                                         \
    "client 198.51.100.2:443 192.0.2.1 name=www.example version=0303 suite=c02f group=001d alpn= auth=1 chain=c500\n"

/* --- cuts ------------------------------------------------------------------------------------------------------------------ */

static void test_every_cut(void **state)
{
    static const size_t records[] = {16384, 700, 40, 5, 4, 3, 2, 1};
    struct buf hello = client_hello(false), finish = client_finish(true);
    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        struct buf flight = server_flight(true, records[i]);
        size_t step = flight.size > 4000 ? 7 : 1;
        for (size_t cut = 0; cut <= flight.size; cut += step) {
            struct talk talk;
            talk_init(&talk);
            say(&talk, 0, &hello);
            say_bytes(&talk, 1, flight.data, cut);
            say_bytes(&talk, 1, flight.data + cut, flight.size - cut);
            say(&talk, 0, &finish);
            assert_false(talk.more);
            assert_int_equal(talk.seen.counts.handshakes, 1);
            assert_int_equal(talk.seen.counts.truncated + talk.seen.counts.refused, 0);
            assert_told(&talk, ASKING CLIENT);
        }
        buf_done(&flight);
    }
    buf_done(&hello);
    buf_done(&finish);
}

static void test_one_byte_at_a_time(void **state)
{
    struct buf hello = client_hello(false), flight = server_flight(true, 1), finish = client_finish(true);
    struct talk talk;
    (void)state;
    talk_init(&talk);
    for (size_t i = 0; i < hello.size; i++)
        say_bytes(&talk, 0, hello.data + i, 1);
    for (size_t i = 0; i < flight.size; i++)
        say_bytes(&talk, 1, flight.data + i, 1);
    for (size_t i = 0; i < finish.size; i++)
        say_bytes(&talk, 0, finish.data + i, 1);
    assert_told(&talk, ASKING CLIENT);
    buf_done(&hello);
    buf_done(&flight);
    buf_done(&finish);
}

/* A capture that ends anywhere in the server's flight: the chain is told if it was whole, and that it was cut is counted. */
static void test_ends_anywhere(void **state)
{
    struct buf hello = client_hello(false), flight = server_flight(false, 16384);
    size_t certificate_end = 5 + 42 + 4 + 3 + 2 * 703 + 4 - 4;
    (void)state;
    for (size_t cut = 0; cut < flight.size; cut++) {
        struct talk talk;
        talk_init(&talk);
        say(&talk, 0, &hello);
        say_bytes(&talk, 1, flight.data, cut);
        session_end(talk.session);
        talk.more = false;
        /* All of it is one record, which is read when it is whole. */
        assert_int_equal(talk.seen.count, 0);
        session_free(talk.session);
        observing_done(&talk.seen);
    }
    buf_done(&flight);
    flight = server_flight(false, 1);
    bool told = false;
    for (size_t cut = 0; cut < flight.size; cut += 6) {
        struct talk talk;
        talk_init(&talk);
        say(&talk, 0, &hello);
        say_bytes(&talk, 1, flight.data, cut);
        session_end(talk.session);
        talk.more = false;
        assert_true(talk.seen.count == 1 || !told);
        told = talk.seen.count == 1;
        if (told)
            assert_non_null(strstr(talk.seen.lines.data, "chain=A700,B700"));
        else
            assert_true(cut / 6 <= certificate_end);
        session_free(talk.session);
        observing_done(&talk.seen);
    }
    assert_true(told);
    buf_done(&hello);
    buf_done(&flight);
}

/* --- behind anything --------------------------------------------------------------------------------------------------------- */

static void test_behind_any_text(void **state)
{
    static const char *const greetings[] = {
        "",
        "220 mail.example ESMTP\r\n250 STARTTLS\r\n220 go ahead\r\n",
        "\x16",
        "\x16\x03",
        "\x16\x03\x01",
        "\x16\x03\x01\x40",
        "\x16\x16\x16\x16\x16\x16\x16\x16\x16\x16\x16\x16\x16\x16",
        "\x16\x03\x01\x01",
        "\x16\x03\x03\x01\x02\x0e",
        "\x16\x03\x03\x01\x02\x02",
        "\x0b\x16\x03",
        "\x16\x03\x03\x01\x02\x02\x00\x00\x50\x03",
        "\x80\x16\x16\x03\x03\x16\x03\x03\x01",
    };
    struct buf hello = client_hello(false), flight = server_flight(false, 16384);
    (void)state;
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        for (unsigned way = 0; way < 3; way++) { /* in one piece, in two, byte by byte */
            struct talk talk;
            struct buf both[2] = {new_buf(), new_buf()};
            talk_init(&talk);
            for (int direction = 0; direction < 2; direction++) {
                const struct buf *tls = direction ? &flight : &hello;
                buf_append_str(&both[direction], greetings[i]);
                buf_append(&both[direction], tls->data, tls->size);
            }
            for (int direction = 0; direction < 2; direction++) {
                size_t step = way == 0 ? both[direction].size : way == 1 ? strlen(greetings[i]) + 3 : 1;
                for (size_t at = 0; at < both[direction].size; at += step) {
                    size_t left = both[direction].size - at;
                    say_bytes(&talk, direction, both[direction].data + at, left < step ? left : step);
                }
                buf_done(&both[direction]);
            }
            assert_told(&talk, SERVER);
        }
    }
    buf_done(&hello);
    buf_done(&flight);
}

/* What looks like a record of TLS and is none costs no more than itself. */
static void test_false_start(void **state)
{
    struct buf hello = client_hello(false), flight = server_flight(false, 16384), both = new_buf();
    struct talk talk;
    (void)state;
    static const uint8_t lure[] = {22, 3, 1, 0, 4, 1, 0, 0, 200, 'H', 'T', 'T', 'P'};
    buf_append(&both, lure, sizeof lure);
    buf_append(&both, hello.data, hello.size);
    talk_init(&talk);
    say(&talk, 0, &both);
    buf_reset(&both);
    buf_append(&both, lure, sizeof lure);
    buf_append(&both, flight.data, flight.size);
    say(&talk, 1, &both);
    assert_told(&talk, SERVER);
    /* And alone it leaves nothing: the flow is worth no more than before. */
    talk_init(&talk);
    size_t before = session_memory(talk.session);
    say_bytes(&talk, 0, lure, sizeof lure);
    assert_int_equal(session_usefulness(talk.session), 0);
    assert_int_equal(session_memory(talk.session), before);
    assert_told(&talk, "");
    buf_done(&both);
    buf_done(&hello);
    buf_done(&flight);
}

/* --- roles and sides --------------------------------------------------------------------------------------------------------- */

static void test_server_opened_the_connection(void **state)
{
    struct buf hello = client_hello(false), flight = server_flight(true, 16384), finish = client_finish(true);
    struct talk talk;
    (void)state;
    talk_init(&talk);
    say(&talk, 1, &hello);
    say(&talk, 0, &flight);
    say(&talk, 1, &finish);
    assert_told(&talk, "server 192.0.2.1:40000 198.51.100.2 name=www.example version=0303 suite=c02f group=001d alpn= "
                       "auth=1 chain=A700,B700\n"
                       "client 192.0.2.1:40000 198.51.100.2 name=www.example version=0303 suite=c02f group=001d alpn= "
                       "auth=1 chain=c500\n");
    buf_done(&hello);
    buf_done(&flight);
    buf_done(&finish);
}

/* Packets of both sides overtake each other: the name is waited for. */
static void test_answer_before_the_question(void **state)
{
    struct buf hello = client_hello(false), flight = server_flight(true, 16384), finish = client_finish(true);
    struct talk talk;
    (void)state;
    talk_init(&talk);
    say(&talk, 1, &flight);
    say(&talk, 0, &hello);
    say(&talk, 0, &finish);
    assert_told(&talk, "server 198.51.100.2:443 192.0.2.1 name=www.example version=0303 suite=c02f group=001d alpn= "
                       "auth=1 chain=A700,B700\n"
                       "client 198.51.100.2:443 192.0.2.1 name=www.example version=0303 suite=c02f group=001d alpn= "
                       "auth=1 chain=c500\n");
    buf_done(&hello);
    buf_done(&flight);
    buf_done(&finish);
}

static void test_one_side_alone(void **state)
{
    struct buf hello = client_hello(false), flight = server_flight(false, 16384), asking = server_flight(true, 16384),
               finish = client_finish(true);
    struct talk talk;
    (void)state;
    talk_init(&talk);
    say(&talk, 1, &flight);
    assert_true(talk.more); /* the ClientHello may have been overtaken */
    put_record(&flight, 20, (struct slice){(const uint8_t *)"\1", 1});
    say_bytes(&talk, 1, flight.data + flight.size - 6, 6);
    assert_false(talk.more); /* now nothing more will come of it */
    assert_told(
        &talk,
        "server 198.51.100.2:443 192.0.2.1 name=- version=0303 suite=c02f group=001d alpn= auth=0 chain=A700,B700\n");
    talk_init(&talk);
    say(&talk, 1, &asking);
    assert_true(talk.more);
    assert_told(
        &talk,
        "server 198.51.100.2:443 192.0.2.1 name=- version=0303 suite=c02f group=001d alpn= auth=1 chain=A700,B700\n");
    talk_init(&talk);
    say(&talk, 0, &hello);
    say(&talk, 0, &finish);
    assert_told(&talk, "client 198.51.100.2:443 192.0.2.1 name=www.example version=0000 suite=0000 group=0000 alpn= "
                       "auth=-1 chain=c500\n");
    talk_init(&talk);
    say(&talk, 0, &hello);
    assert_told(&talk, ""); /* a lone ClientHello tells nothing */
    buf_done(&hello);
    buf_done(&flight);
    buf_done(&asking);
    buf_done(&finish);
}

/* The capture begins with a Certificate at the start of a record. */
static void test_midstream(void **state)
{
    struct buf messages = new_buf(), flight = new_buf(), finish = client_finish(true);
    struct talk talk;
    (void)state;
    put_certificate(&messages, 'A', 2, 700);
    put_server_key_exchange(&messages);
    put_server_done(&messages);
    put_records(&flight, &messages, 16384);
    talk_init(&talk);
    say(&talk, 1, &flight);
    assert_told(&talk, "server 198.51.100.2:443 192.0.2.1 guessed name=- version=0000 suite=0000 group=0000 alpn= "
                       "auth=0 chain=A700,B700\n");
    talk_init(&talk);
    say(&talk, 0, &finish);
    assert_told(&talk, "client 198.51.100.2:443 192.0.2.1 guessed name=- version=0000 suite=0000 group=0000 alpn= "
                       "auth=-1 chain=c500\n");
    buf_done(&messages);
    buf_done(&flight);
    buf_done(&finish);
}

/* --- gaps -------------------------------------------------------------------------------------------------------------------- */

static void test_gap_in_one_direction(void **state)
{
    struct buf hello = client_hello(false), flight = server_flight(true, 16384), finish = client_finish(true);
    struct talk talk;
    (void)state;
    talk_init(&talk); /* the client's hello is lost */
    session_gap(talk.session, 0, 300);
    say(&talk, 1, &flight);
    say(&talk, 0, &finish);
    assert_told(
        &talk,
        "server 198.51.100.2:443 192.0.2.1 name=- version=0303 suite=c02f group=001d alpn= auth=1 chain=A700,B700\n"
        "client 198.51.100.2:443 192.0.2.1 name=- version=0303 suite=c02f group=001d alpn= auth=1 chain=c500\n");
    talk_init(&talk); /* the server's flight is lost in its middle: the client's chain is not */
    say(&talk, 0, &hello);
    say_bytes(&talk, 1, flight.data, 400);
    session_gap(talk.session, 1, 700);
    say_bytes(&talk, 1, flight.data + 1100, flight.size - 1100);
    say(&talk, 0, &finish);
    assert_int_equal(talk.seen.counts.truncated, 1);
    assert_told(&talk, "client 198.51.100.2:443 192.0.2.1 name=www.example version=0000 suite=0000 group=0000 alpn= "
                       "auth=-1 chain=c500\n");
    buf_done(&hello);
    buf_done(&flight);
    buf_done(&finish);
}

/* Behind the gap a whole record with a Certificate begins: it is found again. */
static void test_found_again_behind_a_gap(void **state)
{
    struct buf messages = new_buf(), flight = new_buf(), hello = client_hello(false);
    struct talk talk;
    (void)state;
    put_server_hello(&messages, false);
    put_records(&flight, &messages, 16384);
    size_t first = flight.size;
    buf_reset(&messages);
    put_certificate(&messages, 'A', 2, 700);
    put_records(&flight, &messages, 16384);
    buf_reset(&messages);
    put_server_done(&messages);
    put_records(&flight, &messages, 16384);
    talk_init(&talk);
    say(&talk, 0, &hello);
    say_bytes(&talk, 1, flight.data, first / 2);
    session_gap(talk.session, 1, (uint32_t)(first - first / 2));
    say_bytes(&talk, 1, flight.data + first, flight.size - first);
    assert_told(&talk, "server 198.51.100.2:443 192.0.2.1 name=www.example version=0000 suite=0000 group=0000 alpn= "
                       "auth=0 chain=A700,B700\n");
    buf_done(&messages);
    buf_done(&flight);
    buf_done(&hello);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_one_byte_at_a_time),
        cmocka_unit_test(test_ends_anywhere),
        cmocka_unit_test(test_behind_any_text),
        cmocka_unit_test(test_false_start),
        cmocka_unit_test(test_server_opened_the_connection),
        cmocka_unit_test(test_answer_before_the_question),
        cmocka_unit_test(test_one_side_alone),
        cmocka_unit_test(test_midstream),
        cmocka_unit_test(test_gap_in_one_direction),
        cmocka_unit_test(test_found_again_behind_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
