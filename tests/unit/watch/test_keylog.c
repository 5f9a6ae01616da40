/* Key logs: the lines that matter, all others, cut and damaged ones; files that grow; more secrets than are kept. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "certmuster/buf.h"
#include "scanner/watch/keylog.h"
#include "tests/unit/watch/memory.h"

enum { MIB = 1024 * 1024 };

static void put_line(struct buf *out, const char *label, unsigned random, unsigned secret, size_t size)
{
    buf_appendf(out, "%s ", label);
    for (size_t i = 0; i < 8; i++)
        buf_appendf(out, "%08x", random);
    buf_append_char(out, ' ');
    for (size_t i = 0; i < size; i++)
        buf_appendf(out, "%02X", secret);
    buf_append_char(out, '\n');
}

static bool find(struct keylog *keylog, unsigned random, struct keylog_secrets *out)
{
    uint8_t bytes[KEYLOG_RANDOM_SIZE];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(random >> (24 - 8 * (i % 4)));
    return keylog_find(keylog, bytes, out);
}

static void add(struct keylog *keylog, const char *text, size_t size)
{
    char *copy = malloc(size ? size : 1);
    memcpy(copy, text, size);
    keylog_add(keylog, (struct slice){(const uint8_t *)copy, size});
    free(copy);
}

static void test_lines(void **state)
{
    struct keylog *keylog = keylog_new();
    struct keylog_secrets secrets;
    struct buf text;
    (void)state;
    buf_init(&text, MIB);
    assert_false(keylog_is_used(keylog));
    assert_false(keylog_is_used(NULL));
    assert_false(find(keylog, 1, &secrets));
    buf_append_str(&text, "# a comment\n\n \nCLIENT_RANDOM\nEXPORTER_SECRET 00 11\n");
    put_line(&text, "SERVER_HANDSHAKE_TRAFFIC_SECRET", 1, 0xab, 32);
    put_line(&text, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", 1, 0xcd, 48);
    put_line(&text, "CLIENT_RANDOM", 2, 0xef, 48);
    put_line(&text, "SERVER_TRAFFIC_SECRET_0", 3, 1, 32);
    put_line(&text, "CLIENT_RANDOM", 4, 1, 31);
    put_line(&text, "CLIENT_RANDOM", 4, 1, 0);
    put_line(&text, "CLIENT_RANDOMS", 4, 1, 48);
    text.size--;
    buf_append_str(&text, "\r\n");
    put_line(&text, "SERVER_HANDSHAKE_TRAFFIC_SECRET", 5, 0x55, 32);
    text.data[text.size - 1] = '\r'; /* the last line ends with the text */
    add(keylog, text.data, text.size);
    assert_true(keylog_is_used(keylog));
    assert_true(find(keylog, 1, &secrets));
    assert_int_equal(secrets.server.size, 32);
    assert_int_equal(secrets.server.bytes[31], 0xab);
    assert_int_equal(secrets.client.size, 48);
    assert_int_equal(secrets.client.bytes[47], 0xcd);
    assert_int_equal(secrets.master.size, 0);
    assert_true(find(keylog, 2, &secrets));
    assert_int_equal(secrets.master.size, 48);
    assert_false(find(keylog, 3, &secrets));
    assert_false(find(keylog, 4, &secrets));
    assert_true(find(keylog, 5, &secrets));
    buf_done(&text);
    keylog_free(keylog);
}

static void test_cut_and_damaged_lines(void **state)
{
    struct keylog_secrets secrets;
    struct buf text;
    (void)state;
    buf_init(&text, MIB);
    put_line(&text, "SERVER_HANDSHAKE_TRAFFIC_SECRET", 0x11111111, 0xab, 48);
    for (size_t cut = 0; cut < text.size; cut++) {
        struct keylog *keylog = keylog_new();
        add(keylog, text.data, cut);
        bool whole_hex = cut == text.size - 1 || cut == text.size - 1 - 32; /* 32 bytes are a secret, too */
        assert_int_equal(find(keylog, 0x11111111, &secrets), whole_hex);
        keylog_free(keylog);
    }
    for (size_t at = 0; at + 1 < text.size; at++) {
        struct keylog *keylog = keylog_new();
        char before = text.data[at];
        text.data[at] = 'x';
        add(keylog, text.data, text.size);
        assert_false(find(keylog, 0x11111111, &secrets));
        text.data[at] = before;
        keylog_free(keylog);
    }
    buf_done(&text);
}

