/* BCFKS, as BouncyCastle writes it:
 *
 *     ObjectStore ::= SEQUENCE { EncryptedObjectStoreData { PBES2 AlgorithmIdentifier, OCTET STRING } or ObjectStoreData, integrity }
 *     ObjectStoreData ::= SEQUENCE { version, AlgorithmIdentifier, created, modified, SEQUENCE OF ObjectData, comment OPTIONAL }
 *     ObjectData ::= SEQUENCE { type, identifier UTF8String, created, modified, OCTET STRING, comment OPTIONAL }
 *         type 0: a certificate; 1, 3: SEQUENCE { EncryptedPrivateKeyInfo, SEQUENCE OF Certificate }; 2, 4: a secret key
 *     integrity: SEQUENCE { HMAC, key derivation, OCTET STRING }, or [0] a signature (nothing is encrypted then)
 *
 * Owns the decrypted store, which is cleared. A password is right when the encryption, which authenticates, says so; integrity is "ok" when the MAC fits
 * with it, too, else "bad". A store that no password of the list opens is told with what is known of it. bcfks_open.c has the cryptography. */
#include "scanner/crawl/formats/bcfks.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "certmuster/der.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/search.h"

/* The contents of the SEQUENCE at the cursor, as far as the bytes go; *cut when they end before it does. */
static int enter(struct cursor *cursor, struct cursor *contents, bool *cut)
{
    struct cursor at = *cursor;
    uint8_t tag, first, byte;
    size_t size;
    if (cursor_u8(&at, &tag) || cursor_u8(&at, &first))
        return CM_ETRUNCATED;
    if (tag != DER_SEQUENCE || first == 0x80 || first > 0x84)
        return CM_EMALFORMED;
    size = first & 0x80 ? 0 : first;
    for (unsigned i = first & 0x80 ? first & 0x7Fu : 0; i; i--) {
        if (cursor_u8(&at, &byte))
            return CM_ETRUNCATED;
        size = size << 8 | byte;
    }
    *cut = size > cursor_left(&at);
    size = *cut ? cursor_left(&at) : size;
    cursor_init(contents, at.at, size);
    cursor->at = at.at + size;
    return 0;
}

/* --- What it holds ------------------------------------------------------------------------------------------------------ */

static void take_certificate(struct keystore *store, struct slice der)
{
    static const uint8_t x509[] = "X.509";
    keystore_certificate(store, (struct slice){x509, sizeof x509 - 1}, der);
}

static int read_key(struct keystore *store, struct slice data)
{
    struct cursor cursor, sequence, chain;
    struct der_element element;
    cursor_init_slice(&cursor, data);
    int status = der_expect(&cursor, DER_SEQUENCE, &sequence);
    if (!status)
        status = der_next(&sequence, &element);
    if (status)
        return status;
    keystore_key(store, element.whole);
    status = der_expect(&sequence, DER_SEQUENCE, &chain);
    while (!status && !cursor_at_end(&chain)) {
        status = der_next(&chain, &element);
        if (!status)
            take_certificate(store, element.whole);
    }
    return status;
}

static int read_value(struct keystore *store, struct slice type, struct slice data)
{
    enum { CERTIFICATE, KEY, SECRET, PROTECTED_KEY, PROTECTED_SECRET };
    if (type.size != 1)
        return CM_EMALFORMED;
    switch (type.data[0]) {
    case CERTIFICATE:
        take_certificate(store, data);
        return 0;
    case KEY:
    case PROTECTED_KEY:
        return read_key(store, data);
    case SECRET:
    case PROTECTED_SECRET:
        return 0;
    default:
        return CM_EMALFORMED;
    }
}

