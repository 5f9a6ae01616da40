/* Certificate, CertificateStatus, CertificateRequest, CertificateVerify and ServerKeyExchange: good, cut at every byte, over limit,
 * hostile. The hellos are in test_hello_messages.c. */
#include "tests/unit/lib/cmocka_first.h"

#include "scanner/tls/messages.h"
#include "scanner/tls/names.h"
#include "tests/unit/scan/wire.h"

/* --- Certificate ---------------------------------------------------------------------------------------------------- */

static void refuse_certificate(struct slice cut, void *version)
{
    struct tls_chain chain;
    assert_int_equal(tls_read_certificate(cut, *(uint16_t *)version, &chain), CM_EMALFORMED);
}

static void test_certificate(void **state)
{
    struct tls_chain chain;
    uint16_t v12 = TLS_VERSION_1_2, v13 = TLS_VERSION_1_3;
    struct slice hole = BYTES("\x00\x00\x0e\x00\x00\x03one\x00\x00\x02xy\x00\x00\x00");
    struct slice good12 = BYTES("\x00\x00\x10\x00\x00\x03one\x00\x00\x03one\x00\x00\x01z");
    struct slice good13 = BYTES("\x00\x00\x00\x14\x00\x00\x03one\x00\x00\x00\x00\x02xy\x00\x05\x12\x34\x00\x01!");
    (void)state;
    assert_int_equal(tls_read_certificate(hole, v12, &chain), CM_EMALFORMED); /* an empty certificate */
    assert_int_equal(tls_read_certificate(good12, v12, &chain), 0);
    assert_int_equal(chain.count, 3); /* as sent: duplicates and what is no certificate included */
    assert_true(slice_equal(chain.certs[0], chain.certs[1]));
    assert_int_equal(chain.certs[2].size, 1);
    assert_int_equal(tls_read_certificate(good12, TLS_VERSION_SSL3, &chain), 0); /* the form is as old as SSLv3 */
    assert_int_equal(chain.count, 3);
    assert_int_equal(tls_read_certificate(good13, v13, &chain), 0);
    assert_int_equal(chain.count, 2);
    assert_true(slice_equal(chain.certs[1], BYTES("xy")));
    assert_int_equal(chain.staple.size, 0);
    assert_int_equal(tls_read_certificate(good13, v12, &chain), CM_EMALFORMED);
    assert_int_equal(tls_read_certificate(good12, v13, &chain), CM_EMALFORMED);
    assert_int_equal(tls_read_certificate(BYTES("\x00\x00\x00"), v12, &chain), 0);
    assert_int_equal(chain.count, 0);
    assert_int_equal(tls_read_certificate(BYTES("\x00\x00\x00!"), v12, &chain), CM_EMALFORMED);
    wire_cuts(good12, refuse_certificate, &v12);
    wire_cuts(good13, refuse_certificate, &v13);
}

/* A Certificate of 1.3 with one entry that carries these extensions, and a second one with an extension of its own. */
static void write_entries(struct buf *out, struct slice extensions)
{
    buf_reset(out);
    wire_number(out, 1, 0);
    size_t list = wire_open(out, 3);
    wire_vector(out, 3, BYTES("leaf"));
    wire_vector(out, 2, extensions);
    wire_vector(out, 3, BYTES("issuer"));
    wire_vector(out, 2, BYTES("\x00\x05\x00\x05\x01\x00\x00\x01?"));
    wire_close(out, 3, list);
}

#define STATUS(response) "\x00\x05\x00\x08\x01\x00\x00\x04" response
#define SCT              "\x00\x12\x00\x05\x00\x03\x00\x01!"

static void test_leaf_extensions(void **state)
{
    uint16_t v13 = TLS_VERSION_1_3;
    struct tls_chain chain;
    struct buf message;
    (void)state;
    buf_init(&message, 1024);
    write_entries(&message, BYTES(STATUS("ocsp") SCT));
    assert_int_equal(tls_read_certificate(buf_slice(&message), v13, &chain), 0);
    assert_int_equal(chain.count, 2);
    assert_true(slice_equal(chain.staple, BYTES("ocsp"))); /* the leaf's, not the issuer's */
    assert_true(slice_equal(chain.scts, BYTES("\x00\x03\x00\x01!")));
    wire_cuts(buf_slice(&message), refuse_certificate, &v13);

    write_entries(&message, BYTES("")); /* what the issuer's entry carries is not the leaf's */
    assert_int_equal(tls_read_certificate(buf_slice(&message), v13, &chain), 0);
    assert_int_equal(chain.staple.size, 0);
    assert_int_equal(chain.scts.size, 0);

    write_entries(&message, BYTES(STATUS("ocsp") STATUS("also")));
    assert_int_equal(tls_read_certificate(buf_slice(&message), v13, &chain), CM_EMALFORMED);
    write_entries(&message, BYTES(SCT SCT));
    assert_int_equal(tls_read_certificate(buf_slice(&message), v13, &chain), CM_EMALFORMED);
    write_entries(&message, BYTES(STATUS("ocsp") "!"));
    assert_int_equal(tls_read_certificate(buf_slice(&message), v13, &chain), CM_EMALFORMED);
    /* A staple that is none: the chain stands, the bytes are lent for staple_read to refuse. */
    write_entries(&message, BYTES("\x00\x05\x00\x04\x01\x00\x00\x00"));
    assert_int_equal(tls_read_certificate(buf_slice(&message), v13, &chain), 0);
    assert_true(slice_equal(chain.staple, BYTES("\x01\x00\x00\x00")));
    buf_done(&message);
}

