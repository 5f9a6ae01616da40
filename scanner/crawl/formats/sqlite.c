/* SQLite over a content: a virtual file system of one read-only file, and a connection that a hostile schema cannot make much of.
 *
 * Owns the connection, the file system and the budget of work. nss_sql.c reads its tables through it. A file of the disk is read where it is, page by
 * page, whatever its size; what lies in a container has to be in memory. Nothing beside the file is opened: no journal, no log, no temporary file.
 * The file may claim more pages than it has, so that one which was cut is read as far as it goes. */
#include "scanner/crawl/formats/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "certmuster/limits.h"

enum {
    HEADER_BYTES = 100,
    SMALLEST_PAGE = 512,
    STEPS_A_PULSE = 1000,     /* of SQLite's virtual machine */
    STEPS_FREE = 200000,      /* for a file of any size */
    STEPS_A_BYTE = 16,        /* a row of a certificate is a hundred steps and a thousand bytes */
    HEAP_BYTES = 64 << 20,    /* of SQLite as a whole */
    SQL_BYTES_MAX = 64 << 10, /* of a statement in the schema; NSS's take 1 KiB */
};
static const char magic[16] = "SQLite format 3";

struct sqlite {
    sqlite3 *db;
    sqlite3_vfs vfs;
    struct job *job;
    struct content *content;
    uint64_t size_bytes, claimed_bytes;
    uint64_t steps_left;
    bool pulsed; /* the job's time is over */
};

struct sqlite_row {
    sqlite3_stmt *statement;
};

struct file {
    sqlite3_file base;
    struct sqlite *owner;
};

bool sqlite_is(struct slice head)
{
    return head.size >= HEADER_BYTES && memcmp(head.data, magic, sizeof magic) == 0;
}

/* --- The file system: one file --- */

static int file_close(sqlite3_file *file)
{
    (void)file;
    return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset)
{
    struct sqlite *sqlite = ((struct file *)file)->owner;
    ssize_t got = content_read_at(sqlite->content, (uint64_t)offset, out, (size_t)amount);
    if (got < 0)
        return SQLITE_IOERR_READ;
    if (got == amount)
        return SQLITE_OK;
    memset((char *)out + got, 0, (size_t)(amount - got));
    /* A short read would be taken for zeros, and a certificate on the last page for another one. */
    return amount < SMALLEST_PAGE ? SQLITE_IOERR_SHORT_READ : SQLITE_CORRUPT;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    const struct sqlite *sqlite = ((struct file *)file)->owner;
    *size = (sqlite3_int64)(sqlite->claimed_bytes > sqlite->size_bytes ? sqlite->claimed_bytes : sqlite->size_bytes);
    return SQLITE_OK;
}

static int refuse_write(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 offset)
{
    (void)file, (void)bytes, (void)amount, (void)offset;
    return SQLITE_READONLY;
}

static int refuse_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    (void)file, (void)size;
    return SQLITE_READONLY;
}

static int do_nothing(sqlite3_file *file, int argument)
{
    (void)file, (void)argument;
    return SQLITE_OK;
}

static int is_reserved(sqlite3_file *file, int *out)
{
    (void)file;
    *out = 0;
    return SQLITE_OK;
}

static int control(sqlite3_file *file, int operation, void *argument)
{
    (void)file, (void)operation, (void)argument;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *file)
{
    (void)file;
    return 4096;
}

/* Neither locks nor a write-ahead log are looked for then. */
static int characteristics(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = refuse_write,
    .xTruncate = refuse_truncate,
    .xSync = do_nothing,
    .xFileSize = file_size,
    .xLock = do_nothing,
    .xUnlock = do_nothing,
    .xCheckReservedLock = is_reserved,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    (void)name;
    file->pMethods = NULL;
    if (!(flags & SQLITE_OPEN_MAIN_DB))
        return SQLITE_CANTOPEN;
    file->pMethods = &file_methods;
    ((struct file *)file)->owner = vfs->pAppData;
    if (out_flags)
        *out_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs, (void)name, (void)sync;
    return SQLITE_READONLY;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs, (void)name, (void)flags;
    *out = 0;
    return SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    snprintf(out, (size_t)size, "%s", name);
    return SQLITE_OK;
}

