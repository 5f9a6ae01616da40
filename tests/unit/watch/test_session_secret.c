/* What a key log opens: real handshakes of OpenSSL, TLS 1.3 with every suite, client certificates, HelloRetryRequest, early data; resumed TLS 1.2. Without the
 * right secrets the same handshakes are told as hidden. */
#include "tests/unit/watch/openssl_pair.h"
#include "tests/unit/watch/talk.h"

#include <pthread.h>

#include "scanner/watch/keylog.h"

struct reading_along {
    struct observing seen;
    struct keylog *keylog;
};

static void along_init(struct reading_along *along)
{
    observing_init(&along->seen);
    along->keylog = keylog_new();
}

static void along_done(struct reading_along *along)
{
    observing_done(&along->seen);
    keylog_free(along->keylog);
}

/* The bytes of both sides, each write in pieces of at most `size`. Returns how many chains and the like were observed. */
static size_t read_along(struct reading_along *along, const struct pair *pair, size_t size)
{
    struct ends ends = ends4();
    struct session_options options = observing_options(&along->seen, along->keylog);
    struct session *session = session_new(&options, (const struct place[]){ends.from, ends.to}, 1);
    bool more = true;
    observing_reset(&along->seen);
    for (size_t i = 0; i < pair->count; i++) {
        const struct write *write = &pair->writes[i];
        for (size_t at = 0; more && at < write->size; at += size) {
            size_t part = write->size - at < size ? write->size - at : size;
            uint8_t *copy = malloc(part);
            memcpy(copy, pair->bytes.data + write->at + at, part);
            more = session_bytes(session, write->side, (struct slice){copy, part}, 2);
            free(copy);
        }
    }
    if (more)
        session_end(session);
    session_free(session);
    return along->seen.count;
}

static void learn(struct reading_along *along, const struct pair *pair)
{
    keylog_add(along->keylog, buf_slice(&pair->keylog));
}

static void assert_chain(const struct reading_along *along, const char *role, const int *sizes, size_t count)
{
    struct buf chain = new_buf();
    for (size_t i = 0; i < count; i++)
        buf_appendf(&chain, "%s0%d", i ? "," : " chain=", sizes[i]);
    buf_append_char(&chain, '\n');
    const char *line = strstr(along->seen.lines.data, role);
    assert_non_null(line);
    assert_non_null(strstr(line, "name=server.example"));
    const char *at = strstr(line, " chain=");
    assert_non_null(at);
    assert_int_equal(strncmp(at, chain.data, chain.size), 0);
    buf_done(&chain);
}

static void assert_hidden(const struct reading_along *along)
{
    assert_int_equal(along->seen.count, 1);
    assert_int_equal(strncmp(along->seen.lines.data, "hidden ", 7), 0);
}

static void test_13(void **state)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                         "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256"};
    static const size_t sizes[] = {100000, 100, 1};
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        struct pair_options options = {
            .version = TLS1_3_VERSION, .suites = suites[i / 4], .ask = i & 1, .retry = i & 2};
        struct pair pair;
        struct reading_along along;
        SSL_SESSION_free(pair_talk(&pair, &options));
        along_init(&along);
        read_along(&along, &pair, 100000);
        assert_hidden(&along);
        learn(&along, &pair);
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            size_t told = read_along(&along, &pair, sizes[j]);
            if (told != (options.ask ? 2 : 1))
                print_error("i %u size %zu: %s", i, sizes[j], along.seen.lines.data);
            assert_int_equal(told, options.ask ? 2 : 1);
            assert_chain(&along, "server ", pair_sizes, 2);
            assert_non_null(strstr(along.seen.lines.data, " version=0304 "));
            assert_int_equal(along.seen.counts.refused + along.seen.counts.truncated, 0);
            if (options.ask)
                assert_chain(&along, "client ", pair_sizes + 2, 1);
        }
        along_done(&along);
        pair_done(&pair);
    }
}

/* The secrets of one side open that side. */
static void test_half_a_key_log(void **state)
{
    struct pair_options options = {.version = TLS1_3_VERSION, .ask = true};
    struct pair pair;
    (void)state;
    SSL_SESSION_free(pair_talk(&pair, &options));
    static const char *const labels[] = {"SERVER_HANDSHAKE", "CLIENT_HANDSHAKE"};
    for (size_t i = 0; i < 2; i++) {
        struct reading_along along;
        along_init(&along);
        char *line = strstr(pair.keylog.data, labels[i]);
        assert_non_null(line);
        keylog_add(along.keylog, (struct slice){(const uint8_t *)line, strcspn(line, "\n") + 1});
        read_along(&along, &pair, 100000);
        if (i == 0)
            assert_chain(&along, "server ", pair_sizes, 2);
        else
            assert_hidden(&along);
        assert_int_equal(along.seen.count, 1);
        along_done(&along);
    }
    /* Secrets that are wrong open nothing, and the place is told all the same. */
    struct reading_along along;
    along_init(&along);
    for (char *at = pair.keylog.data; (at = strchr(at, '\n')); at++) {
        if (at[1])
            at[-1] = at[-1] == '0' ? '1' : '0';
    }
    learn(&along, &pair);
    read_along(&along, &pair, 100000);
    assert_hidden(&along);
    along_done(&along);
    pair_done(&pair);
}