static void read_object(struct keystore *store, struct slice contents)
{
    enum { DER_UTF8_STRING = 0x0C };
    struct cursor cursor;
    struct der_element type, name = {0}, created, modified, data;
    cursor_init_slice(&cursor, contents);
    int status = der_next(&cursor, &type);
    if (!status)
        status = der_next(&cursor, &name);
    if (!status && name.tag != DER_UTF8_STRING)
        status = CM_EMALFORMED;
    keystore_open_entry(store, status ? (struct slice){NULL, 0} : name.contents);
    if (!status && (der_next(&cursor, &created) || der_next(&cursor, &modified) || der_next(&cursor, &data) ||
                    type.tag != DER_INTEGER || data.tag != DER_OCTET_STRING))
        status = CM_EMALFORMED;
    if (!status)
        status = read_value(store, type.contents, data.contents);
    keystore_close_entry(store, NULL);
    if (status)
        keystore_problem(store, false, RECORD_ERROR_MALFORMED, "the entry is damaged");
}

void bcfks_read_objects(struct keystore *store, struct slice data)
{
    struct cursor cursor, sequence, objects;
    struct der_element element;
    bool cut, objects_cut = false;
    cursor_init_slice(&cursor, data);
    int status = enter(&cursor, &sequence, &cut);
    for (int i = 0; i < 4 && !status; i++) /* version, algorithm, dates */
        status = der_next(&sequence, &element);
    if (!status)
        status = enter(&sequence, &objects, &objects_cut);
    while (!status && !cursor_at_end(&objects) && !keystore_time_is_over(store)) {
        status = der_next(&objects, &element);
        if (!status)
            read_object(store, element.contents);
    }
    if (status || cut || objects_cut)
        keystore_damage(store, true, "its list of entries is cut or damaged");
}

/* --- What is around it -------------------------------------------------------------------------------------------------- */

struct opening {
    struct keystore *store;
    struct slice data; /* the first element, as it stands: what the integrity is of */
    bool encrypted;
    struct bcfks_seal seal;
    bool has_mac;
    struct bcfks_mac mac;
    uint8_t *plain;
    size_t plain_size;
    bool mac_fits;
};

static bool fits(void *context, const struct java_password *password)
{
    struct opening *opening = context;
    if (opening->encrypted && !bcfks_unseal(&opening->seal, password, opening->plain, &opening->plain_size)) {
        ERR_clear_error();
        return false;
    }
    opening->mac_fits = opening->has_mac && bcfks_mac_fits(&opening->mac, password, opening->data);
    return opening->encrypted || opening->mac_fits;
}

static void tell_closed(struct opening *opening)
{
    char detail[160];
    bcfks_describe(&opening->seal, detail, sizeof detail);
    keystore_problem(opening->store, true, RECORD_ERROR_PASSWORD, detail);
}

/* Tries the passwords, tells the entries; returns the integrity. */
static const char *open_store(struct opening *opening)
{
    struct keystore *store = opening->store;
    uint64_t max = store->job->options->limits.max_iterations;
    if ((opening->encrypted && bcfks_cost(&opening->seal.kdf) > max) ||
        (opening->has_mac && bcfks_cost(&opening->mac.kdf) > max)) {
        keystore_problem(store, true, RECORD_ERROR_TOO_LARGE, "its key derivation asks for too much work");
        opening->has_mac = false;
        if (opening->encrypted)
            return "unchecked";
    }
    enum keystore_try tried = KEYSTORE_NONE_FITS;
    if (opening->encrypted || opening->has_mac)
        tried = keystore_try_passwords(store, fits, opening);
    if (tried == KEYSTORE_NO_TIME)
        keystore_problem(store, true, RECORD_ERROR_TIMEOUT, "not all passwords could be tried in time");
    else if (tried == KEYSTORE_NONE_FITS && opening->encrypted)
        tell_closed(opening);
    if (!opening->encrypted)
        bcfks_read_objects(store, opening->data);
    else if (tried == KEYSTORE_FITS)
        bcfks_read_objects(store, (struct slice){opening->plain, opening->plain_size});
    if (tried != KEYSTORE_FITS)
        return "unchecked";
    return opening->mac_fits ? "ok" : opening->has_mac ? "bad" : "unchecked";
}

