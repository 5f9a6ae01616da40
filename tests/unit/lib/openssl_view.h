/* What OpenSSL says of a certificate, compared with what cert_parse says: the oracle of test_cert and test_cert_corpus. */
#ifndef TESTS_UNIT_LIB_OPENSSL_VIEW_H
#define TESTS_UNIT_LIB_OPENSSL_VIEW_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "certmuster/cert.h"
#include "certmuster/ipaddr.h"

/* Fields on which both had something to say and said different things, one line each. */
struct view {
    struct buf differences;
    unsigned compared;  /* fields */
    unsigned unprinted; /* names that OpenSSL itself cannot print */
    unsigned names;     /* SANs compared */
};

static void view_differs(struct view *view, const char *field, const char *ours, const char *theirs)
{
    buf_appendf(&view->differences, "  %s: ours '%s', OpenSSL's '%s'\n", field, ours, theirs);
}

static void view_text(struct view *view, const char *field, const char *ours, const char *theirs)
{
    view->compared++;
    if (strcmp(ours ? ours : "(none)", theirs ? theirs : "(none)") != 0)
        view_differs(view, field, ours ? ours : "(none)", theirs ? theirs : "(none)");
}

static void view_number(struct view *view, const char *field, long long ours, long long theirs)
{
    char a[32], b[32];
    snprintf(a, sizeof a, "%lld", ours);
    snprintf(b, sizeof b, "%lld", theirs);
    view_text(view, field, a, b);
}

static void view_bytes(struct view *view, const char *field, struct slice ours, const void *bytes, size_t size)
{
    struct buf a, b;
    buf_init(&a, 1 << 20);
    buf_init(&b, 1 << 20);
    hex_append(&a, ours.data, ours.size);
    hex_append(&b, bytes, size);
    view_text(view, field, a.data, b.data);
    buf_done(&a);
    buf_done(&b);
}

/* Attribute types whose short name we share with OpenSSL; all others we tell by number and #hex. */
static const char *view_attribute_name(int nid)
{
    static const int shared[] = {NID_commonName,
                                 NID_organizationName,
                                 NID_countryName,
                                 NID_organizationalUnitName,
                                 NID_localityName,
                                 NID_stateOrProvinceName,
                                 NID_domainComponent,
                                 NID_userId,
                                 NID_pkcs9_emailAddress,
                                 NID_serialNumber,
                                 NID_surname,
                                 NID_givenName,
                                 NID_title,
                                 NID_description,
                                 NID_businessCategory,
                                 NID_postalCode,
                                 NID_telephoneNumber,
                                 NID_name,
                                 NID_initials,
                                 NID_generationQualifier,
                                 NID_dnQualifier,
                                 NID_pseudonym,
                                 NID_organizationIdentifier,
                                 NID_jurisdictionLocalityName,
                                 NID_jurisdictionStateOrProvinceName,
                                 NID_jurisdictionCountryName,
                                 NID_pkcs9_unstructuredName,
                                 NID_pkcs9_unstructuredAddress};
    if (nid == NID_streetAddress)
        return "STREET"; /* RFC 4514 §3; OpenSSL says "street" */
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        if (shared[i] == nid)
            return OBJ_nid2sn(nid);
    return NULL;
}

/* The RFC 4514 text of one attribute's value by OpenSSL's printer; false when it cannot. */
static bool view_value(BIO *out, const char *name, const ASN1_STRING *value)
{
    unsigned long flags = (ASN1_STRFLGS_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
    if (!name)
        flags |= ASN1_STRFLGS_DUMP_ALL;
    return ASN1_STRING_print_ex(out, value, flags) >= 0;
}

/* Puts a Name together from OpenSSL's entries, most specific first. NULL when OpenSSL cannot print one of them. */
static char *view_name(const X509_NAME *name)
{
    BIO *out = BIO_new(BIO_s_mem());
    int count = X509_NAME_entry_count(name);
    bool ok = true;
    for (int end = count; end > 0 && ok;) {
        int set = X509_NAME_ENTRY_set(X509_NAME_get_entry(name, end - 1)), start = end;
        while (start > 0 && X509_NAME_ENTRY_set(X509_NAME_get_entry(name, start - 1)) == set)
            start--;
        for (int i = start; i < end && ok; i++) {
            const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
            char dotted[128];
            OBJ_obj2txt(dotted, sizeof dotted, X509_NAME_ENTRY_get_object(entry), 1);
            const char *known = view_attribute_name(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)));
            BIO_printf(out, "%s%s=", i > start ? "+" : end < count ? "," : "", known ? known : dotted);
            ok = view_value(out, known, X509_NAME_ENTRY_get_data(entry));
        }
        end = start;
    }
    char *text = NULL, *copy = NULL;
    long size = BIO_get_mem_data(out, &text);
    if (ok) {
        copy = malloc((size_t)size + 1);
        if (size)
            memcpy(copy, text, (size_t)size);
        copy[size] = '\0';
    }
    BIO_free(out);
    return copy;
}

