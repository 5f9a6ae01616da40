/* NSS's cert8.db, cert7.db (and older) and key3.db: Berkeley DB hash files of typed records.
 *
 * Owns the layouts of records (NSS lib/softoken/legacydb: pcertdb.c, keydb.c). The table of formats calls it for any such file; one without
 * records of NSS is not ours. Certificates and nicknames stand in the open; keys are encrypted, and only counted. */
#include <string.h>

#include "certmuster/der.h"
#include "scanner/crawl/formats/dbm.h"
#include "scanner/crawl/formats/entry.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/sniff.h"

static const char name[] = "nss-dbm";

enum {
    NICKNAME_BYTES_MAX = 4096,
    RECORD_HEADER = 3, /* version, type, flags */
    TYPE_VERSION = 0,
    TYPE_CERTIFICATE = 1,
    TYPE_LAST = 8,
    TYPE_BLOB = 8, /* in place of a record too large for the database: the name of a file in cert8.dir */
    OLDEST = 4,
    NEWEST = 8,
    WIDE_FLAGS = 7,                     /* from this version on, flags of trust are u16 */
    TRUSTED = 1 << 1 | 1 << 4 | 1 << 7, /* CERTDB_TRUSTED, CERTDB_TRUSTED_CA, CERTDB_TRUSTED_CLIENT_CA */
    KEY_VERSION = 3,
};

struct nss {
    struct job *job;
    struct buf nickname;
    size_t certificates, keys;
    bool recognized, stopped;
};

static void tell_problem(struct nss *nss, enum record_error error, const char *detail)
{
    job_problem(nss->job, name, entry_name(&nss->nickname, (struct slice){NULL, 0}, nss->certificates), error, detail);
}

/* A certificate's record behind the header that all records have: flags of trust for TLS, mail and code, two lengths, DER, nickname. */
static void take_certificate(struct nss *nss, unsigned version, struct slice record)
{
    struct cursor cursor;
    uint16_t flags[3] = {0}, der_size = 0, nickname_size = 0;
    struct slice der, nickname;
    int status = 0;
    nss->certificates++;
    cursor_init_slice(&cursor, record);
    for (unsigned i = 0; i < 3 && !status; i++) {
        uint8_t narrow = 0;
        status = version >= WIDE_FLAGS ? cursor_u16(&cursor, &flags[i]) : cursor_u8(&cursor, &narrow);
        flags[i] |= narrow;
    }
    if (status || cursor_u16(&cursor, &der_size) || cursor_u16(&cursor, &nickname_size)) {
        tell_problem(nss, RECORD_ERROR_MALFORMED, "a certificate's record is cut");
        return;
    }
    size_t size = der_size, left = cursor_left(&cursor);
    if (left > size + nickname_size && (left - size - nickname_size) % 65536 == 0)
        size = left - nickname_size; /* its length did not fit into 16 bits */
    if (cursor_slice(&cursor, size, &der) || cursor_slice(&cursor, nickname_size, &nickname)) {
        tell_problem(nss, RECORD_ERROR_MALFORMED, "a certificate's record is cut");
        return;
    }
    entry_tell(nss->job,
               &(struct found_chain){.format = name,
                                     .entry = entry_name(&nss->nickname, nickname, nss->certificates),
                                     .der = &der,
                                     .count = 1,
                                     .role = (flags[0] | flags[1] | flags[2]) & TRUSTED ? "trust" : "stored"});
}

/* SEQUENCE { SEQUENCE { OID, … }, OCTET STRING }: any scheme, since NSS's own stands in no standard. */
static bool is_encrypted_key(struct cursor cursor)
{
    struct cursor key, scheme;
    struct der_element element;
    return !der_expect(&cursor, DER_SEQUENCE, &key) && !der_expect(&key, DER_SEQUENCE, &scheme) &&
           !der_next(&scheme, &element) && element.tag == DER_OID && !der_next(&key, &element) &&
           element.tag == DER_OCTET_STRING && cursor_at_end(&key);
}

/* version, length of the salt, length of the nickname; salt, nickname, EncryptedPrivateKeyInfo */
static void take_key(struct nss *nss, struct slice data)
{
    struct cursor cursor;
    struct slice nickname;
    uint8_t version, salt_size, nickname_size;
    cursor_init_slice(&cursor, data);
    if (cursor_u8(&cursor, &version) || version != KEY_VERSION || cursor_u8(&cursor, &salt_size) ||
        cursor_u8(&cursor, &nickname_size) || cursor_skip(&cursor, salt_size) ||
        cursor_slice(&cursor, nickname_size, &nickname) || !is_encrypted_key(cursor))
        return;
    nss->recognized = true;
    nss->job->ops->key(nss->job->ops->context,
                       &(struct found_key){.format = name,
                                           .entry = entry_name(&nss->nickname, nickname, ++nss->keys),
                                           .kind = "sealed",
                                           .encrypted = true});
}

