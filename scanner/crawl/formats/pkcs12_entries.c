/* Puts the bags of a PKCS#12 file together into entries as people know them from keytool: an alias, a key, its chain.
 *
 * Owns copies of the certificates and the aliases. pkcs12.c feeds it. A key's certificate is the one with its localKeyId (RFC 7292 §4.2); its chain
 * goes on with whichever certificate of the file issued the last. The order of bags means nothing. */
#include "scanner/crawl/formats/pkcs12_entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/cert.h"
#include "certmuster/der.h"
#include "certmuster/limits.h"
#include "certmuster/utf8.h"
#include "scanner/crawl/formats/key.h"
#include "scanner/crawl/formats/sniff.h"

struct identity {
    char alias[ALIAS_BYTES_MAX + 1]; /* friendlyName; "" when there is none */
    uint8_t local_key_id[64];
    size_t local_key_id_size;
};

struct entry_certificate {
    struct identity identity;
    size_t offset, size; /* in bytes */
    struct cert parsed;
    bool readable; /* parsed is filled */
    bool used;     /* told, or part of a chain */
    bool trusted;  /* an entry of its own, whichever chains it ends */
};

struct entry_key {
    struct identity identity;
    struct found_key facts;
};

void entries_init(struct entries *entries)
{
    *entries = (struct entries){0};
    buf_init(&entries->bytes, ENTRIES_BYTES_MAX);
}

void entries_done(struct entries *entries)
{
    free(entries->certificates);
    free(entries->keys);
    buf_done(&entries->bytes);
}

size_t entries_count(const struct entries *entries)
{
    return entries->certificate_count + entries->key_count;
}

bool entries_full(const struct entries *entries)
{
    return entries_count(entries) >= ENTRIES_MAX || entries->bytes.failed;
}

/* friendlyName, a BMPString (RFC 2985 §5.5.1); writers put UTF-16 into it, some with a NUL at its end. OpenSSL's own reading of it fails on names that end in
 * a character that is not ASCII (3.0.19). */
static void read_alias(const ASN1_TYPE *name, char alias[static ALIAS_BYTES_MAX + 1])
{
    struct buf text;
    if (!name || name->type != V_ASN1_BMPSTRING)
        return;
    buf_init(&text, ALIAS_BYTES_MAX);
    const uint8_t *at = name->value.bmpstring->data, *end = at + name->value.bmpstring->length;
    while (end - at >= 2 && (at[0] || at[1])) {
        uint32_t code = (uint32_t)at[0] << 8 | at[1];
        uint32_t low = end - at >= 4 ? (uint32_t)at[2] << 8 | at[3] : 0;
        bool pair = code >> 10 == 0xD800 >> 10 && low >> 10 == 0xDC00 >> 10;
        utf8_append(&text, pair ? 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF) : code);
        at += pair ? 4 : 2;
    }
    memcpy(alias, text.data, text.size + 1); /* what did not fit is cut behind a whole character */
    buf_done(&text);
}

static void read_identity(PKCS12_SAFEBAG *bag, struct identity *out)
{
    *out = (struct identity){0};
    read_alias(PKCS12_SAFEBAG_get0_attr(bag, NID_friendlyName), out->alias);
    const ASN1_TYPE *id = PKCS12_SAFEBAG_get0_attr(bag, NID_localKeyID);
    if (id && id->type == V_ASN1_OCTET_STRING && id->value.octet_string->length > 0 &&
        (size_t)id->value.octet_string->length <= sizeof out->local_key_id) {
        out->local_key_id_size = (size_t)id->value.octet_string->length;
        memcpy(out->local_key_id, id->value.octet_string->data, out->local_key_id_size);
    }
}

/* Java marks the bags of trusted certificates, since those of chains stand beside them: an attribute of Oracle's, 2.16.840.1.113894.746875.1.1. */
static bool is_trusted(const PKCS12_SAFEBAG *bag)
{
    static const uint8_t mark[] = {0x60, 0x86, 0x48, 0x01, 0x86, 0xF9, 0x66, 0xAD, 0xCA, 0x7B, 0x01, 0x01};
    const STACK_OF(X509_ATTRIBUTE) *attributes = PKCS12_SAFEBAG_get0_attrs(bag);
    for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); i++) {
        const ASN1_OBJECT *type = X509_ATTRIBUTE_get0_object(sk_X509_ATTRIBUTE_value(attributes, i));
        if (OBJ_length(type) == sizeof mark && memcmp(OBJ_get0_data(type), mark, sizeof mark) == 0)
            return true;
    }
    return false;
}

