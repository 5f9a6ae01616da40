/* `certmuster audit`: shows the log of acts, proves that nobody changed it, hands it out for others to prove. */
#include "collector/ctl/audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/ids.h"
#include "certmuster/log.h"
#include "certmuster/table.h"
#include "collector/ctl/ctl.h"

enum { OPTION_LIMIT = 'n', OPTION_FORMAT = 1000, OPTION_HEAD, LIMIT_MAX = 1000000, ROW_BYTES_MAX = 16 << 20 };

static const struct cli_program program = {
    .name = "certmuster audit",
    .summary = "Who did what: the append-only log of every act, each row chained to the one before by its hash.",
    .usage = (const char *const[]){"list [-n COUNT] [--format text|json]", "verify [--head SEQ:HASH]", "export", NULL},
    .options =
        (const struct cli_option[]){{OPTION_LIMIT, "limit", "COUNT", "How many acts list shows, newest first (50)."},
                                    {OPTION_FORMAT, "format", "text|json", "How list prints."},
                                    {OPTION_HEAD, "head", "SEQ:HASH",
                                     "What verify printed before: the log must still hold this row. Without it, rows "
                                     "cut off the end by the database's owner go unseen."},
                                    {0, NULL, NULL, NULL}},
    .examples = (const char *const[]){"certmuster audit list",
                                      "certmuster audit verify            # keep the head that it prints",
                                      "certmuster audit verify --head 1042:9f86d081...",
                                      "certmuster audit export > acts.ndjson", NULL},
    .more =
        "A row's hash is SHA-256 over its seq, at, actor, db_user, action, subject, detail and the hash before it (64 "
        "hex digits, of zeros for the first), as UTF-8, each ended by a NUL byte. Exit status: 0 done, and for verify: "
        "nothing was changed; 1 verify found a row that was changed, added, taken out or cut off; 2 wrong use; 3 the "
        "inventory could not be reached.",
};

struct audit_call {
    const struct cli *cli;
    enum ctl_format format;
    const char *limit;
    bool has_head;
    int64_t head_seq;
    char head_hash[CM_SHA256_HEX_SIZE];
};

/* In the order in which they are hashed; then the hash. */
#define AT "to_char(at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
static const char rows_sql[] = "SELECT seq, " AT ", actor, db_user, action, subject, detail, encode(previous, 'hex'),"
                               " encode(hash, 'hex') FROM audit_log ORDER BY seq";
enum { COLUMN_SEQ, COLUMN_PREVIOUS = 7, COLUMN_HASH };

static int list(const struct audit_call *call)
{
    static const struct table_column columns[] = {
        {"SEQ", true, 0, false}, {"AT", false, 0, false},     {"WHO", false, 4, true}, {"ACT", false, 0, false},
        {"ON", false, 12, true}, {"DETAIL", false, 12, true}, {NULL, false, 0, false}};
    static const char text[] = "SELECT seq, to_char(at, 'YYYY-MM-DD HH24:MI:SS'), actor, action, subject, detail"
                               " FROM audit_log ORDER BY seq DESC LIMIT $1::integer";
    static const char json[] =
        "SELECT json_build_object('seq', seq, 'at', " AT ", 'actor', actor, 'db_user', db_user, 'action', action,"
        " 'subject', subject, 'detail', detail::json, 'hash', encode(hash, 'hex'))"
        " FROM audit_log ORDER BY seq DESC LIMIT $1::integer";
    struct db *db = NULL;
    const char *params[] = {call->limit};
    int status = ctl_connect(call->cli, "certmuster_read", &db);
    if (!status && call->format == CTL_JSON)
        status = ctl_print_json(db, json, params, 1);
    else if (!status)
        status = ctl_print_table(db, text, params, 1, columns, "nobody has done anything yet");
    db_close(db);
    return status;
}

/* --- verify ---------------------------------------------------------------------------------------------------------------------------- */

struct chain {
    const struct audit_call *call;
    struct buf fields;
    int64_t seq;                   /* of the last row */
    char hash[CM_SHA256_HEX_SIZE]; /* computed, of the last row */
    bool broken, met_head;
};

static int broken(struct chain *chain, int64_t seq, const char *what)
{
    say_error("row %" PRId64 " %s", seq, what);
    chain->broken = true;
    return CM_ECONFLICT;
}

static int check_row(const struct db_result *row, void *context)
{
    struct chain *chain = context;
    int64_t seq = db_integer(row, 0, COLUMN_SEQ);
    uint8_t digest[CM_SHA256_SIZE];
    buf_reset(&chain->fields);
    for (size_t i = COLUMN_SEQ; i <= COLUMN_PREVIOUS; i++)
        buf_append(&chain->fields, db_text(row, 0, i), db_text_size(row, 0, i) + 1); /* with its NUL */
    if (chain->fields.failed)
        return broken(chain, seq, "is larger than any that was ever written");
    if (seq != chain->seq + 1)
        return broken(chain, chain->seq + 1, "is missing");
    if (strcmp(db_text(row, 0, COLUMN_PREVIOUS), chain->hash) != 0)
        return broken(chain, seq, "does not follow the row before it: one of the two was changed");
    sha256_bytes(chain->fields.data, chain->fields.size, digest);
    hex_write(chain->hash, digest, sizeof digest);
    if (strcmp(db_text(row, 0, COLUMN_HASH), chain->hash) != 0)
        return broken(chain, seq, "was changed: its hash is not that of its fields");
    if (chain->call->has_head && seq == chain->call->head_seq) {
        chain->met_head = true;
        if (strcmp(chain->hash, chain->call->head_hash) != 0)
            return broken(chain, seq, "is not the one whose hash was given: the log was written anew");
    }
    chain->seq = seq;
    return 0;
}