/* Early data is under other keys, before the client's own handshake records; a resumed handshake has no certificate. */
static void test_early_data(void **state)
{
    struct pair_options options = {.version = TLS1_3_VERSION};
    struct pair pair;
    struct reading_along along;
    (void)state;
    along_init(&along);
    SSL_SESSION *session = pair_talk(&pair, &options);
    learn(&along, &pair);
    pair_done(&pair);
    options.session = session;
    options.early = "GET / HTTP/1.1";
    SSL_SESSION_free(pair_talk(&pair, &options));
    learn(&along, &pair);
    read_along(&along, &pair, 100000);
    assert_hidden(&along);
    pair_done(&pair);
    SSL_SESSION_free(session);
    along_done(&along);
}

static void test_resumed_12(void **state)
{
    struct pair_options options = {.version = TLS1_2_VERSION};
    struct pair first, second, stranger;
    struct reading_along along;
    (void)state;
    along_init(&along);
    SSL_SESSION *session = pair_talk(&first, &options);
    options.session = session;
    SSL_SESSION_free(pair_talk(&second, &options));
    read_along(&along, &first, 100000);
    assert_chain(&along, "server ", pair_sizes, 2);
    read_along(&along, &second, 100000);
    assert_hidden(&along); /* nothing is known */
    learn(&along, &first);
    learn(&along, &second);
    read_along(&along, &second, 100000);
    assert_hidden(&along); /* the first was read before its secret was known */
    read_along(&along, &first, 100000);
    assert_int_equal(read_along(&along, &second, 1), 1);
    assert_chain(&along, "server ", pair_sizes, 2);
    assert_non_null(strstr(along.seen.lines.data, " version=0303 "));
    options.session = NULL;
    SSL_SESSION_free(pair_talk(&stranger, &options)); /* another session has its own certificate */
    learn(&along, &stranger);
    assert_int_equal(read_along(&along, &stranger, 100000), 1);
    SSL_SESSION_free(session);
    pair_done(&first);
    pair_done(&second);
    pair_done(&stranger);
    along_done(&along);
}

struct errand {
    struct reading_along *along;
    const struct pair *pair;
};

static void *run_errand(void *context)
{
    const struct errand *errand = context;
    read_along(errand->along, errand->pair, 1000);
    return NULL;
}

/* One worker sees the certificate, another the resumed session; and what a thread keeps goes with it. */
static void test_another_worker(void **state)
{
    struct pair_options options = {.version = TLS1_2_VERSION}, modern = {.version = TLS1_3_VERSION};
    struct pair pairs[3];
    struct reading_along along;
    (void)state;
    along_init(&along);
    SSL_SESSION *session = pair_talk(&pairs[0], &options);
    options.session = session;
    SSL_SESSION_free(pair_talk(&pairs[1], &options));
    SSL_SESSION_free(pair_talk(&pairs[2], &modern));
    for (size_t i = 0; i < 3; i++)
        learn(&along, &pairs[i]);
    for (size_t i = 0; i < 3; i++) {
        struct errand errand = {&along, &pairs[i]};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, run_errand, &errand), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(along.seen.count, 1);
        assert_chain(&along, "server ", pair_sizes, 2);
        pair_done(&pairs[i]);
    }
    SSL_SESSION_free(session);
    along_done(&along);
}

/* Each byte of the server's flight changed: what does not open is passed over, and nothing is told that was not there. */
static void test_damaged_records(void **state)
{
    struct pair_options options = {.version = TLS1_3_VERSION};
    struct pair pair;
    struct reading_along along;
    (void)state;
    SSL_SESSION_free(pair_talk(&pair, &options));
    along_init(&along);
    learn(&along, &pair);
    for (size_t at = 0; at < pair.bytes.size; at += 5) {
        pair.bytes.data[at] ^= 0x20;
        read_along(&along, &pair, 100000);
        if (strstr(along.seen.lines.data, "chain="))
            assert_true(strstr(along.seen.lines.data, "server ") || strstr(along.seen.lines.data, "client "));
        assert_true(along.seen.count <= 2);
        pair.bytes.data[at] ^= 0x20;
    }
    along_done(&along);
    pair_done(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_13),
        cmocka_unit_test(test_half_a_key_log),
        cmocka_unit_test(test_early_data),
        cmocka_unit_test(test_resumed_12),
        cmocka_unit_test(test_another_worker),
        cmocka_unit_test(test_damaged_records),
    };
    return cmocka_run_group_tests(tests, pair_set_up, pair_tear_down);
}
