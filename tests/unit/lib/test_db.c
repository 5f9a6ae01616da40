/* The PostgreSQL wrapper over a real, private server: parameters, rows, COPY of hostile bytes, error codes, a server that goes away. */
#include "tests/unit/lib/cmocka_first.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certmuster/buf.h"
#include "certmuster/db.h"

static char top[] = "/tmp/cm-db-XXXXXX";
static char dsn[128];

static int shell(const char *verb)
{
    /* PostgreSQL refuses to run as root; then the package's own account runs it. */
    static const char script[] =
        "top=%s verb=%s; export PATH=/usr/lib/postgresql/15/bin:$PATH; run=; "
        "if [ \"$(id -u)\" = 0 ]; then chown postgres $top; run='setpriv --reuid=postgres --regid=postgres "
        "--clear-groups --'; fi; cd /; case $verb in "
        "init) $run initdb -D $top/data -A trust -U tester -N --no-instructions >$top/initdb.log 2>&1;; "
        "start) $run pg_ctl -D $top/data -w -s -l $top/log -o \"-k $top -h '' -F -c max_connections=10\" start "
        ">/dev/null 2>&1;; "
        "stop) $run pg_ctl -D $top/data -w -s -m immediate stop >/dev/null 2>&1;; esac";
    char command[1024];
    snprintf(command, sizeof command, script, top, verb);
    return system(command);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(top))
        return -1;
    snprintf(dsn, sizeof dsn, "host=%s port=5432 dbname=postgres", top);
    return shell("init") || shell("start");
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    shell("stop");
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command);
}

static struct db *connect_db(void)
{
    struct db *db = NULL;
    struct cm_error error;
    struct db_options options = {.dsn = dsn, .user = "tester", .program = "test_db", .statement_timeout_ms = 20000};
    if (db_connect(&options, &db, &error) != 0)
        fail_msg("%s: %s", error.reason, error.detail);
    return db;
}

static void test_session(void **state)
{
    (void)state;
    struct db *db = connect_db();
    struct db_result *result;
    struct cm_error error;
    const char *params[] = {"'; DROP TABLE x; --", NULL, "\xC3\xA9\n\"\\"};
    assert_true(db_alive(db));
    assert_true(db_socket(db) >= 0);
    assert_int_equal(db_query(db,
                              "SELECT $1::text AS a, $2::text, $3::text, 42, true, current_setting('timezone'), "
                              "current_setting('search_path'), current_setting('application_name'), current_user",
                              params, 3, &result, &error),
                     0);
    assert_int_equal(db_rows(result), 1);
    assert_int_equal(db_columns(result), 9);
    assert_string_equal(db_column_name(result, 0), "a");
    assert_string_equal(db_text(result, 0, 0), params[0]);
    assert_true(db_is_null(result, 0, 1));
    assert_string_equal(db_text(result, 0, 1), "");
    assert_int_equal(db_integer(result, 0, 1), 0);
    assert_string_equal(db_text(result, 0, 2), params[2]);
    assert_int_equal(db_text_size(result, 0, 2), strlen(params[2]));
    assert_int_equal(db_integer(result, 0, 3), 42);
    assert_true(db_boolean(result, 0, 4));
    assert_string_equal(db_text(result, 0, 5), "UTC");
    assert_string_equal(db_text(result, 0, 6), "certmuster, pg_temp");
    assert_string_equal(db_text(result, 0, 7), "test_db");
    assert_string_equal(db_text(result, 0, 8), "tester");
    db_result_free(result);
    db_result_free(NULL);
    assert_int_equal(db_exec(db, "CREATE TEMP TABLE t (n int); INSERT INTO t SELECT generate_series(1, 10)", &error),
                     0);
    assert_int_equal(db_query(db, "DELETE FROM t WHERE n > $1", (const char *[]){"7"}, 1, &result, &error), 0);
    assert_int_equal(db_affected(result), 3);
    db_result_free(result);
    db_close(db);
    db_close(NULL);
}

