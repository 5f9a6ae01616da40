/* Beginnings that are none: forged headers of records and hellos that announce more than they are, and the real hello among what they announce. */
#include <time.h>

#include "tests/unit/watch/talk.h"

#define SERVER                                                                                                         \
    "server 198.51.100.2:443 192.0.2.1 name=www.example version=0303 suite=c02f group=001d alpn= auth=0 "              \
    "chain=A700,B700\n"
#define HIDDEN_13                                                                                                      \
    "hidden 198.51.100.2:443 192.0.2.1 name=www.example version=0304 suite=1301 group=0000 alpn= auth=-1\n"

/* A record of so many bytes with a message of so many more, of which no more is there than what a hello begins with. */
static void put_forgery(struct buf *out, uint8_t type, size_t record, size_t message)
{
    uint8_t head[] = {
        22, 3, 1, HIGH(record), LOW(record), type, (uint8_t)(message >> 16), HIGH(message), LOW(message), 3, 3, 9, 9};
    if (type == TLS_CERTIFICATE) {
        head[9] = (uint8_t)((message - 3) >> 16);
        head[10] = HIGH(message - 3);
        head[11] = LOW(message - 3);
    }
    buf_append(out, head, sizeof head);
}

static void put_fill(struct buf *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        buf_append_char(out, (char)(0x41 + i % 7));
}

/* The client's second part and some of what is encrypted. */
static void put_end(struct buf *out, size_t encrypted)
{
    struct buf fill = new_buf();
    put_client_finish(out, false);
    put_fill(&fill, 1000);
    for (; encrypted; encrypted--)
        put_record(out, 23, buf_slice(&fill));
    buf_done(&fill);
}

struct side_bytes {
    struct buf bytes;
    size_t said, turn; /* what comes before the other side speaks */
};

/* As it happens on a wire: the client's hello, the server's flight, the rest; in pieces of so many bytes. */
static void converse(struct talk *talk, struct side_bytes sides[2], size_t piece)
{
    for (int turn = 0; turn < 4; turn++) {
        struct side_bytes *side = &sides[turn % 2];
        size_t end = turn < 2 ? side->turn : side->bytes.size;
        for (; side->said < end; side->said += piece)
            say_bytes(talk, turn % 2, side->bytes.data + side->said,
                      end - side->said < piece ? end - side->said : piece);
        side->said = end;
    }
    buf_done(&sides[0].bytes);
    buf_done(&sides[1].bytes);
}

static const size_t pieces[] = {65536, 1400, 7, 1};

static void hide(const struct buf forgery[2], size_t encrypted, const char *expected)
{
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct buf hello = client_hello(false), flight = server_flight(false, 16384);
        struct side_bytes sides[2] = {{.bytes = new_buf()}, {.bytes = new_buf()}};
        struct talk talk;
        for (int direction = 0; direction < 2; direction++) {
            const struct buf *tls = direction ? &flight : &hello;
            buf_append(&sides[direction].bytes, forgery[direction].data, forgery[direction].size);
            buf_append(&sides[direction].bytes, tls->data, tls->size);
            sides[direction].turn = sides[direction].bytes.size;
            put_end(&sides[direction].bytes, encrypted);
        }
        talk_init(&talk);
        converse(&talk, sides, pieces[i]);
        assert_told(&talk, expected);
        buf_done(&hello);
        buf_done(&flight);
    }
}

static void test_announces_more_than_it_is(void **state)
{
    static const struct {
        uint8_t type;
        size_t record, message;
    } rows[] = {
        {TLS_CLIENT_HELLO, 16384, 16380}, {TLS_CLIENT_HELLO, 16384, 60},      {TLS_SERVER_HELLO, 16384, 16380},
        {TLS_CERTIFICATE, 16384, 16380},  {TLS_CLIENT_HELLO, 16384, 1 << 20}, {TLS_CERTIFICATE, 18432, 1 << 20},
        {TLS_CLIENT_HELLO, 8, 16380},     {TLS_CLIENT_HELLO, 8, 200},         {TLS_CERTIFICATE, 8, 1 << 20},
        {TLS_CLIENT_HELLO, 700, 16380},   {TLS_SERVER_HELLO, 5000, 16380},    {TLS_CLIENT_HELLO, 100, 60},
        {TLS_CERTIFICATE, 400, 396},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int which = 1; which < 4; which++) {
            for (size_t encrypted = 0; encrypted < 60; encrypted += 30) {
                struct buf forgery[2] = {new_buf(), new_buf()};
                for (int direction = 0; direction < 2; direction++) {
                    buf_append_str(&forgery[direction], "220 ready\r\n");
                    if (which & 1 << direction)
                        put_forgery(&forgery[direction], rows[i].type, rows[i].record, rows[i].message);
                }
                hide(forgery, encrypted, SERVER);
                buf_done(&forgery[0]);
                buf_done(&forgery[1]);
            }
        }
    }
}

