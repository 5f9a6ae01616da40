/* Private keys: enough is decoded to tell the public key's hash, so that a key can be matched with its certificates.
 *
 * Owns nothing beyond a call. search.c and the readers of keystores call it. It never decrypts, and hands no key bytes on; OpenSSL clears what it decoded when it
 * frees it, and the caller clears what it read. */
#include "scanner/crawl/formats/key.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certmuster/cert.h"
#include "certmuster/der.h"
#include "certmuster/ids.h"
#include "certmuster/limits.h"
#include "certmuster/ssh_key.h"
#include "scanner/crawl/formats/key_public.h"

static const struct {
    const char *label, *kind;
} labels[] = {
    {"PRIVATE KEY", "pkcs8"},     {"RSA PRIVATE KEY", "pkcs1"},       {"EC PRIVATE KEY", "sec1"},
    {"DSA PRIVATE KEY", "dsa"},   {"ENCRYPTED PRIVATE KEY", "pkcs8"}, {"OPENSSH PRIVATE KEY", "openssh"},
    {"ANY PRIVATE KEY", "pkcs8"},
};

const char *key_kind_of_label(struct slice label)
{
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (label.size == strlen(labels[i].label) && memcmp(label.data, labels[i].label, label.size) == 0)
            return labels[i].kind;
    return NULL;
}

/* EncryptedPrivateKeyInfo ::= SEQUENCE { SEQUENCE { OID of a password scheme, … }, OCTET STRING } (RFC 5958 §3) */
static bool is_encrypted_pkcs8(struct cursor sequence)
{
    static const uint8_t pkcs5[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05};
    static const uint8_t pkcs12[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x01};
    struct cursor algorithm;
    struct der_element oid, data;
    if (der_expect(&sequence, DER_SEQUENCE, &algorithm) || der_next(&algorithm, &oid) || oid.tag != DER_OID ||
        der_next(&sequence, &data) || data.tag != DER_OCTET_STRING || !cursor_at_end(&sequence))
        return false;
    return (oid.contents.size > sizeof pkcs5 && memcmp(oid.contents.data, pkcs5, sizeof pkcs5) == 0) ||
           (oid.contents.size > sizeof pkcs12 && memcmp(oid.contents.data, pkcs12, sizeof pkcs12) == 0);
}

const char *key_kind_of_der(struct slice der, bool *encrypted)
{
    struct cursor cursor, sequence;
    struct der_element version, second, third;
    cursor_init_slice(&cursor, der);
    if (der_expect(&cursor, DER_SEQUENCE, &sequence))
        return NULL;
    *encrypted = is_encrypted_pkcs8(sequence);
    if (*encrypted)
        return "pkcs8";
    if (der_next(&sequence, &version) || version.tag != DER_INTEGER || version.contents.size != 1 ||
        der_next(&sequence, &second) || der_next(&sequence, &third))
        return NULL;
    uint8_t number = version.contents.data[0];
    if (number <= 1 && second.tag == DER_SEQUENCE && third.tag == DER_OCTET_STRING)
        return "pkcs8";
    if (number == 1 && second.tag == DER_OCTET_STRING)
        return "sec1";
    if (number <= 1 && second.tag == DER_INTEGER && third.tag == DER_INTEGER && second.contents.size >= 32) {
        unsigned integers = 3; /* RSAPrivateKey has nine, the old DSA form six */
        while (integers < 9 && !der_next(&sequence, &third) && third.tag == DER_INTEGER)
            integers++;
        return integers == 9 ? "pkcs1" : integers == 6 ? "dsa" : NULL;
    }
    return NULL;
}

bool key_describe_ssh(struct slice blob, struct found_key *out)
{
    struct ssh_key key;
    struct buf spki;
    if (ssh_key_read(blob, &key))
        return false;
    buf_init(&spki, CM_LIMIT_CERT_BYTES);
    ssh_key_spki(&key, &spki);
    sha256_bytes(spki.data, spki.size, out->spki_sha256);
    out->has_spki = !spki.failed;
    out->alg = key.alg;
    out->bits = key.bits;
    buf_done(&spki);
    return out->has_spki;
}

