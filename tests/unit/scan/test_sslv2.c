/* SSL 2.0: our CLIENT-HELLO byte by byte, and SERVER-HELLOs in both header forms: with a real certificate, cut at every byte, refused, lying. */
#include "tests/unit/lib/cmocka_first.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/tls/sslv2.h"

/* A certificate as an SSL 2.0 server has one: RSA. out is freed by the caller. */
static size_t make_certificate(uint8_t **out)
{
    EVP_PKEY *key = EVP_RSA_gen(1024);
    X509 *certificate = X509_new();
    assert_non_null(key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const uint8_t *)"old.example",
                               -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    *out = NULL;
    int size = i2d_X509(certificate, out);
    assert_true(size > 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return (size_t)size;
}

struct hello { /* what a SERVER-HELLO claims */
    uint8_t message, hit, type;
    uint16_t version;
    struct slice certificate;
    const char *specs;
    size_t specs_size;
    int certificate_lie, specs_lie; /* added to the lengths */
};

static void put_u16(struct buf *out, size_t value)
{
    buf_append_char(out, (char)(value >> 8));
    buf_append_char(out, (char)value);
}

/* padding < 0: the header of two bytes. */
static void put_record(struct buf *out, struct slice message, int padding)
{
    if (padding < 0) {
        put_u16(out, 0x8000 | message.size);
    } else {
        put_u16(out, message.size + (size_t)padding);
        buf_append_char(out, (char)padding);
    }
    buf_append(out, message.data, message.size);
    for (int i = 0; i < padding; i++)
        buf_append_char(out, 'p');
}

static void put_hello(struct buf *out, const struct hello *hello, int padding)
{
    struct buf message;
    buf_init(&message, 65536);
    buf_append_char(&message, (char)hello->message);
    buf_append_char(&message, (char)hello->hit);
    buf_append_char(&message, (char)hello->type);
    put_u16(&message, hello->version);
    put_u16(&message, hello->certificate.size + (size_t)hello->certificate_lie);
    put_u16(&message, hello->specs_size + (size_t)hello->specs_lie);
    put_u16(&message, 16);
    buf_append(&message, hello->certificate.data, hello->certificate.size);
    buf_append(&message, hello->specs, hello->specs_size);
    buf_append(&message, "connection-id-16", 16);
    put_record(out, buf_slice(&message), padding);
    buf_done(&message);
}

/* Reads from memory that ends where the bytes end. */
static int read_copy(struct slice bytes, struct sslv2_server_hello *out)
{
    uint8_t *copy = malloc(bytes.size ? bytes.size : 1);
    memcpy(copy, bytes.data, bytes.size);
    int code = sslv2_read_server_hello((struct slice){copy, bytes.size}, out);
    free(copy);
    return code;
}

static const struct hello good = {.message = 4, .type = 1, .version = 2, .specs = "\7\0\xc0\1\0\x80", .specs_size = 6};

static void test_server_hello(void **state)
{
    (void)state;
    uint8_t *der;
    size_t der_size = make_certificate(&der);
    struct hello hello = good;
    hello.certificate = (struct slice){der, der_size};
    for (int padding = -1; padding < 9; padding++) {
        struct sslv2_server_hello got, untouched = {.cipher = 77};
        struct buf bytes;
        buf_init(&bytes, 65536);
        put_hello(&bytes, &hello, padding);
        assert_int_equal(sslv2_read_server_hello(buf_slice(&bytes), &got), 0);
        assert_true(slice_equal(got.certificate, hello.certificate));
        assert_int_equal(got.version, 2);
        assert_string_equal(sslv2_cipher_name(got.cipher), "SSL_CK_DES_192_EDE3_CBC_WITH_MD5");
        size_t needed = bytes.size - (padding > 0 ? (size_t)padding : 0); /* the padding says nothing */
        for (size_t cut = 0; cut < needed; cut++)
            assert_int_equal(read_copy((struct slice){(const uint8_t *)bytes.data, cut}, &untouched), CM_ETRUNCATED);
        assert_int_equal(untouched.cipher, 77);
        buf_append_str(&bytes, "what follows is of no interest");
        assert_int_equal(read_copy(buf_slice(&bytes), &got), 0);
        buf_done(&bytes);
    }
    free(der);
}

static int answer_to(const struct hello *hello)
{
    struct sslv2_server_hello got;
    struct buf bytes;
    buf_init(&bytes, 65536);
    put_hello(&bytes, hello, -1);
    int code = read_copy(buf_slice(&bytes), &got);
    buf_done(&bytes);
    return code;
}

static void test_without_certificate(void **state)
{
    (void)state;
    struct sslv2_server_hello got;
    struct buf bytes;
    struct hello resumed = {.message = 4, .hit = 1, .version = 2, .specs = ""};
    buf_init(&bytes, 1000);
    put_hello(&bytes, &resumed, -1);
    assert_int_equal(sslv2_read_server_hello(buf_slice(&bytes), &got), 0);
    assert_int_equal(got.certificate.size, 0);
    assert_int_equal(got.cipher, 0);
    buf_done(&bytes);
}

static void test_hostile(void **state)
{
    (void)state;
    struct hello hello = good;
    hello.certificate = (struct slice){(const uint8_t *)"certificate", 11};
    assert_int_equal(answer_to(&hello), 0);
    static const struct {
        int certificate, specs;
    } lies[] = {{1, 0}, {-1, 0}, {0, 3}, {0, -3}, {3, -3}, {0x7000, 0}, {0, 0x7ffe}, {17, 0}, {65000, 0}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct hello liar = hello;
        liar.certificate_lie = lies[i].certificate;
        liar.specs_lie = lies[i].specs;
        /* One of them moves three bytes between two fields that are both there: nothing can tell. */
        assert_int_equal(answer_to(&liar), lies[i].certificate == 3 && lies[i].specs == -3 ? 0 : CM_EMALFORMED);
    }
    struct hello other = hello;
    other.version = 0x0300;
    assert_int_equal(answer_to(&other), CM_EMALFORMED);
    other = hello;
    other.type = 2;
    assert_int_equal(answer_to(&other), CM_EMALFORMED);
    other = hello;
    other.specs_size = 5;
    assert_int_equal(answer_to(&other), CM_EMALFORMED);
    for (unsigned message = 0; message < 256; message++) {
        other = hello;
        other.message = (uint8_t)message;
        assert_int_equal(answer_to(&other), message == 4 ? 0 : CM_EMALFORMED);
    }
}

/* Told by its first bytes, so that a server of another protocol is not waited for. */
static void test_other_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        int code;
    } rows[] = {
        {"", 0, CM_ETRUNCATED},
        {"\x80", 1, CM_ETRUNCATED},
        {"\x80\x03\x00", 3, CM_ETRUNCATED},
        {"\x80\x03\x00\x00\x01", 5, CM_EUNSUPPORTED}, /* ERROR: no cipher */
        {"\x00\x08\x05\x00\x00\x02", 6, CM_EUNSUPPORTED},
        {"\x80\x04\x00", 3, CM_EMALFORMED}, /* an ERROR has three bytes */
        {"\x80\x0a\x04", 3, CM_EMALFORMED}, /* no SERVER-HELLO is that short */
        {"\x80\x00", 2, CM_EMALFORMED},
        {"\x00\x03\x04", 3, CM_EMALFORMED}, /* padding above the record */
        {"\x40\x10", 2, CM_EMALFORMED},     /* an escape */
        {"HTTP/1.1", 8, CM_EMALFORMED},
        {"SSH-2.0-", 8, CM_EMALFORMED},
        {"220 mail", 8, CM_EMALFORMED},
        {"\x15\x03\x00\x00\x02\x02\x28", 7, CM_EMALFORMED},         /* a TLS alert */
        {"\x16\x03\x03\x04\x4a\x02\x00\x04\x46", 9, CM_EMALFORMED}, /* … whose length looks like SERVER-HELLO */
        {"\x80\x0b\x04\x00\x01\x00", 6, CM_ETRUNCATED},
        {"\x80\x0b\x04\x00\x01\x03\x00", 7, CM_EMALFORMED}, /* the version of SSL 3.0 */
        {"\x16\x03\x00\x00\x4a\x02", 6, CM_EMALFORMED},     /* a TLS handshake record */
    };
    struct sslv2_server_hello got;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(read_copy((struct slice){(const uint8_t *)rows[i].bytes, rows[i].size}, &got), rows[i].code);
}

static void test_client_hello(void **state)
{
    (void)state;
    static const char want[] = "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"
                               "\x01\x00\x80\x02\x00\x80\x03\x00\x80\x04\x00\x80\x05\x00\x80\x06\x00\x40\x07\x00\xc0"
                               "challenge-of-16-";
    struct buf bytes;
    buf_init(&bytes, 1000);
    sslv2_client_hello((const uint8_t *)"challenge-of-16-and more", &bytes);
    assert_int_equal(bytes.size, sizeof want - 1);
    assert_memory_equal(bytes.data, want, sizeof want - 1);
    for (size_t at = 11; at < 11 + 21; at += 3) {
        uint32_t cipher = (uint32_t)want[at] << 16 | (uint32_t)(uint8_t)want[at + 2];
        assert_non_null(sslv2_cipher_name(cipher));
    }
    assert_null(sslv2_cipher_name(0));
    assert_null(sslv2_cipher_name(0x00002f)); /* a TLS suite in three bytes */
    buf_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_hello), cmocka_unit_test(test_without_certificate), cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_other_bytes),  cmocka_unit_test(test_client_hello),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
