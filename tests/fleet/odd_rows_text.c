/* Odd servers that say nothing, something else, only an alert, or too much (see odd.h). */
#include "tests/fleet/odd.h"

#define FAILS(error, why) .expect = error, .detail = why
#define SCRIPT(word)      .play = odd_script, .script = word, .version = 0x0303, .suite = 0xc02b
#define SCRIPT13(word)    .play = odd_script, .script = word, .version = 0x0304, .suite = 0x1301
#define BYTES(string)     .text = string, .text_size = sizeof(string) - 1
#define GREETS(label, pattern, string)                                                                                 \
    {                                                                                                                  \
        label, FAILS("not_tls", pattern), .play = odd_text_first, BYTES(string)                                        \
    }
#define ANSWERS(label, pattern, string)                                                                                \
    {                                                                                                                  \
        label, FAILS("not_tls", pattern), .play = odd_text_after, BYTES(string)                                        \
    }
#define SIXTEEN(what) what what what what what what what what what what what what what what what what

/* The alerts of RFC 8446 §6 and RFC 5246 §7.2, each as a fatal first answer to whatever hello; by what the ladder makes of it. */
#define ALERT_(number, name, tries)                                                                                    \
    {                                                                                                                  \
        "alert-" #number, FAILS("alert", name), SCRIPT("<A."), .alert = number, .attempts = tries                      \
    }
#define ALERT(number, name)       ALERT_(number, name, NULL)
#define ALERT_WORDS(number, name) ALERT_(number, name, "tls1.2,tls1.0-plain,sslv2")
#define ALERT_OFFER(number, name) ALERT_(number, name, "tls-wide,tls1.2,tls1.0-plain")

