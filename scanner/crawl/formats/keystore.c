/* Entries of Java's keystores, whatever they are wrapped in.
 *
 * Owns the alias and the list of the open entry's certificates, not their bytes. jks.c, bks_entries.c and bcfks.c drive it: open an entry, hand over its
 * certificates and its key, close it. Two entries with one alias are both told under it. */
#include "scanner/crawl/formats/keystore.h"

#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "certmuster/cert.h"
#include "certmuster/der.h"
#include "scanner/crawl/formats/key.h"
#include "scanner/crawl/formats/pkcs12_kdf.h"
#include "scanner/crawl/formats/sniff.h"

enum { ORDINAL_BYTES = 24 };

void keystore_init(struct keystore *store, struct job *job, const char *format)
{
    *store = (struct keystore){.job = job, .format = format};
    buf_init(&store->alias, KEYSTORE_ALIAS_MAX + ORDINAL_BYTES);
}

void keystore_done(struct keystore *store)
{
    buf_done(&store->alias);
}

void keystore_open_entry(struct keystore *store, struct slice alias)
{
    store->entries++;
    store->chain_count = 0;
    store->sound_before = store->sound;
    buf_reset(&store->alias);
    if (!java_text_append(&store->alias, alias, KEYSTORE_ALIAS_MAX))
        buf_appendf(&store->alias, "#%zu", store->entries);
    else if (!alias.size)
        buf_append_u64(&store->alias, store->entries);
}

void keystore_problem(struct keystore *store, bool of_store, enum record_error error, const char *detail)
{
    if (store->problems++ < KEYSTORE_PROBLEMS_MAX)
        job_problem(store->job, store->format, of_store ? NULL : store->alias.data, error, detail);
    else if (store->problems == KEYSTORE_PROBLEMS_MAX + 1)
        job_problem(store->job, store->format, NULL, RECORD_ERROR_LIMIT, "it has more problems than are told");
}

void keystore_damage(struct keystore *store, bool of_store, const char *detail)
{
    store->damaged = true;
    keystore_problem(store, of_store, RECORD_ERROR_MALFORMED, detail);
}

void keystore_weak(struct keystore *store, const char *word)
{
    for (size_t i = 0; i < store->weak_count; i++)
        if (strcmp(store->weak[i], word) == 0)
            return;
    if (store->weak_count < KEYSTORE_WEAK_MAX)
        store->weak[store->weak_count++] = word;
}

void keystore_weak_iterations(struct keystore *store, uint64_t iterations)
{
    if (iterations < KEYSTORE_LOW_ITERATIONS)
        keystore_weak(store, "low-iterations");
}

static void tell_chain(struct keystore *store)
{
    const struct found_ops *ops = store->job->ops;
    if (store->chain_count)
        ops->chain(ops->context, &(struct found_chain){.format = store->format,
                                                       .entry = store->alias.data,
                                                       .der = store->chain,
                                                       .count = store->chain_count});
    store->chain_count = 0;
}

static bool is_x509(struct slice type)
{
    return (type.size == 5 && strncasecmp((const char *)type.data, "X.509", 5) == 0) ||
           (type.size == 4 && strncasecmp((const char *)type.data, "X509", 4) == 0);
}

void keystore_certificate(struct keystore *store, struct slice type, struct slice data)
{
    struct cert cert;
    size_t length;
    bool whole = cert_length(data.data, data.size, &length) == 0;
    if (!whole || (!sniff_certificate_shape(data.data, length) && cert_parse(data.data, length, &cert, NULL))) {
        if (is_x509(type))
            keystore_problem(store, false, RECORD_ERROR_MALFORMED, "no certificate where one should be");
        else
            keystore_problem(store, false, RECORD_ERROR_UNSUPPORTED, "a certificate of another type than X.509");
        return;
    }
    if (length > CM_LIMIT_CERT_BYTES) {
        keystore_problem(store, false, RECORD_ERROR_TOO_LARGE, "a certificate of more than 256 KiB");
        return;
    }
    if (store->chain_count == CM_LIMIT_CHAIN_CERTS) /* what comes behind is told as another chain of the same entry */
        tell_chain(store);
    store->chain[store->chain_count++] = (struct slice){data.data, length};
    store->sound = data.data + length; /* what the length before it says beyond may be too much */
}

void keystore_close_entry(struct keystore *store, const uint8_t *end)
{
    tell_chain(store);
    if (end && store->sound == store->sound_before)
        store->sound = end;
}

void keystore_entries_begin(struct keystore *store, const uint8_t *at)
{
    store->sound = store->searched = at;
}

