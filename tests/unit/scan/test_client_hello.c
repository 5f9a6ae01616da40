/* The ClientHellos: what stands in them and where, read back and by real OpenSSL servers; that the same ask gives the same bytes; long cookies; how
 * long it takes. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "scanner/tls/client_hello.h"
#include "scanner/tls/hello_tables.h"
#include "scanner/tls/key_schedule.h"
#include "scanner/tls/key_share.h"
#include "scanner/tls/messages.h"
#include "scanner/tls/names.h"
#include "scanner/tls/records.h"
#include "tests/unit/lib/make_cert.h"

enum { RECORD_AND_MESSAGE_HEADER = 5 + 4, NAME = 0, GROUPS = 10, POINT_FORMATS = 11, SIGALGS = 13, PADDING = 21 };
enum { VERSIONS = 43, COOKIE = 44, KEY_SHARE = 51 };

static const uint8_t random_bytes[HELLO_RANDOM_SIZE] = "these are not very random bytes";
static uint8_t share_bytes[KEY_SHARE_MAX];
static const char *const host_name = "www.example.org";

static struct hello_ask ask_for(enum hello_kind kind)
{
    struct hello_ask ask = {.kind = kind, .name = host_name, .alpn = true, .random = random_bytes};
    if (kind == HELLO_FULL || kind == HELLO_WIDE) {
        ask.share_group = TLS_GROUP_X25519;
        ask.share = (struct slice){share_bytes, 32};
    }
    return ask;
}

static struct buf write_hello(const struct hello_ask *ask)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    client_hello_write(ask, &out);
    assert_false(out.failed);
    return out;
}

/* The message of a hello that fits into one record, checked on the way. Lends from bytes. */
static struct tls_client_hello read_back(const struct buf *bytes)
{
    struct record_reader reader;
    struct tls_record record;
    struct tls_client_hello hello;
    tls_records_init(&reader);
    tls_records_feed(&reader, bytes->data, bytes->size);
    assert_int_equal(tls_records_next(&reader, &record), 0);
    assert_int_equal(record.type, TLS_HANDSHAKE);
    struct slice fragment = record.fragment;
    assert_int_equal(tls_records_next(&reader, &record), CM_ETRUNCATED);
    assert_int_equal(fragment.size + 5, bytes->size);
    assert_int_equal(fragment.data[0], TLS_CLIENT_HELLO);
    assert_int_equal(fragment.data[1] << 16 | fragment.data[2] << 8 | fragment.data[3], fragment.size - 4);
    assert_int_equal(tls_read_client_hello((struct slice){fragment.data + 4, fragment.size - 4}, &hello), 0);
    tls_records_done(&reader);
    return hello;
}

static bool has(struct slice list, uint16_t number)
{
    for (size_t i = 0; i + 1 < list.size; i += 2) {
        if ((list.data[i] << 8 | list.data[i + 1]) == number)
            return true;
    }
    return false;
}

static bool find_extension(struct slice extensions, uint16_t wanted, struct slice *out)
{
    struct cursor at, data;
    uint16_t type;
    cursor_init_slice(&at, extensions);
    while (cursor_u16(&at, &type) == 0 && cursor_vector16(&at, &data) == 0) {
        *out = (struct slice){data.at, cursor_left(&data)};
        if (type == wanted)
            return true;
    }
    return false;
}

/* No extension twice, none of those that must not be there, the last not empty. */
static void check_extensions(struct slice extensions)
{
    static const uint16_t forbidden[] = {27 /* compress_certificate */, 35 /* session_ticket */,
                                         41 /* pre_shared_key */, 45 /* psk_key_exchange_modes */,
                                         0xff01 /* with the SCSV: once is enough */};
    uint8_t seen[65536 / 8] = {0};
    struct cursor at, data;
    uint16_t type = 0;
    size_t last = 0;
    cursor_init_slice(&at, extensions);
    while (!cursor_at_end(&at)) {
        assert_int_equal(cursor_u16(&at, &type), 0);
        assert_int_equal(cursor_vector16(&at, &data), 0);
        assert_false(seen[type / 8] & 1 << type % 8);
        seen[type / 8] |= (uint8_t)(1 << type % 8);
        last = cursor_left(&data);
    }
    assert_true(last > 0);
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        assert_false(seen[forbidden[i] / 8] & 1 << forbidden[i] % 8);
}

