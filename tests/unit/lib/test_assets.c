/* Requests, revocation lists and SSH certificates: against OpenSSL and ssh-keygen, cut at every byte, and as records. */
#include <openssl/pem.h>

#include "certmuster/crl.h"
#include "certmuster/csr.h"
#include "certmuster/der.h"
#include "certmuster/ids.h"
#include "certmuster/record.h"
#include "certmuster/record_read.h"
#include "certmuster/ssh_certificate.h"
#include "tests/unit/lib/make_cert.h"

/* Made by ssh-keygen; what it says of them with -L stands in the tests. */
static const char user[] =
    "AAAAKGVjZHNhLXNoYTItbmlzdHAzODQtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgK12Km64s71a5lgF7B1al5lDqrSDE5Nsf1t3hulMk6dYAAA"
    "AIbmlzdHAzODQAAABhBBNY+A58QEERz4wR/CYts8qKJR2u0c6pULHBDqig0soQCuS9+lY54rpqPvvJC4D+kN+Q4UuysweMU8WsckT5OOl36CG8"
    "uoozZl8+pkSt2VYNA3clhSzydBIhxlbMDwzxVv//////////AAAAAQAAAAtpZCAicXVvdGVkIgAAABAAAAAFYWxpY2UAAAADYm9iAAAAAGlVuQ"
    "AAAAAAazbsgAAAACIAAAANZm9yY2UtY29tbWFuZAAAAA0AAAAJL2Jpbi90cnVlAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAA"
    "F3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZX"
    "JtaXQtdXNlci1yYwAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACDRReqykGXp7bzEq+PjrKjRFZpqNRVXAhIYo64exvtPrgAAAFMAAAAL"
    "c3NoLWVkMjU1MTkAAABAE6sNTz3ies7JESCjap4AQCCnQp8FXi3bR8lhT3IpS2dJYxweSQwej7efA8A0k7oeqkx/bf6gg2QNza4+1q4IDQ==";
static const char host[] =
    "AAAAHHNzaC1yc2EtY2VydC12MDFAb3BlbnNzaC5jb20AAAAglWprDgCuU1XFZIOuJkU9/R//5cSg3H9IOvW5V6EB1cUAAAADAQABAAAAgQCbba"
    "HoBRnx90TnmSxPsFP4rbqYXa3VlS8SbA93+s7Q0RFhOjluZrYYoxAlhOaqjEo3rtcD6dzsV5HMNfbOe9foX584dtJyv88dmv2Xu0yBLE6w6apy"
    "uTWGrvxjoC6VAPPYqU460Pyyec53q7nG1X/usV7A5BirmDmFZTMbesd1KQAAAAAAAAAAAAAAAgAAAAxob3N0LmV4YW1wbGUAAAAAAAAAAAAAAA"
    "D//////////wAAAAAAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAg0UXqspBl6e28xKvj46yo0RWaajUVVwISGKOuHsb7T64AAABTAAAA"
    "C3NzaC1lZDI1NTE5AAAAQGbFIvssWyT41ehBlgX59Okka9Ff+Jy6kFwPFD8lmBA7DHwaoiOKLc9iOozXhyAAztX+RdVeF3trVNfuGD9VeQg=";

static void decode(const char *text, struct buf *out)
{
    buf_init(out, 1 << 16);
    assert_int_equal(base64_read(text, strlen(text), out), 0);
}

static struct buf request_der(EVP_PKEY *key, bool with_names)
{
    X509_REQ *request = X509_REQ_new();
    X509_NAME *name = make_name("csr.example");
    X509V3_CTX context;
    struct buf out;
    unsigned char *der = NULL;
    X509_REQ_set_subject_name(request, name);
    X509_REQ_set_pubkey(request, key);
    if (with_names) {
        X509V3_set_ctx(&context, NULL, NULL, request, NULL, 0);
        STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
        sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name,
                                                               "DNS:csr.example,IP:192.0.2.7,email:a@b.example"));
        sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(NULL, &context, NID_basic_constraints, "CA:TRUE"));
        X509_REQ_add_extensions(request, extensions);
        sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    }
    assert_true(X509_REQ_sign(request, key, EVP_sha256()) > 0);
    int size = i2d_X509_REQ(request, &der);
    buf_init(&out, 1 << 16);
    buf_append(&out, der, (size_t)size);
    OPENSSL_free(der);
    X509_NAME_free(name);
    X509_REQ_free(request);
    return out;
}

