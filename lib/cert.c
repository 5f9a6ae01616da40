/* One-pass certificate reading: the shape of RFC 5280 §4.1 as cursor calls.
 *
 * Owns nothing: struct cert lends from the DER. Scanners call it per distinct certificate, the collector for every one that it stores.
 * It verifies nothing, and reads only what the inventory asks for. Keys and algorithm names are in cert_oid.c, extensions in
 * cert_extension.c, names in cert_name.c, SANs in cert_san.c. */
#include "certmuster/cert.h"

#include <string.h>

#include "certmuster/der.h"
#include "certmuster/ids.h"
#include "lib/cert_extension.h"
#include "lib/cert_oid.h"

enum {
    TAG_VERSION = 0xA0,    /* [0] EXPLICIT Version */
    TAG_ISSUER_ID = 0x81,  /* [1] IMPLICIT UniqueIdentifier */
    TAG_SUBJECT_ID = 0x82, /* [2] IMPLICIT UniqueIdentifier */
    TAG_EXTENSIONS = 0xA3, /* [3] EXPLICIT Extensions */
};

/* Where the walk stands, so that any step can say where it went wrong. Steps behind a failure only collect what else can be read. */
struct walk {
    const uint8_t *start;
    struct cm_error *error;
    int failed; /* the first failure's code */
};

static int fail(struct walk *walk, const struct cursor *at, int status, const char *reason)
{
    int code = status == CM_ETRUNCATED ? CM_ETRUNCATED : CM_EMALFORMED;
    if (!walk->failed)
        walk->failed = error_set(walk->error, code, (size_t)(at->at - walk->start), reason);
    return walk->failed;
}

/* An element inside the certificate that runs past its parent is damage, not a cut. */
static int inner(int status)
{
    return status == CM_ETRUNCATED ? CM_EMALFORMED : status;
}

static int expect_whole(struct cursor *cursor, uint8_t tag, struct slice *whole)
{
    struct cursor trial = *cursor;
    struct der_element element;
    int status = der_next(&trial, &element);
    if (status)
        return status;
    if (element.tag != tag)
        return CM_EMALFORMED;
    *whole = element.whole;
    *cursor = trial;
    return 0;
}

static bool next_is(const struct cursor *cursor, uint8_t tag)
{
    uint8_t found;
    return cursor_peek_u8(cursor, &found) == 0 && found == tag;
}

/* Version ::= INTEGER { v1(0), v2(1), v3(2) }; like OpenSSL we take any small value, -1 included, and leave judging to policy. */
static int read_version(struct cursor *tbs, unsigned *version)
{
    struct cursor explicit_tag, integer;
    uint8_t value;
    *version = 1;
    if (!next_is(tbs, TAG_VERSION))
        return 0;
    int status = der_expect(tbs, TAG_VERSION, &explicit_tag);
    if (status)
        return status;
    status = der_expect(&explicit_tag, DER_INTEGER, &integer);
    if (status || !cursor_at_end(&explicit_tag) || cursor_left(&integer) != 1 || cursor_u8(&integer, &value))
        return CM_EMALFORMED;
    *version = value < 0x80 ? value + 1u : 0;
    return 0;
}

static int read_validity(struct cursor *tbs, int64_t *not_before, int64_t *not_after)
{
    struct cursor validity;
    struct der_element from, until;
    int status = der_expect(tbs, DER_SEQUENCE, &validity);
    if (status)
        return status;
    if (der_next(&validity, &from) || der_next(&validity, &until) || !cursor_at_end(&validity) ||
        der_time(&from, not_before) || der_time(&until, not_after))
        return CM_EMALFORMED;
    return 0;
}

/* The optional end of TBSCertificate: unique identifiers, then extensions, then nothing. */
static int read_tail(struct cursor *tbs, struct cert *cert)
{
    static const uint8_t identifiers[] = {TAG_ISSUER_ID, TAG_SUBJECT_ID};
    struct cursor ignored, extensions;
    int status;
    for (unsigned i = 0; i < sizeof identifiers; i++)
        if (next_is(tbs, identifiers[i]) && (status = der_expect(tbs, identifiers[i], &ignored)))
            return status;
    if (next_is(tbs, TAG_EXTENSIONS)) {
        status = der_expect(tbs, TAG_EXTENSIONS, &extensions);
        if (status || (status = extensions_keep(&extensions, cert)))
            return status;
    }
    return cursor_at_end(tbs) ? 0 : CM_EMALFORMED;
}