static int read_many(size_t count, size_t size, struct tls_chain *chain)
{
    struct buf body;
    uint8_t *cert = calloc(1, size);
    buf_init(&body, 32 * 1024 * 1024);
    size_t list = wire_open(&body, 3);
    for (size_t i = 0; i < count; i++)
        wire_vector(&body, 3, (struct slice){cert, size});
    wire_close(&body, 3, list);
    int code = tls_read_certificate(buf_slice(&body), TLS_VERSION_1_2, chain);
    free(cert);
    buf_done(&body);
    return code;
}

static void test_certificate_limits(void **state)
{
    struct tls_chain chain;
    (void)state;
    assert_int_equal(read_many(CM_LIMIT_CHAIN_CERTS, 10, &chain), 0);
    assert_int_equal(chain.count, CM_LIMIT_CHAIN_CERTS);
    assert_int_equal(read_many(CM_LIMIT_CHAIN_CERTS + 1, 10, &chain), CM_ELIMIT);
    assert_int_equal(read_many(1, CM_LIMIT_CERT_BYTES, &chain), 0);
    assert_int_equal(read_many(1, CM_LIMIT_CERT_BYTES + 1, &chain), CM_ELIMIT);
}

/* --- CertificateStatus ---------------------------------------------------------------------------------------------- */

static void refuse_status(struct slice cut, void *context)
{
    struct slice ocsp = BYTES("old");
    (void)context;
    assert_int_equal(tls_read_certificate_status(cut, &ocsp), CM_EMALFORMED);
    assert_true(slice_equal(ocsp, BYTES("old")));
}

static void test_certificate_status(void **state)
{
    struct slice ocsp;
    struct slice one = BYTES("\x01\x00\x00\x04ocsp");
    struct slice multi = BYTES("\x02\x00\x00\x0d\x00\x00\x04leaf\x00\x00\x03not");
    struct slice none_for_the_leaf = BYTES("\x02\x00\x00\x09\x00\x00\x00\x00\x00\x03not");
    (void)state;
    assert_int_equal(tls_read_certificate_status(one, &ocsp), 0);
    assert_true(slice_equal(ocsp, BYTES("ocsp")));
    assert_int_equal(tls_read_certificate_status(multi, &ocsp), 0);
    assert_true(slice_equal(ocsp, BYTES("leaf")));
    assert_int_equal(tls_read_certificate_status(none_for_the_leaf, &ocsp), 0);
    assert_int_equal(ocsp.size, 0);
    wire_cuts(one, refuse_status, NULL);
    wire_cuts(multi, refuse_status, NULL);
    refuse_status(BYTES("\x01\x00\x00\x00"), NULL);
    refuse_status(BYTES("\x01\x00\x00\x01x!"), NULL);
    refuse_status(BYTES("\x02\x00\x00\x03\x00\x00\x04"), NULL);
    assert_int_equal(tls_read_certificate_status(BYTES("\x03\x00\x00\x01x"), &ocsp), CM_EUNSUPPORTED);
}

/* --- CertificateRequest --------------------------------------------------------------------------------------------- */

struct asked {
    uint16_t version;
    size_t whole_at; /* where a request without a list of names ends */
    size_t names, bytes;
};

static void count_name(struct slice name, void *context)
{
    struct asked *asked = context;
    asked->names++;
    asked->bytes += name.size;
}

static struct asked ask(struct slice body, uint16_t version)
{
    struct asked asked = {.version = version};
    assert_int_equal(tls_read_certificate_request(body, version, count_name, &asked), 0);
    return asked;
}

/* Refused, and nobody was told of a name. Where a list of names is missing altogether, it is an empty one. */
static void refuse_request(struct slice cut, void *context)
{
    struct asked *asked = context;
    int code = tls_read_certificate_request(cut, asked->version, count_name, asked);
    if (code != (cut.size == asked->whole_at ? 0 : CM_EMALFORMED))
        fail_msg("%zu bytes of version %04x: %d", cut.size, asked->version, code);
    assert_int_equal(asked->names, 0);
}

