/* Recorded flights cut at every byte and fed byte by byte give the same result as the whole; every record cut into fragments of one byte
 * too. And what that costs: a flight in one piece allocates nothing, a waiting handshake holds next to nothing. */
#include "tests/unit/scan/memory_server.h"

enum { FLIGHT_MAX = 1 << 20 };

static int set_up_constant(void **state)
{
    int code = set_up(state);
    handshake_engine_set_random(engine, fill_constant, NULL);
    return code;
}

/* What a server answers to the one ClientHello that this engine makes, and, after a HelloRetryRequest, to the second. */
struct recording {
    struct handshake_ask ask;
    struct buf flights[2];
    struct buf told; /* the result */
};

static void tell(const struct handshake_result *result, struct buf *out)
{
    buf_init(out, FLIGHT_MAX);
    buf_appendf(out, "%s %s %s %s %d ", result->version, result->cipher, result->group, result->alpn,
                result->client_auth);
    buf_appendf(out, "%s %d %s %d %s ", result->staple.status, result->scts, result->ja3s, (int)result->proof,
                result->stage);
    for (size_t i = 0; i < result->client_ca_count; i++)
        buf_appendf(out, "%s ", result->client_ca[i]);
    for (size_t i = 0; i < result->chain_count; i++)
        buf_append(out, result->chain[i].data, result->chain[i].size);
}

static void record(struct recording *recording, SSL_CTX *context)
{
    SSL *server = make_session(context);
    struct handshake *handshake = handshake_new(engine, &recording->ask);
    enum handshake_state state = HANDSHAKE_GOING;
    for (size_t i = 0; i < 2; i++) {
        buf_init(&recording->flights[i], FLIGHT_MAX);
        if (!is_going(state))
            continue;
        answer(handshake, server, &recording->flights[i]);
        state = feed(handshake, buf_slice(&recording->flights[i]), FLIGHT_MAX);
    }
    assert_int_equal(state, HANDSHAKE_CHAIN);
    check_chain(handshake_get_result(handshake));
    tell(handshake_get_result(handshake), &recording->told);
    handshake_free(handshake);
    SSL_free(server);
}

static void forget(struct recording *recording)
{
    buf_done(&recording->flights[0]);
    buf_done(&recording->flights[1]);
    buf_done(&recording->told);
}

static void check_told(const struct recording *recording, struct handshake *handshake)
{
    struct buf told;
    assert_int_equal(handshake->state, HANDSHAKE_CHAIN);
    tell(handshake_get_result(handshake), &told);
    assert_int_equal(told.size, recording->told.size);
    assert_memory_equal(told.data, recording->told.data, told.size);
    buf_done(&told);
}

/* Each flight cut once, at these places; another handshake uses the engine in between. */
static void replay_cut(const struct recording *recording, size_t cut0, size_t cut1)
{
    struct handshake *handshake = handshake_new(engine, &recording->ask);
    const size_t cuts[] = {cut0, cut1};
    for (size_t i = 0; i < 2; i++) {
        struct slice flight = buf_slice(&recording->flights[i]);
        if (!is_going(feed(handshake, (struct slice){flight.data, cuts[i]}, FLIGHT_MAX)))
            break; /* what a result lends is gone with the engine's next call */
        struct handshake *between = handshake_new(engine, &(struct handshake_ask){.hello = HELLO_TLS12});
        feed(between, (struct slice){(const uint8_t *)"\x16\x03\x03\x00\x02\x02", 6}, 1);
        handshake_free(between);
        feed(handshake, (struct slice){flight.data + cuts[i], flight.size - cuts[i]}, FLIGHT_MAX);
    }
    check_told(recording, handshake);
    handshake_free(handshake);
}

static void replay_steps(const struct recording *recording, size_t step)
{
    struct handshake *handshake = handshake_new(engine, &recording->ask);
    feed(handshake, buf_slice(&recording->flights[0]), step);
    feed(handshake, buf_slice(&recording->flights[1]), step);
    check_told(recording, handshake);
    handshake_free(handshake);
}

static void check_cuts(struct handshake_ask ask, SSL_CTX *context)
{
    struct recording recording = {.ask = ask};
    record(&recording, context);
    SSL_CTX_free(context);
    for (size_t cut = 0; cut <= recording.flights[0].size; cut++)
        replay_cut(&recording, cut, recording.flights[1].size);
    for (size_t cut = 0; cut < recording.flights[1].size; cut++)
        replay_cut(&recording, recording.flights[0].size, cut);
    for (size_t step = 1; step < 30; step++)
        replay_steps(&recording, step);
    forget(&recording);
}

static void demand_client_certificate(SSL_CTX *server)
{
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER, NULL);
    SSL_CTX_add_client_CA(server, other);
    SSL_CTX_add_client_CA(server, leaf);
}

static void test_cuts_before_13(void **state)
{
    (void)state;
    for (int version = TLS1_VERSION; version <= TLS1_2_VERSION; version++) {
        SSL_CTX *server = make_server(version);
        demand_client_certificate(server);
        check_cuts((struct handshake_ask){.name = "cut.example", .prove = version == TLS1_1_VERSION}, server);
    }
}

static void test_cuts_in_13(void **state)
{
    (void)state;
    for (int prove = 0; prove < 2; prove++) {
        SSL_CTX *server = make_server(TLS1_3_VERSION);
        demand_client_certificate(server);
        SSL_CTX_set_max_send_fragment(server, 512); /* the Certificate lies over several records */
        check_cuts((struct handshake_ask){.name = "cut.example", .prove = prove}, server);
    }
}

