/* ServerHello, HelloRetryRequest, EncryptedExtensions and ClientHello: good, odd, cut at every byte, told twice. */
#include "tests/unit/lib/cmocka_first.h"

#include "scanner/tls/messages.h"
#include "scanner/tls/names.h"
#include "tests/unit/scan/wire.h"

#define RANDOM "0123456789abcdef0123456789abcdef"
#define RETRY                                                                                                          \
    "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2" \
    "\xc8\xa8\x33\x9c"

struct extension {
    uint16_t type;
    struct slice data;
};

/* A ServerHello with these extensions; count 0: without the list. */
static void write_server_hello(struct buf *out, uint16_t version, struct slice random, uint16_t cipher,
                               const struct extension *extensions, size_t count)
{
    buf_reset(out);
    wire_number(out, 2, version);
    wire_slice(out, random);
    wire_vector(out, 1, BYTES("session"));
    wire_number(out, 2, cipher);
    wire_number(out, 1, 0);
    if (count == 0)
        return;
    size_t list = wire_open(out, 2);
    for (size_t i = 0; i < count; i++)
        wire_extension(out, extensions[i].type, extensions[i].data);
    wire_close(out, 2, list);
}

static int read_hello(struct buf *message, struct tls_server_hello *hello)
{
    return tls_read_server_hello(buf_slice(message), hello);
}

/* Where a hello ends after the compression method, it is an old one without extensions. */
static void refuse_server_hello(struct slice cut, void *context)
{
    struct tls_server_hello hello = {.cipher = 0x7777};
    int code = tls_read_server_hello(cut, &hello);
    if (cut.size == *(size_t *)context)
        assert_int_equal(code, 0);
    else {
        assert_int_equal(code, CM_EMALFORMED);
        assert_int_equal(hello.cipher, 0x7777); /* untouched */
    }
}

static void test_old_server_hello(void **state)
{
    struct tls_server_hello hello;
    struct buf message;
    static const struct extension extensions[] = {{0xff01, {(const uint8_t *)"", 1}},
                                                  {5, {NULL, 0}},
                                                  {18, {(const uint8_t *)"\0\5\0\3sct", 7}},
                                                  {16, {(const uint8_t *)"\0\3\2h2", 5}}};
    (void)state;
    buf_init(&message, 1024);
    write_server_hello(&message, 0x0301, BYTES(RANDOM), 0x002f, NULL, 0);
    assert_int_equal(read_hello(&message, &hello), 0);
    assert_int_equal(hello.legacy_version, 0x0301);
    assert_int_equal(hello.version, 0x0301);
    assert_int_equal(hello.cipher, 0x002f);
    assert_int_equal(hello.group, 0);
    assert_false(hello.retry);
    assert_int_equal(hello.extensions.size, 0);
    assert_int_equal(hello.scts.size, 0);
    size_t without = message.size;

    write_server_hello(&message, 0x0303, BYTES(RANDOM), 0xc02f, extensions, 4);
    assert_int_equal(read_hello(&message, &hello), 0);
    assert_int_equal(hello.version, 0x0303);
    assert_true(slice_equal(hello.random, BYTES(RANDOM)));
    assert_true(slice_equal(hello.session_id, BYTES("session")));
    assert_true(slice_equal(hello.alpn, BYTES("h2")));
    assert_true(slice_equal(hello.scts, BYTES("\0\5\0\3sct")));
    assert_int_equal(hello.extensions.size, message.size - without - 2);
    wire_cuts(buf_slice(&message), refuse_server_hello, &without);
    buf_append_char(&message, '!');
    assert_int_equal(read_hello(&message, &hello), CM_EMALFORMED);
    buf_done(&message);
}

static void test_new_server_hello(void **state)
{
    struct tls_server_hello hello;
    struct buf message;
    static const struct extension extensions[] = {{43, {(const uint8_t *)"\x03\x04", 2}},
                                                  {51, {(const uint8_t *)"\x00\x1d\x00\x03key", 7}}};
    size_t without = 2 + 32 + 8 + 3;
    (void)state;
    buf_init(&message, 1024);
    write_server_hello(&message, 0x0303, BYTES(RANDOM), 0x1301, extensions, 2);
    assert_int_equal(read_hello(&message, &hello), 0);
    assert_int_equal(hello.legacy_version, 0x0303);
    assert_int_equal(hello.version, 0x0304);
    assert_int_equal(hello.group, 29);
    assert_true(slice_equal(hello.share, BYTES("key")));
    assert_false(hello.retry);
    wire_cuts(buf_slice(&message), refuse_server_hello, &without);
    buf_done(&message);
}

