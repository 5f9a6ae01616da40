/* IBM GSKit's key databases: .kdb (certificates and keys), .rdb (requests and their keys).
 *
 * Owns the layout, which IBM does not publish; it was read off files and agrees with what KeyStore Explorer writes. Big-endian: "37 48 version kind",
 * "X509KEY", the size of a slot, how many are in use, a salt, an HMAC of all that keyed by the password, an HMAC of the file up to there and of the
 * slots; then slots, each with type, number, DER { INTEGER, [1] certificate | [2] { certificate, key } | [0] { request, key } | [3] secret key, label, flags } and its label.
 * Certificates stand in the open, so that the password only tells whether somebody changed them. A stash file beside gives the password away. */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "certmuster/der.h"
#include "scanner/crawl/formats/entry.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/key.h"

static const char name[] = "kdb";

enum {
    SLOT_SIZE_AT = 0x10,
    MAC_AT = 0x30, /* behind the salt; the second one follows the first */
    SLOT_HEADER = 12,
    LABEL_BYTES_MAX = 4096,
    TAG_REQUEST = 0xA0,
    TAG_CERTIFICATE = 0xA1,
    TAG_PAIR = 0xA2,
    TAG_SECRET = 0xA3,
};

struct kdb {
    struct job *job;
    struct slice file;
    const EVP_MD *digest;
    size_t mac_bytes;
    uint32_t slot_bytes, count;
    size_t entries;
    struct buf label;
};

static bool identify(struct slice head)
{
    return head.size >= MAC_AT && head.data[0] == 0x37 && head.data[1] == 0x48 && head.data[3] <= 2 &&
           memcmp(head.data + 8, "X509", 4) == 0;
}

/* Version 4 has HMAC-SHA1, version 6 HMAC-SHA384: so long is the header. */
static bool read_header(struct kdb *kdb)
{
    struct cursor cursor;
    kdb->digest = kdb->file.data[2] <= 4 ? EVP_sha1() : EVP_sha384();
    kdb->mac_bytes = (size_t)EVP_MD_get_size(kdb->digest);
    cursor_init_slice(&cursor, kdb->file);
    return !cursor_skip(&cursor, SLOT_SIZE_AT) && !cursor_u32(&cursor, &kdb->slot_bytes) &&
           !cursor_u32(&cursor, &kdb->count) && kdb->slot_bytes > SLOT_HEADER &&
           kdb->file.size >= MAC_AT + 2 * kdb->mac_bytes;
}

/* HMAC over two pieces, keyed by a password: is it the one that stands there? */
static bool mac_is(const struct kdb *kdb, const char *password, struct slice first, struct slice second,
                   const uint8_t *expected)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    size_t size = 0;
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(algorithm);
    OSSL_PARAM digest[] = {
        OSSL_PARAM_construct_utf8_string("digest", (char *)(uintptr_t)EVP_MD_get0_name(kdb->digest), 0),
        OSSL_PARAM_construct_end()};
    bool same = context && EVP_MAC_init(context, (const unsigned char *)password, strlen(password), digest) &&
                EVP_MAC_update(context, first.data, first.size) && EVP_MAC_update(context, second.data, second.size) &&
                EVP_MAC_final(context, mac, &size, sizeof mac) && size == kdb->mac_bytes &&
                CRYPTO_memcmp(mac, expected, size) == 0;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(algorithm);
    return same;
}

/* The first HMAC finds the password, the second one tells whether the slots are as it left them. */
static const char *check_integrity(const struct kdb *kdb)
{
    const struct passwords *passwords = kdb->job->options->passwords;
    const uint8_t *bytes = kdb->file.data, *verifier = bytes + MAC_AT, *mac = verifier + kdb->mac_bytes;
    const uint8_t *slots = mac + kdb->mac_bytes;
    struct slice nothing = {bytes, 0}, salted = {bytes, MAC_AT}, header = {bytes, MAC_AT + kdb->mac_bytes};
    struct slice rest = {slots, (size_t)(bytes + kdb->file.size - slots)};
    for (size_t i = 0; i < passwords->count && !job_pulse(kdb->job); i++) {
        const char *password = passwords->list[i];
        if (password && mac_is(kdb, password, salted, nothing, verifier))
            return mac_is(kdb, password, header, rest, mac) ? "ok" : "bad";
    }
    return "unchecked";
}

static void tell_key(struct kdb *kdb, struct slice der)
{
    bool encrypted = false;
    struct found_key key = {.format = name, .entry = kdb->label.data};
    const char *kind = key_kind_of_der(der, &encrypted);
    if (!kind || key_examine(kind, encrypted, der, &key))
        job_problem(kdb->job, name, kdb->label.data, RECORD_ERROR_MALFORMED, "a private key that cannot be read");
    else
        kdb->job->ops->key(kdb->job->ops->context, &key);
}

