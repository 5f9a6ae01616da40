/* How a handshake ends from outside: connections that break at each byte, other protocols, ceilings, SSL 2.0; and what is sent, from the first
 * hello to the farewell. */
#include "tests/unit/scan/memory_server.h"
#include "tests/unit/scan/played_server.h"

static struct played played;

static int set_up_played(void **state)
{
    played_init(&played);
    return set_up(state);
}

static int tear_down_played(void **state)
{
    played_done(&played);
    return tear_down(state);
}

static struct slice bytes_of(const char *bytes, size_t size)
{
    return (struct slice){(const uint8_t *)bytes, size};
}

/* However the connection ends at whatever byte, the stage says how far it came, and a chain that came counts. */
static void test_ends(void **state)
{
    static const struct {
        enum handshake_end end;
        enum record_error error;
    } ends[] = {{HANDSHAKE_END_CLOSED, RECORD_ERROR_CLOSED},
                {HANDSHAKE_END_RESET, RECORD_ERROR_RESET},
                {HANDSHAKE_END_DEADLINE, RECORD_ERROR_TIMEOUT},
                {HANDSHAKE_END_CANCELLED, RECORD_ERROR_CANCELLED}};
    static const char *const certs[] = {"x"};
    (void)state;
    played_reset(&played);
    play_server_hello(&played, PLAYED_RANDOM, TLS_VERSION_1_2, 0x002f, NULL, 0);
    size_t hello_size = played.out.size, hellos = 0, certificates = 0;
    play_certificate(&played, certs, 1);
    size_t size = played.out.size;
    for (size_t cut = 0; cut <= size; cut++) {
        for (size_t i = 0; i < 4; i++) {
            struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
            enum handshake_state now = feed(handshake, (struct slice){(uint8_t *)played.out.data, cut}, 65536);
            assert_int_equal(now, cut < size ? HANDSHAKE_GOING : HANDSHAKE_ENOUGH);
            now = handshake_finish(handshake, ends[i].end);
            assert_int_equal(now, cut < size ? HANDSHAKE_FAILED : HANDSHAKE_CHAIN);
            const struct handshake_result *result = handshake_get_result(handshake);
            assert_int_equal(result->error, cut < size ? ends[i].error : RECORD_ERROR_NONE);
            assert_int_equal(result->chain_count, cut == size);
            hellos += strcmp(result->stage, "hello") == 0;
            certificates += strcmp(result->stage, "certificate") == 0;
            handshake_free(handshake);
        }
    }
    assert_int_equal(hellos, 4 * hello_size); /* until the ServerHello is whole */
    assert_int_equal(hellos + certificates, 4 * (size + 1));
}

