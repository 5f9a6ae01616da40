/* TLS handshake messages as servers send them: good, cut at every byte, over limit, hostile; the first bytes of what is no TLS. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "scanner/tls/messages.h"
#include "scanner/tls/names.h"
#include "scanner/tls/sniff.h"

#define BYTES(text) ((struct slice){(const uint8_t *)(text), sizeof(text) - 1})
#define RANDOM      "0123456789abcdef0123456789abcdef"

static void test_server_hello(void **state)
{
    (void)state;
    struct tls_server_hello hello;
    struct slice v10 = BYTES("\x03\x01" RANDOM "\x00\x00\x2f\x00");
    assert_int_equal(tls_read_server_hello(v10, &hello), 0); /* no extensions at all */
    assert_int_equal(hello.version, 0x0301);
    assert_int_equal(hello.cipher, 0x002f);
    assert_int_equal(hello.group, 0);
    assert_false(hello.retry);
    struct slice v13 = BYTES("\x03\x03" RANDOM "\x04"
                             "sess\x13\x01\x00\x00\x1a\x00\x2b\x00\x02\x03\x04\x00\x33\x00\x02\x00\x1d"
                             "\x00\x10\x00\x05\x00\x03\x02h2\x00\x17\x00\x00");
    uint8_t copy[128];
    memcpy(copy, v13.data, v13.size);
    copy[2 + 32 + 1 + 4 + 3] = 0;
    copy[2 + 32 + 1 + 4 + 4] = (uint8_t)(v13.size - (2 + 32 + 1 + 4 + 5)); /* the extensions' size */
    struct slice fixed = {copy, v13.size};
    assert_int_equal(tls_read_server_hello(fixed, &hello), 0);
    assert_int_equal(hello.version, 0x0304);
    assert_int_equal(hello.cipher, 0x1301);
    assert_int_equal(hello.group, 29);
    assert_int_equal(hello.alpn.size, 2);
    assert_memory_equal(hello.alpn.data, "h2", 2);
    for (size_t size = 0; size < fixed.size; size++) {
        uint8_t *cut = malloc(size ? size : 1);
        memcpy(cut, copy, size);
        int code = tls_read_server_hello((struct slice){cut, size}, &hello);
        assert_true(code == CM_EMALFORMED || size == 2 + 32 + 1 + 4 + 3); /* there it ends as an old one may */
        free(cut);
    }
}

static void test_retry_request(void **state)
{
    (void)state;
    struct tls_server_hello hello;
    struct slice retry =
        BYTES("\x03\x03\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16"
              "\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c\x00\x13\x01\x00\x00\x0c\x00\x2b\x00\x02"
              "\x03\x04\x00\x33\x00\x02\x00\x19");
    assert_int_equal(tls_read_server_hello(retry, &hello), 0);
    assert_true(hello.retry);
    assert_int_equal(hello.group, 25);
    assert_string_equal(tls_group_name(hello.group), "secp521r1");
}