static void test_retry_request(void **state)
{
    struct tls_server_hello hello;
    struct buf message;
    static const struct extension extensions[] = {{43, {(const uint8_t *)"\x03\x04", 2}},
                                                  {51, {(const uint8_t *)"\x00\x19", 2}},
                                                  {44,
                                                   {(const uint8_t *)"\x00\x06"
                                                                     "cookie",
                                                    8}}};
    size_t without = 2 + 32 + 8 + 3;
    (void)state;
    buf_init(&message, 1024);
    write_server_hello(&message, 0x0303, BYTES(RETRY), 0x1302, extensions, 3);
    assert_int_equal(read_hello(&message, &hello), 0);
    assert_true(hello.retry);
    assert_int_equal(hello.group, 25);
    assert_int_equal(hello.share.size, 0);
    assert_true(slice_equal(hello.cookie, BYTES("cookie")));
    wire_cuts(buf_slice(&message), refuse_server_hello, &without);
    write_server_hello(&message, 0x0303, BYTES(RETRY), 0x1302, extensions, 1); /* a cookie alone, or nothing at all */
    assert_int_equal(read_hello(&message, &hello), 0);
    assert_int_equal(hello.group, 0);
    buf_done(&message);
}

/* Each of these extensions, behind supported_versions 1.3 or not, is refused. */
static void test_hostile_server_extensions(void **state)
{
    static const struct {
        bool new, retry;
        struct extension extension;
    } rows[] = {
        {true, false, {51, {(const uint8_t *)"\x00\x1d", 2}}},              /* a group alone in a ServerHello */
        {true, true, {51, {(const uint8_t *)"\x00\x1d\x00\x01x", 5}}},      /* an entry in a HelloRetryRequest */
        {true, false, {51, {(const uint8_t *)"\x00\x1d\x00\x00", 4}}},      /* an empty key */
        {true, false, {51, {(const uint8_t *)"\x00\x1d\x00\x01xy", 6}}},    /* something behind it */
        {true, false, {51, {(const uint8_t *)"\x00\x1d\x00\x02x", 5}}},     /* too little */
        {true, true, {44, {(const uint8_t *)"\x00\x00", 2}}},               /* an empty cookie */
        {true, true, {44, {(const uint8_t *)"\x00\x01xy", 4}}},             /* something behind it */
        {false, false, {43, {(const uint8_t *)"\x03\x04\x03", 3}}},         /* more than one version */
        {false, false, {43, {(const uint8_t *)"\x03", 1}}},                 /* half a version */
        {false, false, {16, {(const uint8_t *)"\x00\x06\x02h2\x02h3", 8}}}, /* two protocols */
        {false, false, {16, {(const uint8_t *)"\x00\x01\x00", 3}}},         /* an empty one */
        {false, false, {16, {(const uint8_t *)"\x00\x00", 2}}},             /* none */
        {false, false, {16, {(const uint8_t *)"\x00\x03\x02h2!", 6}}},      /* something behind it */
    };
    struct tls_server_hello hello;
    struct buf message;
    (void)state;
    buf_init(&message, 1024);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct extension both[2] = {{43, BYTES("\x03\x04")}, rows[i].extension};
        struct slice random = rows[i].retry ? BYTES(RETRY) : BYTES(RANDOM);
        size_t skip = rows[i].new ? 0 : 1;
        write_server_hello(&message, 0x0303, random, 0x1301, both + skip, 2 - skip);
        if (read_hello(&message, &hello) != CM_EMALFORMED)
            fail_msg("row %zu is read", i);
    }
    buf_done(&message);
}