static void test_forms(void **state)
{
    (void)state;
    static const struct {
        enum hello_kind kind;
        uint16_t record_version, version;
        size_t session_id, groups;
        bool extensions, tls13;
    } rows[] = {{HELLO_FULL, 0x0301, 0x0303, 32, 29, true, true},
                {HELLO_WIDE, 0x0301, 0x0303, 32, 17, true, true},
                {HELLO_TLS12, 0x0301, 0x0303, 0, 5, true, false},
                {HELLO_PLAIN, 0x0300, 0x0301, 0, 0, false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hello_ask ask = ask_for(rows[i].kind);
        struct buf bytes = write_hello(&ask);
        struct tls_client_hello hello = read_back(&bytes);
        struct slice data;
        assert_int_equal((uint8_t)bytes.data[1] << 8 | (uint8_t)bytes.data[2], rows[i].record_version);
        assert_int_equal(hello.legacy_version, rows[i].version);
        assert_memory_equal(hello.random.data, random_bytes, HELLO_RANDOM_SIZE);
        assert_int_equal(hello.session_id.size, rows[i].session_id);
        assert_int_equal(hello.groups.size, 2 * rows[i].groups);
        assert_int_equal(hello.name.size, rows[i].extensions ? strlen(host_name) : 0);
        if (rows[i].extensions)
            check_extensions(hello.extensions);
        else /* not even their length */
            assert_int_equal(bytes.size, RECORD_AND_MESSAGE_HEADER + 2 + 32 + 1 + 2 + hello.suites.size + 2);
        assert_int_equal(hello.alpn.size, rows[i].tls13 ? 12 : 0);
        assert_int_equal(hello.supported_versions.size, rows[i].tls13 ? 2 * 5 : 0);
        assert_int_equal(find_extension(hello.extensions, KEY_SHARE, &data), rows[i].tls13);
        assert_true(bytes.size < 900);
        buf_done(&bytes);
    }
}

/* Servers of the field fail on some lengths. All names that can be, with ALPN and without. */
static void test_lengths(void **state)
{
    (void)state;
    static char name[HELLO_NAME_MAX + 2];
    for (int kind = HELLO_FULL; kind <= HELLO_PLAIN; kind++) {
        for (size_t size = 0; size <= HELLO_NAME_MAX + 1; size++) {
            memset(name, 'a', sizeof name);
            name[size] = '\0';
            struct hello_ask ask = ask_for((enum hello_kind)kind);
            ask.name = name;
            ask.alpn = size % 2;
            struct buf bytes = write_hello(&ask);
            struct tls_client_hello hello = read_back(&bytes);
            size_t message = bytes.size - 5;
            for (size_t header = 0; header <= 4; header += 4) {
                size_t length = message - header;
                assert_true(length < 256 || length > 511);
                assert_true(length < 256 || (length % 256 != 10 && length % 256 != 14));
            }
            bool sent = kind != HELLO_PLAIN && size <= HELLO_NAME_MAX;
            assert_int_equal(hello.name.size, sent ? size : 0);
            if (kind != HELLO_PLAIN)
                check_extensions(hello.extensions);
            buf_done(&bytes);
        }
    }
}

/* Every suite has a name, stands once, and is of the sort that the kind may offer; the first 64 hold what old servers need. HELLO_WIDE comes
 * when the first hello's were refused: below TLS 1.3 it has others. */
static void test_suites(void **state)
{
    (void)state;
    static const uint16_t early[] = {0x002f, 0x0035, 0x000a, 0x0005, 0x0004, 0x0009, 0x0064, 0x0062, 0x0003, 0x0006};
    for (int kind = HELLO_FULL; kind <= HELLO_PLAIN; kind++) {
        struct hello_ask ask = ask_for((enum hello_kind)kind);
        struct buf bytes = write_hello(&ask);
        struct slice suites = read_back(&bytes).suites;
        bool tls13 = kind == HELLO_FULL || kind == HELLO_WIDE, without = false;
        assert_true(suites.size <= 2 * (kind == HELLO_WIDE ? 150 : 128));
        assert_true(has(suites, 0x00ff));
        assert_false(has(suites, 0x5600)); /* TLS_FALLBACK_SCSV: nobody fell back */
        for (size_t i = 0; i < suites.size; i += 2) {
            uint16_t suite = (uint16_t)(suites.data[i] << 8 | suites.data[i + 1]);
            enum tls_key_exchange kx = tls_suite_key_exchange(suite);
            assert_non_null(tls_suite_name(suite));
            assert_false(has((struct slice){suites.data + i + 2, suites.size - i - 2}, suite));
            assert_true(client_hello_offers_suite((enum hello_kind)kind, suite));
            if (kx == TLS_KX_TLS13)
                assert_true(tls13 && tls13_hash_size(suite) > 0);
            if (kx == TLS_KX_ANON || kx == TLS_KX_PSK)
                without = true;
            if (kx == TLS_KX_UNKNOWN)
                assert_int_equal(suite, 0x00ff);
            if (kind == HELLO_WIDE && kx != TLS_KX_TLS13 && kx != TLS_KX_UNKNOWN)
                assert_false(client_hello_offers_suite(HELLO_FULL, suite));
        }
        assert_int_equal(without, kind == HELLO_WIDE);
        for (size_t i = 0; kind == HELLO_FULL && i < sizeof early / sizeof *early; i++)
            assert_true(has((struct slice){suites.data, 2 * 64}, early[i]));
        buf_done(&bytes);
    }
    assert_false(client_hello_offers_suite(HELLO_FULL, 0x1306));
    assert_false(client_hello_offers_suite(HELLO_TLS12, 0x1301));
    assert_false(client_hello_offers_suite(HELLO_SSLV2, 0x0005));
}

/* Whatever has a name and shows a certificate is in one of the first two hellos, but for what nobody has programmed, and SRP: that asks for a
 * user's name first. */
static void test_every_suite(void **state)
{
    static const char *const left_out[] = {"TLS_DH_DSS_WITH_ARIA_", "TLS_DH_RSA_WITH_ARIA_", "TLS_DH_DSS_WITH_CAM",
                                           "TLS_DH_RSA_WITH_CAM",   "TLS_RSA_PSK_WITH_ARIA", "TLS_RSA_PSK_WITH_CAM"};
    unsigned offered = 0;
    (void)state;
    for (unsigned number = 1; number <= 0xffff; number++) {
        uint16_t suite = (uint16_t)number;
        enum tls_key_exchange kx = tls_suite_key_exchange(suite);
        if (kx != TLS_KX_RSA && kx != TLS_KX_DH && kx != TLS_KX_DHE && kx != TLS_KX_ECDHE && kx != TLS_KX_RSA_PSK)
            continue;
        bool there = client_hello_offers_suite(HELLO_FULL, suite) || client_hello_offers_suite(HELLO_WIDE, suite);
        for (size_t i = 0; !there && i < sizeof left_out / sizeof *left_out; i++)
            there = strncmp(tls_suite_name(suite), left_out[i], strlen(left_out[i])) == 0;
        if (!there)
            fail_msg("%s is offered by no hello", tls_suite_name(suite));
        offered++;
    }
    assert_true(offered > 200);
}

/* What we can compute comes first; the post-quantum groups only in HELLO_WIDE, behind them. */
static void test_groups(void **state)
{
    (void)state;
    for (int kind = HELLO_FULL; kind <= HELLO_TLS12; kind++) {
        struct hello_ask ask = ask_for((enum hello_kind)kind);
        struct buf bytes = write_hello(&ask);
        struct slice groups = read_back(&bytes).groups;
        bool known = true;
        for (size_t i = 0; i < groups.size; i += 2) {
            uint16_t group = (uint16_t)(groups.data[i] << 8 | groups.data[i + 1]);
            assert_non_null(tls_group_name(group));
            assert_false(has((struct slice){groups.data + i + 2, groups.size - i - 2}, group));
            assert_true(client_hello_offers_group((enum hello_kind)kind, group));
            assert_true(known || !key_shares_knows(group)); /* none behind one that we cannot compute */
            known = key_shares_knows(group);
        }
        for (uint16_t hybrid = 0x11eb; hybrid <= 0x11ed; hybrid++) {
            assert_int_equal(has(groups, hybrid), kind == HELLO_WIDE);
            assert_int_equal(client_hello_offers_group((enum hello_kind)kind, hybrid), kind == HELLO_WIDE);
        }
        buf_done(&bytes);
    }
    assert_false(client_hello_offers_group(HELLO_PLAIN, 23));
}

static void test_same_ask_same_bytes(void **state)
{
    (void)state;
    for (int kind = HELLO_FULL; kind < HELLO_KIND_COUNT; kind++) {
        struct hello_ask ask = ask_for((enum hello_kind)kind);
        struct buf one = write_hello(&ask), two = write_hello(&ask), message;
        uint8_t other_random[HELLO_RANDOM_SIZE] = {1};
        assert_true(slice_equal(buf_slice(&one), buf_slice(&two)));
        buf_init(&message, 1 << 20);
        client_hello_message(&ask, &message);
        if (kind == HELLO_SSLV2)
            assert_int_equal(message.size, 0);
        else
            assert_true(slice_equal(buf_slice(&message), (struct slice){(uint8_t *)one.data + 5, one.size - 5}));
        ask.random = other_random;
        buf_reset(&two);
        client_hello_write(&ask, &two);
        assert_int_equal(two.size, one.size);
        assert_memory_not_equal(two.data, one.data, one.size);
        buf_done(&one);
        buf_done(&two);
        buf_done(&message);
    }
}

/* Put together again from as many records as it takes. */
static struct buf joined(const struct buf *bytes, uint16_t version, size_t *records)
{
    struct record_reader reader;
    struct tls_record record;
    struct buf all;
    buf_init(&all, 1 << 20);
    tls_records_init(&reader);
    tls_records_feed(&reader, bytes->data, bytes->size);
    for (*records = 0; tls_records_next(&reader, &record) == 0; ++*records) {
        assert_true(record.fragment.size > 0 && record.fragment.size <= TLS_RECORD_MAX);
        assert_int_equal(record.version, version);
        buf_append(&all, record.fragment.data, record.fragment.size);
    }
    tls_records_done(&reader);
    return all;
}

static void test_second_hello(void **state)
{
    (void)state;
    static uint8_t cookie[HELLO_COOKIE_MAX];
    static const size_t sizes[] = {0, 1, 500, 8191, 8192, 15000, 16000, 16384, 32768, HELLO_COOKIE_MAX};
    memset(cookie, 'c', sizeof cookie);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct hello_ask ask = ask_for(HELLO_FULL);
        ask.share_group = TLS_GROUP_FFDHE8192;
        ask.share = (struct slice){share_bytes, KEY_SHARE_MAX};
        ask.cookie = (struct slice){cookie, sizes[i]};
        struct buf bytes = write_hello(&ask), message;
        size_t records;
        struct buf all = joined(&bytes, 0x0303, &records);
        buf_init(&message, 1 << 20);
        client_hello_message(&ask, &message);
        assert_true(slice_equal(buf_slice(&all), buf_slice(&message)));
        assert_int_equal(records, (message.size + TLS_RECORD_MAX - 1) / TLS_RECORD_MAX);
        struct tls_client_hello hello;
        struct slice data;
        assert_int_equal(tls_read_client_hello((struct slice){(uint8_t *)all.data + 4, all.size - 4}, &hello), 0);
        check_extensions(hello.extensions);
        assert_int_equal(find_extension(hello.extensions, COOKIE, &data), sizes[i] > 0);
        if (sizes[i]) {
            assert_int_equal(data.size, 2 + sizes[i]);
            assert_memory_equal(data.data + 2, cookie, sizes[i]);
        }
        assert_true(find_extension(hello.extensions, KEY_SHARE, &data));
        assert_int_equal(data.size, 2 + 4 + KEY_SHARE_MAX);
        assert_memory_equal(data.data, "\x04\x04\x01\x04\x04\x00", 6);
        buf_done(&bytes);
        buf_done(&message);
        buf_done(&all);
    }
}