static void test_certificate(void **state)
{
    (void)state;
    struct tls_chain chain;
    struct slice v12 = BYTES("\x00\x00\x0e\x00\x00\x03one\x00\x00\x02xy\x00\x00\x00");
    struct slice good12 = BYTES("\x00\x00\x10\x00\x00\x03one\x00\x00\x03one\x00\x00\x01z");
    struct slice good13 = BYTES("\x00\x00\x00\x10\x00\x00\x03one\x00\x00\x00\x00\x02xy\x00\x01!");
    assert_int_equal(tls_read_certificate(v12, TLS_VERSION_1_2, &chain), CM_EMALFORMED); /* an empty certificate */
    assert_int_equal(tls_read_certificate(good12, TLS_VERSION_1_2, &chain), 0);
    assert_int_equal(chain.count, 3); /* as sent: duplicates and what is no certificate included */
    assert_true(slice_equal(chain.certs[0], chain.certs[1]));
    assert_int_equal(chain.certs[2].size, 1);
    assert_int_equal(tls_read_certificate(good13, TLS_VERSION_1_3, &chain), 0);
    assert_int_equal(chain.count, 2);
    assert_memory_equal(chain.certs[1].data, "xy", 2);
    assert_int_equal(tls_read_certificate(good13, TLS_VERSION_1_2, &chain), CM_EMALFORMED);
    assert_int_equal(tls_read_certificate(good12, TLS_VERSION_1_3, &chain), CM_EMALFORMED);
    assert_int_equal(tls_read_certificate(BYTES("\x00\x00\x00"), TLS_VERSION_1_2, &chain), 0);
    assert_int_equal(chain.count, 0);
    assert_int_equal(tls_read_certificate(BYTES("\x00\x00\x00!"), TLS_VERSION_1_2, &chain), CM_EMALFORMED);
    const struct slice *both[] = {&good12, &good13};
    for (size_t i = 0; i < 2; i++) {
        for (size_t size = 0; size < both[i]->size; size++) {
            uint8_t *cut = malloc(size ? size : 1);
            memcpy(cut, both[i]->data, size);
            assert_int_equal(
                tls_read_certificate((struct slice){cut, size}, i ? TLS_VERSION_1_3 : TLS_VERSION_1_2, &chain),
                CM_EMALFORMED);
            free(cut);
        }
    }
}

static void put24(struct buf *out, size_t value)
{
    buf_append_char(out, (char)(value >> 16));
    buf_append_char(out, (char)(value >> 8));
    buf_append_char(out, (char)value);
}

static int read_many(size_t count, size_t size, struct tls_chain *chain)
{
    struct buf body;
    uint8_t *cert = calloc(1, size);
    buf_init(&body, 32 * 1024 * 1024);
    put24(&body, count * (size + 3));
    for (size_t i = 0; i < count; i++) {
        put24(&body, size);
        buf_append(&body, cert, size);
    }
    int code = tls_read_certificate(buf_slice(&body), TLS_VERSION_1_2, chain);
    free(cert);
    buf_done(&body);
    return code;
}

static void test_certificate_limits(void **state)
{
    (void)state;
    struct tls_chain chain;
    assert_int_equal(read_many(CM_LIMIT_CHAIN_CERTS, 10, &chain), 0);
    assert_int_equal(chain.count, CM_LIMIT_CHAIN_CERTS);
    assert_int_equal(read_many(CM_LIMIT_CHAIN_CERTS + 1, 10, &chain), CM_ELIMIT);
    assert_int_equal(read_many(1, CM_LIMIT_CERT_BYTES, &chain), 0);
    assert_int_equal(read_many(1, CM_LIMIT_CERT_BYTES + 1, &chain), CM_ELIMIT);
}

static void count_names(struct slice name, void *context)
{
    size_t *count = context;
    *count += 1 + 100 * name.size;
}

static void test_certificate_request(void **state)
{
    (void)state;
    size_t names = 0;
    struct slice v12 = BYTES("\x01\x01\x00\x02\x04\x03\x00\x09\x00\x03"
                             "abc\x00\x02"
                             "de");
    struct slice v10 = BYTES("\x01\x01\x00\x09\x00\x03"
                             "abc\x00\x02"
                             "de");
    struct slice v13 = BYTES("\x00\x00\x17\x00\x0d\x00\x04\x00\x02\x04\x03\x00\x2f\x00\x0b\x00\x09\x00\x03"
                             "abc\x00\x02"
                             "de");
    assert_int_equal(tls_read_certificate_request(v12, TLS_VERSION_1_2, count_names, &names), 0);
    assert_int_equal(names, 502);
    names = 0;
    assert_int_equal(tls_read_certificate_request(v10, TLS_VERSION_1_0, count_names, &names), 0);
    assert_int_equal(names, 502);
    names = 0;
    assert_int_equal(tls_read_certificate_request(v13, TLS_VERSION_1_3, count_names, &names), 0);
    assert_int_equal(names, 502);
    for (size_t size = 0; size < v13.size; size++) {
        uint8_t *cut = malloc(size ? size : 1);
        memcpy(cut, v13.data, size);
        assert_int_equal(tls_read_certificate_request((struct slice){cut, size}, TLS_VERSION_1_3, count_names, &names),
                         CM_EMALFORMED);
        free(cut);
    }
}

