/* Identities against the vectors of tests/data/ids.tsv, which the SQL side reads too; UUIDs as text. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/ids.h"
#include "certmuster/timefmt.h"

enum { FIELDS_MAX = 8, CHAIN_MAX = 8 };

static void id_of(char *fields[], uint8_t id[CM_UUID_SIZE])
{
    if (strcmp(fields[0], "endpoint") == 0) {
        location_id_endpoint(fields[1], fields[2], fields[3], (unsigned)atoi(fields[4]), fields[5], id);
    } else if (strcmp(fields[0], "file") == 0) {
        /* An absent inner or entry is the same as an empty one. */
        location_id_file(fields[1], fields[2], fields[3], *fields[4] ? fields[4] : NULL, *fields[5] ? fields[5] : NULL,
                         id);
    } else {
        uint8_t chain[CHAIN_MAX][CM_SHA256_SIZE];
        size_t count = 0;
        for (char *at = fields[1]; at && count < CHAIN_MAX;) {
            char *fingerprint = strsep(&at, ",");
            assert_int_equal(hex_read(fingerprint, strlen(fingerprint), chain[count++], CM_SHA256_SIZE), 0);
        }
        chain_id((const uint8_t(*)[CM_SHA256_SIZE])chain, count, id);
    }
}

static void test_vectors(void **state)
{
    (void)state;
    char path[1024], line[4096];
    const char *top = getenv("CM_TOP");
    unsigned rows = 0;
    snprintf(path, sizeof path, "%s/tests/data/ids.tsv", top ? top : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char *fields[FIELDS_MAX] = {0}, text[CM_UUID_TEXT_SIZE];
        size_t count = 0;
        uint8_t id[CM_UUID_SIZE];
        if (line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = '\0';
        for (char *at = line; at && count < FIELDS_MAX;)
            fields[count++] = strsep(&at, "\t");
        id_of(fields, id);
        uuid_write(text, id);
        assert_string_equal(text, fields[count - 1]);
        rows++;
    }
    fclose(file);
    assert_true(rows >= 10);
}

static void test_sha256(void **state)
{
    (void)state;
    uint8_t digest[CM_SHA256_SIZE];
    char hex[CM_SHA256_HEX_SIZE];
    sha256_bytes("abc", 3, digest); /* FIPS 180-2, appendix B.1 */
    hex_write(hex, digest, sizeof digest);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_bytes(NULL, 0, digest);
    hex_write(hex, digest, sizeof digest);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_fields_are_kept_apart(void **state)
{
    (void)state;
    uint8_t a[CM_UUID_SIZE], b[CM_UUID_SIZE];
    location_id_file("r", "h", "/a", "b", NULL, a);
    location_id_file("r", "h", "/ab", "", NULL, b);
    assert_memory_not_equal(a, b, CM_UUID_SIZE);
}

static void test_uuid_v7(void **state)
{
    (void)state;
    uint8_t first[CM_UUID_SIZE], second[CM_UUID_SIZE];
    int64_t before = clock_wall_ms();
    uuid_v7(first);
    uuid_v7(second);
    int64_t after = clock_wall_ms(), said = 0;
    for (unsigned i = 0; i < 6; i++)
        said = said << 8 | first[i];
    assert_true(said >= before && said <= after);
    assert_int_equal(first[6] >> 4, 7);
    assert_int_equal(first[8] >> 6, 2);
    assert_memory_not_equal(first, second, CM_UUID_SIZE);
}

static void test_uuid_text(void **state)
{
    static const char *const wrong[] = {"",
                                        "01890a5d-ac96-774b-bcce-b302099a805",
                                        "01890a5d-ac96-774b-bcce-b302099a80577",
                                        "01890a5dxac96-774b-bcce-b302099a8057",
                                        "01890a5d-ac96-774b-bcceb-302099a8057",
                                        "g1890a5d-ac96-774b-bcce-b302099a8057",
                                        "{1890a5d-ac96-774b-bcce-b302099a8057"};
    (void)state;
    uint8_t id[CM_UUID_SIZE];
    char text[CM_UUID_TEXT_SIZE];
    assert_int_equal(uuid_read("01890A5D-ac96-774b-bcce-b302099a8057", id), 0);
    uuid_write(text, id);
    assert_string_equal(text, "01890a5d-ac96-774b-bcce-b302099a8057");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(uuid_read(wrong[i], id), CM_EMALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors), cmocka_unit_test(test_sha256),    cmocka_unit_test(test_fields_are_kept_apart),
        cmocka_unit_test(test_uuid_v7), cmocka_unit_test(test_uuid_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