/* A server that hangs up after a warning meant it; one that goes on to its ServerHello did not, and time that runs out is no answer. */
static void test_warned(void **state)
{
    static const struct {
        uint8_t number;
        bool hello;
        enum handshake_end end;
        enum record_error error;
        int alert;
        const char *detail;
    } rows[] = {
        {112, false, HANDSHAKE_END_CLOSED, RECORD_ERROR_ALERT, 112, "unrecognized_name"},
        {40, false, HANDSHAKE_END_RESET, RECORD_ERROR_ALERT, 40, "handshake_failure"},
        {200, false, HANDSHAKE_END_CLOSED, RECORD_ERROR_ALERT, 200, "alert 200"},
        {112, true, HANDSHAKE_END_CLOSED, RECORD_ERROR_CLOSED, -1, NULL},
        {112, false, HANDSHAKE_END_DEADLINE, RECORD_ERROR_TIMEOUT, -1, NULL},
        {112, false, HANDSHAKE_END_CANCELLED, RECORD_ERROR_CANCELLED, -1, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const uint8_t warning[] = {1, rows[i].number};
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
        played_reset(&played);
        play_record(&played, TLS_ALERT, (const char *)warning, sizeof warning);
        if (rows[i].hello)
            play_server_hello(&played, PLAYED_RANDOM, TLS_VERSION_1_2, 0x002f, NULL, 0);
        assert_int_equal(feed(handshake, buf_slice(&played.out), 65536), HANDSHAKE_GOING);
        assert_int_equal(handshake_finish(handshake, rows[i].end), HANDSHAKE_FAILED);
        const struct handshake_result *result = handshake_get_result(handshake);
        assert_int_equal(result->error, rows[i].error);
        assert_int_equal(result->alert, rows[i].alert);
        assert_true(rows[i].detail ? result->detail && strcmp(result->detail, rows[i].detail) == 0 : !result->detail);
        handshake_free(handshake);
    }
}

static void test_not_tls(void **state)
{
    static const struct {
        const char *bytes;
        size_t written, size; /* what follows up to size is zero */
        enum record_error error;
        const char *detail;
        bool sslv2;
    } rows[] = {
        {"HTTP/1.1 400 Bad Request\r\n", 26, 26, RECORD_ERROR_NOT_TLS, "HTTP: HTTP/1.1 400 Bad Request%0d%0a", false},
        {"220 mx.example ESMTP ready, and so on: ", 39, 60, RECORD_ERROR_NOT_TLS, NULL, false},
        {"\x80\x03\x00\x00\x01", 5, 5, RECORD_ERROR_NOT_TLS, "SSLv2: %80%03%00%00%01", true},
        {"\x15\x03\x01\x01\x02\x02\x28", 7, 400, RECORD_ERROR_PROTOCOL, "malformed alert", false},
        {"\x16\x03\x03\xff\xff", 5, 400, RECORD_ERROR_PROTOCOL, "no TLS record", false},
        {"\x16\x03\x03\x00\x01\x02\x19", 7, 400, RECORD_ERROR_PROTOCOL, "no TLS record", false},
        {"\x16\x03\x03\x01\x05\x02\xff\xff\xff\xff", 10, 400, RECORD_ERROR_TOO_LARGE,
         "more than 1048576 bytes of handshake, see --flight-limit", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
        char padded[400] = {0};
        memcpy(padded, rows[i].bytes, rows[i].written);
        enum handshake_state now = feed(handshake, bytes_of(padded, rows[i].size), 65536);
        const struct handshake_result *result = handshake_get_result(handshake);
        if (now != HANDSHAKE_FAILED || result->error != rows[i].error ||
            (rows[i].detail && strcmp(result->detail, rows[i].detail) != 0))
            fail_msg("row %zu: %d %s %s", i, now, record_error_name(result->error), result->detail);
        assert_int_equal(result->sslv2, rows[i].sslv2);
        assert_string_equal(result->stage, "hello");
        handshake_free(handshake);
    }
}

/* A few bytes may be all that comes, or the beginning of what names the protocol: worth a short wait, whatever the cut. */
static void test_not_tls_in_pieces(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        bool waits; /* for more; else it is clear by the last byte */
        const char *detail;
        bool sslv2;
    } rows[] = {
        {"S", 1, true, "S", false},
        {"\x16\x02\x01", 3, true, "%16%02%01", false},
        {"\x80\x03\x00\x00\x01", 5, false, "SSLv2: %80%03%00%00%01", true},
        {"SSH-2.0-x\r\n", 11, false, "SSH: SSH-2.0-x%0d%0a", false},
        {"220 mx.example ESMTP\r\n", 22, false, "SMTP: 220 mx.example ESMTP%0d%0a", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
        for (size_t j = 0; j + 1 < rows[i].size; j++) /* one byte of a record of TLS may still be one */
            assert_int_not_equal(feed(handshake, bytes_of(rows[i].bytes + j, 1), 1), HANDSHAKE_FAILED);
        enum handshake_state last = feed(handshake, bytes_of(rows[i].bytes + rows[i].size - 1, 1), 1);
        assert_int_equal(last, rows[i].waits ? HANDSHAKE_ENOUGH : HANDSHAKE_FAILED);
        assert_int_equal(handshake_finish(handshake, HANDSHAKE_END_CLOSED), HANDSHAKE_FAILED);
        const struct handshake_result *result = handshake_get_result(handshake);
        assert_int_equal(result->error, RECORD_ERROR_NOT_TLS);
        assert_string_equal(result->detail, rows[i].detail);
        assert_int_equal(result->sslv2, rows[i].sslv2);
        handshake_free(handshake);
    }
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
    assert_int_equal(feed(handshake, bytes_of("S", 1), 1), HANDSHAKE_ENOUGH);
    assert_int_equal(handshake_finish(handshake, HANDSHAKE_END_CANCELLED), HANDSHAKE_FAILED);
    assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_CANCELLED);
    handshake_free(handshake);
}

/* --- ceilings ---------------------------------------------------------------------------------------------------------------- */

/* A Certificate that is announced too large is refused with its first bytes, in clear and under the keys. */
static void test_announced_too_large(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.flight_max = 20000});
        played_reset(&played);
        play_listen(&played, handshake);
        if (i)
            play_keys(&played, shares, TLS_AES_128_GCM_SHA256, TLS_GROUP_X25519);
        else
            play_server_hello(&played, PLAYED_RANDOM, TLS_VERSION_1_2, 0x002f, NULL, 0);
        play_record(&played, TLS_HANDSHAKE, "\x0b\x00\x4e\x21", 4); /* 20001 */
        assert_int_equal(feed(handshake, buf_slice(&played.out), 65536), HANDSHAKE_FAILED);
        assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_TOO_LARGE);
        assert_string_equal(handshake_get_result(handshake)->detail,
                            "more than 20000 bytes of handshake, see --flight-limit");
        assert_string_equal(handshake_get_result(handshake)->stage, "certificate");
        handshake_free(handshake);
    }
}