/* OpenSSL hands out an X509 only, which costs a full decoding; so the bag is written out again, in DER by then, and read with the cursor. */
int entries_bag_value(struct slice bag, struct slice *out)
{
    enum { TAG_VALUE = 0xA0 };
    struct cursor cursor, safe_bag, value, inside, inner, octets;
    struct der_element oid;
    cursor_init_slice(&cursor, bag);
    if (der_expect(&cursor, DER_SEQUENCE, &safe_bag) || der_next(&safe_bag, &oid) ||
        der_expect(&safe_bag, TAG_VALUE, &value) || der_expect(&value, DER_SEQUENCE, &inside) ||
        der_next(&inside, &oid) || der_expect(&inside, TAG_VALUE, &inner) ||
        der_expect(&inner, DER_OCTET_STRING, &octets))
        return CM_EMALFORMED;
    return cursor_slice(&octets, cursor_left(&octets), out);
}

static void *grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 8;
    return cm_realloc(array, *capacity * size);
}

static void add(struct entries *entries, PKCS12_SAFEBAG *bag, bool (*wanted)(const uint8_t *der, size_t size))
{
    unsigned char *der = NULL;
    struct slice bytes;
    int size = i2d_PKCS12_SAFEBAG(bag, &der);
    if (size > 0 && !entries_bag_value((struct slice){der, (size_t)size}, &bytes) && !entries_full(entries) &&
        (!wanted || wanted(bytes.data, bytes.size))) {
        entries->certificates = grow(entries->certificates, entries->certificate_count, &entries->certificate_capacity,
                                     sizeof *entries->certificates);
        struct entry_certificate *certificate = &entries->certificates[entries->certificate_count++];
        *certificate = (struct entry_certificate){.offset = entries->bytes.size, .size = bytes.size};
        read_identity(bag, &certificate->identity);
        certificate->trusted = is_trusted(bag);
        buf_append(&entries->bytes, bytes.data, bytes.size);
        if (entries->bytes.failed)
            entries->certificate_count--;
    }
    OPENSSL_clear_free(der, size > 0 ? (size_t)size : 0);
}

void entries_add_certificate(struct entries *entries, PKCS12_SAFEBAG *bag)
{
    add(entries, bag, NULL);
}

void entries_add_secret(struct entries *entries, PKCS12_SAFEBAG *bag)
{
    add(entries, bag, sniff_certificate_shape);
}

bool entries_has_keys(const struct entries *entries)
{
    return entries->key_count > 0;
}

void entries_add_key(struct entries *entries, PKCS12_SAFEBAG *bag)
{
    bool encrypted = PKCS12_SAFEBAG_get_nid(bag) == NID_pkcs8ShroudedKeyBag;
    entries->keys = grow(entries->keys, entries->key_count, &entries->key_capacity, sizeof *entries->keys);
    struct entry_key *key = &entries->keys[entries->key_count++];
    *key = (struct entry_key){.facts = {.kind = "pkcs8", .encrypted = encrypted}};
    read_identity(bag, &key->identity);
    const PKCS8_PRIV_KEY_INFO *plain = encrypted ? NULL : PKCS12_SAFEBAG_get0_p8inf(bag);
    unsigned char *der = NULL;
    int size = plain ? i2d_PKCS8_PRIV_KEY_INFO(plain, &der) : 0;
    if (size > 0 && key_examine("pkcs8", false, (struct slice){der, (size_t)size}, &key->facts))
        key->facts.has_spki = false; /* an algorithm that OpenSSL lacks: the key is still there */
    OPENSSL_clear_free(der, size > 0 ? (size_t)size : 0);
}

static struct slice der_of(const struct entries *entries, const struct entry_certificate *certificate)
{
    return (struct slice){(const uint8_t *)entries->bytes.data + certificate->offset, certificate->size};
}

/* Once all bytes are in place, views into them may be taken. */
static void parse_all(struct entries *entries)
{
    for (size_t i = 0; i < entries->certificate_count; i++) {
        struct entry_certificate *certificate = &entries->certificates[i];
        struct slice der = der_of(entries, certificate);
        certificate->readable = cert_parse(der.data, der.size, &certificate->parsed, NULL) == 0;
        if (certificate->readable)
            certificate->size = certificate->parsed.der.size; /* trailing bytes cut */
    }
}