static void test_request(void **state)
{
    (void)state;
    EVP_PKEY *key = make_key("EC", "P-256");
    unsigned char *spki = NULL;
    uint8_t want[CM_SHA256_SIZE], got[CM_SHA256_SIZE];
    struct buf name, der = request_der(key, true);
    struct cert csr;
    struct san_walk walk;
    enum san_kind kind;
    buf_init(&name, 1 << 16);
    assert_int_equal(csr_parse(der.data, der.size, &csr, NULL), 0);
    assert_int_equal(csr.der.size, der.size);
    assert_int_equal(csr.version, 1);
    assert_string_equal(csr.key_alg, "EC");
    assert_string_equal(csr.curve, "P-256");
    assert_string_equal(csr.sig_alg, "ecdsa-with-SHA256");
    assert_true(csr.ca);
    assert_int_equal(name_rfc4514(csr.subject, &name), 0);
    assert_string_equal(name.data, "CN=csr.example,O=Muster & S\xC3\xB6hne,C=DE");
    int size = i2d_PUBKEY(key, &spki);
    sha256_bytes(spki, (size_t)size, want);
    OPENSSL_free(spki);
    cert_spki_sha256(&csr, got);
    assert_memory_equal(want, got, sizeof want);
    san_walk_init(&walk, &csr);
    assert_int_equal(san_walk_next(&walk, &kind, &name), 1);
    assert_int_equal(kind, SAN_DNS);
    assert_string_equal(name.data, "csr.example");
    assert_int_equal(san_walk_next(&walk, &kind, &name), 1);
    assert_string_equal(name.data, "192.0.2.7");
    for (size_t cut = 0; cut < der.size; cut++)
        assert_int_not_equal(csr_parse(der.data, cut, &csr, NULL), 0);
    buf_done(&der);

    der = request_der(key, false);
    assert_int_equal(csr_parse(der.data, der.size, &csr, NULL), 0);
    assert_false(csr.ca);
    assert_int_equal(csr.san.size, 0);
    buf_done(&der);
    buf_done(&name);
    EVP_PKEY_free(key);
}

/* Every byte changed in turn: read or refused, never read beyond (the sanitizers watch). */
static void test_request_damaged(void **state)
{
    (void)state;
    EVP_PKEY *key = make_key("EC", "P-256");
    struct buf der = request_der(key, true);
    struct cert csr;
    unsigned refused = 0;
    for (size_t i = 0; i < der.size; i++) {
        char kept = der.data[i];
        der.data[i] ^= 0x7F;
        refused += csr_parse(der.data, der.size, &csr, NULL) != 0;
        der.data[i] = kept;
    }
    assert_true(refused > 20);
    buf_done(&der);
    EVP_PKEY_free(key);
}