/* As many values as one likes in one parameter, in binary: none, some, and what is no text. */
static void test_bytes(void **state)
{
    static const char sql[] =
        "SELECT cardinality(v), coalesce(string_agg(encode(e, 'hex'), '-' ORDER BY o), '')"
        "  FROM (SELECT $1::bytea[] AS v) i LEFT JOIN LATERAL unnest(v) WITH ORDINALITY AS u(e, o)"
        " ON true GROUP BY v";
    static const char values[] = {0, 1, 'a', '\\', (char)0xFF, '"'};
    (void)state;
    struct db *db = connect_db();
    struct db_result *result;
    struct cm_error error;
    assert_int_equal(db_query_bytes(db, sql, values, 2, 3, &result, &error), 0);
    assert_int_equal(db_integer(result, 0, 0), 3);
    assert_string_equal(db_text(result, 0, 1), "0001-615c-ff22");
    db_result_free(result);
    assert_int_equal(db_query_bytes(db, sql, values, 2, 0, &result, &error), 0);
    assert_int_equal(db_rows(result), 1);
    assert_int_equal(db_integer(result, 0, 0), 0);
    db_result_free(result);
    result = NULL;
    assert_int_equal(db_query_bytes(db, sql, NULL, SIZE_MAX / 2, 1, &result, &error), CM_ELIMIT);
    assert_int_equal(db_query_bytes(db, "SELECT 1/cardinality($1::bytea[])", values, 2, 0, &result, &error),
                     CM_EMALFORMED);
    assert_null(result);
    assert_int_equal(db_query_bytes(db, sql, values, 1, 6, NULL, &error), 0);
    db_close(db);
}

static void test_errors(void **state)
{
    (void)state;
    struct db *db = connect_db(), *other = connect_db();
    struct cm_error error;
    assert_int_equal(db_exec(db, "SELEC 1", &error), CM_EMALFORMED);
    assert_memory_equal(error.detail, "42601: ", 7);
    assert_int_equal(db_query(db, "SELECT 1/0", NULL, 0, NULL, &error), CM_EMALFORMED);
    assert_memory_equal(error.detail, "22012: ", 7);
    assert_int_equal(
        db_exec(db, "CREATE TABLE public.c (n int PRIMARY KEY); INSERT INTO public.c VALUES (1), (2)", &error), 0);
    assert_int_equal(db_exec(db, "INSERT INTO public.c VALUES (1)", &error), CM_EMALFORMED);
    assert_memory_equal(error.detail, "23505: ", 7);
    assert_int_equal(db_exec(db, "SET statement_timeout = 50; SELECT pg_sleep(5)", &error), CM_ETIMEOUT);
    assert_int_equal(db_exec(db, "SET statement_timeout = 0", &error), 0);
    /* Two transactions that write what the other read: one of them has to try again. */
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            db_exec(i ? other : db, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM public.c", &error), 0);
    assert_int_equal(db_exec(db, "UPDATE public.c SET n = 5 WHERE n = 1; COMMIT", &error), 0);
    assert_int_equal(db_exec(other, "UPDATE public.c SET n = 6 WHERE n = 1", &error), CM_ECONFLICT);
    db_rollback(other);
    assert_int_equal(db_exec(other, "BEGIN; UPDATE public.c SET n = 7 WHERE n = 5", &error), 0);
    db_rollback(other);
    db_rollback(other); /* there is none any more */
    assert_true(db_alive(other));
    assert_int_equal(db_exec(other, "SELECT 1 / (SELECT count(*) FROM public.c WHERE n = 5)", &error), 0);
    assert_int_equal(db_exec(other, "BEGIN", &error), 0);
    assert_int_equal(db_exec(db,
                             "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in "
                             "transaction'",
                             &error),
                     0);
    db_rollback(other);
    assert_false(db_alive(other));
    assert_int_equal(db_exec(db, "CREATE ROLE nobody; SET ROLE nobody; SELECT * FROM public.c", &error), CM_EAUTH);
    assert_memory_equal(error.detail, "42501: ", 7);
    assert_true(db_right_lacks(CM_EAUTH, &error));
    assert_false(db_right_lacks(CM_EIO, &error));
    assert_false(
        db_right_lacks(error_setf(&error, CM_EAUTH, 0, "the realm is not this scanner's", "42501: x"), &error));
    db_close(other);
    db_close(db);

    struct db_options wrong = {.dsn = "host=/nonexistent-dir dbname=x", .program = "t"};
    db = NULL;
    assert_int_equal(db_connect(&wrong, &db, &error), CM_EIO);
    wrong.dsn = "this is = no = dsn";
    assert_int_equal(db_connect(&wrong, &db, &error), CM_EINVAL);
    char named[160];
    snprintf(named, sizeof named, "%s user=not_there", dsn);
    wrong.dsn = named;
    wrong.user = "tester"; /* the DSN's own user goes first */
    assert_int_equal(db_connect(&wrong, &db, &error), CM_EIO);
    assert_non_null(strstr(error.detail, "not_there"));
    assert_null(db);
}

/* Asks for what the table holds behind n; answers a column of the first row, or the code when it is no number. */
static int64_t behind(struct db *db, const char *sql, const char *n, size_t *rows)
{
    struct db_result *result = NULL;
    struct cm_error error;
    const char *params[] = {n};
    int code = db_query_again(db, sql, params, 1, &result, &error);
    if (code)
        return code;
    int64_t first = db_integer(result, 0, 0);
    *rows = db_rows(result);
    db_result_free(result);
    return first;
}

static int64_t prepared(struct db *db)
{
    struct db_result *result = NULL;
    struct cm_error error;
    assert_int_equal(db_query(db, "SELECT count(*) FROM pg_prepared_statements", NULL, 0, &result, &error), 0);
    int64_t count = db_integer(result, 0, 0);
    db_result_free(result);
    return count;
}

static void test_again(void **state)
{
    (void)state;
    struct db *db = connect_db();
    struct cm_error error;
    size_t rows = 0;
    char text[64];
    static const char all[] = "SELECT * FROM public.again WHERE n > $1::int ORDER BY 1";
    assert_int_equal(behind(db, all, "0", &rows), CM_EMALFORMED); /* there is no such table */
    assert_int_equal(prepared(db), 0);
    assert_int_equal(db_exec(db, "CREATE TABLE public.again AS SELECT generate_series(1, 9) AS n", &error), 0);
    for (int i = 0; i < 9; i++) {
        snprintf(text, sizeof text, "%d", i);
        assert_int_equal(behind(db, all, text, &rows), i + 1);
        assert_int_equal(rows, 9 - i);
    }
    assert_int_equal(prepared(db), 1);
    assert_int_equal(behind(db, all, "x", &rows), CM_EMALFORMED);
    assert_int_equal(behind(db, all, "7", &rows), 8);
    /* What it answers has changed; somebody else's DISCARD; a session that has such a statement already: it goes unprepared. */
    assert_int_equal(db_exec(db, "ALTER TABLE public.again ADD COLUMN m int", &error), 0);
    assert_int_equal(behind(db, all, "3", &rows), 4);
    assert_int_equal(db_reset(db, &error), 0);
    assert_int_equal(behind(db, all, "4", &rows), 5);
    assert_int_equal(prepared(db), 1);
    struct db_result *named = NULL;
    assert_int_equal(db_query(db, "SELECT name FROM pg_prepared_statements", NULL, 0, &named, &error), 0);
    char taken[128];
    snprintf(taken, sizeof taken, "PREPARE %s AS SELECT 77", db_text(named, 0, 0));
    db_result_free(named);
    assert_int_equal(db_exec(db, "DISCARD ALL", &error), 0);
    assert_int_equal(behind(db, all, "5", &rows), 6);
    assert_int_equal(db_reset(db, &error), 0);
    assert_int_equal(db_exec(db, taken, &error), 0);
    assert_int_equal(behind(db, all, "6", &rows), 7);
    assert_int_equal(behind(db, all, "7", &rows), 8);
    assert_int_equal(prepared(db), 1);
    /* More statements than are kept. */
    assert_int_equal(db_reset(db, &error), 0);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "SELECT n + %d FROM public.again WHERE n > $1::int ORDER BY 1", i % 50);
        assert_int_equal(behind(db, text, "1", &rows), 2 + i % 50);
    }
    assert_in_range(prepared(db), 1, 49);
    assert_int_equal(db_exec(db, "DROP TABLE public.again", &error), 0);
    db_close(db);
}