/* The forged record ends where the real one does, so that what follows seems to go on with the forged message. */
static void test_ends_with_the_real_record(void **state)
{
    struct buf hello = client_hello(false), flight = server_flight(false, 16384);
    (void)state;
    for (size_t message = 600; message < 40000; message += 13000) {
        struct buf forgery[2] = {new_buf(), new_buf()};
        put_forgery(&forgery[0], TLS_CLIENT_HELLO, hello.size + 8, message);
        put_forgery(&forgery[1], TLS_SERVER_HELLO, flight.size + 8, message);
        hide(forgery, 3, SERVER);
        buf_done(&forgery[0]);
        buf_done(&forgery[1]);
    }
    buf_done(&hello);
    buf_done(&flight);
}

static void test_forgeries_in_forgeries(void **state)
{
    (void)state;
    for (size_t step = 0; step < 3; step++) {
        struct buf forgery[2] = {new_buf(), new_buf()};
        for (int direction = 0; direction < 2; direction++) {
            for (size_t i = 0; i < 100; i++)
                put_forgery(&forgery[direction], i % 3 ? TLS_CLIENT_HELLO : TLS_CERTIFICATE,
                            step == 0   ? 16384
                            : step == 1 ? 16384 - 100 * i
                                        : 400 + 60 * i,
                            step == 2 ? 300 : 16380);
        }
        hide(forgery, 30, SERVER);
        buf_done(&forgery[0]);
        buf_done(&forgery[1]);
    }
}

/* A whole record with a hello of the right size and no sense, and a Certificate with none in it. */
static void test_whole_and_senseless(void **state)
{
    struct buf hello = client_hello(false), forgery[2] = {new_buf(), new_buf()}, flight = server_flight(false, 16384);
    (void)state;
    put_forgery(&forgery[0], TLS_CLIENT_HELLO, 8 + hello.size, 4 + hello.size);
    put_forgery(&forgery[1], TLS_CERTIFICATE, 8 + flight.size, 4 + flight.size);
    hide(forgery, 2, SERVER);
    buf_done(&forgery[0]);
    buf_done(&forgery[1]);
    buf_done(&hello);
    buf_done(&flight);
}

/* Nothing else is ever sent in that direction: the end tells, and so does what the server says. */
static void test_hello_is_all_there_is(void **state)
{
    struct buf hello = client_hello(true), both = new_buf(), flight = new_buf(), messages = new_buf();
    struct talk talk;
    (void)state;
    put_forgery(&both, TLS_CLIENT_HELLO, 16384, 16380);
    buf_append(&both, hello.data, hello.size);
    put_server_hello(&messages, true);
    put_records(&flight, &messages, 16384);
    talk_init(&talk);
    say(&talk, 0, &both);
    say(&talk, 1, &flight);
    assert_false(talk.more);
    assert_told(&talk, HIDDEN_13);
    buf_reset(&both);
    put_forgery(&both, TLS_SERVER_HELLO, 16384, 16380);
    buf_append(&both, flight.data, flight.size);
    talk_init(&talk);
    say(&talk, 0, &hello);
    say(&talk, 1, &both);
    assert_true(talk.more);
    assert_told(&talk, HIDDEN_13);
    buf_done(&messages);
    buf_done(&flight);
    buf_done(&both);
    buf_done(&hello);
}