bool keystore_find_entry(struct keystore *store, struct cursor *cursor, const uint8_t *start,
                         bool (*is_entry)(struct cursor at))
{
    struct cursor at = *cursor;
    at.at = store->sound == start ? start + 1 : store->sound;
    for (at.at = at.at > store->searched ? at.at : store->searched; !cursor_at_end(&at); at.at++) {
        if (is_entry(at)) {
            cursor->at = at.at;
            store->searched = at.at + 1;
            return true;
        }
    }
    return false;
}

bool keystore_time_is_over(struct keystore *store)
{
    bool over = job_pulse(store->job);
    if (over)
        keystore_problem(store, true, RECORD_ERROR_TIMEOUT, "not all of its entries were read in time");
    return over;
}

static void tell_key(struct keystore *store, struct found_key *key)
{
    store->has_keys = true;
    key->format = store->format;
    key->entry = store->alias.data;
    store->job->ops->key(store->job->ops->context, key);
}

/* EncryptedPrivateKeyInfo ::= SEQUENCE { AlgorithmIdentifier, OCTET STRING } (RFC 5958 §3), of any scheme. */
static bool encryption_of(struct slice der, struct der_element *algorithm, struct slice *oid)
{
    struct cursor cursor, sequence, inner;
    struct der_element name, data;
    cursor_init_slice(&cursor, der);
    if (der_expect(&cursor, DER_SEQUENCE, &sequence) || der_next(&sequence, algorithm) ||
        algorithm->tag != DER_SEQUENCE || der_next(&sequence, &data) || data.tag != DER_OCTET_STRING)
        return false;
    cursor_init_slice(&inner, algorithm->contents);
    if (der_next(&inner, &name) || name.tag != DER_OID)
        return false;
    *oid = name.contents;
    return true;
}

void keystore_key(struct keystore *store, struct slice der)
{
    static const uint8_t sun_jks[] = {0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x11, 0x01, 0x01};
    struct der_element algorithm;
    struct slice oid;
    struct found_key key = {.kind = "pkcs8", .encrypted = true};
    if (encryption_of(der, &algorithm, &oid)) {
        if (slice_equal(oid, (struct slice){sun_jks, sizeof sun_jks}))
            keystore_weak(store, "jks-key"); /* SHA-1 as a stream cipher, one round a guess */
        else
            keystore_weak_iterations(store, pkcs12_kdf_cost(algorithm.whole));
    } else if (key_examine("pkcs8", false, der, &key) == 0) {
        keystore_weak(store, "plain-key");
    } else {
        keystore_problem(store, false, RECORD_ERROR_MALFORMED, "a private key that cannot be read");
        return;
    }
    tell_key(store, &key);
}

void keystore_sealed_key(struct keystore *store)
{
    tell_key(store, &(struct found_key){.kind = "sealed", .encrypted = true});
}

void keystore_tell(struct keystore *store, const char *integrity)
{
    const struct found_ops *ops = store->job->ops;
    if (store->damaged && strcmp(integrity, "ok") != 0)
        integrity = "bad";
    if (store->has_keys && store->guessable)
        keystore_weak(store, "default-password");
    ops->store(ops->context, &(struct found_store){.format = store->format,
                                                   .integrity = integrity,
                                                   .entries = store->entries,
                                                   .weak = store->weak,
                                                   .weak_count = store->weak_count});
}

/* The readings of one password. */
static enum keystore_try try_password(struct job *job, const char *text,
                                      bool (*fits)(void *context, const struct java_password *password), void *context)
{
    struct java_password password;
    enum keystore_try result = KEYSTORE_NONE_FITS;
    for (unsigned reading = 0; reading < JAVA_PASSWORD_READINGS && result == KEYSTORE_NONE_FITS; reading++) {
        if (!java_password(text, reading, &password))
            continue;
        if (job_pulse(job))
            result = KEYSTORE_NO_TIME;
        else if (fits(context, &password))
            result = KEYSTORE_FITS;
    }
    OPENSSL_cleanse(&password, sizeof password);
    return result;
}

enum keystore_try keystore_try_passwords(struct keystore *store,
                                         bool (*fits)(void *context, const struct java_password *password),
                                         void *context)
{
    const struct passwords *passwords = store->job->options->passwords;
    enum keystore_try result = KEYSTORE_NONE_FITS;
    for (size_t i = 0; i < passwords->count && result == KEYSTORE_NONE_FITS; i++) {
        if (passwords->list[i] && passwords->list[i][0])
            result = try_password(store->job, passwords->list[i], fits, context);
        store->guessable = result == KEYSTORE_FITS && i < passwords_always();
    }
    if (result == KEYSTORE_NONE_FITS) { /* few are written without one */
        result = try_password(store->job, "", fits, context);
        store->guessable = result == KEYSTORE_FITS;
    }
    return result;
}