struct sum {
    int64_t rows, total, stop_at;
};

static int add_row(const struct db_result *row, void *context)
{
    struct sum *sum = context;
    sum->total += db_integer(row, 0, 0);
    return ++sum->rows == sum->stop_at ? -77 : 0;
}

static void test_each(void **state)
{
    (void)state;
    struct db *db = connect_db();
    struct cm_error error;
    struct sum sum = {0, 0, 0};
    const char *params[] = {"100000"};
    assert_int_equal(db_each(db, "SELECT generate_series(1, $1::int)", params, 1, add_row, &sum, &error), 0);
    assert_int_equal(sum.rows, 100000);
    assert_int_equal(sum.total, INT64_C(100000) * 100001 / 2);
    sum = (struct sum){0, 0, 10};
    params[0] = "100000000"; /* is cancelled: a hundred million rows are not waited for */
    assert_int_equal(db_each(db, "SELECT generate_series(1, $1::int)", params, 1, add_row, &sum, &error), -77);
    assert_int_equal(sum.rows, 10);
    sum = (struct sum){0, 0, 0};
    assert_int_equal(db_each(db, "SELECT 10 / (3 - n) FROM generate_series(1, 5) n", NULL, 0, add_row, &sum, &error),
                     CM_EMALFORMED);
    assert_int_equal(sum.rows, 2);
    assert_int_equal(db_exec(db, "SELECT 1", &error), 0); /* the connection is usable after all of it */
    db_close(db);
}

