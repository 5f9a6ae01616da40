/* The digest of a place: each thing that compare.sql compares makes another one when it alone is another, and nothing else does. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdlib.h>
#include <string.h>

#include "collector/ingest/batch.h"

static const uint8_t run_id[CM_UUID_SIZE];

#define A       "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define B       "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\""
#define ROLE    ",\"role\":\"server\""
#define CHAIN   ",\"chain\":[" A "," B "]"
#define TLS     ",\"tls\":{\"version\":\"TLSv1.3\",\"cipher\":\"x\",\"scts\":1}"
#define SCANNER ",\"scanner\":\"s\",\"run\":\"01a1fe46-88b0-7bce-8c22-b6a5ba324746\""
#define FILE_AT                                                                                                        \
    ",\"file\":{\"realm\":\"default\",\"host\":\"h\",\"path\":\"/"                                                     \
    "a\",\"format\":\"pem\",\"mode\":420,\"uid\":0,\"gid\":0,\"size\":9,\"mtime\":\"2026-01-01T00:00:00Z\""

#define RECORD(type, source, at, who, place, rest)                                                                     \
    "{\"v\":1,\"type\":\"" type "\",\"source\":\"" source "\",\"at\":\"2026-01-02T03:04:0" at "Z\"" who place rest "}" \
    "\n"
#define AT_PORT(more)                                                                                                  \
    ",\"endpoint\":{\"realm\":\"default\",\"transport\":\"tcp\",\"ip\":\"192.0.2.1\",\"port\":443,\"name\":\"\"" more  \
    "}"
#define SEEN(place, rest)   RECORD("sighting", "scan", "5", SCANNER, place, rest)
#define FAILED(rest)        RECORD("failure", "scan", "5", SCANNER, AT_PORT(""), rest)
#define HIDDEN(rest)        RECORD("endpoint", "watch", "5", SCANNER, AT_PORT(""), rest)
#define BASE                SEEN(AT_PORT(",\"starttls\":\"smtp\""), ROLE CHAIN TLS)
#define OF_FILE(meta, rest) SEEN(FILE_AT meta "}", ",\"role\":\"stored\"" CHAIN rest)

static void digest_of(const char *body, uint8_t out[CM_UUID_SIZE])
{
    const struct batch_options options = {.scanner = "s", .run = run_id, .now_ms = INT64_C(1800000000000)};
    struct batch batch;
    struct places places;
    assert_int_equal(batch_read(body, strlen(body), &options, &batch, NULL), 0);
    batch_settle(&batch);
    batch_group(&batch, &places);
    assert_int_equal(batch.rejection_count, 0);
    assert_int_equal(places.count, 1);
    assert_int_not_equal(places.list[0].kind, LOOK_MIXED);
    memcpy(out, places.list[0].digest, CM_UUID_SIZE);
    places_done(&places);
    batch_done(&batch);
}

static const struct {
    const char *what, *one, *two;
    bool same;
} pairs[] = {
    {"the chain is another", BASE, SEEN(AT_PORT(",\"starttls\":\"smtp\""), ROLE ",\"chain\":[" A "]" TLS), false},
    {"the order of the chain", BASE, SEEN(AT_PORT(",\"starttls\":\"smtp\""), ROLE ",\"chain\":[" B "," A "]" TLS),
     false},
    {"one chain more", BASE, BASE SEEN(AT_PORT(",\"starttls\":\"smtp\""), ROLE ",\"chain\":[" B "]" TLS), false},
    {"the role", BASE, SEEN(AT_PORT(",\"starttls\":\"smtp\""), ",\"role\":\"signer\"" CHAIN TLS), false},
    {"starttls is another", BASE, SEEN(AT_PORT(",\"starttls\":\"imap\""), ROLE CHAIN TLS), false},
    {"no starttls", BASE, SEEN(AT_PORT(""), ROLE CHAIN TLS), false},
    {"a member of tls", BASE,
     SEEN(AT_PORT(",\"starttls\":\"smtp\""),
          ROLE CHAIN ",\"tls\":{\"version\":\"TLSv1.2\",\"cipher\":\"x\",\"scts\":1}"),
     false},
    {"a number of tls", BASE,
     SEEN(AT_PORT(",\"starttls\":\"smtp\""),
          ROLE CHAIN ",\"tls\":{\"version\":\"TLSv1.3\",\"cipher\":\"x\",\"scts\":2}"),
     false},
    {"an unknown member of tls", BASE,
     SEEN(AT_PORT(",\"starttls\":\"smtp\""),
          ROLE CHAIN ",\"tls\":{\"version\":\"TLSv1.3\",\"cipher\":\"x\",\"scts\":1,\"new\":1}"),
     false},
    {"no tls", BASE, SEEN(AT_PORT(",\"starttls\":\"smtp\""), ROLE CHAIN), false},
    {"seen or failed", BASE, FAILED(",\"stage\":\"connect\",\"error\":\"refused\""), false},
    {"seen or hidden", BASE, HIDDEN(TLS), false},
    {"tls of what is hidden", HIDDEN(TLS), HIDDEN(",\"tls\":{\"version\":\"TLSv1.3\"}"), false},
    {"the stage of a failure", FAILED(",\"stage\":\"connect\",\"error\":\"timeout\""),
     FAILED(",\"stage\":\"hello\",\"error\":\"timeout\""), false},
    {"the error of a failure", FAILED(",\"stage\":\"connect\",\"error\":\"timeout\""),
     FAILED(",\"stage\":\"connect\",\"error\":\"refused\""), false},
    {"the format of a file", OF_FILE("", ""),
     SEEN(",\"file\":{\"realm\":\"default\",\"host\":\"h\",\"path\":\"/"
          "a\",\"format\":\"der\",\"mode\":420,\"uid\":0,\"gid\":0,\"size\":9,\"mtime\":\"2026-01-01T00:00:00Z\"}",
          ",\"role\":\"stored\"" CHAIN),
     false},
    {"the mode of a file", OF_FILE("", ""),
     SEEN(",\"file\":{\"realm\":\"default\",\"host\":\"h\",\"path\":\"/"
          "a\",\"format\":\"pem\",\"mode\":384,\"uid\":0,\"gid\":0,\"size\":9,\"mtime\":\"2026-01-01T00:00:00Z\"}",
          ",\"role\":\"stored\"" CHAIN),
     false},
    {"the time of a file", OF_FILE("", ""),
     SEEN(",\"file\":{\"realm\":\"default\",\"host\":\"h\",\"path\":\"/"
          "a\",\"format\":\"pem\",\"mode\":420,\"uid\":0,\"gid\":0,\"size\":9,\"mtime\":\"2026-01-01T00:00:01Z\"}",
          ",\"role\":\"stored\"" CHAIN),
     false},

    {"the inode of a file", OF_FILE(",\"inode\":1", ""), OF_FILE(",\"inode\":2", ""), true},
    {"the time, the source, the scanner and the run", BASE,
     RECORD("sighting", "watch", "9", "", AT_PORT(",\"starttls\":\"smtp\""), ROLE CHAIN TLS), true},
    {"milliseconds, attempts, since and count", BASE,
     SEEN(AT_PORT(",\"starttls\":\"smtp\""), ROLE CHAIN TLS
          ",\"ms\":{\"connect\":7},\"attempts\":[{\"what\":\"x\"}],\"since\":\"2026-01-01T00:00:00Z\",\"count\":3"),
     true},
    {"the order of members", BASE,
     SEEN(AT_PORT(",\"starttls\":\"smtp\""),
          ",\"tls\":{\"scts\":1,\"cipher\":\"x\",\"version\":\"TLSv1.3\"}" CHAIN ROLE),
     true},
    {"said twice", BASE, BASE BASE, true},
    {"the detail and the tls of a failure", FAILED(",\"stage\":\"hello\",\"error\":\"alert\""),
     FAILED(",\"stage\":\"hello\",\"error\":\"alert\",\"detail\":\"40\"" TLS), true},
};

static void test_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        uint8_t one[CM_UUID_SIZE], two[CM_UUID_SIZE];
        digest_of(pairs[i].one, one);
        digest_of(pairs[i].two, two);
        if ((memcmp(one, two, sizeof one) == 0) != pairs[i].same)
            print_error("%s\n", pairs[i].what);
        assert_int_equal(memcmp(one, two, sizeof one) == 0, pairs[i].same);
    }
}

/* The digest of several chains does not depend on the order in which they were told. */
static void test_order(void **state)
{
    static const char one[] = SEEN(AT_PORT(""), ROLE ",\"chain\":[" A "]"),
                      two[] = SEEN(AT_PORT(""), ROLE ",\"chain\":[" B "]");
    char forth[sizeof one + sizeof two], back[sizeof one + sizeof two];
    uint8_t left[CM_UUID_SIZE], right[CM_UUID_SIZE];
    (void)state;
    strcat(strcpy(forth, one), two);
    strcat(strcpy(back, two), one);
    digest_of(forth, left);
    digest_of(back, right);
    assert_memory_equal(left, right, CM_UUID_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pairs), cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
