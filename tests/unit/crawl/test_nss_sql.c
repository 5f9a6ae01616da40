/* NSS's SQLite databases, made here as NSS makes them, and SQLite files that are made to harm. */
#include "tests/unit/crawl/stores.h"

#include <stdio.h>
#include <unistd.h>

#include <sqlite3.h>

static struct stores_certificate leaf, ca;

#define COLUMNS "a0, a1, a2, a3, a11, a81, a82, a101, ace536358, ace536359, ace53635a, ace53635b"
static const char schema[] = "CREATE TABLE nssPublic (id PRIMARY KEY UNIQUE ON CONFLICT ABORT, " COLUMNS ");"
                             "CREATE INDEX issuer ON nssPublic (a81);"
                             "CREATE TABLE nssPrivate (id PRIMARY KEY UNIQUE ON CONFLICT ABORT, a0, a3, a123);";

static sqlite3 *make(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    char *error = NULL;
    sqlite3_exec(db, sql, NULL, NULL, &error);
    assert_null(error);
    return db;
}

static void add(sqlite3 *db, int id, const char *nickname, const void *der, size_t size)
{
    sqlite3_stmt *insert;
    assert_int_equal(
        sqlite3_prepare_v2(
            db, "INSERT INTO nssPublic (id, a0, a3, a11, a81, a82) VALUES (?1, x'00000001', ?2, ?3, x'AA', x'BB')", -1,
            &insert, NULL),
        SQLITE_OK);
    sqlite3_bind_int(insert, 1, id);
    sqlite3_bind_blob(insert, 2, nickname, (int)strlen(nickname), SQLITE_STATIC);
    sqlite3_bind_blob(insert, 3, der, (int)size, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_finalize(insert);
}

/* The bytes of the database, which is closed. */
static unsigned char *take_bytes(sqlite3 *db, size_t *size)
{
    sqlite3_int64 length;
    unsigned char *bytes = sqlite3_serialize(db, "main", &length, 0);
    assert_non_null(bytes);
    *size = (size_t)length;
    sqlite3_close(db);
    return bytes;
}

static void expect(sqlite3 *db, const char *beside, const char *expected)
{
    size_t size;
    unsigned char *bytes = take_bytes(db, &size);
    stores_expect(bytes, size, beside, expected);
    sqlite3_free(bytes);
}

static void test_certificates(void **state)
{
    char expected[512];
    (void)state;
    sqlite3 *db = make(schema);
    add(db, 17, "my server", leaf.der, leaf.size);
    add(db, 4, "my server", ca.der, ca.size);        /* a nickname may name several */
    add(db, 5, "\xA5\x00\x5A", leaf.der, leaf.size); /* strlen cuts it: one byte, which is a name of its own */
    add(db, 6, "", leaf.der, leaf.size);
    add(db, 7, "broken", "0\x03\x02\x01\x05", 5);
    add(db, 8, "cut", leaf.der, leaf.size - 1);
    snprintf(expected, sizeof expected,
             "chain nss-sql my server stored: %s\nchain nss-sql my server stored: %s\nchain nss-sql \xA5 stored: %s\n"
             "chain nss-sql 4 stored: %s\nproblem nss-sql broken malformed\nproblem nss-sql cut malformed\nstore "
             "nss-sql unchecked 6\n",
             leaf.print, ca.print, leaf.print, leaf.print);
    expect(db, NULL, expected);
}

static void test_empty_attributes(void **state)
{
    char expected[256];
    (void)state;
    sqlite3 *db = make(schema);
    add(db, 1, "x", leaf.der, leaf.size);
    assert_int_equal(sqlite3_exec(db, "UPDATE nssPublic SET a3 = x'A5005A'", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "INSERT INTO nssPublic (id, a0, a11) VALUES (2, x'00000001', x'A5005A'), (3, x'00000001', NULL)",
                     NULL, NULL, NULL),
        SQLITE_OK);
    snprintf(expected, sizeof expected,
             "chain nss-sql 1 stored: %s\nproblem nss-sql 2 malformed\nproblem nss-sql 3 malformed\nstore nss-sql "
             "unchecked 3\n",
             leaf.print);
    expect(db, NULL, expected);
}

struct roles {
    char text[64];
};

static void note_role(void *context, const struct found_chain *chain)
{
    struct roles *roles = context;
    strncat(roles->text, chain->role, sizeof roles->text - strlen(roles->text) - 2);
    strcat(roles->text, " ");
}

static void ignore_store(void *context, const struct found_store *store)
{
    (void)context, (void)store;
}

static bool nothing_beside(void *context, const char *ending)
{
    (void)context, (void)ending;
    return false;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static void test_trust_objects(void **state)
{
    static const struct {
        const char *trust, *role;
    } rows[] = {
        {"x'CE534353', x'AA', x'BB', x'CE534352', NULL", "trust "},
        {"x'CE534353', x'AA', x'BB', NULL, x'CE534351'", "trust "},
        {"x'CE534353', x'AA', x'BB', x'CE534353', x'CE53435A'", "stored "},
        {"x'CE534353', x'AA', x'BC', x'CE534352', NULL", "stored "},
        {"x'CE534352', x'AA', x'BB', x'CE534352', NULL", "stored "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char sql[256];
        size_t size;
        struct roles roles = {""};
        struct found_ops ops = {
            .chain = note_role, .store = ignore_store, .beside = nothing_beside, .pulse = never, .context = &roles};
        sqlite3 *db = make(schema);
        add(db, 1, "ca", ca.der, ca.size);
        snprintf(sql, sizeof sql, "INSERT INTO nssPublic (id, a0, a81, a82, ace536358, ace53635b) VALUES (2, %s)",
                 rows[i].trust);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        unsigned char *bytes = take_bytes(db, &size);
        struct job job;
        job_init(&job, &stores_options, &ops);
        job_memory(&job, bytes, size);
        job_done(&job);
        assert_string_equal(roles.text, rows[i].role);
        sqlite3_free(bytes);
    }
}

static void test_keys(void **state)
{
    (void)state;
    sqlite3 *db = make("CREATE TABLE nssPrivate (id PRIMARY KEY, a0, a3, a123);"
                       "CREATE TABLE metaData (id PRIMARY KEY, item1, item2);"
                       "INSERT INTO nssPrivate VALUES (1, x'00000003', CAST('k\xC3\xB6nig' AS BLOB), x'30'), (2, "
                       "x'00000004', x'41', NULL), (3, "
                       "x'00000003', x'A5005A', NULL);");
    expect(
        db, "-wal",
        "key nss-sql k\xC3\xB6nig sealed encrypted - 0 \nkey nss-sql 2 sealed encrypted - 0 \nstore nss-sql unchecked "
        "2\nproblem nss-sql - "
        "unsupported\n");
}

/* A database with another purpose is searched for PEM. */
static void test_other_databases(void **state)
{
    char expected[128];
    (void)state;
    struct buf sql;
    buf_init(&sql, 1 << 16);
    buf_append_str(&sql,
                   "CREATE TABLE files (name, text); INSERT INTO files VALUES ('a', '-----BEGIN CERTIFICATE-----\n");
    base64_append(&sql, leaf.der, leaf.size);
    buf_append_str(&sql, "\n-----END CERTIFICATE-----\n')");
    sqlite3 *db = make(sql.data);
    snprintf(expected, sizeof expected, "chain pem 1 %s\n", leaf.print);
    expect(db, NULL, expected);
    buf_done(&sql);
}

static void test_odd_columns(void **state)
{
    char expected[128];
    (void)state;
    sqlite3 *db = make("CREATE TABLE nssPublic (id PRIMARY KEY, a0, a3, a11, a81, a82);");
    add(db, 1, "old", leaf.der, leaf.size);
    snprintf(expected, sizeof expected, "chain nss-sql old %s\nstore nss-sql unchecked 1\n", leaf.print);
    expect(db, NULL, expected);
    expect(make("CREATE TABLE nssPublic (id PRIMARY KEY, a0);"), NULL,
           "store nss-sql unchecked 0\nproblem nss-sql - malformed\n");
}

/* What a schema can do to its readers: views, virtual tables, columns that compute. */
static void test_hostile_schemas(void **state)
{
    static const char *const rows[] = {
        "CREATE TABLE t (x); CREATE VIEW nssPublic AS WITH RECURSIVE c(a0) AS (SELECT 1 UNION ALL SELECT a0 FROM c) "
        "SELECT a0, a0 AS a3, a0 AS a11, "
        "a0 AS rowid FROM c;",
        "CREATE TABLE nssPublic (id PRIMARY KEY, a0, a3, a11 AS (zeroblob(900000000)), a81, a82); INSERT INTO "
        "nssPublic VALUES (1, "
        "x'00000001', 'a', NULL, NULL);",
        "CREATE TABLE nssPublic (id PRIMARY KEY, a0, a3, a11 AS (hex(zeroblob(length(a0)))), a81, a82); INSERT INTO "
        "nssPublic VALUES (1, x'00000001', 'a', NULL, NULL)",
        "CREATE TABLE nssPublic (a0, a3, a11, id PRIMARY KEY) WITHOUT ROWID;",
        "CREATE TABLE nssPublic (rowid, a0, a3, a11); INSERT INTO nssPublic VALUES (1, x'00000001', 'a', x'30'), (1, "
        "x'00000001', 'a', x'30');",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sqlite3 *db;
        char *error = NULL;
        struct collected all;
        size_t size;
        sqlite3_open(":memory:", &db);
        sqlite3_exec(db, rows[i], NULL, NULL, &error);
        assert_null(error);
        unsigned char *bytes = take_bytes(db, &size);
        stores_read(bytes, size, NULL, -1, &all);
        assert_int_equal(all.certificates, 0);
        assert_true(all.problems > 0 || i == 0); /* a view is no table of NSS's */
        buf_done(&all.text);
        sqlite3_free(bytes);
    }
}

/* Thousands of certificates of one issuer, each of which may have any of thousands of trust objects: when that costs too much they are told
 * without it. */
static void test_work_is_bounded(void **state)
{
    struct collected all;
    char line[64];
    size_t size;
    (void)state;
    sqlite3 *db = make(schema);
    sqlite3_exec(db,
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                 "INSERT INTO nssPublic (id, a0, a81, a82) SELECT i, CASE WHEN i % 2 THEN x'00000001' ELSE "
                 "x'CE534353' END, x'AA', x'BB' FROM n",
                 NULL, NULL, NULL);
    add(db, 5000, "the last", leaf.der, leaf.size);
    unsigned char *bytes = take_bytes(db, &size);
    stores_read(bytes, size, NULL, -1, &all);
    snprintf(line, sizeof line, "chain nss-sql the last %s\n", leaf.print); /* of a role that is not known */
    assert_non_null(strstr(all.text.data, line));
    assert_non_null(strstr(all.text.data, "store nss-sql unchecked 1501\n"));
    assert_int_equal(all.problems, 1500);
    buf_done(&all.text);
    stores_read(bytes, size, NULL, 3, &all);
    assert_non_null(strstr(all.text.data, "problem nss-sql - timeout\n"));
    buf_done(&all.text);
    sqlite3_free(bytes);
}

static unsigned char *make_many(size_t *size)
{
    sqlite3 *db = make(schema);
    char nickname[32];
    for (int i = 0; i < 40; i++) {
        snprintf(nickname, sizeof nickname, "entry %d", i);
        add(db, i, nickname, i % 2 ? ca.der : leaf.der, i % 2 ? ca.size : leaf.size);
    }
    return take_bytes(db, size);
}

static void test_damage(void **state)
{
    size_t size;
    unsigned char *bytes = make_many(&size);
    struct collected all;
    (void)state;
    stores_cut(bytes, size, 61);
    sqlite3 *small = make("PRAGMA page_size = 512; CREATE TABLE nssPublic (id PRIMARY KEY, a0, a3, a11, a81, a82);");
    size_t small_size;
    add(small, 1, "one", leaf.der, leaf.size);
    unsigned char *small_bytes = take_bytes(small, &small_size);
    stores_cut(small_bytes, small_size, 1);
    sqlite3_free(small_bytes);
    for (size_t page = 4096; page < size; page += 4096) { /* one page lost: its neighbours stay */
        unsigned char saved[4096];
        memcpy(saved, bytes + page, sizeof saved);
        memset(bytes + page, 0x55, sizeof saved);
        stores_read(bytes, size, NULL, -1, &all);
        assert_true(all.certificates <= 40);
        if (all.certificates < 40 && strstr(all.text.data, "store"))
            assert_true(all.problems > 0);
        buf_done(&all.text);
        memcpy(bytes + page, saved, sizeof saved);
    }
    for (size_t at = 0; at < size; at += 37) {
        bytes[at] ^= 0xFF;
        stores_read(bytes, size, NULL, -1, &all);
        assert_true(all.chains <= 80);
        buf_done(&all.text);
        bytes[at] ^= 0xFF;
    }
    sqlite3_free(bytes);
}

/* A leaf page in the middle is lost: what stands before it and behind it is told. */
static void test_both_ends(void **state)
{
    size_t size, leaves = 0, at = 0;
    unsigned char *bytes = make_many(&size);
    struct collected all;
    (void)state;
    for (size_t page = 4096; page < size; page += 4096)
        if (bytes[page] == 0x0D && ++leaves == 4)
            at = page;
    assert_true(at > 0);
    bytes[at] = 0;
    stores_read(bytes, size, NULL, -1, &all);
    assert_in_range(all.certificates, 25, 39);
    assert_non_null(strstr(all.text.data, "chain nss-sql entry 0 "));
    assert_non_null(strstr(all.text.data, "chain nss-sql entry 39 "));
    assert_non_null(strstr(all.text.data, "problem nss-sql - malformed\n"));
    buf_done(&all.text);
    sqlite3_free(bytes);
}

/* The file may be in WAL mode; its log lies beside it or does not. On the disk, it is read where it is. */
static void test_wal_mode_on_disk(void **state)
{
    char path[] = "/tmp/test_nss_sql.XXXXXX", expected[128];
    sqlite3 *db;
    struct collected all;
    struct job job;
    int fd = mkstemp(path);
    (void)state;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, schema, NULL, NULL, NULL), SQLITE_OK);
    add(db, 1, "wal", leaf.der, leaf.size);
    sqlite3_exec(db, "CREATE TABLE filler (x); INSERT INTO filler VALUES (randomblob(200000))", NULL, NULL, NULL);
    sqlite3_close(db); /* checkpoints */
    struct found_ops ops = collect_ops(&all);
    job_init(&job, &stores_options, &ops);
    job_file(&job, fd, NULL, (uint64_t)lseek(fd, 0, SEEK_END));
    job_done(&job);
    snprintf(expected, sizeof expected, "chain nss-sql wal stored: %s\nstore nss-sql unchecked 1\n", leaf.print);
    assert_string_equal(all.text.data, expected);
    buf_done(&all.text);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates),     cmocka_unit_test(test_empty_attributes),
        cmocka_unit_test(test_trust_objects),    cmocka_unit_test(test_keys),
        cmocka_unit_test(test_other_databases),  cmocka_unit_test(test_odd_columns),
        cmocka_unit_test(test_hostile_schemas),  cmocka_unit_test(test_work_is_bounded),
        cmocka_unit_test(test_damage),           cmocka_unit_test(test_both_ends),
        cmocka_unit_test(test_wal_mode_on_disk),
    };
    EVP_PKEY *key = make_key("EC", "P-256");
    ca = stores_make(key, "ca", "ca");
    leaf = stores_make(key, "leaf", "ca");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    OPENSSL_free(ca.der);
    OPENSSL_free(leaf.der);
    EVP_PKEY_free(key);
    return failed;
}
