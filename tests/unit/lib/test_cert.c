/* cert_parse against certificates that OpenSSL made, field by field; cut at every byte, every byte changed, and hostile shapes. */
#include "tests/unit/lib/cmocka_first.h"

#include "certmuster/limits.h"
#include "tests/unit/lib/openssl_view.h"

#include "tests/unit/lib/make_cert.h"

static EVP_PKEY *ec_key;

struct der {
    unsigned char *bytes;
    size_t size;
};

static struct der encode(X509 *x)
{
    struct der der = {NULL, 0};
    int size = i2d_X509(x, &der.bytes);
    assert_true(size > 0);
    der.size = (size_t)size;
    return der;
}

/* Reads every part of a certificate, so that the sanitizers see it. */
static void walk_all(const struct cert *cert)
{
    struct buf text;
    struct san_walk walk;
    enum san_kind kind;
    uint8_t digest[CM_SHA256_SIZE];
    buf_init(&text, CM_LIMIT_NAME_BYTES);
    int status = name_rfc4514(cert->subject, &text);
    buf_reset(&text);
    status |= name_common_name(cert->issuer, &text);
    san_walk_init(&walk, cert);
    while (san_walk_next(&walk, &kind, &text) > 0)
        status |= text.size > text.max;
    cert_tbs_sha256(cert, digest);
    assert_true(cert_issued_by(cert, cert) || status <= 0);
    buf_done(&text);
}

static int parse_copy(const unsigned char *bytes, size_t size)
{
    unsigned char *copy = malloc(size ? size : 1); /* ends where the allocation ends */
    struct cert cert, before;
    struct cm_error error = {0};
    memset(&cert, 0x5A, sizeof cert);
    before = cert;
    memcpy(copy, bytes, size);
    int status = cert_parse(copy, size, &cert, &error);
    if (!status) {
        walk_all(&cert);
    } else {
        assert_memory_equal(&cert, &before, sizeof cert);
        assert_int_equal(error.code, status);
        assert_non_null(error.reason);
        assert_true(error.offset <= size);
    }
    free(copy);
    return status;
}

/* Compares with OpenSSL, then cuts and changes every byte. Takes x. */
static void check(X509 *x)
{
    struct der der = encode(x);
    struct cert cert;
    struct view view = {0};
    buf_init(&view.differences, 1 << 20);
    assert_int_equal(cert_parse(der.bytes, der.size, &cert, NULL), 0);
    assert_int_equal(cert.der.size, der.size);
    view_compare(&view, &cert, x);
    if (view.differences.size)
        print_message("%s", view.differences.data);
    assert_int_equal(view.differences.size, 0);
    assert_int_equal(view.unprinted, 0);
    assert_true(view.compared >= 14);
    buf_done(&view.differences);

    size_t step = der.size / 1500 + 1;
    for (size_t cut = 0; cut < der.size; cut += step)
        assert_int_equal(parse_copy(der.bytes, cut), CM_ETRUNCATED);
    for (size_t at = 0; at < der.size; at += step)
        for (unsigned change = 0; change < 3; change++) {
            static const unsigned char masks[] = {0x01, 0x80, 0xFF};
            der.bytes[at] ^= masks[change];
            int status = parse_copy(der.bytes, der.size);
            assert_true(status == 0 || status == CM_EMALFORMED || status == CM_ETRUNCATED);
            der.bytes[at] ^= masks[change];
        }
    OPENSSL_free(der.bytes);
    X509_free(x);
}

static struct recipe plain(void)
{
    return (struct recipe){
        .key = ec_key, .version = 2, .not_before = "20260101000000Z", .not_after = "20261231235959Z"};
}

static void test_keys(void **state)
{
    static const struct {
        const char *algorithm, *detail, *alg, *curve;
        unsigned bits;
        bool no_digest;
    } rows[] = {{"RSA", "2048", "RSA", NULL, 2048, false},
                {"RSA", "1031", "RSA", NULL, 1031, false},
                {"EC", "P-256", "EC", "P-256", 256, false},
                {"EC", "P-521", "EC", "P-521", 521, false},
                {"EC", "secp256k1", "EC", "secp256k1", 256, false},
                {"ED25519", "", "Ed25519", NULL, 256, true},
                {"ED448", "", "Ed448", NULL, 456, true}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct recipe recipe = plain();
        struct cert cert;
        recipe.key = make_key(rows[i].algorithm, rows[i].detail);
        recipe.subject = make_name("keys.example");
        recipe.no_digest = rows[i].no_digest;
        X509 *x = make_cert(&recipe);
        struct der der = encode(x);
        assert_int_equal(cert_parse(der.bytes, der.size, &cert, NULL), 0);
        assert_string_equal(cert.key_alg, rows[i].alg);
        assert_int_equal(cert.key_bits, rows[i].bits);
        if (rows[i].curve)
            assert_string_equal(cert.curve, rows[i].curve);
        else
            assert_null(cert.curve);
        assert_non_null(cert.sig_alg);
        assert_true(cert.self_issued);
        OPENSSL_free(der.bytes);
        check(x);
        EVP_PKEY_free(recipe.key);
        X509_NAME_free(recipe.subject);
    }
}

