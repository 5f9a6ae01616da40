/* Records and handshake messages out of streams that are cut anywhere: in place, in pieces, in one-byte fragments, over limit, hostile; and that
 * the cost stays linear and the memory near what has arrived. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scanner/tls/messages.h"
#include "scanner/tls/records.h"

enum { MIB = 1024 * 1024 };

static void put_record(struct buf *out, uint8_t type, const void *fragment, size_t size)
{
    buf_append_char(out, (char)type);
    buf_append_char(out, 3);
    buf_append_char(out, 3);
    buf_append_char(out, (char)(size >> 8));
    buf_append_char(out, (char)size);
    buf_append(out, fragment, size);
}

/* A message whose body counts upwards. */
static void put_message(struct buf *out, uint8_t type, size_t size)
{
    buf_append_char(out, (char)type);
    buf_append_char(out, (char)(size >> 16));
    buf_append_char(out, (char)(size >> 8));
    buf_append_char(out, (char)size);
    for (size_t i = 0; i < size; i++)
        buf_append_char(out, (char)i);
}

/* What came out of a stream: one line an event. */
static void tell_message(const struct tls_message *message, struct buf *log)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < message->body.size; i++)
        sum = sum * 31 + message->body.data[i];
    assert_ptr_equal(message->whole.data + 4, message->body.data);
    assert_int_equal(message->whole.size, message->body.size + 4);
    assert_int_equal(message->whole.data[0], message->type);
    buf_appendf(log, " message %u %zu %08x\n", message->type, message->body.size, sum);
}

static int drain_messages(struct message_reader *messages, struct slice fragment, struct buf *log)
{
    struct tls_message message;
    int code;
    tls_messages_feed(messages, fragment);
    while ((code = tls_messages_next(messages, &message)) == 0)
        tell_message(&message, log);
    return code;
}

static int drain(struct record_reader *records, struct message_reader *messages, struct buf *log)
{
    struct tls_record record;
    int code;
    while ((code = tls_records_next(records, &record)) == 0) {
        assert_int_equal(record.header.size, TLS_RECORD_HEADER_SIZE);
        assert_int_equal(record.header.data[0], record.type);
        buf_appendf(log, "record %u %04x %zu\n", record.type, record.version, record.fragment.size);
        if (record.type == TLS_HANDSHAKE && drain_messages(messages, record.fragment, log) == CM_ELIMIT)
            buf_append_str(log, " limit\n");
    }
    return code;
}

/* Feeds the stream in pieces of `step` bytes, each in memory of its own size that is gone afterwards. */
static int play(struct slice stream, size_t step, size_t message_max, struct buf *log)
{
    struct record_reader records;
    struct message_reader messages;
    int code = CM_ETRUNCATED;
    tls_records_init(&records);
    tls_messages_init(&messages, message_max);
    for (size_t at = 0; at < stream.size; at += step) {
        size_t size = stream.size - at < step ? stream.size - at : step;
        uint8_t *piece = malloc(size);
        memcpy(piece, stream.data + at, size);
        tls_records_feed(&records, piece, size);
        code = drain(&records, &messages, log);
        free(piece);
    }
    buf_appendf(log, "end %d %d\n", code, tls_messages_at_boundary(&messages));
    tls_records_done(&records);
    tls_messages_done(&messages);
    return code;
}

/* A flight with everything that is legal and odd: a message over records, several in one, records without bytes, alerts between. */
static void put_flight(struct buf *stream)
{
    struct buf messages;
    buf_init(&messages, MIB);
    put_message(&messages, TLS_SERVER_HELLO, 70);
    put_message(&messages, TLS_CERTIFICATE, 3000);
    put_message(&messages, TLS_SERVER_HELLO_DONE, 0);
    put_message(&messages, TLS_SERVER_HELLO_DONE, 0);
    size_t at = 0;
    static const size_t cuts[] = {1, 0, 2, 1, 70, 1, 1, 500, 0, 0, 2000};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        put_record(stream, TLS_HANDSHAKE, messages.data + at, cuts[i]);
        at += cuts[i];
    }
    put_record(stream, TLS_ALERT, "\1\160", 2);
    put_record(stream, TLS_HANDSHAKE, messages.data + at, messages.size - at);
    put_record(stream, TLS_CHANGE_CIPHER_SPEC, "\1", 1);
    buf_done(&messages);
}