/* A record too large for its page lies in a file of the directory beside: cert8.dir for cert8.db. There it is read as a file of its own; here it is a
 * problem only where that file is not. */
static void take_blob(struct nss *nss, struct slice data)
{
    enum { FILE_NAME_AT = 8, FILE_NAME_MAX = 64 };
    char ending[FILE_NAME_MAX + 8] = ".dir/";
    size_t length = 0;
    nss->certificates++;
    while (data.size > FILE_NAME_AT && length < data.size - FILE_NAME_AT && length < FILE_NAME_MAX) {
        char c = (char)data.data[FILE_NAME_AT + length];
        if (!c || !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+=", c))
            break;
        ending[5 + length++] = c;
    }
    if (!length || !nss->job->ops->beside(nss->job->ops->context, ending))
        tell_problem(nss, RECORD_ERROR_UNSUPPORTED, "a certificate that lies in another file, which is not there");
}

static bool is(struct slice bytes, const char *text)
{
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

static void take_pair(void *context, struct slice key, struct slice data)
{
    struct nss *nss = context;
    nss->stopped = nss->stopped || job_pulse(nss->job);
    if (nss->stopped)
        return;
    if (is(key, "global-salt") || is(key, "password-check"))
        nss->recognized = true; /* key3.db */
    else if (key.size && data.size >= RECORD_HEADER && key.data[0] <= TYPE_LAST && data.data[0] >= OLDEST &&
             data.data[0] <= NEWEST && (data.data[1] == key.data[0] || data.data[1] == TYPE_BLOB)) {
        nss->recognized = true;
        if (data.data[1] == TYPE_CERTIFICATE) {
            take_certificate(nss, data.data[0], (struct slice){data.data + RECORD_HEADER, data.size - RECORD_HEADER});
        } else if (key.data[0] == TYPE_CERTIFICATE) {
            take_blob(nss, data);
        }
    } else {
        take_key(nss, data);
    }
}

static enum format_result read_nss(struct job *job, struct content *content)
{
    struct nss nss = {.job = job};
    uint8_t *bytes;
    size_t size;
    if (content_whole(content, &bytes, &size))
        return FORMAT_NOT_MINE;
    buf_init(&nss.nickname, NICKNAME_BYTES_MAX);
    int status = dbm_each((struct slice){bytes, size}, take_pair, &nss);
    buf_done(&nss.nickname);
    if (!nss.recognized && !nss.stopped)
        return FORMAT_NOT_MINE;
    job->ops->store(
        job->ops->context,
        &(struct found_store){.format = name, .integrity = "unchecked", .entries = nss.certificates + nss.keys});
    if (nss.stopped)
        job_problem(job, name, NULL, RECORD_ERROR_TIMEOUT, "only a part of the database was read");
    else if (status)
        job_problem(job, name, NULL, RECORD_ERROR_MALFORMED, "the database is damaged: records may be missing");
    return FORMAT_TAKEN;
}

const struct format format_nss_dbm = {"nss-dbm", dbm_is, read_nss, .search = false};

/* --- A record in a file of its own --- */

enum { WIDE_HEADER = RECORD_HEADER + 10 }; /* such records are as old as version 8 */

static bool identify_blob(struct slice head)
{
    return head.size > WIDE_HEADER && head.data[0] == NEWEST && head.data[1] == TYPE_CERTIFICATE &&
           sniff(head.data + WIDE_HEADER, head.size - WIDE_HEADER) == SNIFF_CERTIFICATE;
}

static enum format_result read_blob(struct job *job, struct content *content)
{
    struct nss nss = {.job = job};
    uint8_t *bytes;
    size_t size;
    if (content_whole(content, &bytes, &size))
        return FORMAT_NOT_MINE;
    buf_init(&nss.nickname, NICKNAME_BYTES_MAX);
    take_certificate(&nss, NEWEST, (struct slice){bytes + RECORD_HEADER, size - RECORD_HEADER});
    buf_done(&nss.nickname);
    return FORMAT_TAKEN;
}

const struct format format_nss_blob = {"nss-dbm", identify_blob, read_blob, .search = false};