static const struct odd_row rows[] = {
    ALERT_WORDS(10, "unexpected_message"),
    ALERT_WORDS(20, "bad_record_mac"),
    ALERT(21, "decryption_failed_RESERVED"),
    ALERT_WORDS(22, "record_overflow"),
    ALERT(30, "decompression_failure_RESERVED"),
    ALERT_OFFER(40, "handshake_failure"),
    ALERT(41, "no_certificate_RESERVED"),
    ALERT(42, "bad_certificate"),
    ALERT(43, "unsupported_certificate"),
    ALERT(44, "certificate_revoked"),
    ALERT(45, "certificate_expired"),
    ALERT(46, "certificate_unknown"),
    ALERT_WORDS(47, "illegal_parameter"),
    ALERT(48, "unknown_ca"),
    ALERT(49, "access_denied"),
    ALERT_WORDS(50, "decode_error"),
    ALERT(51, "decrypt_error"),
    ALERT(60, "export_restriction_RESERVED"),
    ALERT_WORDS(70, "protocol_version"),
    ALERT_OFFER(71, "insufficient_security"),
    ALERT_WORDS(80, "internal_error"),
    ALERT(86, "inappropriate_fallback"),
    ALERT(90, "user_canceled"),
    ALERT(100, "no_renegotiation_RESERVED"),
    ALERT_WORDS(109, "missing_extension"),
    ALERT_WORDS(110, "unsupported_extension"),
    ALERT(111, "certificate_unobtainable_RESERVED"),
    ALERT(112, "unrecognized_name"),
    ALERT(113, "bad_certificate_status_response"),
    ALERT(114, "bad_certificate_hash_value_RESERVED"),
    ALERT(115, "unknown_psk_identity"),
    ALERT(116, "certificate_required"),
    ALERT_(120, "no_application_protocol", "alpn-none"),
    ALERT(121, "ech_required"),
    ALERT(199, "*199*"), /* nobody has assigned it */
    {"alert-of-one-byte", FAILS("protocol|closed", NULL), SCRIPT("<L."), .attempts = "tls1.2,tls1.0-plain,sslv2"},
    {"close-notify-first", FAILS("alert|closed", "close_notify"), SCRIPT("<W."), .alert = 0,
     .attempts = "tls1.2,tls1.0-plain,sslv2"},
    {"close-notify-unasked", FAILS("alert|closed", "close_notify"), SCRIPT("W."), .alert = 0,
     .attempts = "tls1.2,tls1.0-plain,sslv2"},
    {"alert-unasked", FAILS("alert", "internal_error"), SCRIPT("A."), .alert = 80,
     .attempts = "tls1.2,tls1.0-plain,sslv2"},
    {"warning-then-silence", FAILS("timeout", NULL), SCRIPT("<W~"), .alert = 90, .flags = ODD_SLOW},

    {"silent", FAILS("timeout", NULL), SCRIPT("~"), .flags = ODD_SLOW},
    {"silent-after-hello", FAILS("timeout", NULL), SCRIPT("<~"), .flags = ODD_SLOW},
    {"noise-16k", FAILS("not_tls", "*"), .play = odd_noise},

    GREETS("greets-smtp", "SMTP: 220 mx.odd.example*", "220 mx.odd.example ESMTP Postfix\r\n"),
    GREETS("greets-ftp", "FTP: 220*", "220 (vsFTPd 3.0.3)\r\n"),
    GREETS("greets-ssh", "SSH: SSH-2.0-*", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    GREETS("greets-pop3", "POP3: +OK*", "+OK POP3 ready <1.2@odd.example>\r\n"),
    GREETS("greets-imap", "IMAP: * OK*", "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"),
    GREETS("greets-mysql", "MySQL: *",
           "J\0\0\0\x0a"
           "8.0.36\0\x0b\0\0\0ABCDEFGH\0\xff\xf7\xff\2\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0ABCDEFGHIJKL\0mysql_native_"
           "password\0"),
    GREETS("greets-rfb", "RFB*: RFB 003.008*", "RFB 003.008\n"),
    GREETS("greets-nntp", "*200 news*", "200 news.odd.example InterNetNews\r\n"),
    GREETS("greets-irc", "*NOTICE*", ":irc.odd.example NOTICE * :*** Looking up your hostname\r\n"),
    GREETS("greets-telnet", "*", "\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27"),
    GREETS("greets-sieve", "*IMPLEMENTATION*",
           "\"IMPLEMENTATION\" \"Dovecot Pigeonhole\"\r\n\"STARTTLS\"\r\nOK \"ready\"\r\n"),
    GREETS("greets-rsync", "*RSYNCD*", "@RSYNCD: 31.0 sha512 sha256\n"),
    GREETS("greets-http", "HTTP: HTTP/1.1 408*", "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"),
    ANSWERS(
        "answers-http", "HTTP: HTTP/1.1 400*",
        "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\nThe plain HTTP request was sent to a port of plain HTTP.\n"),
    ANSWERS("answers-html", "*",
            "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>\r\n"),
    ANSWERS("answers-ssh", "SSH: SSH-2.0-*", "SSH-2.0-dropbear_2022.83\r\n"),
    ANSWERS("answers-smtp", "*500 5.5.2*", "500 5.5.2 Error: bad syntax\r\n"),
    ANSWERS("answers-ldap", "LDAP: *",
            "0$\2\1\0x\x1f\x0a\1\x34\4\0\4\0\x8a\x16"
            "1.3.6.1.4.1.1466.20036"),
    ANSWERS(
        "answers-postgres", "PostgreSQL: *",
        "E\0\0\0\x5bSFATAL\0VFATAL\0C0A000\0Munsupported frontend protocol 5886.256: server supports 3.0 to 3.0\0\0"),
    ANSWERS("answers-redis", "*ERR*", "-ERR unknown command, with args beginning with: \r\n"),
    ANSWERS("answers-rdp", "*", "\3\0\0\x13\x0e\xd0\0\0\x12\x34\0\2\x1f\x08\0\2\0\0\0"),
    ANSWERS("answers-xmpp", "*stream*",
            "<?xml version='1.0'?><stream:stream xmlns='jabber:server' id='1'><stream:error/></stream:stream>"),
    ANSWERS("answers-memcached", "*ERROR*", "ERROR\r\n"),
    ANSWERS("answers-amqp", "*AMQP*", "AMQP\0\0\x09\1"),
    ANSWERS("answers-mssql", "*",
            "\4\1\0\x2b\0\0\1\0\0\0\x1a\0\6\1\0\x20\0\1\2\0\x21\0\1\3\0\x22\0\0\4\0\x22\0\1\xff\x10\0\7\xd0\0\0\2\0\0"),
    ANSWERS("answers-escapes", "*%1b*", "\x1b[2J\x1b]0;owned\7 what a nice terminal\r\n"),
    ANSWERS("answers-one-byte", "*", "?"),

    /* Floods: as fast as the peer takes it, for ever. What ends them is the limit on a flight, or that they make no sense. */
    {"flood-warnings", FAILS("too_large|protocol", NULL), SCRIPT("<@W"), .alert = 90, .flags = ODD_FLOOD,
     .attempts = "*"},
    {"flood-empty-records", FAILS("too_large|protocol", NULL), SCRIPT("<@Z"), .flags = ODD_FLOOD, .attempts = "*"},
    {"flood-empty-data", FAILS("too_large|protocol", NULL), SCRIPT("<@z"), .flags = ODD_FLOOD, .attempts = "*"},
    {"flood-ccs", FAILS("too_large|protocol", NULL), SCRIPT("<@V"), .flags = ODD_FLOOD, .attempts = "*"},
    {"flood-ccs-tls13", FAILS("too_large|protocol", NULL), SCRIPT13("<S@V"), .flags = ODD_FLOOD},
    {"flood-hello-requests", FAILS("too_large|protocol", NULL), SCRIPT("<@Q,"), .flags = ODD_FLOOD, .attempts = "*"},
    {"flood-hello-requests-packed", FAILS("too_large|protocol", NULL), SCRIPT("<S@" SIXTEEN("Q")), .flags = ODD_FLOOD},
    {"flood-tickets", FAILS("too_large|protocol", NULL), SCRIPT("<S,@M,"), .flags = ODD_FLOOD},
    {"flood-tickets-tls13", FAILS("too_large|protocol", NULL), SCRIPT13("<SV@M,"), .flags = ODD_FLOOD},
    {"flood-encrypted-extensions", FAILS("too_large|protocol", NULL), SCRIPT13("<SV@E,"), .flags = ODD_FLOOD},
    {"flood-server-hellos", FAILS("too_large|protocol", NULL), SCRIPT("<@S,"), .flags = ODD_FLOOD},
    {"flood-retries", FAILS("too_large|protocol", NULL), SCRIPT13("<@H,"), .group = 23, .flags = ODD_FLOOD,
     .attempts = "*"},
    {"flood-retries-asked", FAILS("too_large|protocol", NULL), SCRIPT13("@<H,"), .group = 23, .flags = ODD_FLOOD,
     .attempts = "*"},
    {"flood-certificate-16m", FAILS("too_large", "*1048576*"), SCRIPT("<S,B@0"), .flags = ODD_FLOOD},
    {"flood-certificate-16m-tls13", FAILS("too_large", "*1048576*"), SCRIPT13("<SVEB@0"), .flags = ODD_FLOOD},
    {"flood-certificate-1m-tls12", FAILS("protocol|too_large", NULL), SCRIPT("<S,b@0"), .flags = ODD_FLOOD},
    {"flood-garbage-data", FAILS("protocol|too_large", NULL), SCRIPT("<@g"), .flags = ODD_FLOOD, .attempts = "*"},
    {"flood-certificates-after", .expect = "ok", SCRIPT("<S,@C,"), .flags = ODD_FLOOD},
    {"flood-noise", FAILS("not_tls", "*"), .play = odd_noise_flood, .flags = ODD_FLOOD},
    {"flood-smtp-greeting", FAILS("not_tls", "SMTP: *"), .play = odd_text_flood,
     BYTES("220-mx.odd.example ESMTP, and there is more\r\n"), .flags = ODD_FLOOD},
    /* Almost a megabyte of one message, then nothing: what a connection can make a client hold. */
    {"hold-almost-1m", FAILS("timeout", NULL), SCRIPT("<S,b" SIXTEEN("000") "~"), .flags = ODD_SLOW},
    {"drip-certificate-1m", FAILS("timeout", NULL), SCRIPT("<S,b0~"), .cut = CUT_DRIP, .flags = ODD_SLOW},
    {"drip-warnings", FAILS("timeout", NULL), SCRIPT("<@W"), .alert = 90, .cut = CUT_DRIP, .flags = ODD_SLOW},
};
const struct odd_table odd_table_text = {rows, sizeof rows / sizeof *rows};