/* Whoever believes the first and whoever believes the last of two would be told different stories. */
static void test_duplicate_extensions(void **state)
{
    static const struct extension known[] = {{43, {(const uint8_t *)"\x03\x04", 2}},
                                             {51, {(const uint8_t *)"\x00\x1d\x00\x01x", 5}},
                                             {44, {(const uint8_t *)"\x00\x01x", 3}},
                                             {16, {(const uint8_t *)"\x00\x03\x02h2", 5}},
                                             {18, {(const uint8_t *)"\0\3\0\1x", 5}}};
    struct tls_server_hello hello;
    struct buf message;
    (void)state;
    buf_init(&message, 1024);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct extension twice[3] = {known[i], {0x7777, BYTES("")}, known[i]};
        write_server_hello(&message, 0x0303, BYTES(RANDOM), 0xc02f, twice, 2);
        assert_int_equal(read_hello(&message, &hello), 0);
        write_server_hello(&message, 0x0303, BYTES(RANDOM), 0xc02f, twice, 3);
        assert_int_equal(read_hello(&message, &hello), CM_EMALFORMED);
    }
    struct extension unknown[2] = {{0x7777, BYTES("")}, {0x7777, BYTES("x")}}; /* says nothing to us, twice */
    write_server_hello(&message, 0x0303, BYTES(RANDOM), 0xc02f, unknown, 2);
    assert_int_equal(read_hello(&message, &hello), 0);
    /* Before 1.3, key_share and cookie mean nothing: a server may echo what it does not know. */
    struct extension echoed[2] = {{51, BYTES("\x12")}, {44, BYTES("?")}};
    write_server_hello(&message, 0x0302, BYTES(RANDOM), 0x002f, echoed, 2);
    assert_int_equal(read_hello(&message, &hello), 0);
    assert_int_equal(hello.group, 0);
    assert_int_equal(hello.cookie.size, 0);
    buf_done(&message);
}

static void test_session_id_limit(void **state)
{
    struct tls_server_hello hello;
    struct buf message;
    (void)state;
    buf_init(&message, 1024);
    for (size_t size = 32; size <= 33; size++) {
        buf_reset(&message);
        wire_number(&message, 2, 0x0303);
        wire_slice(&message, BYTES(RANDOM));
        wire_vector(&message, 1, (struct slice){(const uint8_t *)RANDOM "x", size});
        wire_number(&message, 3, 0x002f00);
        assert_int_equal(read_hello(&message, &hello), size == 32 ? 0 : CM_EMALFORMED);
    }
    buf_done(&message);
}

static void refuse_encrypted_extensions(struct slice cut, void *context)
{
    struct slice alpn;
    (void)context;
    assert_int_equal(tls_read_encrypted_extensions(cut, &alpn), CM_EMALFORMED);
}

static void test_encrypted_extensions(void **state)
{
    struct slice alpn = BYTES("old");
    struct slice good = BYTES("\x00\x0d\x00\x00\x00\x00\x00\x10\x00\x05\x00\x03\x02h2");
    struct slice twice = BYTES("\x00\x12\x00\x10\x00\x05\x00\x03\x02h2\x00\x10\x00\x05\x00\x03\x02h3");
    (void)state;
    assert_int_equal(tls_read_encrypted_extensions(twice, &alpn), CM_EMALFORMED);
    assert_true(slice_equal(alpn, BYTES("old"))); /* untouched */
    assert_int_equal(tls_read_encrypted_extensions(good, &alpn), 0);
    assert_true(slice_equal(alpn, BYTES("h2")));
    assert_int_equal(tls_read_encrypted_extensions(BYTES("\x00\x00"), &alpn), 0);
    assert_int_equal(alpn.size, 0);
    assert_int_equal(tls_read_encrypted_extensions(BYTES("\x00\x00!"), &alpn), CM_EMALFORMED);
    wire_cuts(good, refuse_encrypted_extensions, NULL);
}

/* --- ClientHello ---------------------------------------------------------------------------------------------------- */

static void write_client_hello(struct buf *out, const struct extension *extensions, size_t count)
{
    buf_reset(out);
    wire_number(out, 2, 0x0303);
    wire_slice(out, BYTES(RANDOM));
    wire_vector(out, 1, BYTES(""));
    wire_vector(out, 2, BYTES("\x13\x01\xc0\x2f"));
    wire_vector(out, 1, BYTES("\0"));
    if (count == 0)
        return;
    size_t list = wire_open(out, 2);
    for (size_t i = 0; i < count; i++)
        wire_extension(out, extensions[i].type, extensions[i].data);
    wire_close(out, 2, list);
}

static int read_client(struct buf *message, struct tls_client_hello *hello)
{
    return tls_read_client_hello(buf_slice(message), hello);
}

static void refuse_client_hello(struct slice cut, void *context)
{
    struct tls_client_hello hello;
    assert_int_equal(tls_read_client_hello(cut, &hello), cut.size == *(size_t *)context ? 0 : CM_EMALFORMED);
}