static struct buf list_der(EVP_PKEY *key, unsigned entries, bool bare)
{
    X509_CRL *crl = X509_CRL_new();
    X509_NAME *name = make_name("List CA");
    ASN1_TIME *time = ASN1_TIME_new();
    struct buf out;
    unsigned char *der = NULL;
    X509_CRL_set_version(crl, bare ? 0 : 1);
    X509_CRL_set_issuer_name(crl, name);
    ASN1_TIME_set_string_X509(time, "20260101000000Z");
    X509_CRL_set1_lastUpdate(crl, time);
    for (unsigned i = 0; i < entries; i++) {
        X509_REVOKED *revoked = X509_REVOKED_new();
        ASN1_INTEGER *serial = ASN1_INTEGER_new();
        ASN1_INTEGER_set(serial, 1000 + (long)i);
        X509_REVOKED_set_serialNumber(revoked, serial);
        X509_REVOKED_set_revocationDate(revoked, time);
        X509_CRL_add0_revoked(crl, revoked);
        ASN1_INTEGER_free(serial);
    }
    if (!bare) {
        ASN1_INTEGER *number = ASN1_INTEGER_new();
        ASN1_INTEGER_set(number, 0x1234);
        assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0), 1);
        ASN1_INTEGER_set(number, 0x12);
        assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, number, 1, 0), 1);
        ASN1_INTEGER_free(number);
        ASN1_TIME_set_string_X509(time, "20560101000000Z");
        X509_CRL_set1_nextUpdate(crl, time);
    }
    assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
    int size = i2d_X509_CRL(crl, &der);
    buf_init(&out, 1 << 20);
    buf_append(&out, der, (size_t)size);
    OPENSSL_free(der);
    ASN1_TIME_free(time);
    X509_NAME_free(name);
    X509_CRL_free(crl);
    return out;
}

static void test_list(void **state)
{
    (void)state;
    EVP_PKEY *key = make_key("EC", "P-256");
    struct buf der = list_der(key, 3, false);
    struct crl crl;
    assert_int_equal(crl_parse(der.data, der.size, &crl, NULL), 0);
    assert_int_equal(crl.der.size, der.size);
    assert_int_equal(crl.version, 2);
    assert_int_equal(crl.entries, 3);
    assert_int_equal(crl.this_update, 1767225600);
    assert_true(crl.next_update == INT64_C(2713910400));
    assert_int_equal(crl.number.size, 2);
    assert_memory_equal(crl.number.data, "\x12\x34", 2);
    assert_int_equal(crl.delta_of.size, 1);
    assert_string_equal(crl.sig_alg, "ecdsa-with-SHA256");
    for (size_t cut = 0; cut < der.size; cut++)
        assert_int_not_equal(crl_parse(der.data, cut, &crl, NULL), 0);
    buf_done(&der);

    der = list_der(key, 0, true);
    assert_int_equal(crl_parse(der.data, der.size, &crl, NULL), 0);
    assert_int_equal(crl.version, 1);
    assert_int_equal(crl.entries, 0);
    assert_true(crl.next_update == INT64_MIN);
    assert_int_equal(crl.number.size, 0);
    buf_done(&der);
    EVP_PKEY_free(key);
}

static void test_ssh(void **state)
{
    (void)state;
    struct ssh_certificate certificate;
    struct cursor cursor;
    struct slice name;
    struct buf blob;
    char text[SSH_FINGERPRINT_SIZE];
    decode(user, &blob);
    assert_int_equal(ssh_certificate_parse(buf_slice(&blob), &certificate, NULL), 0);
    assert_int_equal(certificate.role, 1);
    assert_true(certificate.serial == UINT64_MAX);
    assert_memory_equal(certificate.key_id.data, "id \"quoted\"", certificate.key_id.size);
    assert_int_equal(certificate.valid_after, 1767225600);
    assert_int_equal(certificate.valid_before, 1798761600);
    assert_string_equal(certificate.key.curve, "P-384");
    ssh_key_fingerprint(&certificate.key, text);
    assert_string_equal(text, "SHA256:FpoA7tz60WqdYd3BflBRjNnOXtVxi6nGVJgvmuBnxiM");
    ssh_fingerprint(certificate.ca.data, certificate.ca.size, text);
    assert_string_equal(text, "SHA256:spo7GfZjV15jYF0udgr0P/dupSYlHNMPHETRnx5RduM");
    cursor_init_slice(&cursor, certificate.principals);
    assert_int_equal(ssh_string(&cursor, &name), 0);
    assert_memory_equal(name.data, "alice", 5);
    assert_int_equal(ssh_string(&cursor, &name), 0);
    assert_memory_equal(name.data, "bob", 3);
    assert_true(cursor_at_end(&cursor));
    for (size_t cut = 0; cut < blob.size; cut++)
        assert_int_not_equal(ssh_certificate_parse((struct slice){(uint8_t *)blob.data, cut}, &certificate, NULL), 0);
    buf_done(&blob);

    decode(host, &blob);
    assert_int_equal(ssh_certificate_parse(buf_slice(&blob), &certificate, NULL), 0);
    assert_int_equal(certificate.role, 2);
    assert_int_equal(certificate.valid_after, 0);
    assert_true(certificate.valid_before == UINT64_MAX);
    assert_int_equal(certificate.key.bits, 1024);
    assert_int_equal(certificate.principals.size, 0);
    /* A count that claims four GiB */
    memset(blob.data + 4 + certificate.type.size, 0xFF, 4);
    assert_int_not_equal(ssh_certificate_parse(buf_slice(&blob), &certificate, NULL), 0);
    buf_done(&blob);
}