static void test_groups_and_alerts(void **state)
{
    (void)state;
    uint16_t group = 7;
    assert_int_equal(tls_read_ecdhe_group(BYTES("\x03\x00\x17\x41..."), &group), 0);
    assert_string_equal(tls_group_name(group), "secp256r1");
    assert_int_equal(tls_read_ecdhe_group(BYTES("\x01\x00\x17"), &group), 0); /* explicit prime: no name */
    assert_int_equal(group, 0);
    assert_int_equal(tls_read_ecdhe_group(BYTES("\x03\x00"), &group), CM_EMALFORMED);
    assert_string_equal(tls_group_name(4588), "X25519MLKEM768");
    assert_null(tls_group_name(0x0a0a));
    assert_string_equal(tls_version_name(0x0304), "TLSv1.3");
    assert_null(tls_version_name(0x7f1c));
    assert_string_equal(tls_alert_name(112), "unrecognized_name");
    assert_null(tls_alert_name(255));
}

static void test_sniff(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        enum sniffed what;
    } rows[] = {
        {"HTTP/1.1 400 Bad Request\r\n", 26, SNIFFED_HTTP},
        {"SSH-2.0-x\r\n", 11, SNIFFED_SSH},
        {"220 mx ESMTP\r\n", 14, SNIFFED_SMTP},
        {"220-mx\r\n", 8, SNIFFED_SMTP},
        {"220 ProFTPD ready\r\n", 19, SNIFFED_FTP},
        {"220 (vsFTPd 3.0.3)\r\n", 20, SNIFFED_FTP},
        {"* OK IMAP4\r\n", 12, SNIFFED_IMAP},
        {"+OK\r\n", 5, SNIFFED_POP3},
        {"RFB 003.008\n", 12, SNIFFED_RFB},
        {"E\0\0\0\x65SFATAL\0", 13, SNIFFED_POSTGRES},
        {"\x4a\0\0\0\x0a"
         "8.0.36\0",
         12, SNIFFED_MYSQL},
        {"\x80\x2e\x04\x00\x01\x00\x02\x03", 8, SNIFFED_SSLV2},
        {"\x30\x84\0\0\0\x10\x02\x01\x00\x78\x84", 11, SNIFFED_LDAP},
        {"\x30\x0c\x02\x01\x00\x78\x07", 7, SNIFFED_LDAP},
        {"\x00", 1, SNIFFED_UNKNOWN},
        {"22", 2, SNIFFED_UNKNOWN},
        {"2200", 4, SNIFFED_UNKNOWN},
        {"", 0, SNIFFED_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t size = 0; size <= rows[i].size; size++) { /* no cut is read past its end */
            uint8_t *cut = malloc(size ? size : 1);
            memcpy(cut, rows[i].bytes, size);
            enum sniffed what = sniff((struct slice){cut, size});
            if (size == rows[i].size)
                assert_int_equal(what, rows[i].what);
            free(cut);
        }
    }
}

static void test_may_be_tls(void **state)
{
    (void)state;
    assert_true(sniff_may_be_tls(BYTES("\x16\x03\x01")));
    assert_true(sniff_may_be_tls(BYTES("\x15\x03\x03")));
    assert_true(sniff_may_be_tls(BYTES("\x16")));
    assert_true(sniff_may_be_tls(BYTES("")));
    assert_false(sniff_may_be_tls(BYTES("\x16\x02")));
    assert_false(sniff_may_be_tls(BYTES("\x17\x03\x03")));
    assert_false(sniff_may_be_tls(BYTES("H")));
}

static void test_description(void **state)
{
    (void)state;
    struct buf text;
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
        cmocka_unit_test(test_server_hello),
        cmocka_unit_test(test_retry_request),
        cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_certificate_limits),
        cmocka_unit_test(test_certificate_request),
        cmocka_unit_test(test_groups_and_alerts),
        cmocka_unit_test(test_sniff),
        cmocka_unit_test(test_may_be_tls),
        cmocka_unit_test(test_description),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