/* openssh-key-v1: magic, cipher name, derivation, its options, count, public key, private section (OpenSSH PROTOCOL.key). A cipher other than
 * "none" encrypts the last alone: the public key is there in clear. */
static int examine_openssh(struct slice bytes, struct found_key *out)
{
    static const char magic[] = "openssh-key-v1";
    struct cursor cursor;
    struct slice head, cipher, ignored, blob;
    uint32_t count;
    cursor_init_slice(&cursor, bytes);
    if (cursor_slice(&cursor, sizeof magic, &head) || memcmp(head.data, magic, sizeof magic) != 0 ||
        ssh_string(&cursor, &cipher))
        return CM_EMALFORMED;
    out->encrypted = cipher.size != 4 || memcmp(cipher.data, "none", 4) != 0;
    if (!ssh_string(&cursor, &ignored) && !ssh_string(&cursor, &ignored) && !cursor_u32(&cursor, &count) && count &&
        !ssh_string(&cursor, &blob))
        key_describe_ssh(blob, out);
    return 0;
}

/* The SubjectPublicKeyInfo that certificates carry as well. */
static int describe_spki(struct slice spki, struct found_key *out)
{
    struct cert facts = {0};
    if (cert_read_key(spki, &facts))
        return CM_EMALFORMED;
    sha256_bytes(spki.data, spki.size, out->spki_sha256);
    out->has_spki = true;
    out->alg = facts.key_alg;
    out->bits = facts.key_bits;
    return 0;
}

/* A key that says no more than its secret: OpenSSL computes the rest. */
static int describe_computed(EVP_PKEY *key, struct found_key *out)
{
    unsigned char *spki = NULL;
    int size = i2d_PUBKEY(key, &spki);
    int status = size > 0 ? describe_spki((struct slice){spki, (size_t)size}, out) : CM_EMALFORMED;
    OPENSSL_free(spki);
    return status;
}

/* PKCS#8 of an algorithm that OpenSSL lacks (GOST, ML-DSA) is a key all the same, of which no more is told; so is an encrypted one under the
 * wrong label. */
static bool is_odd_pkcs8(struct slice der, struct found_key *out)
{
    bool encrypted;
    const char *kind = key_kind_of_der(der, &encrypted);
    if (!kind || strcmp(kind, "pkcs8") != 0)
        return false;
    out->kind = kind;
    out->encrypted = encrypted;
    return true;
}

int key_examine(const char *kind, bool encrypted, struct slice der, struct found_key *out)
{
    out->kind = kind;
    out->encrypted = encrypted;
    out->has_spki = false;
    if (strcmp(kind, "openssh") == 0)
        return examine_openssh(der, out);
    if (encrypted)
        return 0;
    struct buf spki;
    buf_init(&spki, CM_LIMIT_CERT_BYTES);
    bool there = key_public(kind, der, &spki) && !describe_spki(buf_slice(&spki), out);
    buf_done(&spki);
    if (there)
        return 0;
    const unsigned char *at = der.data;
    EVP_PKEY *key = der.size > 0 && der.size < 1 << 20 ? d2i_AutoPrivateKey(NULL, &at, (long)der.size) : NULL;
    int status = key ? describe_computed(key, out) : is_odd_pkcs8(der, out) ? 0 : CM_EMALFORMED;
    EVP_PKEY_free(key);
    ERR_clear_error();
    return status;
}

void key_tell(struct job *job, const char *format, size_t ordinal, const char *kind, bool encrypted, struct slice der)
{
    char entry[32];
    struct found_key key = {.format = format, .entry = entry};
    snprintf(entry, sizeof entry, "key-%zu", ordinal);
    if (key_examine(kind, encrypted, der, &key))
        job_problem(job, format, entry, RECORD_ERROR_MALFORMED, "a private key that cannot be read");
    else
        job->ops->key(job->ops->context, &key);
}