static void tell_certificate(struct kdb *kdb, struct slice der)
{
    entry_tell(kdb->job, &(struct found_chain){.format = name, .entry = kdb->label.data, .der = &der, .count = 1});
}

/* What a record holds, under its context tag. */
static bool tell_contents(struct kdb *kdb, const struct der_element *choice)
{
    struct cursor cursor, pair;
    struct der_element first, second;
    cursor_init_slice(&cursor, choice->contents);
    if (choice->tag == TAG_SECRET)
        return true;
    if (choice->tag == TAG_CERTIFICATE) {
        if (der_next(&cursor, &first))
            return false;
        tell_certificate(kdb, first.whole);
        return true;
    }
    if ((choice->tag != TAG_PAIR && choice->tag != TAG_REQUEST) || der_expect(&cursor, DER_SEQUENCE, &pair) ||
        der_next(&pair, &first))
        return false;
    if (choice->tag == TAG_PAIR)
        tell_certificate(kdb, first.whole);
    else if (first.tag == DER_SEQUENCE)
        kdb->job->ops->request(kdb->job->ops->context, &(struct found_der){name, kdb->label.data, first.whole});
    if (!der_next(&pair, &second))
        tell_key(kdb, second.whole);
    return true;
}

/* A slot in use. Its label stands behind the DER, and in it for those who cannot see the other. */
static void take_slot(struct kdb *kdb, struct slice slot)
{
    struct cursor cursor, record;
    struct der_element version, choice, inner;
    struct slice der = {NULL, 0}, label = {NULL, 0};
    uint32_t der_size = 0, label_size = 0;
    cursor_init_slice(&cursor, slot);
    bool cut = cursor_skip(&cursor, SLOT_HEADER - 4) || cursor_u32(&cursor, &der_size) ||
               cursor_slice(&cursor, der_size, &der);
    bool labelled = !cut && !cursor_u32(&cursor, &label_size) && !cursor_slice(&cursor, label_size, &label);
    cursor_init_slice(&cursor, der);
    bool read =
        !der_expect(&cursor, DER_SEQUENCE, &record) && !der_next(&record, &version) && !der_next(&record, &choice);
    if (read && !labelled && !der_next(&record, &inner))
        label = inner.contents;
    entry_name(&kdb->label, label, ++kdb->entries);
    if (!read || !tell_contents(kdb, &choice))
        job_problem(kdb->job, name, kdb->label.data, RECORD_ERROR_MALFORMED,
                    cut ? "a record is longer than its slot" : "a record that cannot be read");
}

/* Every slot that the file has: those in use are not said to be the first ones. */
static bool take_slots(struct kdb *kdb)
{
    struct cursor cursor;
    cursor_init(&cursor, kdb->file.data, kdb->file.size);
    if (cursor_skip(&cursor, MAC_AT + 2 * kdb->mac_bytes))
        return true;
    while (cursor_left(&cursor) > SLOT_HEADER && kdb->entries < kdb->count) {
        struct slice slot;
        struct cursor peek = cursor;
        uint32_t type = 0;
        size_t left = cursor_left(&cursor);
        if (job_pulse(kdb->job))
            return false;
        if (cursor_u32(&peek, &type) || cursor_slice(&cursor, left < kdb->slot_bytes ? left : kdb->slot_bytes, &slot))
            break;
        if (type)
            take_slot(kdb, slot);
    }
    return true;
}

static enum format_result read_kdb(struct job *job, struct content *content)
{
    static const char *const stash[] = {"stash"};
    struct kdb kdb = {.job = job};
    uint8_t *bytes;
    if (content_whole(content, &bytes, &kdb.file.size))
        return FORMAT_NOT_MINE;
    kdb.file.data = bytes;
    if (!read_header(&kdb)) {
        job_problem(job, name, NULL, RECORD_ERROR_MALFORMED, "a key database without its header");
        return FORMAT_TAKEN;
    }
    buf_init(&kdb.label, LABEL_BYTES_MAX);
    bool whole = take_slots(&kdb);
    buf_done(&kdb.label);
    job->ops->store(job->ops->context,
                    &(struct found_store){.format = name,
                                          .integrity = check_integrity(&kdb),
                                          .entries = kdb.entries,
                                          .weak = stash,
                                          .weak_count = job->ops->beside(job->ops->context, ".sth")});
    if (!whole)
        job_problem(job, name, NULL, RECORD_ERROR_TIMEOUT, "only a part of the database was read");
    else if (kdb.entries < kdb.count)
        job_problem(job, name, NULL, RECORD_ERROR_MALFORMED, "the database is cut: it says that it has more entries");
    return FORMAT_TAKEN;
}

const struct format format_kdb = {"kdb", identify, read_kdb, .search = false};