/* What came before the ceiling counts; what is behind it is not looked at. */
static void test_flight_ceiling(void **state)
{
    static char large[9000];
    const char *const certs[] = {large};
    (void)state;
    memset(large, 'c', sizeof large - 1);
    played_reset(&played);
    play_server_hello(&played, PLAYED_RANDOM, TLS_VERSION_1_2, 0x002f, NULL, 0);
    play_certificate(&played, certs, 1);
    struct slice flight = buf_slice(&played.out);
    for (size_t step = 1; step <= 65536; step += 65535) {
        for (int over = 0; over < 2; over++) {
            struct handshake_ask ask = {.flight_max = flight.size - (size_t)over};
            struct handshake *handshake = handshake_new(engine, &ask);
            assert_int_equal(feed(handshake, flight, step), over ? HANDSHAKE_FAILED : HANDSHAKE_ENOUGH);
            if (over)
                assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_TOO_LARGE);
            else
                assert_int_equal(handshake_feed(handshake, "\x16", 1), HANDSHAKE_CHAIN);
            assert_int_equal(handshake_get_result(handshake)->chain_count, !over);
            handshake_free(handshake);
        }
    }
}

/* Records of a message that never ends. */
static void test_endless_message(void **state)
{
    (void)state;
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){0});
    uint8_t record[5 + 16000] = {0x16, 3, 3, 16000 >> 8, 16000 & 0xff, 11, 0x0f, 0xff, 0xf0};
    played_reset(&played);
    play_server_hello(&played, PLAYED_RANDOM, TLS_VERSION_1_2, 0x002f, NULL, 0);
    enum handshake_state now = feed(handshake, buf_slice(&played.out), 65536);
    size_t fed = played.out.size;
    for (; now == HANDSHAKE_GOING && fed < 4 * CM_LIMIT_FLIGHT_BYTES; fed += sizeof record) {
        now = handshake_feed(handshake, record, sizeof record);
        memset(record + 5, 0, 4);
    }
    assert_int_equal(now, HANDSHAKE_FAILED);
    assert_true(fed <= CM_LIMIT_FLIGHT_BYTES + sizeof record);
    assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_TOO_LARGE);
    handshake_free(handshake);
}

