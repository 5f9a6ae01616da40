/* CompressedCertificate messages (RFC 8879): each algorithm, cut at every byte, lengths that lie, bombs; and in a conversation of TLS 1.3 as a key log opens it. */
#include "tests/unit/watch/talk.h"

#include <zlib.h>
#include <zstd.h>

#include "certmuster/limits.h"
#include "scanner/watch/certificate_unpack.h"

enum { ZLIB = 1, BROTLI = 2, ZSTD = 3, CERT = 700 };

/* The body of a Certificate of TLS 1.3: no context, one certificate, no extensions. */
static struct buf certificate(void)
{
    struct buf out = new_buf();
    buf_append_char(&out, 0);
    put_u24(&out, 3 + CERT + 2);
    put_u24(&out, CERT);
    for (size_t i = 0; i < CERT; i++)
        buf_append_char(&out, 'A');
    put_u16(&out, 0);
    return out;
}

static struct buf pack(int algorithm, const struct buf *plain)
{
    struct buf out = new_buf();
    if (algorithm == BROTLI) { /* of certificate(), made with brotli 1.0.9 */
        put_hex(&out, "1bc402f80519725f6c817a524a024a6545800191bbce1a");
        return out;
    }
    uLongf zlib_size = compressBound(plain->size);
    size_t most = algorithm == ZLIB ? zlib_size : ZSTD_compressBound(plain->size);
    uint8_t *packed = malloc(most);
    if (algorithm == ZLIB)
        assert_int_equal(compress(packed, &zlib_size, (const uint8_t *)plain->data, plain->size), Z_OK);
    size_t size = algorithm == ZLIB ? zlib_size : ZSTD_compress(packed, most, plain->data, plain->size, 3);
    buf_append(&out, packed, size);
    free(packed);
    return out;
}

static struct buf message(int algorithm, size_t announced, const struct buf *packed)
{
    struct buf out = new_buf();
    put_u16(&out, (size_t)algorithm);
    put_u24(&out, announced);
    put_u24(&out, packed->size);
    buf_append(&out, packed->data, packed->size);
    return out;
}

/* From memory of its very size, so that AddressSanitizer sees what is read past it. */
static bool unpack(const struct buf *body, size_t size, struct buf *out)
{
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, body->data, size);
    bool done = certificate_unpack((struct slice){copy, size}, out);
    free(copy);
    return done;
}

static void test_each_algorithm(void **state)
{
    struct buf plain = certificate(), out = new_buf();
    (void)state;
    for (int algorithm = ZLIB; algorithm <= ZSTD; algorithm++) {
        struct buf packed = pack(algorithm, &plain), body = message(algorithm, plain.size, &packed);
        assert_true(unpack(&body, body.size, &out));
        assert_int_equal(out.size, plain.size);
        assert_memory_equal(out.data, plain.data, plain.size);
        for (size_t cut = 0; cut < body.size; cut++)
            assert_false(unpack(&body, cut, &out));
        for (size_t i = 8; i < body.size; i++) { /* damaged: whatever comes out is as long as it should be */
            body.data[i] ^= 0x40;
            assert_true(!unpack(&body, body.size, &out) || out.size == plain.size);
            body.data[i] ^= 0x40;
        }
        for (size_t cut = 1; cut < packed.size; cut++) { /* the lengths fit and the end is missing */
            struct buf part = new_buf();
            buf_append(&part, packed.data, packed.size - cut);
            struct buf shorter = message(algorithm, plain.size, &part);
            assert_false(unpack(&shorter, shorter.size, &out));
            buf_done(&part);
            buf_done(&shorter);
        }
        buf_done(&packed);
        buf_done(&body);
    }
    buf_done(&plain);
    buf_done(&out);
}

static void test_lengths_that_lie(void **state)
{
    struct buf plain = certificate(), out = new_buf();
    static const size_t announced[] = {0, 1, 708, 710, CM_LIMIT_FLIGHT_BYTES, CM_LIMIT_FLIGHT_BYTES + 1, 0xffffff};
    (void)state;
    for (int algorithm = 0; algorithm <= 4; algorithm++) {
        struct buf packed = pack(algorithm == 0 || algorithm == 4 ? ZLIB : algorithm, &plain);
        for (size_t i = 0; i < sizeof announced / sizeof *announced; i++) {
            struct buf body = message(algorithm, announced[i], &packed);
            assert_false(unpack(&body, body.size, &out));
            buf_done(&body);
        }
        struct buf body = message(algorithm, plain.size, &packed);
        assert_int_equal(unpack(&body, body.size, &out), algorithm >= ZLIB && algorithm <= ZSTD);
        buf_done(&body);
        buf_done(&packed);
    }
    buf_done(&plain);
    buf_done(&out);
}

static void test_bomb(void **state)
{
    struct buf zeros = new_buf(), out = new_buf();
    (void)state;
    memset(buf_extend(&zeros, 64 << 20 >> 2), 0, 64 << 20 >> 2);
    for (int algorithm = ZLIB; algorithm <= ZSTD; algorithm += 2) {
        struct buf packed = pack(algorithm, &zeros), body = message(algorithm, CM_LIMIT_FLIGHT_BYTES, &packed);
        assert_false(unpack(&body, body.size, &out));
        assert_true(out.capacity <= 2 * CM_LIMIT_FLIGHT_BYTES);
        buf_done(&packed);
        buf_done(&body);
    }
    buf_done(&zeros);
    buf_done(&out);
}

/* What a key log opens comes as messages: the chain is told as if it had come plainly. Up to TLS 1.2 there is no such message. */
static void test_in_a_conversation(void **state)
{
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        struct buf plain = certificate(), packed = pack(BROTLI, &plain), body = message(BROTLI, plain.size, &packed);
        struct buf hello = client_hello(tls13), messages = new_buf(), flight = new_buf();
        struct talk talk;
        talk_init(&talk);
        say(&talk, 0, &hello);
        put_server_hello(&messages, tls13);
        if (tls13) {
            const struct tls_message of_hello = {.type = TLS_SERVER_HELLO,
                                                 .body = {(const uint8_t *)messages.data + 4, messages.size - 4}};
            const struct tls_message of_chain = {.type = TLS_COMPRESSED_CERTIFICATE, .body = buf_slice(&body)};
            struct tls_server_hello parsed;
            assert_int_equal(tls_read_server_hello(of_hello.body, &parsed), 0);
            talk.session->options.keylog = NULL;
            talk.session->told = 1u << OBSERVED_HIDDEN; /* it would be over at once without the secrets */
            session_begin_reading(talk.session, 1);
            session_message(talk.session, 1, &of_hello);
            talk.session->told = 0;
            session_message(talk.session, 1, &of_chain);
            assert_non_null(strstr(talk.seen.lines.data, " chain=A700\n"));
        } else {
            put_message(&messages, TLS_COMPRESSED_CERTIFICATE, buf_slice(&body));
            put_server_done(&messages);
            put_records(&flight, &messages, 16384);
            say(&talk, 1, &flight);
            assert_int_equal(talk.seen.count, 0);
        }
        session_free(talk.session);
        observing_done(&talk.seen);
        buf_done(&plain);
        buf_done(&packed);
        buf_done(&body);
        buf_done(&hello);
        buf_done(&messages);
        buf_done(&flight);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_algorithm),
        cmocka_unit_test(test_lengths_that_lie),
        cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_in_a_conversation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