static void test_any_cut_gives_the_same(void **state)
{
    (void)state;
    struct buf stream, whole, pieces;
    buf_init(&stream, MIB);
    buf_init(&whole, MIB);
    buf_init(&pieces, MIB);
    put_flight(&stream);
    assert_int_equal(play(buf_slice(&stream), stream.size, 4000, &whole), CM_ETRUNCATED);
    assert_non_null(strstr(whole.data, " message 2 70 "));
    assert_non_null(strstr(whole.data, " message 11 3000 "));
    assert_non_null(strstr(whole.data, " message 14 0 00000000\n message 14 0 00000000\nrecord 20 0303 1\nend -2 1\n"));
    assert_non_null(strstr(whole.data, "record 22 0303 0\nrecord 22 0303 0\n")); /* records without bytes are told */
    for (size_t step = 1; step < stream.size; step++) {
        buf_reset(&pieces);
        play(buf_slice(&stream), step, 4000, &pieces);
        assert_string_equal(pieces.data, whole.data);
    }
    buf_done(&stream);
    buf_done(&whole);
    buf_done(&pieces);
}

static void test_two_pieces(void **state)
{
    (void)state;
    struct buf stream, whole, pieces;
    struct record_reader records;
    struct message_reader messages;
    buf_init(&stream, MIB);
    buf_init(&whole, MIB);
    buf_init(&pieces, MIB);
    put_flight(&stream);
    play(buf_slice(&stream), stream.size, 4000, &whole);
    for (size_t cut = 1; cut < stream.size; cut++) {
        buf_reset(&pieces);
        tls_records_init(&records);
        tls_messages_init(&messages, 4000);
        tls_records_feed(&records, stream.data, cut);
        assert_int_equal(drain(&records, &messages, &pieces), CM_ETRUNCATED);
        tls_records_feed(&records, stream.data + cut, stream.size - cut);
        assert_int_equal(drain(&records, &messages, &pieces), CM_ETRUNCATED);
        assert_int_equal(strncmp(pieces.data, whole.data, pieces.size), 0);
        assert_true(tls_messages_at_boundary(&messages));
        tls_records_done(&records);
        tls_messages_done(&messages);
    }
    buf_done(&stream);
    buf_done(&whole);
    buf_done(&pieces);
}

/* What lies whole in the bytes at hand is lent from them, and nothing is allocated. */
static void test_lends_in_place(void **state)
{
    (void)state;
    struct buf stream;
    struct record_reader records;
    struct message_reader messages;
    struct tls_record record;
    struct tls_message message;
    buf_init(&stream, MIB);
    put_message(&stream, TLS_SERVER_HELLO, 60);
    put_message(&stream, TLS_SERVER_HELLO_DONE, 0);
    struct buf framed;
    buf_init(&framed, MIB);
    put_record(&framed, TLS_HANDSHAKE, stream.data, stream.size);
    tls_records_init(&records);
    tls_messages_init(&messages, 1000);
    tls_records_feed(&records, framed.data, framed.size);
    assert_int_equal(tls_records_next(&records, &record), 0);
    assert_ptr_equal(record.header.data, framed.data);
    assert_ptr_equal(record.fragment.data, framed.data + 5);
    tls_messages_feed(&messages, record.fragment);
    assert_false(tls_messages_at_boundary(&messages));
    assert_int_equal(tls_messages_next(&messages, &message), 0);
    assert_ptr_equal(message.whole.data, framed.data + 5);
    assert_false(tls_messages_at_boundary(&messages));
    assert_int_equal(tls_messages_next(&messages, &message), 0);
    assert_int_equal(message.body.size, 0);
    assert_true(tls_messages_at_boundary(&messages));
    assert_int_equal(tls_messages_next(&messages, &message), CM_ETRUNCATED);
    assert_int_equal(tls_records_next(&records, &record), CM_ETRUNCATED);
    assert_int_equal(records.partial.capacity, 0);
    assert_int_equal(messages.partial.capacity, 0);
    tls_records_done(&records);
    tls_messages_done(&messages);
    buf_done(&stream);
    buf_done(&framed);
}