static void append(FILE *file, const char *text, size_t size)
{
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fflush(file), 0);
}

/* A line is read when it is whole, however it was written; lines that are longer than any are passed over. */
static void test_growing_file(void **state)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/keylog-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    struct keylog *keylog = keylog_new();
    struct keylog_secrets secrets;
    struct cm_error error;
    struct buf text;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    buf_init(&text, MIB);
    assert_int_equal(keylog_open(keylog, path, &error), 0);
    assert_true(keylog_is_used(keylog));
    put_line(&text, "CLIENT_RANDOM", 7, 1, 48);
    append(file, text.data, 30);
    assert_false(find(keylog, 7, &secrets));
    append(file, text.data + 30, text.size - 31);
    assert_false(find(keylog, 7, &secrets));
    append(file, "\n", 1);
    assert_true(find(keylog, 7, &secrets));
    for (int i = 0; i < 100000; i++)
        append(file, "CLIENT_RANDOM ", 14);
    size_t before = bytes_in_use();
    assert_false(find(keylog, 8, &secrets));
    assert_true(bytes_in_use() < before + 4096);
    buf_reset(&text);
    buf_append_char(&text, '\n');
    put_line(&text, "CLIENT_RANDOM", 8, 1, 48);
    append(file, text.data, text.size);
    assert_true(find(keylog, 8, &secrets));
    for (int i = 1; i < 16; i++)
        assert_int_equal(keylog_open(keylog, path, &error), 0);
    assert_int_equal(keylog_open(keylog, path, &error), CM_ELIMIT);
    fclose(file);
    unlink(path);
    struct keylog *other = keylog_new();
    assert_int_equal(keylog_open(other, path, &error), CM_EIO);
    keylog_free(other);
    buf_done(&text);
    keylog_free(keylog);
}

/* Randoms that only differ at their end, as a hostile capture would have them: no slower than others. */
static void test_chosen_randoms(void **state)
{
    struct keylog *keylog = keylog_new();
    struct buf text;
    struct timespec began, ended;
    (void)state;
    buf_init(&text, MIB);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
    for (unsigned i = 0; i < 40000; i++) {
        buf_reset(&text);
        buf_appendf(&text, "CLIENT_RANDOM %056x%08x ", 0, i);
        for (size_t j = 0; j < 12; j++)
            buf_appendf(&text, "%08x", i);
        keylog_add(keylog, buf_slice(&text));
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
    assert_true(ended.tv_sec - began.tv_sec < 4); /* a table that they fill up in one place takes minutes */
    buf_done(&text);
    keylog_free(keylog);
}

static void test_more_than_is_kept(void **state)
{
    struct keylog *keylog = keylog_new();
    struct keylog_secrets secrets;
    struct buf text;
    size_t before = bytes_in_use();
    unsigned kept = 0;
    (void)state;
    buf_init(&text, MIB);
    for (unsigned i = 1; i <= 140000; i++) {
        buf_reset(&text);
        put_line(&text, "CLIENT_RANDOM", i * 2654435761u, 1, 48);
        keylog_add(keylog, buf_slice(&text));
    }
    assert_true(bytes_in_use() - before < 64 * MIB);
    for (unsigned i = 1; i <= 140000; i++)
        kept += find(keylog, i * 2654435761u, &secrets);
    assert_int_equal(kept, 1 << 17);
    assert_true(find(keylog, 2654435761u, &secrets));
    buf_done(&text);
    keylog_free(keylog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_cut_and_damaged_lines),
        cmocka_unit_test(test_growing_file),
        cmocka_unit_test(test_chosen_randoms),
        cmocka_unit_test(test_more_than_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