static void test_copy(void **state)
{
    (void)state;
    struct db *db = connect_db();
    struct db_result *result;
    struct cm_error error;
    struct buf row;
    static const char hostile[] = "a\tb\nc\rd\\e\\.\\N\x01\xC3\xA9";
    uint8_t bytes[256];
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    buf_init(&row, 8 << 20);
    assert_int_equal(db_exec(db, "CREATE TEMP TABLE t (i int, a text, b text, c bytea, d bytea)", &error), 0);
    assert_int_equal(db_copy_begin(db, "COPY t FROM STDIN", &error), 0);
    for (unsigned i = 0; i < 10000; i++) {
        char number[16];
        snprintf(number, sizeof number, "%u", i);
        db_copy_field(&row, true, number, strlen(number));
        db_copy_field(&row, false, hostile, sizeof hostile - 1);
        db_copy_field(&row, false, i % 2 ? NULL : "", 0);
        db_copy_bytea(&row, false, bytes, sizeof bytes);
        db_copy_bytea(&row, false, NULL, 0);
        buf_append_char(&row, '\n');
    }
    assert_false(row.failed);
    assert_int_equal(db_copy_data(db, row.data, row.size, &error), 0);
    assert_int_equal(db_copy_end(db, false, &error), 0);
    assert_int_equal(db_query(db, "SELECT count(*), min(a), max(a), count(b), min(encode(c, 'hex')), count(d) FROM t",
                              NULL, 0, &result, &error),
                     0);
    assert_int_equal(db_integer(result, 0, 0), 10000);
    assert_string_equal(db_text(result, 0, 1), hostile);
    assert_string_equal(db_text(result, 0, 2), hostile);
    assert_int_equal(db_integer(result, 0, 3), 5000);
    assert_memory_equal(db_text(result, 0, 4), "000102", 6);
    assert_int_equal(db_text_size(result, 0, 4), 512);
    assert_int_equal(db_integer(result, 0, 5), 0);
    db_result_free(result);
    buf_reset(&row);
    db_copy_field(&row, true, "x\0y", 3);
    assert_string_equal(row.data, "x\xEF\xBF\xBDy");
    /* A wrong row is told at the end; an aborted COPY stores nothing; the connection lives on. */
    assert_int_equal(db_copy_begin(db, "COPY t FROM STDIN", &error), 0);
    assert_int_equal(db_copy_data(db, "no number\n", 10, &error), 0);
    assert_int_equal(db_copy_end(db, false, &error), CM_EMALFORMED);
    assert_int_equal(db_copy_begin(db, "COPY t (i) FROM STDIN", &error), 0);
    assert_int_equal(db_copy_data(db, "7\n", 2, &error), 0);
    assert_int_equal(db_copy_end(db, true, &error), 0);
    assert_int_equal(db_copy_begin(db, "COPY nowhere FROM STDIN", &error), CM_EMALFORMED);
    assert_int_equal(db_query(db, "SELECT count(*) FROM t", NULL, 0, &result, &error), 0);
    assert_int_equal(db_integer(result, 0, 0), 10000);
    db_result_free(result);
    buf_done(&row);
    db_close(db);
}

static void test_server_goes(void **state)
{
    (void)state;
    struct db *db = connect_db();
    struct cm_error error;
    struct sum sum = {0, 0, 0};
    assert_int_equal(db_copy_begin(db, "COPY (SELECT 1) TO STDOUT", &error),
                     CM_EIO); /* no COPY IN: no SQLSTATE either */
    db_close(db);
    db = connect_db();
    assert_int_equal(shell("stop"), 0);
    assert_int_equal(db_exec(db, "SELECT 1", &error), CM_EIO);
    assert_false(db_alive(db));
    assert_int_equal(db_each(db, "SELECT 1", NULL, 0, add_row, &sum, &error), CM_EIO);
    assert_int_equal(db_query(db, "SELECT 1", NULL, 0, NULL, &error), CM_EIO);
    assert_int_equal(db_copy_begin(db, "COPY t FROM STDIN", &error), CM_EIO);
    assert_int_equal(db_copy_data(db, "x", 1, &error), CM_EIO);
    assert_int_equal(db_reset(db, &error), CM_EIO);
    assert_int_equal(shell("start"), 0);
    assert_int_equal(db_reset(db, &error), 0);
    assert_true(db_alive(db));
    struct db_result *result;
    assert_int_equal(db_query(db, "SELECT current_setting('search_path')", NULL, 0, &result, &error), 0);
    assert_string_equal(db_text(result, 0, 0), "certmuster, pg_temp");
    db_result_free(result);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_session),    cmocka_unit_test(test_bytes),
                                       cmocka_unit_test(test_errors),     cmocka_unit_test(test_again),
                                       cmocka_unit_test(test_each),       cmocka_unit_test(test_copy),
                                       cmocka_unit_test(test_server_goes)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
