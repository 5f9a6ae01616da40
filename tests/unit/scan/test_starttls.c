/* STARTTLS dialogues: whole, byte by byte, cut at every byte, refused, hostile; and the order of tries of --starttls auto. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/scan/ldap.h"
#include "scanner/scan/negotiate.h"

#define BYTES(text) text, sizeof(text) - 1

/* What one side says in turn: after each piece of the server the client's answer is compared. */
struct turn {
    const char *server;
    size_t server_size;
    const char *client; /* what we say after it; "" for nothing yet */
    size_t client_size;
};

struct play {
    enum starttls protocol;
    const char *opening; /* what we say first */
    size_t opening_size;
    struct turn turns[4];
};

#define SSL_REQUEST "\x00\x00\x00\x08\x04\xd2\x16\x2f"
#define AD_SUCCESS                                                                                                     \
    "\x30\x84\x00\x00\x00\x28\x02\x01\x01\x78\x84\x00\x00\x00\x1f\x0a\x01\x00\x04\x00\x04\x00\x8a\x16"                 \
    "1.3.6.1.4.1.1466.20037"
#define OPENLDAP_SUCCESS "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
#define LDAP_REFUSAL                                                                                                   \
    "\x30\x1d\x02\x01\x01\x78\x18\x0a\x01\x02\x04\x00\x04\x11"                                                         \
    "no TLS for you\x1b[J"

static const struct play good[] = {
    {STARTTLS_SMTP,
     BYTES(""),
     {{BYTES("220-mx.example ESMTP\r\n220 ready\r\n"), BYTES("EHLO scanner.example\r\n")},
      {BYTES("250-mx.example\r\n250-SIZE 1000\r\n250-starttls\r\n250 HELP\r\n"), BYTES("STARTTLS\r\n")},
      {BYTES("220 2.0.0 Ready to start TLS\r\n"), BYTES("")}}},
    {STARTTLS_SMTP, /* bare line feeds, a reply of the code alone */
     BYTES(""),
     {{BYTES("220\n"), BYTES("EHLO scanner.example\r\n")},
      {BYTES("250 STARTTLS\n"), BYTES("STARTTLS\r\n")},
      {BYTES("220\n"), BYTES("")}}},
    {STARTTLS_IMAP,
     BYTES(""),
     {{BYTES("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n* CAPABILITY IMAP4rev1\r\n"), BYTES("c1 STARTTLS\r\n")},
      {BYTES("* BYE not really\r\nc1 OK begin\r\n"), BYTES("")}}},
    {STARTTLS_POP3,
     BYTES(""),
     {{BYTES("+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n"), BYTES("STLS\r\n")}, {BYTES("+OK\r\n"), BYTES("")}}},
    {STARTTLS_LDAP, BYTES(LDAP_STARTTLS_REQUEST), {{BYTES(OPENLDAP_SUCCESS), BYTES("")}}},
    {STARTTLS_LDAP, BYTES(LDAP_STARTTLS_REQUEST), {{BYTES(AD_SUCCESS), BYTES("")}}},
    {STARTTLS_POSTGRES, BYTES(SSL_REQUEST), {{BYTES("S"), BYTES("")}}},
};

static struct slice take_output(struct dialogue *dialogue, char *copy)
{
    struct slice output = dialogue_output(dialogue);
    if (output.size)
        memcpy(copy, output.data, output.size);
    dialogue_sent(dialogue, output.size);
    return (struct slice){(uint8_t *)copy, output.size};
}

static void expect_output(struct dialogue *dialogue, const char *bytes, size_t size)
{
    char copy[4096];
    struct slice output = take_output(dialogue, copy);
    assert_int_equal(output.size, size);
    assert_memory_equal(output.data, bytes, size);
}

static void run_play(const struct play *play, size_t step)
{
    struct dialogue dialogue;
    dialogue_init(&dialogue, play->protocol, "scanner.example");
    expect_output(&dialogue, play->opening, play->opening_size);
    for (const struct turn *turn = play->turns; turn->server; turn++) {
        bool last = !turn[1].server;
        for (size_t at = 0; at < turn->server_size; at += step) {
            size_t size = turn->server_size - at < step ? turn->server_size - at : step;
            bool end = at + size == turn->server_size;
            enum dialogue_state state = dialogue_feed(&dialogue, turn->server + at, size);
            /* The first server line of IMAP is an answer in itself; what follows it there is untagged. */
            if (!end && play->protocol != STARTTLS_IMAP)
                assert_int_equal(dialogue_output(&dialogue).size, 0);
            if (!end || !last)
                assert_int_equal(state, DIALOGUE_GOING);
            else
                assert_int_equal(state, DIALOGUE_READY);
        }
        expect_output(&dialogue, turn->client, turn->client_size);
    }
    dialogue_done(&dialogue);
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        run_play(&good[i], 4096);
        run_play(&good[i], 1);
        run_play(&good[i], 3);
    }
}

