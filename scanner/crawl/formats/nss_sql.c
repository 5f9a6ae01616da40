/* NSS's cert9.db and key4.db: SQLite files with the tables nssPublic (certificates, trust) and nssPrivate (keys), one column a CKA number.
 *
 * Owns the statements. The table of formats calls it for any SQLite file; one without those tables is not ours, and is searched for PEM. What
 * NSS keeps in a column is its PKCS#11 attribute: numbers are four bytes, big-endian on every machine, and A5005A stands for an empty one
 * (NSS sdb.c). Certificates stand in the open, private keys never do: they are counted, and their columns never read. */
#include <string.h>

#include "scanner/crawl/formats/entry.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/sqlite.h"

static const char name[] = "nss-sql";
enum { NICKNAME_BYTES_MAX = 4096 };

/* A certificate is an anchor when its trust object says CKT_NSS_TRUSTED_DELEGATOR or CKT_NSS_TRUSTED for servers, clients, code or mail. */
static const char certificates_sql[] =
    "SELECT c.rowid, c.a3, c.a11, EXISTS ("
    "SELECT 1 FROM nssPublic t WHERE t.a81 = c.a81 AND t.a82 = c.a82 AND t.a0 = x'CE534353' AND ("
    "t.ace536358 IN (x'CE534351', x'CE534352') OR t.ace536359 IN (x'CE534351', x'CE534352') OR "
    "t.ace53635a IN (x'CE534351', x'CE534352') OR t.ace53635b IN (x'CE534351', x'CE534352'))) "
    "FROM nssPublic c WHERE c.a0 = x'00000001' AND c.rowid > ?1 ORDER BY c.rowid ";
/* The same where the columns of trust are not those, or their page is damaged: nothing is known of it then. */
static const char untrusted_sql[] =
    "SELECT rowid, a3, a11, -1 FROM nssPublic WHERE a0 = x'00000001' AND rowid > ?1 ORDER BY rowid ";
static const char keys_sql[] = "SELECT rowid, a3 FROM nssPrivate WHERE a0 = x'00000003' AND rowid > ?1 ORDER BY rowid ";

struct nss {
    struct job *job;
    struct sqlite *db;
    struct buf nickname;
    size_t certificates, keys;
};

/* Empty also where it stands for an empty attribute. */
static struct slice attribute(const struct sqlite_row *row, int column)
{
    static const uint8_t none[] = {0xA5, 0x00, 0x5A};
    struct slice value = sqlite_bytes(row, column);
    return slice_equal(value, (struct slice){none, sizeof none}) ? (struct slice){NULL, 0} : value;
}

static void take_certificate(void *context, const struct sqlite_row *row)
{
    struct nss *nss = context;
    struct slice der = attribute(row, 2);
    int64_t trusted = sqlite_integer(row, 3);
    entry_tell(nss->job,
               &(struct found_chain){.format = name,
                                     .entry = entry_name(&nss->nickname, attribute(row, 1), ++nss->certificates),
                                     .der = &der,
                                     .count = 1,
                                     .role = trusted < 0 ? NULL
                                             : trusted   ? "trust"
                                                         : "stored"});
}

static void take_key(void *context, const struct sqlite_row *row)
{
    struct nss *nss = context;
    nss->job->ops->key(nss->job->ops->context,
                       &(struct found_key){.format = name,
                                           .entry = entry_name(&nss->nickname, attribute(row, 1), ++nss->keys),
                                           .kind = "sealed",
                                           .encrypted = true});
}

static void tell_trouble(struct nss *nss, int status)
{
    if (status == CM_ETIMEOUT)
        job_problem(nss->job, name, NULL, RECORD_ERROR_TIMEOUT, "only a part of the database was read");
    else if (status == CM_ELIMIT)
        job_problem(nss->job, name, NULL, RECORD_ERROR_LIMIT, "the database wants more work than its size is worth");
    else if (status)
        job_problem(nss->job, name, NULL, RECORD_ERROR_MALFORMED, "the database is damaged: rows are missing");
    else if (sqlite_is_cut(nss->db))
        job_problem(nss->job, name, NULL, RECORD_ERROR_MALFORMED, "the database is cut");
}

/* What a program that died, or one that runs, has not written into the file yet. */
static void tell_beside(struct job *job)
{
    if (job->ops->beside(job->ops->context, "-wal"))
        job_problem(job, name, NULL, RECORD_ERROR_UNSUPPORTED, "a write-ahead log lies beside it and is not read");
    if (job->ops->beside(job->ops->context, "-journal"))
        job_problem(job, name, NULL, RECORD_ERROR_UNSUPPORTED, "a journal lies beside it and is not rolled back");
}

static void read_tables(struct nss *nss, bool public, bool private)
{
    int status = public ? sqlite_each(nss->db, certificates_sql, untrusted_sql, take_certificate, nss) : 0;
    int second = private ? sqlite_each(nss->db, keys_sql, NULL, take_key, nss) : 0;
    nss->job->ops->store(
        nss->job->ops->context,
        &(struct found_store){.format = name, .integrity = "unchecked", .entries = nss->certificates + nss->keys});
    tell_trouble(nss, status ? status : second);
    tell_beside(nss->job);
}

/* What SQLite cannot open or what is too large to be held, but says in its first page (which holds the schema) that it is NSS's. */
static enum format_result give_up(struct job *job, const struct content *content, enum record_error error,
                                  const char *detail)
{
    struct slice head = content->head;
    if (!memmem(head.data, head.size, "nssPublic", 9) && !memmem(head.data, head.size, "nssPrivate", 10))
        return FORMAT_NOT_MINE;
    job_problem(job, name, NULL, error, detail);
    return FORMAT_TAKEN;
}

static enum format_result read_nss(struct job *job, struct content *content)
{
    uint8_t *bytes;
    size_t size;
    if (!content_seekable(content) && content_whole(content, &bytes, &size))
        return give_up(job, content, RECORD_ERROR_LIMIT, "too large to be held in memory");
    struct nss nss = {.job = job, .db = sqlite_open(job, content)};
    bool public = nss.db && sqlite_has_table(nss.db, "nssPublic");
    bool private = nss.db && sqlite_has_table(nss.db, "nssPrivate");
    enum format_result result = FORMAT_TAKEN;
    buf_init(&nss.nickname, NICKNAME_BYTES_MAX);
    if (public || private)
        read_tables(&nss, public, private);
    else
        result = give_up(job, content, RECORD_ERROR_MALFORMED, "the database is damaged: its schema cannot be read");
    buf_done(&nss.nickname);
    sqlite_close(nss.db);
    return result;
}

const struct format format_nss_sql = {"nss-sql", sqlite_is, read_nss, .search = false};