static int check_head(struct db *db, struct chain *chain, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db, "SELECT seq, encode(hash, 'hex') FROM audit_head", NULL, 0, &rows, error);
    if (code)
        return code;
    if (db_rows(rows) != 1 || db_integer(rows, 0, 0) != chain->seq || strcmp(db_text(rows, 0, 1), chain->hash) != 0)
        code = broken(chain, chain->seq, "is the last, and audit_head names another: rows were cut off the end");
    else if (chain->call->has_head && !chain->met_head)
        code =
            broken(chain, chain->call->head_seq, "was given with --head and is not there: rows were cut off the end");
    db_result_free(rows);
    return code;
}

static int verify(const struct audit_call *call)
{
    struct chain chain = {.call = call, .met_head = call->head_seq == 0};
    struct cm_error error = {0};
    struct db *db = NULL;
    int status = ctl_connect(call->cli, "certmuster_read", &db);
    if (status)
        return status;
    buf_init(&chain.fields, ROW_BYTES_MAX);
    memset(chain.hash, '0', sizeof chain.hash - 1);
    /* One snapshot: who adds a row meanwhile is not seen. */
    int code = db_exec(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", &error);
    if (!code)
        code = db_each(db, rows_sql, NULL, 0, check_row, &chain, &error);
    if (!code)
        code = check_head(db, &chain, &error);
    if (chain.broken)
        status = CM_EXIT_PARTIAL;
    else if (code)
        status = ctl_fail(&error, "cannot read the log");
    else
        printf("%" PRId64 " acts, none changed; head %" PRId64 ":%s\n", chain.seq, chain.seq, chain.hash);
    buf_done(&chain.fields);
    db_close(db);
    return status;
}

/* --- export ---------------------------------------------------------------------------------------------------------------------------- */

static int print_line(const struct db_result *row, void *context)
{
    (void)context;
    fwrite(db_text(row, 0, 0), 1, db_text_size(row, 0, 0), stdout);
    putchar('\n');
    return 0;
}

static int export_rows(const struct audit_call *call)
{
    static const char sql[] =
        "SELECT json_build_object('seq', seq, 'at', " AT ", 'actor', actor, 'db_user', db_user, 'action', action,"
        " 'subject', subject, 'detail', detail, 'previous', encode(previous, 'hex'), 'hash', encode(hash, 'hex'))"
        " FROM audit_log ORDER BY seq";
    struct cm_error error = {0};
    struct db *db = NULL;
    int status = ctl_connect(call->cli, "certmuster_read", &db);
    if (!status && db_each(db, sql, NULL, 0, print_line, NULL, &error) != 0)
        status = ctl_fail(&error, "cannot export the log");
    db_close(db);
    return status;
}

static const struct verb {
    const char *name;
    const char *flags; /* that it takes */
    int (*run)(const struct audit_call *call);
} verbs[] = {{"list", "limit format", list}, {"verify", "head", verify}, {"export", "", export_rows}};

static int read_head(struct cli *cli, struct audit_call *call)
{
    uint8_t digest[CM_SHA256_SIZE];
    char *colon;
    errno = 0;
    call->head_seq = strtoll(cli->argument, &colon, 10);
    if (*cli->argument < '0' || *cli->argument > '9' || *colon != ':' || errno ||
        hex_read(colon + 1, strlen(colon + 1), digest, sizeof digest) != 0)
        return cli_wrong(cli, "--head takes what verify printed: a number, a colon and 64 hex digits");
    hex_write(call->head_hash, digest, sizeof digest);
    if (call->head_seq == 0 && strspn(call->head_hash, "0") != sizeof call->head_hash - 1)
        return cli_wrong(cli, "--head 0 is that of an empty log, with a hash of zeros: verify never printed this one");
    call->has_head = true;
    return 0;
}

static int read_option(struct cli *cli, int id, void *context)
{
    struct audit_call *call = context;
    if (id == OPTION_HEAD)
        return read_head(cli, call);
    if (id == OPTION_FORMAT)
        return ctl_format(cli, &call->format);
    char *end;
    long limit = strtol(cli->argument, &end, 10);
    if (end == cli->argument || *end || limit < 1 || limit > LIMIT_MAX)
        return cli_wrong(cli, "-n takes a number from 1 to %d", (int)LIMIT_MAX);
    call->limit = cli->argument;
    return 0;
}

static int dispatch(struct cli *cli, const struct audit_call *call)
{
    if (cli->operand_count == 0)
        return cli_wrong(cli, "say what to do: list, verify or export");
    if (cli->operand_count > 1)
        return cli_wrong(cli, "no operand is needed: '%s'", cli->operands[1]);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(cli->operands[0], verbs[i].name) != 0)
            continue;
        int status = ctl_begin_verb(cli, verbs[i].name, verbs[i].flags);
        return status ? status : verbs[i].run(call);
    }
    return cli_wrong(cli, "cannot '%s': list, verify or export", cli->operands[0]);
}

int audit_command(int argc, char **argv)
{
    struct cli cli;
    struct audit_call call = {.cli = &cli, .format = CTL_TEXT, .limit = "50"};
    cli_init(&cli, &program, argc, argv);
    int status = ctl_parse(&cli, read_option, &call);
    if (!status)
        status = dispatch(&cli, &call);
    cli_done(&cli);
    return status;
}