/* The SubjectPublicKeyInfo that we put together is the one that OpenSSL writes. */
static void same_spki(EVP_PKEY *key, const char *type, const char *const *parts, bool magnitudes)
{
    struct buf blob, spki;
    struct ssh_key read;
    unsigned char *want = NULL;
    buf_init(&blob, 1 << 16);
    buf_init(&spki, 1 << 16);
    const uint8_t length[4] = {0, 0, 0, (uint8_t)strlen(type)};
    buf_append(&blob, length, 4);
    buf_append_str(&blob, type);
    for (; *parts; parts++) {
        BIGNUM *number = NULL;
        uint8_t bytes[600] = {0};
        size_t size = 0;
        if (strncmp(*parts, "nist", 4) == 0) {
            size = strlen(*parts);
            memcpy(bytes, *parts, size);
        } else if (magnitudes) {
            assert_int_equal(EVP_PKEY_get_bn_param(key, *parts, &number), 1);
            size = (size_t)BN_num_bytes(number) + 1;
            BN_bn2bin(number, bytes + 1);
        } else {
            assert_int_equal(EVP_PKEY_get_octet_string_param(key, *parts, bytes, sizeof bytes, &size), 1);
        }
        const uint8_t head[4] = {0, 0, (uint8_t)(size >> 8), (uint8_t)size};
        buf_append(&blob, head, 4);
        buf_append(&blob, bytes, size);
        BN_free(number);
    }
    assert_int_equal(ssh_key_read(buf_slice(&blob), &read), 0);
    ssh_key_spki(&read, &spki);
    int size = i2d_PUBKEY(key, &want);
    assert_int_equal(size, spki.size);
    assert_memory_equal(want, spki.data, spki.size);
    assert_int_equal(read.bits, EVP_PKEY_get_bits(key));
    for (size_t cut = 0; cut < blob.size; cut++)
        assert_int_not_equal(ssh_key_read((struct slice){(uint8_t *)blob.data, cut}, &read), 0);
    OPENSSL_free(want);
    buf_done(&blob);
    buf_done(&spki);
    EVP_PKEY_free(key);
}