/* --- SSL 2.0 ------------------------------------------------------------------------------------------------------------------ */

/* SERVER-HELLO: a certificate of four bytes, two ciphers, a connection id of 16. */
#define SERVER_HELLO2                                                                                                  \
    "\x80\x25\x04\x00\x01\x00\x02\x00\x04\x00\x06\x00\x10"                                                             \
    "cert\x01\x00\x80\x07\x00\xc0"                                                                                     \
    "0123456789abcdef"

static void test_sslv2(void **state)
{
    (void)state;
    struct slice flight = bytes_of(SERVER_HELLO2, sizeof SERVER_HELLO2 - 1);
    for (size_t cut = 0; cut <= flight.size; cut++) {
        struct handshake *handshake =
            handshake_new(engine, &(struct handshake_ask){.hello = HELLO_SSLV2, .prove = cut % 2});
        struct slice first = {flight.data, cut}, rest = {flight.data + cut, flight.size - cut};
        assert_int_equal(handshake_output(handshake).data[2], 1); /* CLIENT-HELLO */
        assert_int_equal(feed(handshake, first, 65536), cut == flight.size ? HANDSHAKE_CHAIN : HANDSHAKE_GOING);
        assert_int_equal(feed(handshake, rest, cut % 3 ? 1 : 65536), HANDSHAKE_CHAIN);
        const struct handshake_result *result = handshake_get_result(handshake);
        assert_string_equal(result->version, "SSLv2");
        assert_string_equal(result->cipher, "SSL_CK_RC4_128_WITH_MD5");
        assert_int_equal(result->chain_count, 1);
        assert_memory_equal(result->chain[0].data, "cert", 4);
        assert_int_equal(result->chain[0].size, 4);
        assert_int_equal(result->proof, cut % 2 ? PROOF_UNAVAILABLE : PROOF_NONE);
        assert_null(result->ja3s);
        assert_int_equal(handshake_farewell(handshake).size, 0);
        handshake_free(handshake);
    }
}

static void test_sslv2_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        enum record_error error;
        const char *detail;
    } rows[] = {
        {"\x80\x03\x00\x00\x01", 5, RECORD_ERROR_PROTOCOL, "an ERROR message of SSL 2.0"},
        {"\x15\x03\x00\x00\x02\x02\x28", 7, RECORD_ERROR_ALERT, "handshake_failure"},
        {"HTTP/1.1 400 Bad Request\r\n", 26, RECORD_ERROR_NOT_TLS, "HTTP: HTTP/1.1 400 Bad Request%0d%0a"},
        {"\x80\x03\x07\x00\x01", 5, RECORD_ERROR_NOT_TLS, NULL},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.hello = HELLO_SSLV2});
        const size_t row = i / 2, step = i % 2 ? 65536 : 1;
        feed(handshake, bytes_of(rows[row].bytes, rows[row].size), step);
        assert_int_equal(handshake_finish(handshake, HANDSHAKE_END_DEADLINE), HANDSHAKE_FAILED);
        const struct handshake_result *result = handshake_get_result(handshake);
        assert_int_equal(result->error, rows[row].error);
        if (rows[row].detail)
            assert_string_equal(result->detail, rows[row].detail);
        assert_string_equal(result->stage, "hello");
        handshake_free(handshake);
    }
}

/* --- what is sent --------------------------------------------------------------------------------------------------------------- */

