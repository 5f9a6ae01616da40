/* What a server that speaks no TLS spoke instead: greetings and complaints as real servers send them, and every cut of each. */
#include "tests/unit/lib/cmocka_first.h"

#include "scanner/tls/sniff.h"
#include "tests/unit/scan/wire.h"

struct row {
    const char *bytes;
    size_t size;
    enum sniffed what;
};

#define ROW(bytes, what)                                                                                               \
    {                                                                                                                  \
        bytes, sizeof(bytes) - 1, what                                                                                 \
    }

static const struct row rows[] = {
    ROW("HTTP/1.1 400 Bad Request\r\n", SNIFFED_HTTP),
    ROW("HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html><h1>400 The plain HTTP request was sent to HTTPS port",
        SNIFFED_HTTP),
    ROW("<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">", SNIFFED_HTTP),
    ROW("<!doctype html>", SNIFFED_HTTP),
    ROW("<HTML><body>", SNIFFED_HTTP),
    ROW("<?xml version=\"1.0\"?><html>", SNIFFED_HTTP),
    ROW("HTTP/1.0 200 OK\r\n\r\nIt looks like you are trying to access MongoDB over HTTP", SNIFFED_MONGODB),
    ROW("HTTP/1.0 400 Bad Request\r\n\r\nPort 9000 is for clickhouse-client program", SNIFFED_CLICKHOUSE),
    ROW("RTSP/1.0 400 Bad Request\r\n", SNIFFED_RTSP),
    ROW("SIP/2.0 400 Bad Request\r\n", SNIFFED_SIP),
    ROW("ICY 200 OK\r\n", SNIFFED_ICY),
    ROW("<?xml version='1.0'?><stream:stream xmlns='jabber:client'", SNIFFED_XMPP),
    ROW("<stream:error>", SNIFFED_XMPP),
    ROW("SSH-2.0-x\r\n", SNIFFED_SSH),
    ROW("welcome\r\nSSH-2.0-x\r\n", SNIFFED_SSH),
    ROW("Exceeded MaxStartups\r\n", SNIFFED_SSH),
    ROW("Invalid SSH identification string.\r\n", SNIFFED_SSH),
    ROW("220 mx ESMTP\r\n", SNIFFED_SMTP),
    ROW("220-mx\r\n", SNIFFED_SMTP),
    ROW("220 ftp.example.com ESMTP Postfix\r\n", SNIFFED_SMTP),
    ROW("421 too many connections\r\n", SNIFFED_SMTP),
    ROW("554 no SMTP service here\r\n", SNIFFED_SMTP),
    ROW("220 mail LMTP Server ready\r\n", SNIFFED_LMTP),
    ROW("220 ProFTPD ready\r\n", SNIFFED_FTP),
    ROW("220 (vsFTPd 3.0.3)\r\n", SNIFFED_FTP),
    ROW("220-FileZilla Server 1.7\r\n", SNIFFED_FTP),
    ROW("421 There are too many connected users, FTP closes\r\n", SNIFFED_FTP),
    ROW("220 host dictd 1.12.1 <auth.mime>", SNIFFED_DICT),
    ROW("200 news.example.com InterNetNews NNRP server ready\r\n", SNIFFED_NNTP),
    ROW("201 no posting\r\n", SNIFFED_NNTP),
    ROW("502 You have no permission to talk.\r\n", SNIFFED_NNTP),
    ROW("* OK IMAP4\r\n", SNIFFED_IMAP),
    ROW("* BAD Error in IMAP command\r\n", SNIFFED_IMAP),
    ROW("+OK\r\n", SNIFFED_POP3),
    ROW("-ERR [AUTH] no\r\n", SNIFFED_POP3),
    ROW("-ERR unknown command '\x16\x03\x01'\r\n", SNIFFED_REDIS),
    ROW("-ERR Protocol error: unbalanced quotes in request\r\n", SNIFFED_REDIS),
    ROW("-NOAUTH Authentication required.\r\n", SNIFFED_REDIS),
    ROW("-DENIED Redis is running in protected mode\r\n", SNIFFED_REDIS),
    ROW("\"IMPLEMENTATION\" \"Dovecot Pigeonhole\"\r\n", SNIFFED_SIEVE),
    ROW(":irc.example.com NOTICE * :*** Looking up your hostname...\r\n", SNIFFED_IRC),
    ROW("NOTICE AUTH :*** Looking up\r\n", SNIFFED_IRC),
    ROW("ERROR :Closing Link: [Invalid]\r\n", SNIFFED_IRC),
    ROW("ERROR\r\n", SNIFFED_MEMCACHED),
    ROW("CLIENT_ERROR bad command\r\n", SNIFFED_MEMCACHED),
    ROW("ERROR\nmessage:Unknown STOMP action\n", SNIFFED_STOMP),
    ROW("INFO {\"server_id\":\"NA\"}\r\n", SNIFFED_NATS),
    ROW("@RSYNCD: 31.0\n", SNIFFED_RSYNC),
    ROW("( success ( 2 2 ( ) ( edit-pipeline svndiff1 ) ) )", SNIFFED_SUBVERSION),
    ROW("0036ERR unknown command", SNIFFED_GIT),
    ROW("Asterisk Call Manager/5.0\r\n", SNIFFED_ASTERISK),
    ROW("ZBXD\x01\x00", SNIFFED_ZABBIX),
    ROW("AMQP\0\0\x09\x01", SNIFFED_AMQP),
    ROW("RFB 003.008\n", SNIFFED_RFB),
    ROW("E\0\0\0\x65SFATAL\0", SNIFFED_POSTGRES),
    ROW("EFATAL:  unsupported frontend protocol 5635.12801", SNIFFED_POSTGRES),
    ROW("\x4a\0\0\0\x0a"
        "8.0.36\0",
        SNIFFED_MYSQL),
    ROW("\x45\0\0\0\xff\x6a\x04Host '10.0.0.1' is not allowed to connect to this MySQL server", SNIFFED_MYSQL),
    ROW("\x4b\0\0\0\xff\x6a\x04Host '10.0.0.1' is not allowed to connect to this MariaDB server", SNIFFED_MARIADB),
    ROW("\x5d\0\0\0\x0a"
        "5.5.5-10.11.6-MariaDB-0+deb12u1\0",
        SNIFFED_MARIADB),
    ROW("\x05\0\0\0\x0b\x08\x05\x1a\0", SNIFFED_MYSQLX),
    ROW("\x04\x01\x00\x25\x00\x00\x01\x00\x00\x00", SNIFFED_TDS),
    ROW("\x00\x59\x00\x00\x04\x00\x00\x00\x22\x00\x00\x4d(DESCRIPTION=(ERR=1153)", SNIFFED_TNS),
    ROW("\x00\x08\x00\x00\x0b\x00\x00\x00", SNIFFED_TNS),
    ROW("\x24\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0", SNIFFED_MONGODB),
    ROW("\x84\x00\x00\x00\x00\x00\x00\x00\x3c\x00\x00\x00\x0a\x00\x36Invalid or unsupported protocol version (22)",
        SNIFFED_CASSANDRA),
    ROW("\x20\x02\x00\x05", SNIFFED_MQTT),
    ROW("\x20\x03\x00\x84\x00", SNIFFED_MQTT),
    ROW("\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00", SNIFFED_RDP),
    ROW("\x00\x00\x00\x55\xffSMBr", SNIFFED_SMB),
    ROW("\x83\x00\x00\x01\x8f", SNIFFED_SMB),
    ROW("\xff\xfd\x18\xff\xfd\x20", SNIFFED_TELNET),
    ROW("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x15\x03", SNIFFED_BGP),
    ROW("\x05\xff", SNIFFED_SOCKS),
    ROW("\x00\x5b\x00\x00\x00\x00\x00\x00", SNIFFED_SOCKS),
    ROW("\x00\x0c\x03\x01\x81\x81\x00\x00\x00\x00\x00\x00\x00\x00", SNIFFED_DNS),
    ROW("\x80\x2e\x04\x00\x01\x00\x02\x03", SNIFFED_SSLV2),
    ROW("\x80\x03\x00\x00\x01", SNIFFED_SSLV2),
    ROW("\x30\x84\0\0\0\x10\x02\x01\x00\x78\x84", SNIFFED_LDAP),
    ROW("\x30\x0c\x02\x01\x00\x78\x07", SNIFFED_LDAP),
    ROW("\x00", SNIFFED_UNKNOWN),
    ROW("22", SNIFFED_UNKNOWN),
    ROW("2200", SNIFFED_UNKNOWN),
    ROW("", SNIFFED_UNKNOWN),
    ROW("\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03", SNIFFED_UNKNOWN),
    ROW("\x15\x03\x01\x00\x02\x02\x28", SNIFFED_UNKNOWN),
};

static void look(struct slice cut, void *context)
{
    (void)context;
    assert_true((size_t)sniff(cut) < SNIFFED_COUNT_);
}

static void test_sniff(void **state)
{
    bool met[SNIFFED_COUNT_] = {false};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice first = {(const uint8_t *)rows[i].bytes, rows[i].size};
        enum sniffed what = sniff(first);
        if (what != rows[i].what)
            fail_msg("%s is taken for %s", rows[i].bytes, sniffed_name(what));
        met[what] = true;
        wire_cuts(first, look, NULL); /* no cut is read past its end */
    }
    for (size_t what = 0; what < SNIFFED_COUNT_; what++) {
        if (!met[what] || !sniffed_name((enum sniffed)what) != (what == SNIFFED_UNKNOWN))
            fail_msg("protocol %zu has no row or no name", what);
    }
    assert_null(sniffed_name(SNIFFED_COUNT_));
    assert_null(sniffed_name((enum sniffed) - 1));
}