/* OpenSSL writes hex in upper case; so that only the text counts, hex after "=#" is folded. */
static void view_fold_hex(char *text)
{
    for (char *at = strstr(text, "=#"); at; at = strstr(at, "=#"))
        for (at += 2; *at && strchr("0123456789abcdefABCDEF", *at); at++)
            if (*at >= 'A' && *at <= 'F')
                *at = (char)(*at - 'A' + 'a');
}

static void view_compare_name(struct view *view, const char *field, struct slice ours, const X509_NAME *theirs)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    int status = name_rfc4514(ours, &text);
    char *expected = view_name(theirs);
    if (!expected) {
        view->unprinted++;
    } else {
        view_fold_hex(expected);
        view_fold_hex(text.data);
        view_text(view, field, text.data, expected);
        view_number(view, "name status", status, 0);
    }
    free(expected);
    buf_done(&text);
}

static void view_compare_time(struct view *view, const char *field, int64_t ours, const ASN1_TIME *theirs)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(theirs, &tm)) /* OpenSSL refuses times without a zone; we take them as UTC */
        view_number(view, field, ours, timegm(&tm));
}

static void view_compare_key(struct view *view, const struct cert *cert, X509 *x)
{
    static const struct {
        int id;
        const char *name;
    } kinds[] = {{EVP_PKEY_RSA, "RSA"},         {EVP_PKEY_EC, "EC"},       {EVP_PKEY_DSA, "DSA"},
                 {EVP_PKEY_ED25519, "Ed25519"}, {EVP_PKEY_ED448, "Ed448"}, {EVP_PKEY_RSA_PSS, "RSA-PSS"},
                 {EVP_PKEY_X25519, "X25519"},   {EVP_PKEY_X448, "X448"},   {EVP_PKEY_DH, "DH"}};
    unsigned char *der = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    view_bytes(view, "spki", cert->spki, der, size > 0 ? (size_t)size : 0);
    OPENSSL_free(der);

    EVP_PKEY *key = X509_get0_pubkey(x);
    ERR_clear_error();
    if (!key)
        return;
    int id = EVP_PKEY_get_base_id(key);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].id == id)
            view_text(view, "key algorithm", cert->key_alg, kinds[i].name);
    if (id == EVP_PKEY_RSA || id == EVP_PKEY_DSA || id == EVP_PKEY_RSA_PSS)
        view_number(view, "key bits", cert->key_bits, EVP_PKEY_get_bits(key));
    char group[64];
    if (id == EVP_PKEY_EC && cert->curve && EVP_PKEY_get_group_name(key, group, sizeof group, NULL)) {
        const char *nist = EC_curve_nid2nist(OBJ_sn2nid(group));
        if (cert->curve[1] == '-') /* a NIST name */
            view_text(view, "curve", cert->curve, nist);
    }
}

static void view_compare_extensions(struct view *view, const struct cert *cert, X509 *x)
{
    BASIC_CONSTRAINTS *basic = X509_get_ext_d2i(x, NID_basic_constraints, NULL, NULL);
    if (basic)
        view_number(view, "ca", cert->ca, basic->ca != 0);
    BASIC_CONSTRAINTS_free(basic);
    ASN1_OCTET_STRING *subject_id = X509_get_ext_d2i(x, NID_subject_key_identifier, NULL, NULL);
    if (subject_id)
        view_bytes(view, "subject key id", cert->subject_key_id, subject_id->data, (size_t)subject_id->length);
    ASN1_OCTET_STRING_free(subject_id);
    AUTHORITY_KEYID *authority = X509_get_ext_d2i(x, NID_authority_key_identifier, NULL, NULL);
    if (authority && authority->keyid)
        view_bytes(view, "authority key id", cert->authority_key_id, authority->keyid->data,
                   (size_t)authority->keyid->length);
    AUTHORITY_KEYID_free(authority);
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
    if (usage) {
        unsigned char *der = NULL;
        int size = i2d_EXTENDED_KEY_USAGE(usage, &der);
        int header = size - (int)cert->extended_key_usage.size;
        view_bytes(view, "extended key usage", cert->extended_key_usage, der + (header > 0 ? header : 0),
                   (size_t)(header > 0 ? size - header : size));
        OPENSSL_free(der);
    }
    EXTENDED_KEY_USAGE_free(usage);
    ERR_clear_error();
}