#define NAMES "\x00\x09\x00\x03\x30\x01!\x00\x02\x30\x00"

static void test_certificate_request(void **state)
{
    struct slice v12 = BYTES("\x01\x01\x00\x02\x04\x03" NAMES);
    struct slice v10 = BYTES("\x02\x01\x40" NAMES);
    struct slice v13 = BYTES("\x00\x00\x17\x00\x0d\x00\x04\x00\x02\x04\x03\x00\x2f\x00\x0b" NAMES);
    const struct slice *requests[] = {&v10, &v10, &v10, &v12, &v13};
    size_t whole_without_names[] = {3, 3, 3, 6, SIZE_MAX};
    (void)state;
    for (uint16_t i = 0; i < 5; i++) {
        struct asked asked = ask(*requests[i], (uint16_t)(TLS_VERSION_SSL3 + i));
        assert_int_equal(asked.names, 2);
        assert_int_equal(asked.bytes, 5);
        struct asked nobody = {asked.version, whole_without_names[i], 0, 0};
        wire_cuts(*requests[i], refuse_request, &nobody);
    }
}

static void test_odd_certificate_requests(void **state)
{
    struct asked v10 = {TLS_VERSION_1_0, SIZE_MAX, 0, 0}, v13 = {TLS_VERSION_1_3, SIZE_MAX, 0, 0};
    (void)state;
    assert_int_equal(ask(BYTES("\x01\x01\x00\x00"), TLS_VERSION_1_0).names, 0);     /* an empty list */
    assert_int_equal(ask(BYTES("\x01\x01"), TLS_VERSION_1_0).names, 0);             /* none at all */
    assert_int_equal(ask(BYTES("\x00\x00\x02\x00\x00"), TLS_VERSION_1_1).names, 0); /* an empty name */
    assert_int_equal(ask(BYTES("\x00\x00\x00"), TLS_VERSION_1_3).names, 0);         /* no extensions */
    assert_int_equal(ask(BYTES("\x03xyz\x00\x00"), TLS_VERSION_1_3).names, 0);      /* a context */
    refuse_request(BYTES("\x01\x01\x00\x05\x00\x02\x30\x00\x00"), &v10);            /* a good name, then a bad one */
    refuse_request(BYTES("\x01\x01\x00\x00!"), &v10);                               /* something behind it */
    refuse_request(BYTES("\x00\x00\x08\x00\x2f\x00\x04\x00\x05\x00\x02"), &v13);    /* a name past the list */
    refuse_request(BYTES("\x00\x00\x0c\x00\x2f\x00\x02\x00\x00\x00\x2f\x00\x02\x00\x00"), &v13); /* two lists */
}

/* --- the key's proofs ----------------------------------------------------------------------------------------------- */

static void refuse_verify(struct slice cut, void *context)
{
    uint16_t scheme;
    struct slice signature;
    (void)context;
    assert_int_equal(tls_read_certificate_verify(cut, &scheme, &signature), CM_EMALFORMED);
}

static void test_certificate_verify(void **state)
{
    struct slice good = BYTES("\x08\x04\x00\x09signature");
    struct slice signature;
    uint16_t scheme;
    (void)state;
    assert_int_equal(tls_read_certificate_verify(good, &scheme, &signature), 0);
    assert_int_equal(scheme, 0x0804);
    assert_true(slice_equal(signature, BYTES("signature")));
    wire_cuts(good, refuse_verify, NULL);
    refuse_verify(BYTES("\x08\x04\x00\x01x!"), NULL);
}

static void test_ecdhe_group(void **state)
{
    uint16_t group = 7;
    (void)state;
    assert_int_equal(tls_read_ecdhe_group(BYTES("\x03\x00\x17\x41..."), &group), 0);
    assert_string_equal(tls_group_name(group), "secp256r1");
    assert_int_equal(tls_read_ecdhe_group(BYTES("\x01\x00\x17"), &group), 0); /* explicit prime: no name */
    assert_int_equal(group, 0);
    group = 7;
    assert_int_equal(tls_read_ecdhe_group(BYTES("\x03\x00"), &group), CM_EMALFORMED);
    assert_int_equal(tls_read_ecdhe_group(BYTES(""), &group), CM_EMALFORMED);
    assert_int_equal(group, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificate),         cmocka_unit_test(test_leaf_extensions),
        cmocka_unit_test(test_certificate_limits),  cmocka_unit_test(test_certificate_status),
        cmocka_unit_test(test_certificate_request), cmocka_unit_test(test_odd_certificate_requests),
        cmocka_unit_test(test_certificate_verify),  cmocka_unit_test(test_ecdhe_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