static void test_version_one(void **state)
{
    (void)state;
    struct recipe recipe = plain();
    recipe.version = 0;
    recipe.subject = make_name("v1.example");
    check(make_cert(&recipe));
    X509_NAME_free(recipe.subject);
}

static void test_extensions_and_sans(void **state)
{
    (void)state;
    struct recipe recipe = plain();
    recipe.subject = make_name("ext.example");
    recipe.issuer = make_name("Some CA");
    const char *extensions[][2] = {
        {"basicConstraints", "critical,CA:TRUE,pathlen:3"},
        {"subjectKeyIdentifier", "hash"},
        {"authorityKeyIdentifier", "keyid:always,issuer:always"},
        {"extendedKeyUsage", "serverAuth,clientAuth"},
        {"subjectAltName",
         "DNS:a.example,DNS:*.b.example,IP:192.0.2.1,IP:2001:db8::1,IP:::ffff:198.51.100.7,email:x@a.example,"
         "URI:spiffe://a/b,RID:1.2.3.4,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user@corp.example"}};
    memcpy(recipe.extensions, extensions, sizeof extensions);
    X509 *x = make_cert(&recipe);
    struct der der = encode(x);
    struct cert cert;
    assert_int_equal(cert_parse(der.bytes, der.size, &cert, NULL), 0);
    assert_true(cert.ca);
    assert_false(cert.self_issued);

    static const struct {
        enum san_kind kind;
        const char *text;
    } expected[] = {{SAN_DNS, "a.example"},
                    {SAN_DNS, "*.b.example"},
                    {SAN_IP, "192.0.2.1"},
                    {SAN_IP, "2001:db8::1"},
                    {SAN_IP, "198.51.100.7"},
                    {SAN_EMAIL, "x@a.example"},
                    {SAN_URI, "spiffe://a/b"},
                    {SAN_OTHER, "registered:1.2.3.4"},
                    {SAN_OTHER, "other:1.3.6.1.4.1.311.20.2.3:user@corp.example"}};
    struct san_walk walk;
    struct buf text;
    enum san_kind kind;
    buf_init(&text, 1024);
    san_walk_init(&walk, &cert);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(san_walk_next(&walk, &kind, &text), 1);
        assert_int_equal(kind, expected[i].kind);
        assert_string_equal(text.data, expected[i].text);
    }
    assert_int_equal(san_walk_next(&walk, &kind, &text), 0);
    buf_done(&text);
    OPENSSL_free(der.bytes);
    check(x);
    X509_NAME_free(recipe.subject);
    X509_NAME_free(recipe.issuer);
}

static void test_many_sans(void **state)
{
    (void)state;
    struct recipe recipe = plain();
    struct buf value;
    recipe.subject = make_name("many.example");
    buf_init(&value, 1 << 20);
    for (unsigned i = 0; i < 3000; i++)
        buf_appendf(&value, "%sDNS:host-%u.many.example", i ? "," : "", i);
    recipe.extensions[0][0] = "subjectAltName";
    recipe.extensions[0][1] = value.data;
    check(make_cert(&recipe));
    buf_done(&value);
    X509_NAME_free(recipe.subject);
}

