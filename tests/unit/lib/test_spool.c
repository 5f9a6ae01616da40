/* The spool: what was acknowledged is read back, whatever happened to the disk, the process or the file in between. */
#include "tests/unit/lib/cmocka_first.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certmuster/limits.h"
#include "certmuster/spool.h"
#include "certmuster/timefmt.h"

#define RUN_A "01900000-0000-7000-8000-000000000001"
#define RUN_B "01900000-0000-7000-8000-000000000002"
#define GIB   (UINT64_C(1) << 30)

static char top[] = "/tmp/cm-spool-XXXXXX";
static char dir[64];

static void remove_all(const char *path)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(top))
        return -1;
    snprintf(dir, sizeof dir, "%s/a/spool", top); /* parents are made */
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    remove_all(dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_all(top);
    return 0;
}

static struct spool *open_spool(const char *run, uint64_t max)
{
    struct spool *spool = NULL;
    struct cm_error error;
    assert_int_equal(spool_open(dir, "scanner-1", run, max, &spool, &error), 0);
    return spool;
}

static void append(struct spool *spool, const char *rest, unsigned number)
{
    char record[256];
    struct cm_error error;
    int size = snprintf(record, sizeof record, "{\"n\":%u%s}", number, rest);
    assert_int_equal(spool_append(spool, record, (size_t)size, &error), 0);
}

struct seen {
    unsigned count;
    unsigned next; /* numbers come in order */
    int stop_after;
};

static int count_record(const char *record, size_t size, void *context)
{
    struct seen *seen = context;
    unsigned number;
    char copy[64];
    snprintf(copy, sizeof copy, "%.*s", (int)size, record);
    assert_int_equal(sscanf(copy, "{\"n\":%u", &number), 1);
    assert_int_equal(number, seen->next++);
    seen->count++;
    return seen->stop_after && (int)seen->count >= seen->stop_after ? -99 : 0;
}

static unsigned read_everything(unsigned *segments, uint64_t *damaged)
{
    struct spool_segment *list;
    size_t count;
    struct cm_error error;
    struct seen seen = {0, 0, 0};
    uint64_t one, all = 0;
    assert_int_equal(spool_list(dir, &list, &count, &error), 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(spool_read(list[i].path, count_record, &seen, &one, &error), 0);
        all += one;
    }
    if (segments)
        *segments = (unsigned)count;
    if (damaged)
        *damaged = all;
    else
        assert_int_equal(all, 0);
    spool_list_free(list, count);
    return seen.count;
}

