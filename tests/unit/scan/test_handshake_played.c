/* Servers that no library would play: certificates that are none, alerts in every form, messages out of order, records that say nothing, in
 * clear and under the keys of TLS 1.3. */
#include "tests/unit/scan/memory_server.h"
#include "tests/unit/scan/played_server.h"

static const struct slice nothing;
static const char *const certs[] = {"this is no certificate", "0", "this is no certificate"};
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

/* A handshake whose ClientHello the played server has heard. */
static struct handshake *begin(const struct handshake_ask *ask)
{
    struct handshake *handshake = handshake_new(engine, ask);
    played_reset(&played);
    play_listen(&played, handshake);
    return handshake;
}

static void check_certs(const struct handshake_result *result)
{
    assert_int_equal(result->chain_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(result->chain[i].size, strlen(certs[i]));
        assert_memory_equal(result->chain[i].data, certs[i], strlen(certs[i]));
    }
}

/* What OpenSSL cannot decode is told all the same, as sent. */
static void test_garbage_certificates(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct handshake *handshake = begin(&(struct handshake_ask){0});
        if (i % 2)
            play_keys(&played, shares, TLS_CHACHA20_POLY1305_SHA256, TLS_GROUP_X25519);
        else
            play_server_hello(&played, PLAYED_RANDOM, TLS_VERSION_1_2, 0x002f, NULL, 0);
        play_certificate(&played, certs, 3);
        enum handshake_state now = feed(handshake, buf_slice(&played.out), i < 2 ? 65536 : 1);
        assert_int_equal(now, i % 2 ? HANDSHAKE_CHAIN : HANDSHAKE_ENOUGH);
        assert_int_equal(handshake_finish(handshake, HANDSHAKE_END_DEADLINE), HANDSHAKE_CHAIN);
        const struct handshake_result *result = handshake_get_result(handshake);
        check_certs(result);
        assert_int_equal(result->error, RECORD_ERROR_NONE);
        assert_string_equal(result->cipher, i % 2 ? "TLS_CHACHA20_POLY1305_SHA256" : "TLS_RSA_WITH_AES_128_CBC_SHA");
        assert_int_equal(result->client_auth, i % 2 ? 0 : -1); /* before 1.3 it never came so far */
        handshake_free(handshake);
    }
}

static void test_empty_certificate_message(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct handshake *handshake = begin(&(struct handshake_ask){0});
        if (i)
            play_keys(&played, shares, TLS_AES_128_GCM_SHA256, TLS_GROUP_X25519);
        else
            play_server_hello(&played, PLAYED_RANDOM, TLS_VERSION_1_0, 0x002f, NULL, 0);
        play_certificate(&played, NULL, 0);
        assert_int_equal(feed(handshake, buf_slice(&played.out), 65536), HANDSHAKE_FAILED);
        assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_NO_CERTIFICATE);
        assert_string_equal(handshake_get_result(handshake)->detail, "the Certificate message is empty");
        handshake_free(handshake);
    }
}

/* SSLv3, which no library here speaks: as TLS 1.0, with a CertificateRequest of its form. */
static void test_ssl3(void **state)
{
    static const enum hello_kind kinds[] = {HELLO_FULL, HELLO_TLS12, HELLO_PLAIN};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct handshake *handshake = begin(&(struct handshake_ask){.hello = kinds[i], .name = "old.example"});
        play_server_hello(&played, PLAYED_RANDOM, TLS_VERSION_SSL3, 0x0004, NULL, 0);
        play_certificate(&played, certs, 3);
        play_message(&played, TLS_CERTIFICATE_REQUEST, "\x02\x01\x02\x00\x00", 5);
        play_message(&played, TLS_SERVER_HELLO_DONE, NULL, 0);
        assert_int_equal(feed(handshake, buf_slice(&played.out), i ? 65536 : 1), HANDSHAKE_CHAIN);
        const struct handshake_result *result = handshake_get_result(handshake);
        check_certs(result);
        assert_string_equal(result->version, "SSLv3");
        assert_string_equal(result->cipher, "TLS_RSA_WITH_RC4_128_MD5");
        assert_null(result->group);
        assert_int_equal(result->client_auth, 1);
        assert_int_equal(result->client_ca_count, 0);
        handshake_free(handshake);
    }
}

/* --- what a server may not say ------------------------------------------------------------------------------------------- */

enum play {
    HELLO12,
    HELLO13,
    CERT,
    DONE,
    FINISHED,
    SECOND_HELLO,
    ECHO,
    EMPTY_CERT_REQUEST,
    DATA,
    CCS,
    BAD_HELLO,
    CLEAR_MESSAGE,
    NOISE,
    KEY_EXCHANGE,
    BAD_SUITE13,
    NO_SHARE,
    OTHER_GROUP,
    BAD_SHARE,
    BAD_VERSION,
    VERIFY,
    END
};