static void test_odd_names(void **state)
{
    (void)state;
    static const unsigned char bmp[] = {0x00, 'B', 0x20, 0xAC, 0x00, '"'};
    static const unsigned char universal[] = {0, 0, 0, 'U', 0, 1, 0xF6, 0x00};
    struct recipe recipe = plain();
    X509_NAME *name = recipe.subject = X509_NAME_new();
    add_name(name, "C", V_ASN1_PRINTABLESTRING, "DE", -1, 0);
    add_name(name, "O", V_ASN1_BMPSTRING, bmp, sizeof bmp, 0);
    add_name(name, "OU", V_ASN1_T61STRING, "M\xFCnchen", -1, 0);
    add_name(name, "L", V_ASN1_UNIVERSALSTRING, universal, sizeof universal, 0);
    add_name(name, "ST", V_ASN1_UTF8STRING, " lead, trail+\"<>;\\# ", -1, 0);
    add_name(name, "street", V_ASN1_UTF8STRING, "#1 Road", -1, 0);
    add_name(name, "CN", V_ASN1_UTF8STRING, "esc\x1b[31m\nnewline\x7f <script> =cmd()", -1, 0);
    add_name(name, "emailAddress", V_ASN1_IA5STRING, "a@b.example", -1, -1); /* a multi-valued RDN */
    add_name(name, "DC", V_ASN1_IA5STRING, "example", -1, 0);
    add_name(name, "1.2.3.4.5", V_ASN1_UTF8STRING, "unknown type", -1, 0);
    add_name(name, "CN", V_ASN1_UTF8STRING, " ", -1, 0);
    X509 *x = make_cert(&recipe);
    struct der der = encode(x);
    struct cert cert;
    struct buf text;
    buf_init(&text, CM_LIMIT_NAME_BYTES);
    assert_int_equal(cert_parse(der.bytes, der.size, &cert, NULL), 0);
    assert_int_equal(name_rfc4514(cert.subject, &text), 0);
    assert_string_equal(text.data,
                        "CN=\\ ,1.2.3.4.5=#0c0c756e6b6e6f776e2074797065,DC=example,"
                        "emailAddress=a@b.example+CN=esc\\1B[31m\\0Anewline\\7F \\<script\\> =cmd(),STREET=\\#1 Road,"
                        "ST=\\ lead\\, trail\\+\\\"\\<\\>\\;\\\\#\\ ,L=U\xF0\x9F\x98\x80,OU=M\xC3\xBCnchen,"
                        "O=B\xE2\x82\xAC\\\",C=DE");
    buf_reset(&text);
    assert_int_equal(name_common_name(cert.subject, &text), 0);
    assert_string_equal(text.data, " ");
    buf_done(&text);
    OPENSSL_free(der.bytes);
    check(x);
    X509_NAME_free(name);
}

static void test_empty_and_broken_names(void **state)
{
    (void)state;
    static const uint8_t empty[] = {0x30, 0x00},
                         broken[] = {0x30, 0x0B, 0x31, 0x09, 0x30, 0x07, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x05};
    struct buf text;
    buf_init(&text, 100);
    assert_int_equal(name_rfc4514((struct slice){empty, sizeof empty}, &text), 0);
    assert_string_equal(text.data, "");
    assert_int_equal(name_common_name((struct slice){empty, sizeof empty}, &text), CM_ENOTFOUND);
    assert_int_equal(name_rfc4514((struct slice){broken, sizeof broken}, &text), CM_EMALFORMED);
    assert_int_equal(name_rfc4514((struct slice){NULL, 0}, &text), CM_EMALFORMED);
    assert_int_equal(name_common_name((struct slice){NULL, 0}, &text), CM_EMALFORMED);
    buf_done(&text);
}

static void test_times(void **state)
{
    static const struct {
        const char *from, *until;
        int64_t seconds_from, seconds_until;
    } rows[] = {{"19500101000000Z", "20491231235959Z", -631152000, 2524607999},
                {"20500101000000Z", "99991231235959Z", 2524608000, 253402300799},
                {"19700101000000Z", "20000229120000Z", 0, 951825600}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct recipe recipe = plain();
        struct cert cert;
        recipe.subject = make_name("times.example");
        recipe.not_before = rows[i].from;
        recipe.not_after = rows[i].until;
        X509 *x = make_cert(&recipe);
        struct der der = encode(x);
        assert_int_equal(cert_parse(der.bytes, der.size, &cert, NULL), 0);
        assert_true(cert.not_before == rows[i].seconds_from);
        assert_true(cert.not_after == rows[i].seconds_until);
        OPENSSL_free(der.bytes);
        check(x);
        X509_NAME_free(recipe.subject);
    }
}

static void test_trailing_bytes_are_cut(void **state)
{
    (void)state;
    struct recipe recipe = plain();
    struct cert cert;
    recipe.subject = make_name("trailing.example");
    X509 *x = make_cert(&recipe);
    struct der der = encode(x);
    unsigned char *longer = malloc(der.size + 7);
    size_t length = 0;
    memcpy(longer, der.bytes, der.size);
    memset(longer + der.size, 0xEE, 7);
    assert_int_equal(cert_parse(longer, der.size + 7, &cert, NULL), 0);
    assert_int_equal(cert.der.size, der.size);
    assert_int_equal(cert_length(longer, der.size + 7, &length), 0);
    assert_int_equal(length, der.size);
    assert_int_equal(cert_length(longer, der.size - 1, &length), CM_ETRUNCATED);
    free(longer);
    OPENSSL_free(der.bytes);
    X509_free(x);
    X509_NAME_free(recipe.subject);
}