/* What is asked for stands in the ClientHello; it may be asked for in pieces, and while others send theirs. */
static void test_client_hello(void **state)
{
    (void)state;
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.name = "sni.example", .alpn = true});
    struct slice hello = handshake_output(handshake);
    uint8_t copy[4096];
    assert_true(hello.size > 100 && hello.size < sizeof copy);
    assert_non_null(memmem(hello.data, hello.size, "sni.example", 11));
    assert_non_null(memmem(hello.data, hello.size, "http/1.1", 8));
    memcpy(copy, hello.data, hello.size);
    handshake_sent(handshake, 100);
    struct handshake *plain = handshake_new(engine, &(struct handshake_ask){.name = ""});
    struct slice between = handshake_output(plain);
    assert_null(memmem(between.data, between.size, "example", 7));
    assert_null(memmem(between.data, between.size, "http/1.1", 8));
    struct slice rest = handshake_output(handshake);
    assert_int_equal(rest.size, hello.size - 100);
    assert_memory_equal(rest.data, copy + 100, rest.size);
    handshake_sent(handshake, rest.size);
    assert_int_equal(handshake_output(handshake).size, 0);
    handshake_free(handshake);
    assert_int_equal(handshake_output(plain).size, between.size);
    handshake_free(plain);
}

static void test_farewell(void **state)
{
    static const struct {
        uint16_t version;
        size_t size;
        const char *bytes;
    } rows[] = {{TLS_VERSION_SSL3, 7, "\x15\x03\x00\x00\x02\x01\x00"},
                {TLS_VERSION_1_0, 14, "\x15\x03\x01\x00\x02\x01\x5a\x15\x03\x01\x00\x02\x01\x00"},
                {TLS_VERSION_1_2, 14, "\x15\x03\x03\x00\x02\x01\x5a\x15\x03\x03\x00\x02\x01\x00"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.polite = true});
        assert_int_equal(handshake_farewell(handshake).size, 0);
        played_reset(&played);
        play_server_hello(&played, PLAYED_RANDOM, rows[i].version, 0x002f, NULL, 0);
        assert_int_equal(feed(handshake, buf_slice(&played.out), 65536), HANDSHAKE_GOING);
        assert_int_equal(handshake_farewell(handshake).size, rows[i].size);
        assert_memory_equal(handshake_farewell(handshake).data, rows[i].bytes, rows[i].size);
        handshake_free(handshake);
    }
}

/* OpenSSL's server reads the farewell of 1.3 under the client's keys. */
static void test_farewell_in_13(void **state)
{
    (void)state;
    SSL_CTX *context = make_server(TLS1_3_VERSION);
    SSL *server = make_session(context);
    struct buf flight;
    buf_init(&flight, 1 << 20);
    struct handshake *handshake = handshake_new(engine, &(struct handshake_ask){.polite = true});
    answer(handshake, server, &flight);
    assert_int_equal(feed(handshake, buf_slice(&flight), 65536), HANDSHAKE_CHAIN);
    struct slice farewell = handshake_farewell(handshake);
    assert_true(farewell.size > 14);
    assert_int_equal(BIO_write(SSL_get_rbio(server), farewell.data, (int)farewell.size), farewell.size);
    assert_int_equal(SSL_get_shutdown(server), 0);
    SSL_do_handshake(server);
    assert_int_equal(SSL_get_shutdown(server), SSL_RECEIVED_SHUTDOWN);
    handshake_free(handshake);
    buf_done(&flight);
    SSL_free(server);
    SSL_CTX_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_warned),
        cmocka_unit_test(test_not_tls),
        cmocka_unit_test(test_not_tls_in_pieces),
        cmocka_unit_test(test_announced_too_large),
        cmocka_unit_test(test_flight_ceiling),
        cmocka_unit_test(test_endless_message),
        cmocka_unit_test(test_sslv2),
        cmocka_unit_test(test_sslv2_refused),
        cmocka_unit_test(test_client_hello),
        cmocka_unit_test(test_farewell),
        cmocka_unit_test(test_farewell_in_13),
    };
    return cmocka_run_group_tests(tests, set_up_played, tear_down_played);
}