/* In front of a gap, and not told as lost. */
static void test_gap_behind_a_forgery(void **state)
{
    struct buf hello = client_hello(false), both = new_buf(), flight = server_flight(false, 16384);
    struct talk talk;
    (void)state;
    put_forgery(&both, TLS_CLIENT_HELLO, 16384, 16380);
    buf_append(&both, hello.data, hello.size);
    talk_init(&talk);
    say(&talk, 0, &both);
    assert_true(session_gap(talk.session, 0, 100));
    say(&talk, 1, &flight);
    assert_int_equal(talk.seen.counts.truncated, 0);
    assert_told(&talk, SERVER);
    buf_done(&both);
    buf_done(&hello);
    buf_done(&flight);
}

/* A hello inside a hello, in a ticket for example, is none as long as the outer one may be one. */
static void test_inner_hello_is_not_believed(void **state)
{
    struct buf inner = new_buf(), hello = new_buf(), records = new_buf(), messages = new_buf(),
               flight = server_flight(false, 16384);
    (void)state;
    put_client_hello(&messages, "evil.example", false, 0x66);
    put_records(&inner, &messages, 16384);
    buf_reset(&messages);
    put_client_hello(&messages, "www.example", false, 0xc1);
    /* One extension more; all lengths around it grow. */
    buf_append(&hello, messages.data, messages.size);
    put_u16(&hello, 35);
    put_u16(&hello, inner.size);
    buf_append(&hello, inner.data, inner.size);
    size_t more = 4 + inner.size, body = hello.size - 4, at = 4 + 2 + 32;
    hello.data[2] = (char)HIGH(body);
    hello.data[3] = (char)LOW(body);
    at += 1 + (uint8_t)hello.data[at];
    at += 2 + ((size_t)(uint8_t)hello.data[at] << 8 | (uint8_t)hello.data[at + 1]);
    at += 1 + (uint8_t)hello.data[at];
    size_t list = ((size_t)(uint8_t)hello.data[at] << 8 | (uint8_t)hello.data[at + 1]) + more;
    hello.data[at] = (char)HIGH(list);
    hello.data[at + 1] = (char)LOW(list);
    put_records(&records, &hello, 16384);
    for (size_t cut = 1; cut < records.size; cut++) {
        struct talk talk;
        talk_init(&talk);
        say_bytes(&talk, 0, records.data, cut);
        say_bytes(&talk, 0, records.data + cut, records.size - cut);
        say(&talk, 1, &flight);
        assert_told(&talk, SERVER);
    }
    buf_done(&inner);
    buf_done(&hello);
    buf_done(&records);
    buf_done(&messages);
    buf_done(&flight);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Nothing but forgeries, each of which fails at another place: the work grows with the bytes, not with their square. */
static void test_many_forgeries_cost_little(void **state)
{
    enum { BYTES = 4 << 20 };
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct buf bytes = new_buf();
        struct talk talk;
        for (size_t i = 0; bytes.size < BYTES; i++)
            put_forgery(&bytes, kind == 2 ? TLS_CERTIFICATE : TLS_CLIENT_HELLO,
                        kind == 0 ? 16384 - i * 13 % 16000 : 13 * (i % 1000) + 8, kind ? 13 * (i % 999) + 40 : 16380);
        talk_init(&talk);
        double begun = seconds();
        for (size_t at = 0; at < bytes.size; at += 1400)
            say_bytes(&talk, 0, bytes.data + at, bytes.size - at < 1400 ? bytes.size - at : 1400);
        assert_true(session_memory(talk.session) < 3 * 1024 * 1024);
        assert_true(seconds() - begun < 2.0);
        if (talk.more)
            session_end(talk.session);
        session_free(talk.session);
        observing_done(&talk.seen);
        buf_done(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_announces_more_than_it_is),   cmocka_unit_test(test_ends_with_the_real_record),
        cmocka_unit_test(test_forgeries_in_forgeries),      cmocka_unit_test(test_whole_and_senseless),
        cmocka_unit_test(test_hello_is_all_there_is),       cmocka_unit_test(test_gap_behind_a_forgery),
        cmocka_unit_test(test_inner_hello_is_not_believed), cmocka_unit_test(test_many_forgeries_cost_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