static void test_cuts_around_a_retry(void **state)
{
    (void)state;
    SSL_CTX *server = make_server(TLS1_3_VERSION);
    SSL_CTX_set1_groups_list(server, "P-256");
    check_cuts((struct handshake_ask){.alpn = true, .prove = true}, server);
}

/* Each record into records of one byte: ServerHello in fifty fragments, Certificate in thousands. Then with empty ones strewn in. */
static void test_fragments_of_one_byte(void **state)
{
    (void)state;
    for (int empty = 0; empty < 2; empty++) {
        struct recording recording = {.ask = {.prove = true}};
        SSL_CTX *context = make_server(TLS1_2_VERSION);
        struct buf crumbs;
        record(&recording, context);
        buf_init(&crumbs, FLIGHT_MAX);
        struct slice all = buf_slice(&recording.flights[0]);
        for (size_t at = 0, size; at < all.size; at += 5 + size) {
            size = (size_t)all.data[at + 3] << 8 | all.data[at + 4];
            for (size_t i = 0; i < size; i++) {
                if (empty && i % 200 == 0)
                    buf_append(&crumbs, "\x16\x03\x03\x00\x00", 5);
                buf_append(&crumbs, "\x16\x03\x03\x00\x01", 5);
                buf_append(&crumbs, all.data + at + 5 + i, 1);
            }
        }
        buf_done(&recording.flights[0]);
        recording.flights[0] = crumbs;
        replay_steps(&recording, FLIGHT_MAX);
        replay_steps(&recording, 1);
        forget(&recording);
        SSL_CTX_free(context);
    }
}

/* The whole flight in one record. */
static void test_all_in_one_record(void **state)
{
    (void)state;
    struct recording recording = {.ask = {0}};
    SSL_CTX *context = make_server(TLS1_2_VERSION);
    record(&recording, context);
    struct slice all = buf_slice(&recording.flights[0]);
    uint8_t one[16384 + 5];
    size_t filled = 5;
    for (size_t at = 0, size; at < all.size; at += 5 + size) {
        size = (size_t)all.data[at + 3] << 8 | all.data[at + 4];
        memcpy(one + filled, all.data + at + 5, size);
        filled += size;
    }
    memcpy(one, "\x16\x03\x03", 3);
    one[3] = (uint8_t)((filled - 5) >> 8);
    one[4] = (uint8_t)(filled - 5);
    buf_reset(&recording.flights[0]);
    buf_append(&recording.flights[0], one, filled);
    for (size_t cut = 0; cut <= filled; cut++)
        replay_cut(&recording, cut, 0);
    forget(&recording);
    SSL_CTX_free(context);
}

/* --- what it costs -------------------------------------------------------------------------------------------------------- */

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));
static size_t allocations;

static void count_malloc(const volatile void *block, size_t size)
{
    (void)block, (void)size;
    allocations++;
}

static void count_free(const volatile void *block)
{
    (void)block;
}

/* The second time, when the engine has its scratch. In 1.3 OpenSSL allocates a little to take the server's share. */
static void test_a_flight_in_one_piece_allocates_nothing(void **state)
{
    (void)state;
    __sanitizer_install_malloc_and_free_hooks(count_malloc, count_free);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct recording recording = {.ask = {.name = "leaf.example", .alpn = true}};
        SSL_CTX *context = make_server(version);
        record(&recording, context);
        size_t before = allocations;
        struct handshake *handshake = handshake_new(engine, &recording.ask);
        handshake_sent(handshake, handshake_output(handshake).size);
        assert_int_equal(allocations - before, 1);
        enum handshake_state now = handshake_feed(handshake, recording.flights[0].data, recording.flights[0].size);
        assert_int_equal(now, HANDSHAKE_CHAIN);
        assert_int_equal(handshake_get_result(handshake)->chain_count, 3);
        if (version == TLS1_2_VERSION)
            assert_int_equal(allocations - before, 1);
        else
            assert_true(allocations - before <= 16);
        handshake_free(handshake);
        forget(&recording);
        SSL_CTX_free(context);
    }
}

static void test_what_a_waiting_handshake_holds(void **state)
{
    enum { COUNT = 256 };
    static struct handshake *handshakes[COUNT];
    (void)state;
    size_t before = __sanitizer_get_current_allocated_bytes();
    for (size_t i = 0; i < COUNT; i++) {
        handshakes[i] = handshake_new(engine, &(struct handshake_ask){.name = "leaf.example", .alpn = true});
        handshake_sent(handshakes[i], handshake_output(handshakes[i]).size);
    }
    assert_true(__sanitizer_get_current_allocated_bytes() - before <= (size_t)COUNT * 128);
    for (size_t i = 0; i < COUNT; i++)
        handshake_feed(handshakes[i], "\x16\x03\x03", 3); /* the worst: a server that says three bytes */
    assert_true(__sanitizer_get_current_allocated_bytes() - before <= (size_t)COUNT * 1024);
    for (size_t i = 0; i < COUNT; i++)
        handshake_free(handshakes[i]);
    assert_true(__sanitizer_get_current_allocated_bytes() - before <= 8192); /* the engine's spare flights */
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts_before_13),
        cmocka_unit_test(test_cuts_in_13),
        cmocka_unit_test(test_cuts_around_a_retry),
        cmocka_unit_test(test_fragments_of_one_byte),
        cmocka_unit_test(test_all_in_one_record),
#ifdef __SANITIZE_ADDRESS__
        cmocka_unit_test(test_a_flight_in_one_piece_allocates_nothing),
        cmocka_unit_test(test_what_a_waiting_handshake_holds),
#endif
    };
    return cmocka_run_group_tests(tests, set_up_constant, tear_down);
}