/* 64 KiB of noise are looked at no further than at their beginning. */
static void test_far_words(void **state)
{
    struct buf text;
    (void)state;
    buf_init(&text, 128 * 1024);
    for (int i = 0; i < 65536; i++)
        buf_append_char(&text, (char)(i % 7 + 'p'));
    buf_append_str(&text, "\nSSH-2.0-x");
    assert_int_equal(sniff(buf_slice(&text)), SNIFFED_UNKNOWN);
    buf_done(&text);
}

static void test_may_be_tls(void **state)
{
    (void)state;
    assert_true(sniff_may_be_tls(BYTES("\x16\x03\x01")));
    assert_true(sniff_may_be_tls(BYTES("\x15\x03\x03")));
    assert_true(sniff_may_be_tls(BYTES("\x16")));
    assert_true(sniff_may_be_tls(BYTES("")));
    assert_true(sniff_may_be_tls(BYTES("\x17\x03\x03"))); /* TLS that makes no sense is TLS */
    assert_true(sniff_may_be_tls(BYTES("\x14\x03\x03")));
    assert_false(sniff_may_be_tls(BYTES("\x16\x02")));
    assert_false(sniff_may_be_tls(BYTES("\x13")));
    assert_false(sniff_may_be_tls(BYTES("\x18\x03\x03"))); /* Heartbeat, which the record reader does not take */
    assert_false(sniff_may_be_tls(BYTES("H")));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice first = {(const uint8_t *)rows[i].bytes, rows[i].size};
        if (rows[i].what != SNIFFED_UNKNOWN && sniff_may_be_tls(first))
            fail_msg("%s is taken for TLS", rows[i].bytes);
    }
}

static void test_description(void **state)
{
    struct buf text;
    (void)state;
    buf_init(&text, 1024);
    sniff_describe(BYTES("SSH-2.0-100%\r\n\x1b[2J\xff"), &text);
    assert_string_equal(text.data, "SSH: SSH-2.0-100%25%0d%0a%1b[2J%ff");
    buf_reset(&text);
    sniff_describe(BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabb"), &text);
    assert_int_equal(text.size, 48);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sniff),
        cmocka_unit_test(test_far_words),
        cmocka_unit_test(test_may_be_tls),
        cmocka_unit_test(test_description),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