/* The alias, or "number" when there is none, or "alias#number" when an entry before has the same: places must differ. */
static void write_entry(const struct entries *entries, const struct identity *identity, size_t number, bool of_key,
                        char *out, size_t size)
{
    bool taken = false;
    for (size_t i = 0; i < number - 1 && !taken; i++)
        taken = strcmp(of_key ? entries->keys[i].identity.alias : entries->certificates[i].identity.alias,
                       identity->alias) == 0;
    for (size_t i = 0; !of_key && i < entries->key_count && !taken; i++)
        taken = strcmp(entries->keys[i].identity.alias, identity->alias) == 0;
    const char *prefix = of_key ? "key-" : "";
    if (!identity->alias[0])
        snprintf(out, size, "%s%zu", prefix, number);
    else if (taken)
        snprintf(out, size, "%s#%s%zu", identity->alias, prefix, number);
    else
        snprintf(out, size, "%s", identity->alias);
}

/* The one of its name, where several have its id: BouncyCastle makes that from the public key, which two entries may share. */
static struct entry_certificate *certificate_of_key(struct entries *entries, const struct identity *key)
{
    struct entry_certificate *first = NULL;
    for (size_t i = 0; i < entries->certificate_count; i++) {
        const struct identity *identity = &entries->certificates[i].identity;
        if (key->local_key_id_size && identity->local_key_id_size == key->local_key_id_size &&
            memcmp(identity->local_key_id, key->local_key_id, key->local_key_id_size) == 0) {
            if (strcmp(identity->alias, key->alias) == 0)
                return &entries->certificates[i];
            first = first ? first : &entries->certificates[i];
        }
    }
    return first;
}

static struct entry_certificate *issuer_of(struct entries *entries, const struct entry_certificate *certificate)
{
    struct entry_certificate *trusted = NULL;
    if (!certificate->readable || certificate->parsed.self_issued)
        return NULL;
    for (size_t i = 0; i < entries->certificate_count; i++) {
        struct entry_certificate *issuer = &entries->certificates[i];
        if (issuer == certificate || !issuer->readable || !cert_issued_by(&certificate->parsed, &issuer->parsed))
            continue;
        if (!issuer->trusted)
            return issuer;
        trusted = trusted ? trusted : issuer;
    }
    return trusted;
}

static void tell_chain(struct entries *entries, struct entry_certificate *leaf, const char *entry,
                       const struct found_ops *ops, bool follow)
{
    enum { CHAIN_MAX = 16 }; /* a path of a keystore; cross-signed loops end here */
    struct slice der[CHAIN_MAX];
    size_t count = 0;
    for (struct entry_certificate *at = leaf; at && count < CHAIN_MAX; at = follow ? issuer_of(entries, at) : NULL) {
        at->used = true;
        der[count++] = der_of(entries, at);
    }
    ops->chain(ops->context, &(struct found_chain){.format = "pkcs12", .entry = entry, .der = der, .count = count});
}

static void tell_keys(struct entries *entries, const struct found_ops *ops)
{
    char entry[ALIAS_BYTES_MAX + 32];
    for (size_t i = 0; i < entries->key_count; i++) {
        struct entry_key *key = &entries->keys[i];
        struct entry_certificate *leaf = certificate_of_key(entries, &key->identity);
        if (leaf && !key->identity.alias[0]) /* some writers name the certificate alone */
            memcpy(key->identity.alias, leaf->identity.alias, sizeof key->identity.alias);
        write_entry(entries, &key->identity, i + 1, true, entry, sizeof entry);
        key->facts.format = "pkcs12";
        key->facts.entry = entry;
        ops->key(ops->context, &key->facts);
        if (leaf && leaf->readable)
            tell_chain(entries, leaf, entry, ops, true);
    }
}

void entries_tell(struct entries *entries, const struct found_ops *ops)
{
    char entry[ALIAS_BYTES_MAX + 32];
    parse_all(entries);
    tell_keys(entries, ops);
    for (size_t i = 0; i < entries->certificate_count; i++) {
        struct entry_certificate *certificate = &entries->certificates[i];
        struct slice der = der_of(entries, certificate);
        if (certificate->used && !certificate->trusted)
            continue;
        write_entry(entries, &certificate->identity, i + 1, false, entry, sizeof entry);
        if (certificate->readable ? der.size <= CM_LIMIT_CERT_BYTES : sniff_certificate_shape(der.data, der.size))
            tell_chain(entries, certificate, entry, ops, false);
        else
            ops->problem(ops->context, &(struct found_problem){"pkcs12", entry, RECORD_ERROR_MALFORMED,
                                                               "no certificate in a certificate bag"});
    }
}