static void test_client_hello(void **state)
{
    static const struct extension extensions[] = {
        {0, {(const uint8_t *)"\x00\x0d\x01\x00\x02no\x00\x00\x05host.", 15}}, /* another name type before host_name */
        {10, {(const uint8_t *)"\x00\x04\x00\x1d\x00\x17", 6}},
        {11, {(const uint8_t *)"\x01\x00", 2}},
        {13, {(const uint8_t *)"\x00\x02\x04\x03", 4}},
        {16, {(const uint8_t *)"\x00\x0c\x02h2\x08http/1.1", 14}},
        {43, {(const uint8_t *)"\x04\x03\x04\x03\x03", 5}},
        {0x1a1a, {(const uint8_t *)"", 1}},
    };
    struct tls_client_hello hello;
    struct buf message;
    (void)state;
    buf_init(&message, 1024);
    write_client_hello(&message, NULL, 0);
    size_t without = message.size;
    assert_int_equal(read_client(&message, &hello), 0);
    assert_int_equal(hello.extensions.size, 0);
    write_client_hello(&message, extensions, sizeof extensions / sizeof *extensions);
    assert_int_equal(read_client(&message, &hello), 0);
    assert_int_equal(hello.legacy_version, 0x0303);
    assert_true(slice_equal(hello.random, BYTES(RANDOM)));
    assert_true(slice_equal(hello.suites, BYTES("\x13\x01\xc0\x2f")));
    assert_true(slice_equal(hello.name, BYTES("host.")));
    assert_true(slice_equal(hello.groups, BYTES("\x00\x1d\x00\x17")));
    assert_true(slice_equal(hello.point_formats, BYTES("\0")));
    assert_true(slice_equal(hello.signature_algorithms, BYTES("\x04\x03")));
    assert_true(slice_equal(hello.alpn, BYTES("\x02h2\x08http/1.1")));
    assert_true(slice_equal(hello.supported_versions, BYTES("\x03\x04\x03\x03")));
    wire_cuts(buf_slice(&message), refuse_client_hello, &without);
    buf_done(&message);
}

static void test_hostile_client_hello(void **state)
{
    static const struct extension rows[] = {
        {0, {(const uint8_t *)"\x00\x08\x00\x00\x01x\x00\x00\x01y", 10}}, /* two host names */
        {0, {(const uint8_t *)"\x00\x05\x00\x00\x03x", 6}},               /* a name past the list */
        {0, {(const uint8_t *)"\x00\x04\x00\x00\x01x!", 7}},              /* something behind the list */
        {10, {(const uint8_t *)"\x00\x03\x00\x1d\x00", 5}},               /* half a group */
        {13, {(const uint8_t *)"\x00\x01\x04", 3}},                       /* half an algorithm */
        {43, {(const uint8_t *)"\x03\x03\x04\x03", 4}},                   /* half a version */
        {16, {(const uint8_t *)"\x00\x03\x05h2", 5}},                     /* a protocol past the list */
        {11, {(const uint8_t *)"\x02\x00", 2}},                           /* fewer formats than told */
    };
    struct tls_client_hello hello;
    struct buf message;
    (void)state;
    buf_init(&message, 1024);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_client_hello(&message, &rows[i], 1);
        if (read_client(&message, &hello) != CM_EMALFORMED)
            fail_msg("row %zu is read", i);
    }
    struct extension twice[2] = {{43, BYTES("\x02\x03\x04")}, {43, BYTES("\x02\x03\x03")}};
    write_client_hello(&message, twice, 2);
    assert_int_equal(read_client(&message, &hello), CM_EMALFORMED);
    assert_int_equal(tls_read_client_hello(BYTES("\x03\x01" RANDOM "\x00\x00\x03\x00\x2f\x00\x01\x00"), &hello),
                     CM_EMALFORMED); /* half a suite */
    buf_done(&message);
}

static void test_grease(void **state)
{
    unsigned found = 0;
    (void)state;
    for (unsigned value = 0; value <= 0xffff; value++)
        found += tls_is_grease((uint16_t)value);
    assert_int_equal(found, 16);
    assert_true(tls_is_grease(0x0a0a));
    assert_true(tls_is_grease(0xfafa));
    assert_false(tls_is_grease(0x0a1a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_server_hello),     cmocka_unit_test(test_new_server_hello),
        cmocka_unit_test(test_retry_request),        cmocka_unit_test(test_hostile_server_extensions),
        cmocka_unit_test(test_duplicate_extensions), cmocka_unit_test(test_session_id_limit),
        cmocka_unit_test(test_encrypted_extensions), cmocka_unit_test(test_client_hello),
        cmocka_unit_test(test_hostile_client_hello), cmocka_unit_test(test_grease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