static void test_segments(void **state)
{
    (void)state;
    struct spool_segment *list;
    size_t count;
    unsigned segments;
    struct cm_error error;
    char big[2000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    struct spool *spool = open_spool(RUN_A, GIB);
    for (unsigned i = 0; i < 5000; i++) { /* 10 MB: three segments */
        char record[2100];
        int size = snprintf(record, sizeof record, "{\"n\":%u,\"x\":\"%s\"}\n", i, big);
        assert_int_equal(spool_append(spool, record, (size_t)size, &error), 0);
    }
    assert_int_equal(spool_closed(spool), 2);
    assert_int_equal(spool_list(dir, &list, &count, &error), 0);
    assert_int_equal(count, 2); /* the open one has a living writer */
    assert_string_equal(list[0].scanner, "scanner-1");
    assert_string_equal(list[0].run, RUN_A);
    assert_int_equal(list[0].number, 1);
    assert_int_equal(list[1].number, 2);
    assert_true(list[0].size_bytes <= CM_LIMIT_SEGMENT_BYTES);
    spool_list_free(list, count);
    uint64_t bytes = spool_bytes(spool);
    assert_true(bytes > 5000 * sizeof big);
    assert_int_equal(spool_close(spool, &error), 0);
    struct spool_usage usage;
    assert_int_equal(spool_usage(dir, &usage, &error), 0);
    assert_int_equal(usage.bytes, bytes);
    assert_int_equal(read_everything(&segments, NULL), 5000);
    assert_int_equal(segments, 3);
    struct stat status;
    assert_int_equal(stat(dir, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void test_age_and_order(void **state)
{
    (void)state;
    struct cm_error error;
    struct spool_segment *list;
    size_t count;
    struct spool *later = open_spool(RUN_B, GIB), *earlier = open_spool(RUN_A, GIB); /* two writers, one directory */
    append(later, "", 1);
    append(earlier, "", 0);
    int64_t now = clock_monotonic_ms();
    assert_int_equal(spool_tick(earlier, now, &error), 0);
    assert_int_equal(spool_closed(earlier), 0);
    assert_int_equal(spool_tick(earlier, now + CM_LIMIT_SEGMENT_SECONDS * 1000 + 1000, &error), 0);
    assert_int_equal(spool_closed(earlier), 1);
    assert_int_equal(spool_close(later, &error), 0);
    assert_int_equal(spool_close(earlier, &error), 0); /* its second segment never began */
    assert_int_equal(spool_list(dir, &list, &count, &error), 0);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].run, RUN_A);
    spool_list_free(list, count);
    assert_int_equal(read_everything(NULL, NULL), 2);
    assert_int_equal(spool_close(NULL, &error), 0);
    /* Nothing there: nothing to list. */
    remove_all(dir);
    assert_int_equal(spool_list(dir, &list, &count, &error), 0);
    assert_int_equal(count, 0);
    spool_list_free(list, count);
}

static void test_full(void **state)
{
    (void)state;
    struct cm_error error;
    struct spool *spool = open_spool(RUN_A, 10000), *refused = NULL;
    unsigned i = 0;
    while (!spool_full(spool))
        append(spool, ",\"padding\":\"0123456789012345678901234567890123456789\"", i++);
    assert_true(i > 100 && i < 250);
    append(spool, ",\"late\":1", i++); /* what was under way is still kept */
    assert_int_equal(spool_open(dir, "s", RUN_B, 10000, &refused, &error), CM_ELIMIT);
    assert_non_null(strstr(error.reason, "full"));
    assert_int_equal(spool_close(spool, &error), 0);
    assert_int_equal(read_everything(NULL, NULL), i);
    /* Past the reserve it refuses, and has kept nothing of what it refused. */
    remove_all(dir);
    spool = open_spool(RUN_A, 1000);
    char *record = malloc(1 << 20);
    memset(record, 'x', 1 << 20);
    unsigned kept = 0;
    int code;
    for (;; kept++) {
        int size = sprintf(record, "{\"n\":%u", kept);
        record[size] = ' ';
        code = spool_append(spool, record, 1 << 20, &error);
        if (code)
            break;
    }
    assert_int_equal(code, CM_ELIMIT);
    assert_in_range(kept, 60, 64);
    free(record);
    assert_int_equal(spool_close(spool, &error), 0);
    assert_int_equal(read_everything(NULL, NULL), kept);
}

/* A file size limit makes write fail in the middle of a record, as a full disk does. */
static void test_short_write(void **state)
{
    (void)state;
    struct cm_error error;
    struct rlimit old, limit;
    struct spool *spool = open_spool(RUN_A, GIB);
    unsigned kept = 0;
    append(spool, ",\"x\":1", kept++);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    for (rlim_t size = 200; size < 400; size += 7) {
        char record[64];
        limit = (struct rlimit){size, old.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
        int length = snprintf(record, sizeof record, "{\"n\":%u,\"x\":\"0123456789012345678\"}", kept);
        int code = spool_append(spool, record, (size_t)length, &error);
        assert_true(code == 0 || code == CM_EIO);
        kept += code == 0;
        setrlimit(RLIMIT_FSIZE, &old);
        assert_int_equal(spool_usage(dir, &(struct spool_usage){0}, &error), 0);
    }
    assert_true(kept > 2);
    unsigned before = kept;
    append(spool, "", kept++); /* there is room again */
    assert_int_equal(kept, before + 1);
    assert_int_equal(spool_close(spool, &error), 0);
    assert_int_equal(read_everything(NULL, NULL), kept); /* none twice, none torn, none lost */
}

static void test_disk_gone(void **state)
{
    (void)state;
    struct cm_error error;
    struct spool *spool = NULL;
    char file[96], under[128];
    snprintf(file, sizeof file, "%s/file", top);
    close(open(file, O_WRONLY | O_CREAT, 0600));
    snprintf(under, sizeof under, "%s/spool", file);
    assert_int_equal(spool_open(under, "s", RUN_A, GIB, &spool, &error), CM_EIO);
    assert_int_equal(spool_open("", "s", RUN_A, GIB, &spool, &error), CM_EINVAL);
    assert_int_equal(spool_open(dir, "s", "../../etc", GIB, &spool, &error), CM_EINVAL);
    assert_null(spool);
    spool = open_spool(RUN_A, GIB);
    assert_int_equal(spool_append(spool, "a\nb", 3, &error), CM_EINVAL);
    assert_int_equal(spool_append(spool, "\n", 1, &error), CM_EINVAL);
    remove_all(dir); /* somebody removes the directory under a running scanner */
    assert_int_equal(spool_append(spool, "{}", 2, &error), CM_EIO);
    assert_int_equal(spool_make_dir(dir, &error), 0);
    append(spool, "", 0);
    assert_int_equal(spool_close(spool, &error), 0);
    assert_int_equal(read_everything(NULL, NULL), 1);
    unlink(file);
}

/* A writer that is killed leaves a .part: the next reader adopts it, with everything that was acknowledged. */
static void test_orphan(void **state)
{
    (void)state;
    unsigned segments;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct spool *spool;
        if (spool_open(dir, "scanner-1", RUN_A, GIB, &spool, NULL) != 0)
            _exit(1);
        for (unsigned i = 0; i < 100; i++) {
            char record[64];
            int size = snprintf(record, sizeof record, "{\"n\":%u}", i);
            if (spool_append(spool, record, (size_t)size, NULL) != 0)
                _exit(2);
        }
        raise(SIGKILL);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(read_everything(&segments, NULL), 100);
    assert_int_equal(segments, 1);
    /* An empty one, of a writer killed before its first byte, goes away. */
    char path[160];
    snprintf(path, sizeof path, "%s/" RUN_B "-00000001.seg.part", dir);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    assert_int_equal(read_everything(&segments, NULL), 100);
    assert_int_equal(access(path, F_OK), -1);
}

static void flip(const char *path, off_t at)
{
    int fd = open(path, O_RDWR);
    char c;
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= 0x20;
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close(fd);
}

static void test_damage(void **state)
{
    (void)state;
    struct cm_error error;
    struct spool_segment *list;
    size_t count;
    uint64_t damaged;
    struct spool *spool = open_spool(RUN_A, GIB);
    for (unsigned i = 0; i < 3; i++)
        append(spool, "", i);
    assert_int_equal(spool_close(spool, &error), 0);
    assert_int_equal(spool_list(dir, &list, &count, &error), 0);
    struct stat status;
    assert_int_equal(stat(list[0].path, &status), 0);
    const off_t line = 17; /* CRC, space, {"n":0}, line feed */

    /* Torn at every byte: whole lines only, and a torn tail is no damage. */
    for (off_t cut = status.st_size - 1; cut >= status.st_size - 3 * line; cut--) {
        struct seen seen = {0, 0, 0};
        assert_int_equal(truncate(list[0].path, cut), 0);
        assert_int_equal(spool_read(list[0].path, count_record, &seen, &damaged, &error), 0);
        assert_int_equal(seen.count, (cut - (status.st_size - 3 * line)) / line);
        assert_int_equal(damaged, 0);
    }
    spool_list_free(list, count);

    /* A bit flipped anywhere in the last line costs that line alone. */
    remove_all(dir);
    spool = open_spool(RUN_A, GIB);
    for (unsigned i = 0; i < 3; i++)
        append(spool, "", i);
    assert_int_equal(spool_close(spool, &error), 0);
    assert_int_equal(spool_list(dir, &list, &count, &error), 0);
    for (off_t at = status.st_size - line; at < status.st_size - 1; at++) {
        struct seen seen = {0, 0, 0};
        flip(list[0].path, at);
        assert_int_equal(spool_read(list[0].path, count_record, &seen, &damaged, &error), 0);
        assert_int_equal(seen.count, 2);
        assert_int_equal(damaged, 1);
        flip(list[0].path, at);
    }
    /* A damaged head: the records are still there, only the scanner's name is not. */
    flip(list[0].path, 20);
    spool_list_free(list, count);
    assert_int_equal(spool_list(dir, &list, &count, &error), 0);
    assert_string_equal(list[0].scanner, "");
    assert_int_equal(read_everything(NULL, &damaged), 3);
    assert_int_equal(damaged, 1);

    struct seen seen = {0, 0, 2};
    assert_int_equal(spool_read(list[0].path, count_record, &seen, &damaged, &error), -99); /* the reader ends it */
    assert_int_equal(spool_read("/nonexistent.seg", count_record, &seen, &damaged, &error), CM_ENOTFOUND);
    assert_int_equal(truncate(list[0].path, CM_LIMIT_BATCH_BYTES + 1), 0);
    assert_int_equal(spool_read(list[0].path, count_record, &seen, &damaged, &error), CM_ELIMIT);
    spool_list_free(list, count);
}

static void test_lock(void **state)
{
    (void)state;
    struct cm_error error;
    struct spool_segment *list;
    size_t count;
    int fd, other;
    struct spool *spool = open_spool(RUN_A, GIB);
    append(spool, "", 0);
    assert_int_equal(spool_close(spool, &error), 0);
    assert_int_equal(spool_list(dir, &list, &count, &error), 0);
    assert_int_equal(spool_take(list[0].path, &fd, &error), 0);
    assert_int_equal(spool_take(list[0].path, &other, &error), CM_ECONFLICT);
    close(fd);
    assert_int_equal(spool_take(list[0].path, &fd, &error), 0);
    unlink(list[0].path);
    assert_int_equal(spool_take(list[0].path, &other, &error), CM_ENOTFOUND);
    close(fd);
    spool_list_free(list, count);
}

static void test_foreign_files(void **state)
{
    (void)state;
    static const char *const names[] = {"x.seg",
                                        RUN_A ".seg",
                                        RUN_A "-.seg",
                                        RUN_A "-1",
                                        RUN_A "-1.seg.bak",
                                        RUN_A "-99999999999.seg",
                                        "01900000-0000-7000-8000-00000000000z-1.seg",
                                        "sent",
                                        ".hidden"};
    struct cm_error error;
    unsigned segments;
    char path[256];
    assert_int_equal(spool_make_dir(dir, &error), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        close(open(path, O_WRONLY | O_CREAT, 0600));
    }
    snprintf(path, sizeof path, "%s/" RUN_A "-00000007.seg", dir);
    assert_int_equal(symlink("/etc/passwd", path), 0); /* is never followed */
    assert_int_equal(read_everything(&segments, NULL), 0);
    assert_int_equal(segments, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_segments, fresh),     cmocka_unit_test_setup(test_age_and_order, fresh),
        cmocka_unit_test_setup(test_full, fresh),         cmocka_unit_test_setup(test_short_write, fresh),
        cmocka_unit_test_setup(test_disk_gone, fresh),    cmocka_unit_test_setup(test_orphan, fresh),
        cmocka_unit_test_setup(test_damage, fresh),       cmocka_unit_test_setup(test_lock, fresh),
        cmocka_unit_test_setup(test_foreign_files, fresh)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