/* --- The connection --- */

static int on_progress(void *context)
{
    struct sqlite *sqlite = context;
    sqlite->pulsed = sqlite->pulsed || job_pulse(sqlite->job);
    if (sqlite->steps_left < STEPS_A_PULSE || sqlite->pulsed)
        return 1;
    sqlite->steps_left -= STEPS_A_PULSE;
    return 0;
}

/* Our statements read columns. A function or a pragma in them was put there by the schema: a generated column, an index on an expression. */
static int authorize(void *context, int action, const char *a, const char *b, const char *database, const char *cause)
{
    (void)context, (void)a, (void)b, (void)database, (void)cause;
    return action == SQLITE_SELECT || action == SQLITE_READ ? SQLITE_OK : SQLITE_DENY;
}

static bool configure(struct sqlite *sqlite)
{
    static const struct {
        int option, value;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},   {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0}, {SQLITE_DBCONFIG_DQS_DML, 0},        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    static const struct {
        int limit, value;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, 4 * CM_LIMIT_CERT_BYTES},
        {SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX},
        {SQLITE_LIMIT_EXPR_DEPTH, 32},
        {SQLITE_LIMIT_COMPOUND_SELECT, 2},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_VDBE_OP, 20000},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (sqlite3_db_config(sqlite->db, options[i].option, options[i].value, NULL) != SQLITE_OK)
            return false;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        sqlite3_limit(sqlite->db, limits[i].limit, limits[i].value);
    sqlite3_progress_handler(sqlite->db, STEPS_A_PULSE, on_progress, sqlite);
    return sqlite3_exec(sqlite->db, "PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON; PRAGMA cache_size=-4096;",
                        NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_set_authorizer(sqlite->db, authorize, NULL) == SQLITE_OK;
}

/* The size of all pages that the header tells of (fileformat2 §1.3). */
static uint64_t claimed(struct slice head)
{
    struct cursor cursor;
    uint16_t page = 0;
    uint32_t count = 0;
    cursor_init_slice(&cursor, head);
    if (cursor_skip(&cursor, 16) || cursor_u16(&cursor, &page) || cursor_skip(&cursor, 10) ||
        cursor_u32(&cursor, &count))
        return 0;
    return (uint64_t)count * (page == 1 ? 65536u : page);
}

/* Twice the file costs twice the work. */
static void refill(struct sqlite *sqlite)
{
    sqlite->steps_left = STEPS_FREE + STEPS_A_BYTE * sqlite->size_bytes;
}

struct sqlite *sqlite_open(struct job *job, struct content *content)
{
    static const char name[] = "certmuster";
    sqlite3_vfs *system = sqlite3_initialize() == SQLITE_OK ? sqlite3_vfs_find(NULL) : NULL;
    struct sqlite *sqlite = system ? calloc(1, sizeof *sqlite) : NULL;
    if (!sqlite)
        return NULL;
    sqlite->job = job;
    sqlite->content = content;
    sqlite->claimed_bytes = claimed(content->head);
    sqlite->size_bytes = content->complete                             ? content->head.size
                         : content->size_bytes == CONTENT_SIZE_UNKNOWN ? sqlite->claimed_bytes
                                                                       : content->size_bytes;
    refill(sqlite);
    sqlite->vfs = *system;
    sqlite->vfs.iVersion = 1;
    sqlite->vfs.szOsFile = sizeof(struct file);
    sqlite->vfs.pNext = NULL;
    sqlite->vfs.zName = name;
    sqlite->vfs.pAppData = sqlite;
    sqlite->vfs.xOpen = vfs_open;
    sqlite->vfs.xDelete = vfs_delete;
    sqlite->vfs.xAccess = vfs_access;
    sqlite->vfs.xFullPathname = vfs_full_name;
    sqlite3_hard_heap_limit64(HEAP_BYTES);
    sqlite3_vfs_register(&sqlite->vfs, 0);
    if (sqlite3_open_v2(name, &sqlite->db, SQLITE_OPEN_READONLY, name) != SQLITE_OK || !configure(sqlite)) {
        sqlite_close(sqlite);
        return NULL;
    }
    return sqlite;
}