static void play(enum play what)
{
    static const uint8_t x448_share[56] = {9}, zero_share[32] = {0};
    switch (what) {
    case HELLO12:
    case SECOND_HELLO:
        play_server_hello(&played, PLAYED_RANDOM, TLS_VERSION_1_2, 0xc02f, NULL, 0);
        break;
    case HELLO13:
        play_keys(&played, shares, TLS_AES_256_GCM_SHA384, TLS_GROUP_X25519);
        break;
    case CERT:
        play_certificate(&played, certs, 3);
        break;
    case DONE:
        play_message(&played, TLS_SERVER_HELLO_DONE, NULL, 0);
        break;
    case FINISHED:
        play_message(&played, TLS_FINISHED, PLAYED_RANDOM, 32);
        break;
    case ECHO:
        play_message(&played, TLS_CLIENT_HELLO, PLAYED_RANDOM, 32);
        break;
    case EMPTY_CERT_REQUEST:
        play_message(&played, TLS_CERTIFICATE_REQUEST, NULL, 0);
        break;
    case DATA:
        play_record(&played, TLS_APPLICATION_DATA, "HTTP/1.1 400", 12);
        break;
    case CCS:
        play_clear(&played, TLS_CHANGE_CIPHER_SPEC, "\x01", 1);
        break;
    case BAD_HELLO:
        play_message(&played, TLS_SERVER_HELLO, PLAYED_RANDOM, 32);
        break;
    case CLEAR_MESSAGE:
        play_clear(&played, TLS_HANDSHAKE, "\x0b\x00\x00\x03\x00\x00\x00", 7);
        break;
    case NOISE:
        play_clear(&played, TLS_APPLICATION_DATA, PLAYED_RANDOM, 32);
        break;
    case KEY_EXCHANGE:
        play_message(&played, TLS_SERVER_KEY_EXCHANGE, "\x03\x00\x17", 3);
        break;
    case BAD_SUITE13:
        play_hello_13(&played, PLAYED_RANDOM, 0xc02f, 29, (struct slice){zero_share, 32}, nothing);
        break;
    case NO_SHARE:
        play_hello_13(&played, PLAYED_RANDOM, 0x1301, 0, nothing, nothing);
        break;
    case OTHER_GROUP:
        play_hello_13(&played, PLAYED_RANDOM, 0x1301, 30, (struct slice){x448_share, 56}, nothing);
        break;
    case BAD_SHARE:
        play_hello_13(&played, PLAYED_RANDOM, 0x1301, 29, (struct slice){zero_share, 32}, nothing);
        break;
    case BAD_VERSION:
        play_server_hello(&played, PLAYED_RANDOM, 0x0305, 0xc02f, NULL, 0);
        break;
    case VERIFY:
        play_message(&played, TLS_CERTIFICATE_VERIFY, "\x08\x04\x00\x00", 4);
        break;
    case END:
        break;
    }
}