/* A server that stops at any byte is waited for, and nothing is read past what it said. */
static void test_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        for (const struct turn *stop = good[i].turns; stop->server; stop++) {
            for (size_t cut = 0; cut < stop->server_size; cut++) {
                struct dialogue dialogue;
                dialogue_init(&dialogue, good[i].protocol, "scanner.example");
                for (const struct turn *turn = good[i].turns; turn < stop; turn++)
                    assert_int_equal(dialogue_feed(&dialogue, turn->server, turn->server_size), DIALOGUE_GOING);
                char *bytes = malloc(cut ? cut : 1);
                memcpy(bytes, stop->server, cut);
                assert_int_equal(dialogue_feed(&dialogue, bytes, cut), DIALOGUE_GOING);
                free(bytes);
                dialogue_done(&dialogue);
            }
        }
    }
}

static void test_failures(void **state)
{
    static const struct {
        enum starttls protocol;
        const char *server; /* fed at once, piece by piece at '|' */
        enum record_error error;
        const char *detail;
    } rows[] = {
        {STARTTLS_SMTP, "554 5.7.1 go away\r\n", RECORD_ERROR_STARTTLS_REFUSED, "554 5.7.1 go away"},
        {STARTTLS_SMTP, "220 x\r\n|250-x\r\n250 SIZE\r\n", RECORD_ERROR_STARTTLS_REFUSED, "not offered"},
        {STARTTLS_SMTP, "220 x\r\n|250 NOSTARTTLS\r\n", RECORD_ERROR_STARTTLS_REFUSED, "not offered"},
        {STARTTLS_SMTP, "220 x\r\n|250-x\r\n250 STARTTLSX\r\n", RECORD_ERROR_STARTTLS_REFUSED, "not offered"},
        {STARTTLS_SMTP, "220 x\r\n|502 no EHLO\r\n", RECORD_ERROR_STARTTLS_REFUSED, "502 no EHLO"},
        {STARTTLS_SMTP, "220 x\r\n|250 STARTTLS\r\n|454 not now\r\n", RECORD_ERROR_STARTTLS_REFUSED, "454 not now"},
        {STARTTLS_SMTP, "220 x\r\n250 STARTTLS\r\n", RECORD_ERROR_PROTOCOL, "before the question"},
        {STARTTLS_SMTP, "220 x\r\n|250 STARTTLS\r\n220 go\r\n", RECORD_ERROR_PROTOCOL, "before the question"},
        {STARTTLS_SMTP, "220 x\r\n|250 STARTTLS\r\n|220 go\r\n250 injected\r\n", RECORD_ERROR_PROTOCOL,
         "bytes in clear"},
        {STARTTLS_SMTP, "220 x\r\n|250 STARTTLS\r\n|220 go\r\n\x16\x03", RECORD_ERROR_PROTOCOL, "bytes in clear"},
        {STARTTLS_SMTP, "220 x\r\n|250-a\r\n251 b\r\n", RECORD_ERROR_PROTOCOL, "not smtp"},
        {STARTTLS_SMTP, "SSH-2.0-x\r\n", RECORD_ERROR_PROTOCOL, "not smtp: SSH: SSH-2.0-x%0d%0a"},
        {STARTTLS_SMTP, "2", 0, NULL},
        {STARTTLS_SMTP, "2x", RECORD_ERROR_PROTOCOL, "not smtp: 2x"},
        {STARTTLS_SMTP, "220x", RECORD_ERROR_PROTOCOL, "not smtp"},
        {STARTTLS_IMAP, "* BYE overloaded\r\n", RECORD_ERROR_STARTTLS_REFUSED, "* BYE overloaded"},
        {STARTTLS_IMAP, "* PREAUTH hi\r\n", RECORD_ERROR_STARTTLS_REFUSED, "PREAUTH"},
        {STARTTLS_IMAP, "* OK\r\n|c1 NO disabled\r\n", RECORD_ERROR_STARTTLS_REFUSED, "c1 NO disabled"},
        {STARTTLS_IMAP, "* OK\r\n|c1 BAD what\r\n", RECORD_ERROR_STARTTLS_REFUSED, "c1 BAD what"},
        {STARTTLS_IMAP, "* OK\r\n|c2 OK\r\n", RECORD_ERROR_PROTOCOL, "not imap"},
        {STARTTLS_IMAP, "* OK\r\nc1 OK early\r\n", RECORD_ERROR_PROTOCOL, "before the question"},
        {STARTTLS_IMAP, "* OK\r\n|c1 OK\r\n* OK more\r\n", RECORD_ERROR_PROTOCOL, "bytes in clear"},
        {STARTTLS_IMAP, "+OK pop3\r\n", RECORD_ERROR_PROTOCOL, "not imap: POP3"},
        {STARTTLS_POP3, "-ERR busy\r\n", RECORD_ERROR_STARTTLS_REFUSED, "-ERR busy"},
        {STARTTLS_POP3, "+OK\r\n|-ERR no STLS\r\n", RECORD_ERROR_STARTTLS_REFUSED, "-ERR no STLS"},
        {STARTTLS_POP3, "+OK\r\n|+OK\r\nx", RECORD_ERROR_PROTOCOL, "bytes in clear"},
        {STARTTLS_POP3, "+HM\r\n", RECORD_ERROR_PROTOCOL, "not pop3"},
        {STARTTLS_POSTGRES, "N", RECORD_ERROR_STARTTLS_REFUSED, "ssl off"},
        {STARTTLS_POSTGRES, "E", RECORD_ERROR_STARTTLS_REFUSED, "error"},
        {STARTTLS_POSTGRES, "SE", RECORD_ERROR_PROTOCOL, "bytes in clear"},
        {STARTTLS_POSTGRES, "H", RECORD_ERROR_PROTOCOL, "not postgres"},
        {STARTTLS_LDAP, "HTTP/1.1 400\r\n", RECORD_ERROR_PROTOCOL, "not ldap: HTTP"},
        {STARTTLS_LDAP, "\x30\x80", RECORD_ERROR_PROTOCOL, "not ldap"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dialogue dialogue;
        char pieces[256];
        enum dialogue_state last = DIALOGUE_GOING;
        snprintf(pieces, sizeof pieces, "%s", rows[i].server);
        dialogue_init(&dialogue, rows[i].protocol, "scanner.example");
        for (char *piece = strtok(pieces, "|"); piece; piece = strtok(NULL, "|"))
            last = dialogue_feed(&dialogue, piece, strlen(piece));
        if (last != (rows[i].error ? DIALOGUE_FAILED : DIALOGUE_GOING) || dialogue.error != rows[i].error ||
            (rows[i].detail && !strstr(dialogue.detail, rows[i].detail)))
            fail_msg("%s: %d %s '%s'", rows[i].server, last, record_error_name(dialogue.error), dialogue.detail);
        dialogue_done(&dialogue);
    }
}

static void test_ldap_refusal(void **state)
{
    (void)state;
    struct dialogue dialogue;
    dialogue_init(&dialogue, STARTTLS_LDAP, "scanner.example");
    assert_int_equal(dialogue_feed(&dialogue, BYTES(LDAP_REFUSAL)), DIALOGUE_FAILED);
    assert_int_equal(dialogue.error, RECORD_ERROR_STARTTLS_REFUSED);
    assert_string_equal(dialogue.detail, "resultCode 2 no TLS for you\x1b[J");
    dialogue_done(&dialogue);
    dialogue_init(&dialogue, STARTTLS_LDAP, "scanner.example");
    assert_int_equal(dialogue_feed(&dialogue, BYTES(OPENLDAP_SUCCESS "\x30")), DIALOGUE_FAILED);
    assert_int_equal(dialogue.error, RECORD_ERROR_PROTOCOL);
    dialogue_done(&dialogue);
}

static void test_ldap_reader(void **state)
{
    (void)state;
    struct ldap_response response;
    size_t used;
    /* every cut is a cut, never damage */
    for (size_t size = 0; size < sizeof AD_SUCCESS - 1; size++) {
        uint8_t *cut = malloc(size ? size : 1);
        memcpy(cut, AD_SUCCESS, size);
        assert_int_equal(ldap_read_extended_response((struct slice){cut, size}, &response, &used), CM_ETRUNCATED);
        free(cut);
    }
    static const struct {
        const char *bytes;
        size_t size;
        int code;
    } rows[] = {
        {BYTES("\x30\x84\x7f\xff\xff\xff\x02\x01\x01"), CM_ELIMIT},                         /* claims 2 GiB */
        {BYTES("\x30\x85\x00\x00\x00\x00\x0c\x02"), CM_EMALFORMED},                         /* five length octets */
        {BYTES("\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\x00\x04\x00\x04\x00"), CM_EMALFORMED}, /* another message's id */
        {BYTES("\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x00\x04\x00\x04\x00"), CM_EMALFORMED}, /* a notice of success */
        {BYTES("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"), CM_EMALFORMED}, /* a bind response */
        {BYTES("\x30\x0c\x02\x01\x01\x78\x07\x0a\x05\x00\x04\x00\x04\x00"), CM_EMALFORMED}, /* inner length too long */
        {BYTES("\x30\x03\x02\x01\x01"), CM_EMALFORMED},
        {BYTES("\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x34\x04\x00\x04\x00"), 0}, /* notice of disconnection, 52 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice bytes = {(const uint8_t *)rows[i].bytes, rows[i].size};
        assert_int_equal(ldap_read_extended_response(bytes, &response, &used), rows[i].code);
    }
    assert_int_equal(response.result, 52);
    assert_int_equal(used, 14);
}

/* A server that talks on for ever is cut off, whatever it says. */
static void test_bounds(void **state)
{
    (void)state;
    static const struct {
        enum starttls protocol;
        const char *first, *again;
    } rows[] = {
        {STARTTLS_SMTP, "220-x\r\n", "220-more and more\r\n"},
        {STARTTLS_SMTP, "220 ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {STARTTLS_IMAP, "* OK\r\n", "* FLAGS (a)\r\n"},
        {STARTTLS_POP3, "+OK ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dialogue dialogue;
        size_t sent = strlen(rows[i].first);
        dialogue_init(&dialogue, rows[i].protocol, "scanner.example");
        enum dialogue_state now = dialogue_feed(&dialogue, rows[i].first, sent);
        while (now == DIALOGUE_GOING && sent < 1000000) {
            now = dialogue_feed(&dialogue, rows[i].again, strlen(rows[i].again));
            sent += strlen(rows[i].again);
        }
        assert_int_equal(now, DIALOGUE_FAILED);
        assert_int_equal(dialogue.error, RECORD_ERROR_TOO_LARGE);
        assert_true(sent < 40000);
        assert_int_equal(dialogue_feed(&dialogue, "220 x\r\n", 7), DIALOGUE_FAILED); /* and it stays so */
        dialogue_done(&dialogue);
    }
}

static void test_names(void **state)
{
    (void)state;
    enum starttls protocol;
    for (int i = STARTTLS_NONE; i <= STARTTLS_AUTO; i++) {
        assert_int_equal(starttls_read(starttls_name((enum starttls)i), &protocol), 0);
        assert_int_equal(protocol, i);
    }
    assert_int_equal(starttls_read("SMTP", &protocol), CM_EINVAL);
    assert_int_equal(starttls_read("", &protocol), CM_EINVAL);
    assert_true(starttls_server_first(STARTTLS_SMTP) && starttls_server_first(STARTTLS_IMAP) &&
                starttls_server_first(STARTTLS_POP3));
    assert_false(starttls_server_first(STARTTLS_LDAP) || starttls_server_first(STARTTLS_POSTGRES) ||
                 starttls_server_first(STARTTLS_NONE) || starttls_server_first(STARTTLS_AUTO));
}

static void test_negotiation(void **state)
{
    enum { NONE = 1u << STARTTLS_NONE, POSTGRES = 1u << STARTTLS_POSTGRES, LDAP = 1u << STARTTLS_LDAP };
    enum { SMTP = 1u << STARTTLS_SMTP };
    static const struct {
        struct negotiate_past past;
        int next; /* -1: the end */
        bool guess;
    } rows[] = {
        /* TLS met a server that greets */
        {{NONE, STARTTLS_NONE, RECORD_ERROR_NOT_TLS, SNIFFED_SMTP, false}, STARTTLS_SMTP, false},
        {{NONE, STARTTLS_NONE, RECORD_ERROR_NOT_TLS, SNIFFED_SMTP, true}, STARTTLS_SMTP, false},
        {{NONE, STARTTLS_NONE, RECORD_ERROR_NOT_TLS, SNIFFED_LDAP, false}, STARTTLS_LDAP, false},
        {{NONE | SMTP, STARTTLS_NONE, RECORD_ERROR_NOT_TLS, SNIFFED_SMTP, true}, -1, false},
        {{NONE, STARTTLS_NONE, RECORD_ERROR_NOT_TLS, SNIFFED_HTTP, false}, -1, false},
        {{NONE, STARTTLS_NONE, RECORD_ERROR_NOT_TLS, SNIFFED_UNKNOWN, false}, -1, false},
        /* TLS was hung up on: the protocols in which the client speaks first, as guesses, each once */
        {{NONE, STARTTLS_NONE, RECORD_ERROR_CLOSED, 0, false}, STARTTLS_POSTGRES, true},
        {{NONE | POSTGRES, STARTTLS_POSTGRES, RECORD_ERROR_RESET, 0, false}, STARTTLS_LDAP, true},
        {{NONE | POSTGRES, STARTTLS_POSTGRES, RECORD_ERROR_PROTOCOL, 0, false}, STARTTLS_LDAP, true},
        {{NONE | POSTGRES | LDAP, STARTTLS_LDAP, RECORD_ERROR_CLOSED, 0, false}, -1, false},
        {{NONE, STARTTLS_NONE, RECORD_ERROR_CLOSED, 0, true}, -1, false}, /* 443 is TLS or nothing */
        /* TLS said no: that is an answer */
        {{NONE, STARTTLS_NONE, RECORD_ERROR_ALERT, 0, false}, -1, false},
        {{NONE, STARTTLS_NONE, RECORD_ERROR_PROTOCOL, 0, false}, -1, false},
        {{NONE, STARTTLS_NONE, RECORD_ERROR_NO_CERTIFICATE, 0, false}, -1, false},
        /* a dialogue by port number met something else */
        {{SMTP, STARTTLS_SMTP, RECORD_ERROR_PROTOCOL, 0, true}, STARTTLS_NONE, false},
        {{LDAP, STARTTLS_LDAP, RECORD_ERROR_CLOSED, 0, true}, STARTTLS_NONE, false},
        {{SMTP, STARTTLS_SMTP, RECORD_ERROR_STARTTLS_REFUSED, 0, true}, -1, false},
        {{SMTP | NONE, STARTTLS_SMTP, RECORD_ERROR_STARTTLS_REFUSED, 0, false}, -1, false},
        {{SMTP | NONE, STARTTLS_SMTP, RECORD_ERROR_ALERT, 0, true}, -1, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum starttls next = STARTTLS_AUTO;
        bool guess = false, more = negotiate_next(&rows[i].past, &next, &guess);
        if (more != (rows[i].next >= 0) || (more && ((int)next != rows[i].next || guess != rows[i].guess)))
            fail_msg("row %zu: %d %d %d", i, more, next, guess);
    }
    assert_int_equal(negotiate_by_port(25), STARTTLS_SMTP);
    assert_int_equal(negotiate_by_port(5432), STARTTLS_POSTGRES);
    assert_int_equal(negotiate_by_port(443), STARTTLS_NONE);
    assert_int_equal(negotiate_by_port(12345), STARTTLS_AUTO);
    assert_int_equal(negotiate_by_greeting(SNIFFED_FTP), STARTTLS_NONE);
}

/* Whatever the answers, a probe makes only so many tries. */
static void test_negotiation_ends(void **state)
{
    (void)state;
    for (int error = 1; error < RECORD_ERROR_COUNT_; error++) {
        for (int greeting = SNIFFED_UNKNOWN; greeting < SNIFFED_COUNT_; greeting++) {
            for (int first = STARTTLS_NONE; first < STARTTLS_AUTO; first++) {
                struct negotiate_past past = {1u << first, (enum starttls)first, (enum record_error)error,
                                              (enum sniffed)greeting, first != STARTTLS_NONE};
                unsigned tries = 1;
                bool guess;
                enum starttls next;
                while (negotiate_next(&past, &next, &guess)) {
                    assert_false(past.tried & 1u << next);
                    past.tried |= 1u << next;
                    past.last = next;
                    tries++;
                }
                assert_in_range(tries, 1, 4);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_ldap_refusal),
        cmocka_unit_test(test_ldap_reader),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_negotiation),
        cmocka_unit_test(test_negotiation_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