/* A time or a key that cannot be read hides nothing of what follows it. */
static int read_tbs(struct walk *walk, struct cursor *tbs, struct cert *cert)
{
    struct cursor serial, ignored;
    int status = read_version(tbs, &cert->version);
    if (status)
        return fail(walk, tbs, inner(status), "version is not readable");
    status = der_expect(tbs, DER_INTEGER, &serial);
    if (status || cursor_at_end(&serial))
        return fail(walk, tbs, CM_EMALFORMED, "serial number is not an integer");
    cert->serial = (struct slice){serial.at, cursor_left(&serial)};
    if (der_expect(tbs, DER_SEQUENCE, &ignored))
        return fail(walk, tbs, CM_EMALFORMED, "signature algorithm inside is not readable");
    if (expect_whole(tbs, DER_SEQUENCE, &cert->issuer))
        return fail(walk, tbs, CM_EMALFORMED, "issuer is not a name");
    struct cursor at_validity = *tbs;
    if (read_validity(tbs, &cert->not_before, &cert->not_after))
        fail(walk, &at_validity, CM_EMALFORMED, "validity is not readable");
    if (expect_whole(tbs, DER_SEQUENCE, &cert->subject))
        return fail(walk, tbs, CM_EMALFORMED, "subject is not a name");
    struct cursor at_key = *tbs;
    if (expect_whole(tbs, DER_SEQUENCE, &cert->spki))
        return fail(walk, &at_key, CM_EMALFORMED, "public key is not readable");
    if (cert_read_key(cert->spki, cert))
        fail(walk, &at_key, CM_EMALFORMED, "public key is not readable");
    if (read_tail(tbs, cert))
        fail(walk, tbs, CM_EMALFORMED, "extensions are not readable");
    return walk->failed;
}

/* Fills *cert as far as it can be read. */
static int read_certificate(const void *der, size_t size, struct cert *cert, struct cm_error *error)
{
    struct cursor whole, certificate, tbs, algorithm;
    struct walk walk = {NULL, error, 0};
    struct der_element oid, signature;

    cursor_init(&whole, der, size);
    walk.start = whole.start;
    struct cursor start = whole;
    int status = der_expect(&whole, DER_SEQUENCE, &certificate);
    if (status)
        return fail(&walk, &start, status, "not a certificate sequence");
    cert->der = (struct slice){whole.start, cursor_offset(&whole)};

    struct cursor at_tbs = certificate;
    if (expect_whole(&certificate, DER_SEQUENCE, &cert->tbs))
        return fail(&walk, &at_tbs, CM_EMALFORMED, "no certificate body");
    if (der_expect(&at_tbs, DER_SEQUENCE, &tbs))
        return fail(&walk, &at_tbs, CM_EMALFORMED, "no certificate body");
    status = read_tbs(&walk, &tbs, cert);
    if (status)
        return status;

    struct cursor at_algorithm = certificate;
    if (der_expect(&certificate, DER_SEQUENCE, &algorithm) || der_next(&algorithm, &oid) || oid.tag != DER_OID)
        return fail(&walk, &at_algorithm, CM_EMALFORMED, "signature algorithm is not readable");
    oid_write(cert->sig_oid, sizeof cert->sig_oid, oid.contents);
    cert->sig_alg = cert_oid_signature(cert->sig_oid);
    if (der_next(&certificate, &signature) || signature.tag != DER_BIT_STRING || !cursor_at_end(&certificate))
        return fail(&walk, &certificate, CM_EMALFORMED, "signature is not readable");
    cert->self_issued = slice_equal(cert->subject, cert->issuer);
    return 0;
}

int cert_parse(const void *der, size_t size, struct cert *out, struct cm_error *error)
{
    struct cert cert = {0};
    int status = read_certificate(der, size, &cert, error);
    if (!status)
        *out = cert;
    return status;
}

int cert_parse_broken(const void *der, size_t size, struct cert *out, struct cm_error *error)
{
    *out = (struct cert){.not_before = INT64_MIN, .not_after = INT64_MIN};
    return read_certificate(der, size, out, error);
}

int cert_length(const void *bytes, size_t size, size_t *length)
{
    struct cursor cursor, contents;
    cursor_init(&cursor, bytes, size);
    int status = der_expect(&cursor, DER_SEQUENCE, &contents);
    if (!status)
        *length = cursor_offset(&cursor);
    return status;
}

void cert_sha256(const struct cert *cert, uint8_t out[static CM_SHA256_SIZE])
{
    sha256_bytes(cert->der.data, cert->der.size, out);
}

void cert_spki_sha256(const struct cert *cert, uint8_t out[static CM_SHA256_SIZE])
{
    sha256_bytes(cert->spki.data, cert->spki.size, out);
}

void cert_tbs_sha256(const struct cert *cert, uint8_t out[static CM_SHA256_SIZE])
{
    sha256_bytes(cert->tbs.data, cert->tbs.size, out);
}

bool cert_issued_by(const struct cert *cert, const struct cert *issuer)
{
    if (!slice_equal(cert->issuer, issuer->subject))
        return false;
    return !cert->authority_key_id.size || !issuer->subject_key_id.size ||
           slice_equal(cert->authority_key_id, issuer->subject_key_id);
}