/* An extension value that is damaged leaves the certificate readable, and the walk says so. */
static void test_damaged_san(void **state)
{
    (void)state;
    struct recipe recipe = plain();
    struct cert cert;
    struct san_walk walk;
    struct buf text;
    enum san_kind kind;
    recipe.subject = make_name("damaged.example");
    recipe.extensions[0][0] = "2.5.29.17";
    recipe.extensions[0][1] = "DER:30:05:82:01:61:82:7F";
    X509 *x = make_cert(&recipe);
    struct der der = encode(x);
    buf_init(&text, 100);
    assert_int_equal(cert_parse(der.bytes, der.size, &cert, NULL), 0);
    san_walk_init(&walk, &cert);
    assert_int_equal(san_walk_next(&walk, &kind, &text), 1);
    assert_string_equal(text.data, "a");
    assert_int_equal(san_walk_next(&walk, &kind, &text), CM_EMALFORMED);
    buf_done(&text);
    OPENSSL_free(der.bytes);
    X509_free(x);
    X509_NAME_free(recipe.subject);
}

static void test_issued_by(void **state)
{
    (void)state;
    struct recipe ca = plain(), leaf = plain();
    struct cert ca_cert, leaf_cert;
    ca.subject = leaf.issuer = make_name("CA");
    leaf.subject = make_name("leaf.example");
    X509 *ca_x = make_cert(&ca), *leaf_x = make_cert(&leaf);
    struct der ca_der = encode(ca_x), leaf_der = encode(leaf_x);
    assert_int_equal(cert_parse(ca_der.bytes, ca_der.size, &ca_cert, NULL), 0);
    assert_int_equal(cert_parse(leaf_der.bytes, leaf_der.size, &leaf_cert, NULL), 0);
    assert_true(cert_issued_by(&leaf_cert, &ca_cert));
    assert_false(cert_issued_by(&ca_cert, &leaf_cert));
    static const uint8_t one[] = {1}, two[] = {2};
    leaf_cert.authority_key_id = (struct slice){one, 1};
    assert_true(cert_issued_by(&leaf_cert, &ca_cert)); /* the issuer says none */
    ca_cert.subject_key_id = (struct slice){two, 1};
    assert_false(cert_issued_by(&leaf_cert, &ca_cert));
    OPENSSL_free(ca_der.bytes);
    OPENSSL_free(leaf_der.bytes);
    X509_free(ca_x);
    X509_free(leaf_x);
    X509_NAME_free(ca.subject);
    X509_NAME_free(leaf.subject);
}

static void test_unknown_key_and_long_oids(void **state)
{
    (void)state;
    struct recipe recipe = plain();
    struct cert cert;
    recipe.subject = make_name("oid.example");
    X509 *x = make_cert(&recipe);
    struct der der = encode(x);
    static const unsigned char ec_oid[] = {0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
    unsigned char *at = memmem(der.bytes, der.size, ec_oid, sizeof ec_oid);
    assert_non_null(at);
    at[8] = 0x7F;
    assert_int_equal(cert_parse(der.bytes, der.size, &cert, NULL), 0);
    assert_null(cert.key_alg);
    assert_string_equal(cert.key_oid, "1.2.840.10045.2.127");
    memset(at + 2, 0xFF, 6); /* one arc of 49 bits */
    assert_int_equal(cert_parse(der.bytes, der.size, &cert, NULL), 0);
    assert_string_equal(cert.key_oid, "2.562949953421231");
    at[8] = 0x80; /* ends inside an arc */
    assert_int_equal(cert_parse(der.bytes, der.size, &cert, NULL), 0);
    assert_string_equal(cert.key_oid, "?");
    OPENSSL_free(der.bytes);
    X509_free(x);
    X509_NAME_free(recipe.subject);
}

static int setup(void **state)
{
    (void)state;
    ec_key = make_key("EC", "P-256");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(ec_key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_version_one),
        cmocka_unit_test(test_extensions_and_sans),
        cmocka_unit_test(test_many_sans),
        cmocka_unit_test(test_odd_names),
        cmocka_unit_test(test_empty_and_broken_names),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_trailing_bytes_are_cut),
        cmocka_unit_test(test_damaged_san),
        cmocka_unit_test(test_issued_by),
        cmocka_unit_test(test_unknown_key_and_long_oids),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
