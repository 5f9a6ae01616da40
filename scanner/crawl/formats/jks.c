/* JKS and JCEKS, the keystores of Java's own providers: big-endian fields behind a magic, certificates in the clear, a digest over the whole that a
 * password is mixed into.
 *
 *     u32 magic, u32 version (1 or 2), u32 count, then entries: u32 tag, utf alias, u64 milliseconds, and
 *         1, a private key:  u32 length, EncryptedPrivateKeyInfo, u32 count, certificates
 *         2, a certificate:  utf type (not in version 1), u32 length, DER
 *         3, a secret key (JCEKS): a serialised object
 *     SHA-1 (password in UTF-16 | "Mighty Aphrodite" | everything before)
 *
 * Nothing needs a password to be read. Lengths are believed as far as the bytes go; behind a damaged entry the next one is looked for by its shape.
 * Integrity is "ok" when a password fits, "unchecked" when none of the list does, "bad" when the store is damaged or the digest is cut. */
#include <string.h>

#include <openssl/evp.h>

#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/java_stream.h"
#include "scanner/crawl/formats/keystore.h"
#include "scanner/crawl/formats/search.h"

enum { MAGIC_JKS = (int)0xFEEDFEED, MAGIC_JCEKS = (int)0xCECECECE };
enum { TAG_KEY = 1, TAG_CERTIFICATE = 2, TAG_SECRET = 3, DIGEST_BYTES = 20 };

struct jks {
    struct keystore store;
    struct cursor cursor; /* over the whole file */
    uint32_t version;
};

static int read_certificate(struct jks *jks)
{
    static const uint8_t x509[] = "X.509";
    struct slice type = {x509, sizeof x509 - 1}, data;
    if ((jks->version >= 2 && java_read_text(&jks->cursor, &type)) || java_read_data(&jks->cursor, &data))
        return CM_ETRUNCATED;
    keystore_certificate(&jks->store, type, data);
    return 0;
}

static int read_key(struct jks *jks)
{
    struct slice key;
    uint32_t count;
    if (java_read_data(&jks->cursor, &key))
        return CM_ETRUNCATED;
    keystore_key(&jks->store, key);
    if (cursor_u32(&jks->cursor, &count))
        return CM_ETRUNCATED;
    for (; count; count--) {
        int status = read_certificate(jks);
        if (status)
            return status;
    }
    return 0;
}

static int read_value(struct jks *jks, uint32_t tag)
{
    switch (tag) {
    case TAG_KEY:
        return read_key(jks);
    case TAG_CERTIFICATE:
        return read_certificate(jks);
    default:
        return java_stream_skip(&jks->cursor);
    }
}

/* Tells one entry, as far as it goes. What is wrong with it is told, too. */
static int read_entry(struct jks *jks)
{
    struct slice alias = {NULL, 0};
    uint32_t tag = 0;
    uint64_t date_ms;
    int status = cursor_u32(&jks->cursor, &tag);
    if (!status && (tag < TAG_KEY || tag > TAG_SECRET))
        status = CM_EMALFORMED;
    if (!status)
        status = java_read_text(&jks->cursor, &alias);
    keystore_open_entry(&jks->store, alias);
    if (!status)
        status = cursor_u64(&jks->cursor, &date_ms);
    if (!status)
        status = read_value(jks, tag);
    keystore_close_entry(&jks->store, status ? NULL : jks->cursor.at);
    if (status)
        keystore_damage(&jks->store, false,
                        status == CM_ETRUNCATED ? "the entry runs past the end of the file" : "the entry is damaged");
    return status;
}

/* What every entry of the last fifty years and the next two hundred begins with; and behind it, what its tag promises. */
static bool is_entry(struct cursor cursor)
{
    enum { ALIAS_MAX = 1024, SEQUENCE = 0x30, STREAM = 0xAC };
    static const uint8_t x509[] = {0, 5, 'X', '.', '5', '0', '9'};
    uint32_t tag, size;
    uint64_t date_ms;
    uint8_t first;
    struct slice alias, type;
    if (cursor_u32(&cursor, &tag) || tag < TAG_KEY || tag > TAG_SECRET || java_read_text(&cursor, &alias) ||
        alias.size > ALIAS_MAX || cursor_u64(&cursor, &date_ms) || date_ms >> 43 || !java_text_plausible(alias))
        return false;
    struct cursor typed = cursor; /* in version 1 there is no type */
    if (tag == TAG_CERTIFICATE && !cursor_slice(&typed, sizeof x509, &type) &&
        memcmp(type.data, x509, sizeof x509) == 0)
        cursor = typed;
    if (tag != TAG_SECRET && (cursor_u32(&cursor, &size) || size >> 24))
        return false;
    return !cursor_u8(&cursor, &first) && first == (tag == TAG_SECRET ? STREAM : SEQUENCE);
}