/* --- OpenSSL's server --------------------------------------------------------------------------------------------------- */

static X509 *leaf;
static EVP_PKEY *leaf_key;
static struct key_shares *shares;

static int set_up(void **state)
{
    (void)state;
    leaf_key = make_key("RSA", "2048");
    struct recipe recipe = {.key = leaf_key,
                            .subject = make_name("leaf.example"),
                            .version = 2,
                            .not_before = "20200101000000Z",
                            .not_after = "20400101000000Z"};
    leaf = make_cert(&recipe);
    X509_NAME_free(recipe.subject);
    return key_shares_new(&shares, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    X509_free(leaf);
    EVP_PKEY_free(leaf_key);
    key_shares_free(shares);
    return 0;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *size, const unsigned char *in,
                       unsigned int in_size, void *context)
{
    (void)ssl;
    (void)context;
    assert_true(in_size > 1);
    *out = in + 1;
    *size = in[0];
    return SSL_TLSEXT_ERR_OK;
}

struct server_row {
    enum hello_kind kind;
    int lowest, highest;
    int got; /* the version; 0: refused */
};

static SSL_CTX *make_server(const struct server_row *row)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(context, 0);
    assert_int_equal(SSL_CTX_set_cipher_list(context, "ALL:eNULL:@SECLEVEL=0"), 1);
    SSL_CTX_set_min_proto_version(context, row->lowest);
    SSL_CTX_set_max_proto_version(context, row->highest);
    SSL_CTX_set_dh_auto(context, 1);
    assert_int_equal(SSL_CTX_use_certificate(context, leaf), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, leaf_key), 1);
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, NULL);
    return context;
}