static int first_answer(const void *bytes, size_t size)
{
    struct record_reader records;
    struct tls_record record;
    tls_records_init(&records);
    tls_records_feed(&records, bytes, size);
    int code = tls_records_next(&records, &record);
    tls_records_done(&records);
    return code;
}

static void test_what_is_no_record(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        int code;
    } rows[] = {
        {"", 0, CM_ETRUNCATED},
        {"H", 1, CM_EMALFORMED}, /* one byte tells */
        {"\x16", 1, CM_ETRUNCATED},
        {"\x13", 1, CM_EMALFORMED},
        {"\x14", 1, CM_ETRUNCATED},
        {"\x17", 1, CM_ETRUNCATED},
        {"\x18", 1, CM_EMALFORMED},
        {"\x80\x2e\x01", 3, CM_EMALFORMED}, /* SSL 2.0 */
        {"\x16\x02", 2, CM_EMALFORMED},
        {"\x16\x04", 2, CM_EMALFORMED},
        {"\x16\x03\xff\x48", 4, CM_ETRUNCATED},
        {"\x16\x03\x03\x48\x00", 5, CM_ETRUNCATED}, /* 18,432: the largest */
        {"\x16\x03\x03\x48\x01", 5, CM_EMALFORMED},
        {"\x16\x03\x03\xff\xff", 5, CM_EMALFORMED},
        {"\x16\x03\x03\x00\x00", 5, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(first_answer(rows[i].bytes, rows[i].size), rows[i].code);
}

static void test_broken_for_ever(void **state)
{
    (void)state;
    struct record_reader records;
    struct tls_record record;
    struct buf stream;
    buf_init(&stream, 1000);
    put_record(&stream, TLS_ALERT, "\1\0", 2);
    buf_append_str(&stream, "HTTP/1.1 400 Bad Request\r\n");
    tls_records_init(&records);
    tls_records_feed(&records, stream.data, stream.size);
    assert_int_equal(tls_records_next(&records, &record), 0);
    assert_int_equal(tls_records_next(&records, &record), CM_EMALFORMED);
    tls_records_feed(&records, stream.data, 7); /* good bytes come too late */
    assert_int_equal(tls_records_next(&records, &record), CM_EMALFORMED);
    assert_int_equal(records.partial.capacity, 0);
    tls_records_done(&records);
    /* The same when the header arrives in two pieces. */
    tls_records_init(&records);
    tls_records_feed(&records, "\x16\x03\x03", 3);
    assert_int_equal(tls_records_next(&records, &record), CM_ETRUNCATED);
    tls_records_feed(&records, "\x7f\x00", 2);
    assert_int_equal(tls_records_next(&records, &record), CM_EMALFORMED);
    tls_records_done(&records);
    buf_done(&stream);
}

static void test_message_limit(void **state)
{
    (void)state;
    struct message_reader messages;
    struct tls_message message;
    struct buf stream;
    buf_init(&stream, MIB);
    put_message(&stream, TLS_CERTIFICATE, 1000);
    tls_messages_init(&messages, 1000);
    tls_messages_feed(&messages, buf_slice(&stream));
    assert_int_equal(tls_messages_next(&messages, &message), 0);
    tls_messages_done(&messages);
    for (size_t cut = 4; cut <= stream.size; cut += 333) {
        tls_messages_init(&messages, 999);
        tls_messages_feed(&messages,
                          (struct slice){(const uint8_t *)stream.data, cut}); /* refused by its length alone */
        assert_int_equal(tls_messages_next(&messages, &message), CM_ELIMIT);
        assert_int_equal(tls_messages_next(&messages, &message), CM_ELIMIT);
        tls_messages_feed(&messages, buf_slice(&stream));
        assert_int_equal(tls_messages_next(&messages, &message), CM_ELIMIT);
        assert_false(tls_messages_at_boundary(&messages));
        assert_true(messages.partial.capacity <= 64);
        tls_messages_done(&messages);
    }
    buf_done(&stream);
}

/* A length is only a claim: memory follows what has arrived. */
static void test_memory_follows_arrival(void **state)
{
    (void)state;
    struct record_reader records;
    struct message_reader messages;
    struct tls_record record;
    struct tls_message message;
    tls_records_init(&records);
    tls_records_feed(&records, "\x16\x03\x03\x40\x00\x0b\xff\xff\xff", 9);
    assert_int_equal(tls_records_next(&records, &record), CM_ETRUNCATED);
    assert_true(records.partial.capacity <= 64);
    tls_records_done(&records);
    tls_messages_init(&messages, 0xffffff);
    tls_messages_feed(&messages, (struct slice){(const uint8_t *)"\x0b\xff\xff\xff", 4});
    assert_int_equal(tls_messages_next(&messages, &message), CM_ETRUNCATED);
    assert_true(messages.partial.capacity <= 64);
    tls_messages_done(&messages);
    assert_true(sizeof records <= 64 && sizeof messages <= 64); /* a flow table holds millions */
}

/* What a large element needed is given back as soon as it has been used. */
static void test_memory_is_given_back(void **state)
{
    (void)state;
    static uint8_t zeros[TLS_RECORD_MAX];
    struct buf stream;
    struct record_reader records;
    struct tls_record record;
    buf_init(&stream, MIB);
    put_record(&stream, TLS_APPLICATION_DATA, zeros, sizeof zeros);
    tls_records_init(&records);
    tls_records_feed(&records, stream.data, 10000);
    assert_int_equal(tls_records_next(&records, &record), CM_ETRUNCATED);
    assert_true(records.partial.capacity >= 10000);
    tls_records_feed(&records, stream.data + 10000, stream.size - 10000);
    assert_int_equal(tls_records_next(&records, &record), 0);
    assert_int_equal(record.fragment.size, sizeof zeros);
    assert_int_equal(tls_records_next(&records, &record), CM_ETRUNCATED);
    assert_int_equal(records.partial.capacity, 0);
    tls_records_done(&records);
    buf_done(&stream);
}

/* 1 MiB of one message in records of one byte, fed byte by byte: 6 MiB of feeds. Quadratic behaviour would take minutes. */
static void test_linear_cost(void **state)
{
    (void)state;
    struct buf message, stream, log;
    struct timespec began, ended;
    buf_init(&message, 2 * MIB);
    buf_init(&stream, 8 * MIB);
    buf_init(&log, 64 * MIB);
    put_message(&message, TLS_CERTIFICATE, MIB);
    for (size_t i = 0; i < message.size; i++)
        put_record(&stream, TLS_HANDSHAKE, message.data + i, 1);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
    struct record_reader records;
    struct message_reader messages;
    struct tls_record record;
    struct tls_message got;
    size_t count = 0, found = 0;
    tls_records_init(&records);
    tls_messages_init(&messages, 2 * MIB);
    for (size_t i = 0; i < stream.size; i++) {
        tls_records_feed(&records, stream.data + i, 1);
        while (tls_records_next(&records, &record) == 0) {
            count++;
            tls_messages_feed(&messages, record.fragment);
            while (tls_messages_next(&messages, &got) == 0)
                found += slice_equal(got.whole, buf_slice(&message));
        }
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
    assert_int_equal(count, message.size);
    assert_int_equal(found, 1);
    double seconds = (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
    print_message("6 MiB byte by byte: %.3f s of CPU\n", seconds);
    assert_true(seconds < 10); /* some 0.3 s under the sanitizers */
    tls_records_done(&records);
    tls_messages_done(&messages);
    buf_done(&message);
    buf_done(&stream);
    buf_done(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cut_gives_the_same),
        cmocka_unit_test(test_two_pieces),
        cmocka_unit_test(test_lends_in_place),
        cmocka_unit_test(test_what_is_no_record),
        cmocka_unit_test(test_broken_for_ever),
        cmocka_unit_test(test_message_limit),
        cmocka_unit_test(test_memory_follows_arrival),
        cmocka_unit_test(test_memory_is_given_back),
        cmocka_unit_test(test_linear_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