/* All entries. False when the end of the last is not known: one was damaged, or time is over. */
static bool read_entries(struct jks *jks, uint32_t count)
{
    struct keystore *store = &jks->store;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *start = jks->cursor.at;
        if (keystore_time_is_over(store))
            return false;
        if (cursor_left(&jks->cursor) <= DIGEST_BYTES) { /* no entry is so small */
            keystore_damage(store, true, "it has fewer entries than it says");
            return false;
        }
        if (read_entry(jks)) {
            /* The count means nothing now that entries may be passed over: go on while there are any. */
            while (!keystore_time_is_over(store) && keystore_find_entry(store, &jks->cursor, start, is_entry)) {
                start = jks->cursor.at;
                (void)read_entry(jks);
            }
            return false;
        }
    }
    return true;
}

struct check {
    struct slice body, digest;
    EVP_MD_CTX *context;
};

static bool fits(void *context, const struct java_password *password)
{
    static const char salt[] = "Mighty Aphrodite";
    struct check *check = context;
    uint8_t digest[EVP_MAX_MD_SIZE];
    return EVP_DigestInit_ex(check->context, EVP_sha1(), NULL) &&
           EVP_DigestUpdate(check->context, password->bytes, password->size) &&
           EVP_DigestUpdate(check->context, salt, sizeof salt - 1) &&
           EVP_DigestUpdate(check->context, check->body.data, check->body.size) &&
           EVP_DigestFinal_ex(check->context, digest, NULL) &&
           CRYPTO_memcmp(digest, check->digest.data, DIGEST_BYTES) == 0;
}

static const char *check_integrity(struct jks *jks)
{
    struct check check = {.body = {jks->cursor.start, cursor_offset(&jks->cursor)}};
    if (cursor_slice(&jks->cursor, DIGEST_BYTES, &check.digest)) {
        keystore_damage(&jks->store, true, "its digest is cut");
        return "bad";
    }
    check.context = EVP_MD_CTX_new();
    enum keystore_try tried = check.context ? keystore_try_passwords(&jks->store, fits, &check) : KEYSTORE_NONE_FITS;
    EVP_MD_CTX_free(check.context);
    if (tried == KEYSTORE_NO_TIME)
        keystore_problem(&jks->store, true, RECORD_ERROR_TIMEOUT, "not all passwords could be tried in time");
    return tried == KEYSTORE_FITS ? "ok" : "unchecked";
}

static bool identify(struct slice head)
{
    struct cursor cursor;
    uint32_t magic, version;
    cursor_init_slice(&cursor, head);
    return !cursor_u32(&cursor, &magic) && (magic == (uint32_t)MAGIC_JKS || magic == (uint32_t)MAGIC_JCEKS) &&
           !cursor_u32(&cursor, &version);
}

/* The store in these bytes, which begin with its magic; true when more bytes follow it. */
static bool read_store(struct job *job, struct slice bytes)
{
    struct jks jks;
    uint32_t magic = 0, count;
    const char *integrity = "unchecked";
    cursor_init_slice(&jks.cursor, bytes);
    bool begins = !cursor_u32(&jks.cursor, &magic) && !cursor_u32(&jks.cursor, &jks.version);
    keystore_init(&jks.store, job, magic == (uint32_t)MAGIC_JCEKS ? "jceks" : "jks");
    if (!begins || cursor_u32(&jks.cursor, &count)) {
        keystore_damage(&jks.store, true, "it is cut before its first entry");
    } else {
        if (jks.version != 1 && jks.version != 2)
            keystore_damage(&jks.store, true, "it has no version that there is");
        keystore_entries_begin(&jks.store, jks.cursor.at);
        if (read_entries(&jks, count))
            integrity = check_integrity(&jks);
    }
    keystore_tell(&jks.store, integrity);
    keystore_done(&jks.store);
    return !cursor_at_end(&jks.cursor) && !jks.store.damaged;
}

static enum format_result read_jks(struct job *job, struct content *content)
{
    uint8_t *bytes;
    size_t size;
    int status = content_whole(content, &bytes, &size);
    if (status == CM_ELIMIT) {
        job_problem(job, "jks", NULL, RECORD_ERROR_TOO_LARGE, "a keystore of more bytes than are read at once");
        return FORMAT_TAKEN;
    }
    if (status)
        return FORMAT_NOT_MINE;
    if (read_store(job, (struct slice){bytes, size}))
        search_text(job, content); /* something was appended to it */
    return FORMAT_TAKEN;
}

const struct format format_jks = {"jks", identify, read_jks, .search = false};