static EVP_PKEY *dsa_key(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    EVP_PKEY *parameters = NULL, *key = NULL;
    assert_int_equal(EVP_PKEY_paramgen_init(context), 1);
    EVP_PKEY_CTX_set_dsa_paramgen_bits(context, 1024);
    assert_int_equal(EVP_PKEY_paramgen(context, &parameters), 1);
    EVP_PKEY_CTX_free(context);
    context = EVP_PKEY_CTX_new(parameters, NULL);
    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    assert_int_equal(EVP_PKEY_keygen(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(parameters);
    return key;
}

static void test_spki(void **state)
{
    (void)state;
    same_spki(make_key("RSA", "1024"), "ssh-rsa", (const char *[]){"e", "n", NULL}, true);
    same_spki(dsa_key(), "ssh-dss", (const char *[]){"p", "q", "g", "pub", NULL}, true);
    same_spki(make_key("EC", "P-256"), "ecdsa-sha2-nistp256", (const char *[]){"nistp256", "pub", NULL}, false);
    same_spki(make_key("EC", "P-384"), "ecdsa-sha2-nistp384", (const char *[]){"nistp384", "pub", NULL}, false);
    same_spki(make_key("EC", "P-521"), "ecdsa-sha2-nistp521", (const char *[]){"nistp521", "pub", NULL}, false);
    same_spki(make_key("ED25519", ""), "ssh-ed25519", (const char *[]){"pub", NULL}, false);
    same_spki(make_key("ED448", ""), "ssh-ed448", (const char *[]){"pub", NULL}, false);
}

static void test_records(void **state)
{
    (void)state;
    EVP_PKEY *key = make_key("EC", "P-256");
    struct record_file file = {.realm = "default", .host = "h.example", .path = "/x"};
    struct record_seen seen = {.source = "crawl", .at_ms = 1767225600000, .file = &file};
    struct buf out, blob, csr = request_der(key, true), crl = list_der(key, 3, false);
    struct record record;
    static const char *const expected[] = {
        "\"subject\":\"CN=csr.example,O=Muster & S\xC3\xB6hne,C=DE\"",
        "\"san\":{\"dns\":[\"csr.example\"],\"ip\":[\"192.0.2.7\"],\"email\":[\"a@b.example\"]},\"ca\":true",
        "\"issuer\":\"CN=List CA,O=Muster & S\xC3\xB6hne,C=DE\",\"this_update\":\"2026-01-01T00:00:00Z\","
        "\"next_update\":\"2056-01-01T00:00:00Z\",\"entries\":3,\"number\":\"1234\",\"delta_of\":\"12\"",
        "\"role\":\"user\",\"serial\":\"18446744073709551615\",\"key_id\":\"id \\\"quoted\\\"\","
        "\"principals\":[\"alice\",\"bob\"],\"valid_after\":\"2026-01-01T00:00:00Z\",\"valid_before\":\"2027-01-01T"
        "00:00:00Z\"",
        "\"critical_options\":[{\"name\":\"force-command\",\"value\":\"/bin/true\"}],\"extensions\":[{\"name\":"
        "\"permit-X11-forwarding\"},",
    };
    decode(user, &blob);
    buf_init(&out, 1 << 20);
    record_write_csr(&out, &seen, csr.data, csr.size);
    record_write_crl(&out, &seen, crl.data, crl.size);
    record_write_ssh_certificate(&out, &seen, blob.data, blob.size);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (!strstr(out.data, expected[i]))
            fail_msg("%s is not in %s", expected[i], out.data);
    static const enum record_type types[] = {RECORD_CSR, RECORD_CRL, RECORD_SSH_CERTIFICATE};
    const char *line = out.data;
    for (size_t i = 0; i < 3; i++) {
        const char *end = strchr(line, '\n');
        assert_int_equal(record_read(line, (size_t)(end - line), &record, NULL), 0);
        assert_int_equal(record.type, types[i]);
        record_done(&record);
        line = end + 1;
    }
    assert_int_equal(*line, 0);
    buf_done(&out);
    buf_done(&blob);
    buf_done(&csr);
    buf_done(&crl);
    EVP_PKEY_free(key);
}

/* Times of others are kept as the inventory reads them, whatever RFC 3339 allows; what is none is refused. */
static void test_odd_times(void **state)
{
    (void)state;
    static const struct {
        const char *written, *kept; /* NULL: refused */
        int digits;                 /* of a second, and Z, behind it */
    } times[] = {
        {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 0},
        {"0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", 0},
        {"0000-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z", 0},
        {"0001-01-01T00:00:00+00:01", "0001-01-01T00:00:00Z", 0},
        {"9999-12-31T23:59:60.9Z", "9999-12-31T23:59:59Z", 0},
        {"9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z", 0},
        {"2026-01-01t01:00:00.5+1600", "2025-12-31T09:00:00Z", 0},
        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59Z", 0},
        {"2026-06-30 23:59:60Z", "2026-07-01T00:00:00Z", 0},
        {"2026-01-01T00:00:00.", "2026-01-01T00:00:00Z", 200},
        {"2026-01-01T00:00:00.", NULL, 300},
        {"infinity", NULL, 0},
        {"", NULL, 0},
        {"2026-01-01", NULL, 0},
        {"10000-01-01T00:00:00Z", NULL, 0},
        {"2026-01-01T00:00:00Z\\u0000", NULL, 0},
    };
    static const char *const members[][2] = {{"crl", "this_update"},
                                             {"crl", "next_update"},
                                             {"ssh_certificate", "valid_after"},
                                             {"ssh_certificate", "valid_before"}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        for (size_t j = 0; j < sizeof members / sizeof *members; j++) {
            struct record record;
            struct cm_error error;
            char end[512] = "", line[1024], kept[64];
            if (times[i].digits)
                memset(end, '1', (size_t)times[i].digits + 1);
            if (times[i].digits)
                end[times[i].digits] = 'Z';
            int size =
                snprintf(line, sizeof line,
                         "{\"v\":1,\"type\":\"%s\",\"source\":\"crawl\",\"at\":\"2026-11-21T03:00:00Z\",\"file\":{"
                         "\"realm\":\"r\",\"host\":\"h\",\"path\":\"/x\"},\"%s\":\"%s%s\"}",
                         members[j][0], members[j][1], times[i].written, end);
            int code = record_read(line, (size_t)size, &record, &error);
            assert_int_equal(code, times[i].kept ? 0 : CM_EMALFORMED);
            if (!times[i].kept)
                continue;
            snprintf(kept, sizeof kept, "{\"%s\":\"%s\"}", members[j][1], times[i].kept);
            assert_string_equal(record.facts_json, kept);
            record_done(&record);
        }
}

/* A certificate whose time is no time: everything else of it is told beside the reason. */
static void test_broken_certificate(void **state)
{
    (void)state;
    struct recipe recipe = {.key = make_key("EC", "P-256"),
                            .subject = make_name("broken.example"),
                            .version = 2,
                            .not_before = "20260101000000Z",
                            .not_after = "20270101000000Z",
                            .extensions = {{"subjectAltName", "DNS:broken.example"}}};
    X509 *x = make_cert(&recipe);
    unsigned char *der = NULL;
    int size = i2d_X509(x, &der);
    uint8_t sha256[CM_SHA256_SIZE], *time = memmem(der, (size_t)size, "270101000000Z", 13);
    struct buf out;
    struct cert cert;
    assert_non_null(time);
    time[2] = '9'; /* the 91st month */
    assert_int_equal(cert_parse(der, (size_t)size, &cert, NULL), CM_EMALFORMED);
    assert_int_equal(cert_parse_broken(der, (size_t)size, &cert, NULL), CM_EMALFORMED);
    assert_int_equal(cert.not_before, 1767225600);
    assert_true(cert.not_after == INT64_MIN);
    buf_init(&out, 1 << 20);
    sha256_bytes(der, (size_t)size, sha256);
    record_write_certificate(&out, der, (size_t)size, sha256);
    assert_non_null(strstr(out.data, "\"undecodable\":\"validity is not readable\",\"subject\":\"CN=broken.example,"));
    assert_non_null(strstr(out.data, "\"san\":{\"dns\":[\"broken.example\"]}"));
    assert_non_null(strstr(out.data, "\"spki_sha256\":\""));
    assert_null(strstr(out.data, "not_after"));
    buf_done(&out);
    OPENSSL_free(der);
    X509_free(x);
    X509_NAME_free(recipe.subject);
    EVP_PKEY_free(recipe.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),   cmocka_unit_test(test_request_damaged),
        cmocka_unit_test(test_list),      cmocka_unit_test(test_ssh),
        cmocka_unit_test(test_spki),      cmocka_unit_test(test_records),
        cmocka_unit_test(test_odd_times), cmocka_unit_test(test_broken_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
