/* The mail of an alert as bytes: lines, columns, encodings, and that nothing in it can become a header. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/encode.h"
#include "collector/alert/alert_private.h"

static const struct mail plain = {.from = "certmuster@example.org",
                                  .to = "ops@example.org",
                                  .message_id = "<1@example.org>",
                                  .subject = "www.example.org expires in 5 days",
                                  .text = "One line.\nTwo lines.\n",
                                  .date = 1795230245};

static void write_mail(struct buf *out, struct mail mail)
{
    buf_init(out, 1 << 20);
    mail_write(out, &mail);
    assert_false(out->failed);
}

static void is_a_mail(void **state)
{
    (void)state;
    struct buf out;
    write_mail(&out, plain);
    assert_string_equal(out.data, "Date: Sat, 21 Nov 2026 03:04:05 +0000\r\n"
                                  "From: certmuster <certmuster@example.org>\r\n"
                                  "To: <ops@example.org>\r\n"
                                  "Message-ID: <1@example.org>\r\n"
                                  "Subject: www.example.org expires in 5 days\r\n"
                                  "Auto-Submitted: auto-generated\r\n"
                                  "MIME-Version: 1.0\r\n"
                                  "Content-Type: text/plain; charset=utf-8\r\n"
                                  "Content-Transfer-Encoding: quoted-printable\r\n"
                                  "\r\n"
                                  "One line.\r\n"
                                  "Two lines.\r\n");
    buf_done(&out);
}

/* Every line ends in CRLF, has at most 78 columns, and the headers are exactly ours. */
static void check_shape(const struct buf *out)
{
    static const char *const names[] = {"Date:",         "From:",         "To:",
                                        "Message-ID:",   "Subject:",      "Auto-Submitted:",
                                        "MIME-Version:", "Content-Type:", "Content-Transfer-Encoding:"};
    size_t header = 0;
    bool in_body = false;
    for (const char *line = out->data; *line;) {
        const char *end = strstr(line, "\r\n");
        assert_non_null(end);
        assert_null(memchr(line, '\n', (size_t)(end - line)));
        assert_null(memchr(line, '\r', (size_t)(end - line)));
        assert_true(end - line <= 78);
        if (!in_body && end == line) {
            in_body = true;
        } else if (!in_body && line[0] != ' ') {
            assert_true(header < 9);
            assert_memory_equal(line, names[header], strlen(names[header]));
            header++;
        }
        line = end + 2;
    }
    assert_true(in_body);
    assert_int_equal(header, 9);
}

static void no_subject_becomes_a_header(void **state)
{
    (void)state;
    static const char *const subjects[] = {
        "a\r\nBcc: evil@example.org",
        "a\nBcc: evil@example.org\n\nbody",
        "\r\n\r\nbody",
        "a\rBcc: x",
        "=?UTF-8?Q?=0D=0ABcc:x?=",
        "ünïcödé",
        "a very long subject that goes on and on, further than a line of a mail may go, and still has to arrive whole, "
        "ä ö ü",
        "",
        "\x01\x7F\x1B[31m",
    };
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        struct buf out;
        struct mail mail = plain;
        mail.subject = subjects[i];
        write_mail(&out, mail);
        check_shape(&out);
        assert_null(strstr(out.data, "\r\nBcc"));
        buf_done(&out);
    }
}

/* What the encoded words of the subject say, put together; the reader's side of RFC 2047. */
static void decode_subject(const char *mail, struct buf *out)
{
    const char *at = strstr(mail, "Subject: ") + strlen("Subject: ");
    while (strncmp(at, "=?UTF-8?B?", 10) == 0) {
        at += 10;
        size_t size = strcspn(at, "?");
        size_t before = out->size;
        assert_int_equal(base64_read(at, size, out), 0);
        /* Each word holds whole characters (RFC 2047 §5): it does not begin with a continuation byte. */
        assert_int_not_equal((unsigned char)out->data[before] & 0xC0, 0x80);
        at += size;
        assert_memory_equal(at, "?=\r\n", 4);
        at += 4;
        if (*at == ' ')
            at++;
    }
}

static void a_subject_arrives_whole(void **state)
{
    (void)state;
    char subject[400];
    /* Every offset of the three-byte character against the words' ends. */
    for (int shift = 0; shift < 6; shift++) {
        struct buf out, back;
        struct mail mail = plain;
        memset(subject, 'x', (size_t)shift);
        subject[shift] = 0;
        for (int i = 0; i < 60; i++)
            strcat(subject, i % 3 ? "€" : "𝄞");
        mail.subject = subject;
        write_mail(&out, mail);
        check_shape(&out);
        buf_init(&back, 4096);
        decode_subject(out.data, &back);
        assert_string_equal(back.data, subject);
        buf_done(&back);
        buf_done(&out);
    }
}

/* The reader's side of quoted-printable. */
static void decode_body(const char *mail, struct buf *out)
{
    for (const char *at = strstr(mail, "\r\n\r\n") + 4; *at;) {
        if (strncmp(at, "=\r\n", 3) == 0) {
            at += 3;
        } else if (*at == '=') {
            char hex[3] = {at[1], at[2], 0};
            buf_append_char(out, (char)strtol(hex, NULL, 16));
            at += 3;
        } else if (*at == '\r') {
            buf_append_char(out, '\n');
            at += 2;
        } else {
            buf_append_char(out, *at++);
        }
    }
}

static void a_body_arrives_whole(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "x\n",
        ".\n..\n.x\n",
        "trailing blank \ntrailing tab\t\n",
        "=3D = \n",
        "ünïcödé € 𝄞\n",
        "\x01\x1B\x7F\r\n",
        "no end\n",
        "\n\n\n",
        "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
        "\n",
        "012345678901234567890123456789012345678901234567890123456789012345678901234€67890123456789\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf out, back;
        struct mail mail = plain;
        mail.text = texts[i];
        write_mail(&out, mail);
        check_shape(&out);
        /* A lone dot would end the message, trailing white space would be lost. */
        assert_null(strstr(out.data, "\r\n.\r\n"));
        assert_null(strstr(out.data, " \r\n"));
        buf_init(&back, 4096);
        decode_body(out.data, &back);
        assert_string_equal(back.data, texts[i]);
        buf_done(&back);
        buf_done(&out);
    }
}

static void takes_only_plain_addresses(void **state)
{
    (void)state;
    assert_true(mail_address_ok("ops@example.org"));
    assert_true(mail_address_ok("a+b.c@localhost"));
    static const char *const bad[] = {
        "",      "ops",     "@example.org", "ops@",    "a b@example.org", "a@example.org\r\nBcc: x",
        "<a@b>", "a@b,c@d", "a@b c",        "\"a\"@b", "ä@example.org"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(mail_address_ok(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_a_mail),
        cmocka_unit_test(no_subject_becomes_a_header),
        cmocka_unit_test(a_subject_arrives_whole),
        cmocka_unit_test(a_body_arrives_whole),
        cmocka_unit_test(takes_only_plain_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