/* The store's two parts. CM_ETRUNCATED when the first is not whole. */
static int read_parts(struct opening *opening, struct cursor store)
{
    enum { SIGNATURE = 0xA0 };
    struct cursor first, integrity;
    struct der_element element;
    uint8_t tag;
    int status = der_next(&store, &element);
    if (status)
        return status;
    opening->data = element.whole;
    cursor_init_slice(&first, element.contents);
    opening->encrypted = !cursor_peek_u8(&first, &tag) && tag == DER_SEQUENCE;
    if (opening->encrypted && (status = bcfks_read_seal(first, &opening->seal)))
        return status;
    if (!cursor_peek_u8(&store, &tag) && tag == SIGNATURE)
        return 0;
    if (!der_expect(&store, DER_SEQUENCE, &integrity))
        opening->has_mac = bcfks_read_mac(integrity, &opening->mac) == 0;
    if (!opening->has_mac)
        keystore_damage(opening->store, true, "its integrity check is cut or damaged");
    return 0;
}

static void read_store(struct job *job, struct cursor contents, bool cut)
{
    struct keystore store;
    struct opening opening = {.store = &store};
    const char *integrity = "unchecked";
    keystore_init(&store, job, "bcfks");
    int status = read_parts(&opening, contents);
    if (status == CM_EUNSUPPORTED)
        keystore_problem(&store, true, RECORD_ERROR_UNSUPPORTED, "it is encrypted by a scheme that we do not read");
    else if (status || (cut && !store.damaged))
        keystore_damage(&store, true, "it is cut or damaged");
    if (!status) {
        if (opening.encrypted && !opening.seal.kdf.scrypt)
            keystore_weak_iterations(&store, opening.seal.kdf.iterations);
        opening.plain =
            cm_malloc(opening.seal.content.size + 16); /* of a file that was small enough to be read whole */
        integrity = open_store(&opening);
        OPENSSL_cleanse(opening.plain, opening.seal.content.size + 16);
        free(opening.plain);
    }
    keystore_tell(&store, integrity);
    keystore_done(&store);
}

/* SEQUENCE { SEQUENCE { SEQUENCE { OID PBES2 …, or SEQUENCE { SEQUENCE { INTEGER, SEQUENCE …, GeneralizedTime */
static bool identify(struct slice head)
{
    static const uint8_t pbes2[] = {DER_OID, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D};
    struct cursor cursor, outer, first, algorithm;
    struct der_element version, integrity;
    struct slice oid;
    uint8_t tag;
    bool cut;
    cursor_init_slice(&cursor, head);
    if (enter(&cursor, &outer, &cut) || enter(&outer, &first, &cut) || cursor_peek_u8(&first, &tag))
        return false;
    if (tag == DER_SEQUENCE)
        return !enter(&first, &algorithm, &cut) && !cursor_slice(&algorithm, sizeof pbes2, &oid) &&
               slice_equal(oid, (struct slice){pbes2, sizeof pbes2});
    return !der_next(&first, &version) && version.tag == DER_INTEGER && !der_next(&first, &integrity) &&
           integrity.tag == DER_SEQUENCE && !cursor_peek_u8(&first, &tag) && tag == DER_GENERALIZED_TIME;
}

static enum format_result read_bcfks(struct job *job, struct content *content)
{
    struct cursor cursor, contents;
    uint8_t *bytes;
    size_t size;
    bool cut;
    int status = content_whole(content, &bytes, &size);
    if (status == CM_ELIMIT) {
        job_problem(job, "bcfks", NULL, RECORD_ERROR_TOO_LARGE, "a keystore of more bytes than are read at once");
        return FORMAT_TAKEN;
    }
    if (status)
        return FORMAT_NOT_MINE;
    cursor_init(&cursor, bytes, size);
    if (enter(&cursor, &contents, &cut))
        return FORMAT_NOT_MINE;
    read_store(job, contents, cut);
    if (!cursor_at_end(&cursor))
        search_text(job, content); /* something was appended to it */
    return FORMAT_TAKEN;
}

const struct format format_bcfks = {"bcfks", identify, read_bcfks, .search = false};