/* The server answers with a flight that begins with a ServerHello, or it does not. */
static void check_server(const struct server_row *row)
{
    SSL_CTX *context = make_server(row);
    SSL *server = SSL_new(context);
    struct hello_ask ask = ask_for(row->kind);
    char *answer;
    if (ask.share.size)
        assert_int_equal(key_shares_public(shares, TLS_GROUP_X25519, &ask.share), 0);
    struct buf bytes = write_hello(&ask);
    SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(server);
    assert_int_equal(BIO_write(SSL_get_rbio(server), bytes.data, (int)bytes.size), bytes.size);
    int status = SSL_do_handshake(server);
    bool fine = SSL_get_error(server, status) == SSL_ERROR_WANT_READ;
    if (fine != (row->got != 0) || (fine && SSL_version(server) != row->got))
        fail_msg("%s, %x to %x: %x, %s", hello_kind_name(row->kind), row->lowest, row->highest, SSL_version(server),
                 ERR_reason_error_string(ERR_peek_error()));
    assert_true(BIO_get_mem_data(SSL_get_wbio(server), &answer) > 6);
    if (fine) {
        assert_int_equal(answer[0], TLS_HANDSHAKE);
        assert_int_equal(answer[5], TLS_SERVER_HELLO); /* the share pleases at once: no HelloRetryRequest */
        const char *name = SSL_get_servername(server, TLSEXT_NAMETYPE_host_name);
        assert_true((name != NULL) == (row->kind != HELLO_PLAIN));
        assert_true(!name || strcmp(name, host_name) == 0);
    }
    ERR_clear_error();
    buf_done(&bytes);
    SSL_free(server);
    SSL_CTX_free(context);
}