void sqlite_close(struct sqlite *sqlite)
{
    if (!sqlite)
        return;
    sqlite3_close(sqlite->db);
    sqlite3_vfs_unregister(&sqlite->vfs);
    free(sqlite);
}

bool sqlite_is_cut(const struct sqlite *sqlite)
{
    return sqlite->claimed_bytes > sqlite->size_bytes;
}

/* --- Statements --- */

static sqlite3_stmt *prepare(struct sqlite *sqlite, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(sqlite->db, sql, -1, &statement, NULL) == SQLITE_OK)
        return statement;
    sqlite3_finalize(statement);
    return NULL;
}

bool sqlite_has_table(struct sqlite *sqlite, const char *name)
{
    sqlite3_stmt *statement =
        prepare(sqlite, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND name = ?1");
    bool found = statement && sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    return found;
}

/* Rows behind *bound, which moves along (ascending) or stays (descending). SQLite walks the tree as it stands: one with loops in it shows by
 * rows out of order. */
static int run(struct sqlite *sqlite, const char *select, bool ascending, int64_t *bound, sqlite_take *take,
               void *context)
{
    char sql[1024];
    bool first = true;
    int64_t last = 0;
    int status;
    if (snprintf(sql, sizeof sql, "%s%s", select, ascending ? "ASC" : "DESC") >= (int)sizeof sql)
        return SQLITE_TOOBIG;
    struct sqlite_row row = {prepare(sqlite, sql)};
    if (!row.statement)
        return SQLITE_ERROR;
    sqlite3_bind_int64(row.statement, 1, *bound);
    while ((status = sqlite3_step(row.statement)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(row.statement, 0);
        if (!first && (ascending ? id <= last : id >= last)) {
            status = SQLITE_CORRUPT;
            break;
        }
        take(context, &row);
        first = false;
        last = id;
        if (ascending)
            *bound = id;
    }
    sqlite3_finalize(row.statement);
    return status;
}

/* Work beyond the budget; the job's own time is another matter. */
static bool is_too_much(const struct sqlite *sqlite, int status)
{
    return !sqlite->pulsed && (status == SQLITE_INTERRUPT || status == SQLITE_NOMEM || status == SQLITE_TOOBIG);
}

int sqlite_each(struct sqlite *sqlite, const char *select, const char *fallback, sqlite_take *take, void *context)
{
    int64_t bound = INT64_MIN;
    bool damaged = false;
    refill(sqlite);
    int status = run(sqlite, select, true, &bound, take, context);
    if (fallback && status != SQLITE_DONE && !sqlite->pulsed) {
        damaged = status != SQLITE_ERROR && !is_too_much(sqlite, status);
        refill(sqlite);
        status = run(sqlite, fallback, true, &bound, take, context);
    }
    if (status == SQLITE_ERROR && bound == INT64_MIN && !sqlite->pulsed)
        return CM_EUNSUPPORTED;
    if (status != SQLITE_DONE && !sqlite->pulsed && !is_too_much(sqlite, status)) {
        damaged = true;
        status = run(sqlite, fallback ? fallback : select, false, &bound, take, context);
    }
    if (sqlite->pulsed)
        return CM_ETIMEOUT;
    return is_too_much(sqlite, status) ? CM_ELIMIT : damaged ? CM_EMALFORMED : 0;
}

struct slice sqlite_bytes(const struct sqlite_row *row, int column)
{
    const void *data = sqlite3_column_blob(row->statement, column);
    return (struct slice){data, data ? (size_t)sqlite3_column_bytes(row->statement, column) : 0};
}

int64_t sqlite_integer(const struct sqlite_row *row, int column)
{
    return sqlite3_column_int64(row->statement, column);
}