static void test_scripts(void **state)
{
    static const struct {
        enum play plays[5];
        const char *detail; /* NULL: the chain is there all the same */
    } rows[] = {
        {{CERT, END}, "handshake message 11 before ServerHello"},
        {{DONE, END}, "handshake message 14 before ServerHello"},
        {{ECHO, END}, "a ClientHello from the server: perhaps our own, echoed"},
        {{BAD_HELLO, END}, "malformed ServerHello"},
        {{BAD_VERSION, END}, "version 0x0305 was not offered"},
        {{HELLO12, SECOND_HELLO, END}, "a second ServerHello"},
        {{HELLO12, DATA, END}, "application data before the handshake is over"},
        {{HELLO12, CCS, END}, "ChangeCipherSpec before Certificate"},
        {{HELLO12, KEY_EXCHANGE, END}, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
        {{HELLO12, DONE, END}, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
        {{HELLO12, EMPTY_CERT_REQUEST, END}, "malformed CertificateRequest"},
        {{CCS, HELLO12, CERT, DONE, END}, NULL},
        {{HELLO12, CERT, CERT, END}, NULL},
        {{HELLO12, CERT, CCS, END}, NULL},
        {{HELLO12, CERT, NOISE, END}, NULL},
        {{HELLO12, CERT, EMPTY_CERT_REQUEST, END}, NULL},
        {{HELLO12, CERT, BAD_HELLO, END}, NULL},
        {{BAD_SUITE13, END}, "the server chose a suite that was not offered"},
        {{NO_SHARE, END}, "ServerHello without key_share"},
        {{OTHER_GROUP, END}, "the server chose a group for which no share was sent"},
        {{BAD_SHARE, END}, "the server's key share is no value of its group"},
        {{HELLO13, CLEAR_MESSAGE, END}, "a handshake record in clear after ServerHello"},
        {{HELLO13, NOISE, END}, "record cannot be decrypted"},
        {{HELLO13, DATA, END}, "a record of type 23 before Finished"},
        {{HELLO13, VERIFY, END}, "CertificateVerify before Certificate"},
        {{HELLO13, FINISHED, END}, "TLS_AES_256_GCM_SHA384"},
        {{HELLO13, EMPTY_CERT_REQUEST, END}, "malformed CertificateRequest"},
        {{HELLO13, CCS, CERT, END}, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int how = 0; how < 4; how++) {
            struct handshake *handshake = begin(&(struct handshake_ask){.prove = how / 2});
            for (size_t j = 0; rows[i].plays[j] != END; j++)
                play(rows[i].plays[j]);
            enum handshake_state now = feed(handshake, buf_slice(&played.out), how % 2 ? 1 : 65536);
            if (!rows[i].detail && is_going(now))
                now = handshake_finish(handshake, HANDSHAKE_END_RESET);
            const struct handshake_result *result = handshake_get_result(handshake);
            if (now != (rows[i].detail ? HANDSHAKE_FAILED : HANDSHAKE_CHAIN) ||
                (rows[i].detail && strcmp(rows[i].detail, result->detail) != 0))
                fail_msg("row %zu: state %d, %s", i, now, result->detail);
            if (!rows[i].detail)
                check_certs(result);
            else /* whatever version a server claims: records have words for those that exist */
                assert_true(!result->version || strncmp(result->version, "TLSv1.", 6) == 0);
            if (rows[i].detail)
                assert_int_equal(result->error, strncmp(rows[i].detail, "TLS_", 4) == 0 ? RECORD_ERROR_NO_CERTIFICATE
                                                                                        : RECORD_ERROR_PROTOCOL);
            handshake_free(handshake);
        }
    }
}

/* A message that begins in clear and would end under the keys (RFC 8446 §5.1). */
static void test_message_over_the_key_change(void **state)
{
    (void)state;
    struct handshake *handshake = begin(&(struct handshake_ask){0});
    play_keys(&played, shares, TLS_AES_128_GCM_SHA256, TLS_GROUP_X25519);
    struct slice hello = buf_slice(&played.out);
    uint8_t record[4096];
    memcpy(record, hello.data, hello.size);
    memcpy(record + hello.size, "\x08\x00", 2);
    record[4] = (uint8_t)(record[4] + 2);
    assert_int_equal(feed(handshake, (struct slice){record, hello.size + 2}, 65536), HANDSHAKE_FAILED);
    assert_string_equal(handshake_get_result(handshake)->detail, "handshake messages on both sides of a key change");
    handshake_free(handshake);
}

/* --- alerts ---------------------------------------------------------------------------------------------------------------- */

static void check_alert(struct handshake *handshake, const char *detail, int number, const char *stage)
{
    const struct handshake_result *result = handshake_get_result(handshake);
    assert_int_equal(result->error, RECORD_ERROR_ALERT);
    assert_string_equal(result->detail, detail);
    assert_int_equal(result->alert, number);
    assert_string_equal(result->stage, stage);
    handshake_free(handshake);
}

static void test_alerts(void **state)
{
    (void)state;
    struct handshake *handshake = begin(&(struct handshake_ask){0});
    assert_int_equal(handshake_feed(handshake, "\x15\x03\x01\x00\x02\x02\x28", 7), HANDSHAKE_FAILED);
    check_alert(handshake, "handshake_failure", 40, "hello");
    handshake = begin(&(struct handshake_ask){0}); /* a warning is no end, wherever the records are cut */
    assert_int_equal(handshake_feed(handshake, "\x15\x03\x01\x00\x02\x01\x70", 7), HANDSHAKE_GOING);
    assert_int_equal(handshake_feed(handshake, "\x15\x03\x01\x00\x01\x02", 6), HANDSHAKE_GOING);
    assert_int_equal(handshake_feed(handshake, "\x15\x03\x01\x00\x01\xc8", 6), HANDSHAKE_FAILED);
    check_alert(handshake, "alert 200", 200, "hello");
    handshake = begin(&(struct handshake_ask){0}); /* two in one record */
    assert_int_equal(handshake_feed(handshake, "\x15\x03\x01\x00\x04\x01\x70\x02\x46", 9), HANDSHAKE_FAILED);
    check_alert(handshake, "protocol_version", 70, "hello");
    handshake = begin(&(struct handshake_ask){0});
    assert_int_equal(handshake_feed(handshake, "\x15\x03\x01\x00\x02\x01\x00", 7), HANDSHAKE_FAILED);
    check_alert(handshake, "close_notify", 0, "hello");
    handshake = begin(&(struct handshake_ask){0});
    assert_int_equal(handshake_feed(handshake, "\x15\x03\x01\x00\x02\x03\x28", 7), HANDSHAKE_FAILED);
    assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_PROTOCOL);
    assert_string_equal(handshake_get_result(handshake)->detail, "malformed alert");
    assert_int_equal(handshake_get_result(handshake)->alert, -1);
    handshake_free(handshake);
}

/* Under the keys, or in clear by a server that has none yet; once 1.3 is chosen the level says nothing (RFC 8446 §6). */
static void test_alerts_in_13(void **state)
{
    (void)state;
    for (int clear = 0; clear < 2; clear++) {
        struct handshake *handshake = begin(&(struct handshake_ask){0});
        play_keys(&played, shares, TLS_AES_128_CCM_8_SHA256, TLS_GROUP_X25519);
        played.sealed = !clear;
        play_record(&played, TLS_ALERT, "\x01\x5a", 2); /* user_canceled: not yet the end */
        play_record(&played, TLS_ALERT, "\x01\x28", 2);
        assert_int_equal(feed(handshake, buf_slice(&played.out), 65536), HANDSHAKE_FAILED);
        check_alert(handshake, "handshake_failure", 40, "certificate");
    }
}

/* The chain came; an alert behind it takes nothing away. */
static void test_alert_after_certificate(void **state)
{
    (void)state;
    struct handshake *handshake = begin(&(struct handshake_ask){0});
    play(HELLO12);
    play(CERT);
    play_record(&played, TLS_ALERT, "\x02\x2a", 2);
    assert_int_equal(feed(handshake, buf_slice(&played.out), 65536), HANDSHAKE_CHAIN);
    check_certs(handshake_get_result(handshake));
    assert_int_equal(handshake_get_result(handshake)->alert, -1);
    handshake_free(handshake);
}

/* --- floods ----------------------------------------------------------------------------------------------------------------- */

static void check_flood(const char *detail, bool keys, uint8_t type, const char *bytes, size_t size)
{
    struct handshake *handshake = begin(&(struct handshake_ask){0});
    enum handshake_state now = HANDSHAKE_GOING;
    size_t count = 0;
    if (keys)
        play_keys(&played, shares, TLS_AES_128_GCM_SHA256, TLS_GROUP_X25519);
    for (; now == HANDSHAKE_GOING && count < 1000; count++) {
        play_record(&played, type, bytes, size);
        now = feed(handshake, buf_slice(&played.out), 65536);
        buf_reset(&played.out);
    }
    assert_int_equal(now, HANDSHAKE_FAILED);
    assert_true(count > 32 && count < 100);
    assert_int_equal(handshake_get_result(handshake)->error, RECORD_ERROR_PROTOCOL);
    assert_string_equal(handshake_get_result(handshake)->detail, detail);
    handshake_free(handshake);
}

static void test_floods(void **state)
{
    (void)state;
    check_flood("too many warning alerts", false, TLS_ALERT, "\x01\x70", 2);
    check_flood("too many warning alerts", true, TLS_ALERT, "\x01\x5a", 2);
    check_flood("too many ChangeCipherSpec records", false, TLS_CHANGE_CIPHER_SPEC, "\x01", 1);
    check_flood("too many empty records", false, TLS_HANDSHAKE, "", 0);
    check_flood("too many empty records", true, TLS_HANDSHAKE, "", 0);
    check_flood("too many empty records", false, TLS_ALERT, "", 0);
    check_flood("too many empty records", false, TLS_APPLICATION_DATA, "", 0);
    check_flood("too many messages that are no part of a handshake", false, TLS_HANDSHAKE, "\0\0\0\0", 4);
    check_flood("too many messages that are no part of a handshake", true, TLS_HANDSHAKE, "\4\0\0\0", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_garbage_certificates),
        cmocka_unit_test(test_empty_certificate_message),
        cmocka_unit_test(test_ssl3),
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_message_over_the_key_change),
        cmocka_unit_test(test_alerts),
        cmocka_unit_test(test_alerts_in_13),
        cmocka_unit_test(test_alert_after_certificate),
        cmocka_unit_test(test_floods),
    };
    return cmocka_run_group_tests(tests, set_up_played, tear_down_played);
}
