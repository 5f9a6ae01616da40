/* Questions about fingerprints: what submit writes and what anybody may write mean the same; what is wrong is refused by either reader. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/delivery.h"
#include "certmuster/ids.h"
#include "collector/ingest/question.h"

static void digest_of(unsigned number, sha256_value out)
{
    sha256_bytes(&number, sizeof number, out);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, CM_SHA256_SIZE);
}

/* The question of submit: sorted, compact. */
static sha256_value *ask(struct buf *out, unsigned count)
{
    sha256_value *list = cm_calloc(count + 1, sizeof *list);
    for (unsigned i = 0; i < count; i++)
        digest_of(i, list[i]);
    qsort(list, count, sizeof *list, compare);
    buf_init(out, 16 << 20);
    buf_append_str(out, "{\"sha256\":[");
    for (unsigned i = 0; i < count; i++) {
        buf_append_str(out, i ? ",\"" : "\"");
        hex_append(out, list[i], CM_SHA256_SIZE);
        buf_append_char(out, '"');
    }
    buf_append_str(out, "]}");
    return list;
}

static int read_body(const struct buf *body, sha256_value **list, size_t *count)
{
    struct cm_error error;
    char *copy = malloc(body->size + 1); /* so that a look past the end is seen */
    memcpy(copy, body->data, body->size);
    copy = realloc(copy, body->size ? body->size : 1);
    *list = NULL;
    int code = question_read(copy, body->size, list, count, &error);
    free(copy);
    return code;
}

static void expect(const struct buf *body, sha256_value *wanted, size_t wanted_count)
{
    sha256_value *list;
    size_t count = 0;
    assert_int_equal(read_body(body, &list, &count), 0);
    assert_int_equal(count, wanted_count);
    if (count)
        assert_memory_equal(list, wanted, count * CM_SHA256_SIZE);
    free(list);
}

static void test_sizes(void **state)
{
    static const unsigned sizes[] = {0, 1, 2, 3, 1000, DELIVERY_MISSING_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buf body;
        sha256_value *list = ask(&body, sizes[i]);
        expect(&body, list, sizes[i]);
        buf_append_str(&body, "\n\n");
        expect(&body, list, sizes[i]);
        free(list);
        buf_done(&body);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    struct buf body;
    sha256_value *list = ask(&body, DELIVERY_MISSING_MAX + 1), *read;
    size_t count;
    assert_int_equal(read_body(&body, &read, &count), CM_ELIMIT);
    assert_null(read);
    free(list);
    buf_done(&body);
}

/* White space, upper case, other members, another order and doubles: as JSON has it. */
static void test_other_writers(void **state)
{
    (void)state;
    struct buf body, other;
    sha256_value *list = ask(&body, 2);
    char hex[2][CM_SHA256_HEX_SIZE];
    for (int i = 0; i < 2; i++)
        hex_write(hex[i], list[i], CM_SHA256_SIZE);
    static const char *const forms[] = {"{ \"sha256\" : [ \"%s\", \"%s\" ] }",
                                        "{\"sha256\":[\"%s\",\"%s\"],\"more\":1}",
                                        "{\"more\":[],\"sha256\":[\"%s\",\"%s\"]}", "{\"sha256\":[\"%s\",\n\"%s\"]}\n"};
    for (size_t form = 0; form < sizeof forms / sizeof *forms; form++)
        for (int turned = 0; turned <= 1; turned++) {
            char text[512];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(text, sizeof text, forms[form], hex[turned], hex[!turned]);
#pragma GCC diagnostic pop
            buf_init(&other, sizeof text);
            buf_append_str(&other, text);
            expect(&other, list, 2);
            buf_done(&other);
        }
    buf_init(&other, 1024); /* of the plain form, with one of them three times and upper case */
    for (char *c = hex[1]; *c; c++)
        *c = (char)(*c >= 'a' ? *c - 32 : *c);
    buf_appendf(&other, "{\"sha256\":[\"%s\",\"%s\",\"%s\",\"%s\"]}", hex[1], hex[0], hex[1], hex[1]);
    expect(&other, list, 2);
    buf_done(&other);
    free(list);
    buf_done(&body);
}

static void refuse(struct buf *body)
{
    sha256_value *list;
    size_t count;
    assert_int_equal(read_body(body, &list, &count), CM_EMALFORMED);
    assert_null(list);
}

static void test_damaged(void **state)
{
    (void)state;
    struct buf body;
    sha256_value *list = ask(&body, 3);
    size_t size = body.size;
    for (body.size = 0; body.size < size; body.size++) /* cut anywhere */
        refuse(&body);
    static const char wrong[] = {'x', '"', 0, '\\', (char)0xFF};
    for (size_t at = 0; at < size; at++) { /* or spoilt: nowhere may a byte be taken for another */
        char right = body.data[at];
        for (size_t i = 0; i < sizeof wrong; i++) {
            if (right == wrong[i])
                continue;
            body.data[at] = wrong[i];
            refuse(&body);
        }
        body.data[at] = right;
    }
    expect(&body, list, 3);
    free(list);
    buf_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes), cmocka_unit_test(test_too_many),
                                       cmocka_unit_test(test_other_writers), cmocka_unit_test(test_damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