/* The text we expect for a GeneralName; false for kinds that are told in a form of our own. */
static bool view_general_name(const GENERAL_NAME *name, enum san_kind *kind, struct buf *out)
{
    char text[IPADDR_TEXT_SIZE];
    struct ipaddr ip = {0};
    buf_reset(out);
    switch (name->type) {
    case GEN_DNS:
    case GEN_EMAIL:
    case GEN_URI:
        *kind = name->type == GEN_DNS ? SAN_DNS : name->type == GEN_EMAIL ? SAN_EMAIL : SAN_URI;
        buf_append(out, name->d.ia5->data, (size_t)name->d.ia5->length);
        return true;
    case GEN_IPADD:
        *kind = SAN_IP;
        if (name->d.ip->length != 4 && name->d.ip->length != 16)
            return false;
        ip.family = name->d.ip->length == 4 ? 4 : 6;
        memcpy(ip.bytes, name->d.ip->data, (size_t)name->d.ip->length);
        ipaddr_write(text, &ip);
        if (strncmp(text, "::ffff:", 7) == 0)
            buf_append_str(out, text + 7);
        else
            buf_append_str(out, text);
        return true;
    default:
        return false;
    }
}

static void view_compare_san(struct view *view, const struct cert *cert, X509 *x)
{
    GENERAL_NAMES *theirs = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    ERR_clear_error();
    if (!theirs)
        return; /* absent, or OpenSSL cannot read it */
    struct san_walk walk;
    struct buf ours, expected;
    buf_init(&ours, 1 << 16);
    buf_init(&expected, 1 << 16);
    san_walk_init(&walk, cert);
    int status = 1;
    for (int i = 0; i < sk_GENERAL_NAME_num(theirs) && status == 1; i++) {
        enum san_kind kind = SAN_OTHER, expected_kind = SAN_OTHER;
        status = san_walk_next(&walk, &kind, &ours);
        if (status == 1 && view_general_name(sk_GENERAL_NAME_value(theirs, i), &expected_kind, &expected)) {
            view_number(view, "san kind", kind, expected_kind);
            view_bytes(view, "san", buf_slice(&ours), expected.data, expected.size);
            view->names++;
        }
    }
    enum san_kind kind;
    view_number(view, "san walk", status, sk_GENERAL_NAME_num(theirs) ? 1 : status);
    view_number(view, "san end", san_walk_next(&walk, &kind, &ours), 0);
    GENERAL_NAMES_free(theirs);
    buf_done(&ours);
    buf_done(&expected);
}

static void view_compare_algorithm(struct view *view, const struct cert *cert, const X509 *x)
{
    const X509_ALGOR *algorithm;
    const ASN1_OBJECT *object;
    char dotted[128];
    X509_get0_signature(NULL, &algorithm, x);
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    OBJ_obj2txt(dotted, sizeof dotted, object, 1);
    view_text(view, "signature oid", cert->sig_oid, dotted);
    const char *name = OBJ_obj2nid(object) == NID_undef ? NULL : OBJ_nid2ln(OBJ_obj2nid(object));
    if (cert->sig_alg && name && strncasecmp(name, cert->sig_alg, strlen(name)) != 0 && strchr(name, ' ') == NULL)
        view_text(view, "signature name", cert->sig_alg, name);
}

/* Everything that both read. */
static void view_compare(struct view *view, const struct cert *cert, X509 *x)
{
    unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
    uint8_t ours[CM_SHA256_SIZE];
    unsigned digest_size = 0;
    X509_digest(x, EVP_sha256(), digest, &digest_size);
    cert_sha256(cert, ours);
    view_bytes(view, "sha256", (struct slice){ours, sizeof ours}, digest, digest_size);
    cert_spki_sha256(cert, ours);
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    EVP_Digest(der, (size_t)size, digest, &digest_size, EVP_sha256(), NULL);
    view_bytes(view, "spki sha256", (struct slice){ours, sizeof ours}, digest, digest_size);
    OPENSSL_free(der);
    der = NULL;
    size = i2d_re_X509_tbs(x, &der);
    view_bytes(view, "tbs", cert->tbs, der, size > 0 ? (size_t)size : 0);
    OPENSSL_free(der);

    view_number(view, "version", cert->version, X509_get_version(x) + 1);
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
    BIGNUM *own = BN_bin2bn(cert->serial.data, (int)cert->serial.size, NULL);
    if (serial && !BN_is_negative(serial))
        view_number(view, "serial", BN_cmp(serial, own), 0);
    BN_free(serial);
    BN_free(own);
    view_compare_name(view, "issuer", cert->issuer, X509_get_issuer_name(x));
    view_compare_name(view, "subject", cert->subject, X509_get_subject_name(x));
    view_compare_time(view, "not before", cert->not_before, X509_get0_notBefore(x));
    view_compare_time(view, "not after", cert->not_after, X509_get0_notAfter(x));
    view_compare_key(view, cert, x);
    view_compare_extensions(view, cert, x);
    view_compare_san(view, cert, x);
    view_compare_algorithm(view, cert, x);
}

#endif