static void test_openssl_server(void **state)
{
    (void)state;
    static const struct server_row rows[] = {
        {HELLO_FULL, TLS1_VERSION, TLS1_3_VERSION, TLS1_3_VERSION},
        {HELLO_FULL, TLS1_3_VERSION, TLS1_3_VERSION, TLS1_3_VERSION},
        {HELLO_FULL, TLS1_VERSION, TLS1_2_VERSION, TLS1_2_VERSION},
        {HELLO_FULL, TLS1_VERSION, TLS1_1_VERSION, TLS1_1_VERSION},
        {HELLO_FULL, TLS1_VERSION, TLS1_VERSION, TLS1_VERSION},
        {HELLO_WIDE, TLS1_VERSION, TLS1_3_VERSION, TLS1_3_VERSION},
        {HELLO_WIDE, TLS1_VERSION, TLS1_2_VERSION, TLS1_2_VERSION}, /* by what the first hello does not have */
        {HELLO_WIDE, TLS1_VERSION, TLS1_VERSION, TLS1_VERSION},
        {HELLO_TLS12, TLS1_VERSION, TLS1_3_VERSION, TLS1_2_VERSION},
        {HELLO_TLS12, TLS1_VERSION, TLS1_VERSION, TLS1_VERSION},
        {HELLO_TLS12, TLS1_3_VERSION, TLS1_3_VERSION, 0},
        {HELLO_PLAIN, TLS1_VERSION, TLS1_3_VERSION, TLS1_VERSION},
        {HELLO_PLAIN, TLS1_VERSION, TLS1_VERSION, TLS1_VERSION},
        {HELLO_PLAIN, TLS1_1_VERSION, TLS1_3_VERSION, 0},
        {HELLO_SSLV2, TLS1_VERSION, TLS1_3_VERSION, 0}, /* version 0x0002 is all that it names */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_server(&rows[i]);
}

/* --- what it costs -------------------------------------------------------------------------------------------------------- */

static void test_cost(void **state)
{
    (void)state;
    enum { ROUNDS = 200000 };
    struct hello_ask ask = ask_for(HELLO_FULL);
    struct timespec began, ended;
    struct buf out;
    buf_init(&out, 1 << 20);
    client_hello_write(&ask, &out);
    size_t size = out.size;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
    for (int i = 0; i < ROUNDS; i++) {
        buf_reset(&out);
        client_hello_write(&ask, &out);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
    double ns = ((double)(ended.tv_sec - began.tv_sec) * 1e9 + (double)(ended.tv_nsec - began.tv_nsec)) / ROUNDS;
    assert_int_equal(out.size, size);
    print_message("a hello of %zu bytes: %.0f ns\n", size, ns);
    assert_true(ns < 50000); /* far from it: only a mistake of another order shall fail here */
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_suites),
        cmocka_unit_test(test_every_suite),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_second_hello),
        cmocka_unit_test(test_same_ask_same_bytes),
        cmocka_unit_test(test_openssl_server),
        cmocka_unit_test(test_cost),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
