/* Keys and certificates of the simulated fleet (see pki.h). A certificate is made from a plan in one pass; what a plan asks
 * for is done even where it breaks RFC 5280, because the bad certificates are the point. Called by store.c and stamp.c. */
#include "tests/fleet/pki.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/encode.h"
#include "certmuster/error.h"
#include "certmuster/log.h"

static const struct {
    const char *name, *type, *curve;
    unsigned bits;
} key_rows[KEY_COUNT] = {
    [KEY_RSA_2048] = {"rsa-2048", "RSA", NULL, 2048}, [KEY_RSA_1024] = {"rsa-1024", "RSA", NULL, 1024},
    [KEY_P256] = {"p256", "EC", "P-256", 0},          [KEY_P384] = {"p384", "EC", "P-384", 0},
    [KEY_ED25519] = {"ed25519", "ED25519", NULL, 0},  [KEY_ROOT] = {"root", "EC", "P-384", 0},
    [KEY_CA_EC] = {"ca-ec", "EC", "P-256", 0},        [KEY_CA_RSA] = {"ca-rsa", "RSA", NULL, 2048},
    [KEY_CA_BULK] = {"ca-bulk", "ED25519", NULL, 0},
};

const char *fleet_key_name(enum fleet_key key)
{
    return key_rows[key].name;
}

void pki_die(const char *what)
{
    char why[256] = "no reason given";
    unsigned long code = ERR_peek_last_error();
    if (code != 0)
        ERR_error_string_n(code, why, sizeof why);
    say_error("%s: %s", what, why);
    exit(CM_EXIT_FAILED);
}

void *pki_must(void *pointer, const char *what)
{
    if (pointer == NULL)
        pki_die(what);
    return pointer;
}

void pki_must_be(bool condition, const char *what)
{
    if (!condition)
        pki_die(what);
}

EVP_PKEY *pki_generate(enum fleet_key key)
{
    EVP_PKEY *made;
    if (key_rows[key].bits != 0)
        made = EVP_PKEY_Q_keygen(NULL, NULL, key_rows[key].type, (size_t)key_rows[key].bits);
    else if (key_rows[key].curve != NULL)
        made = EVP_PKEY_Q_keygen(NULL, NULL, key_rows[key].type, key_rows[key].curve);
    else
        made = EVP_PKEY_Q_keygen(NULL, NULL, key_rows[key].type);
    return pki_must(made, "key generation");
}

static void set_serial(X509 *cert, uint64_t serial)
{
    uint8_t bytes[16];
    size_t size = sizeof bytes;
    pki_must_be(RAND_bytes(bytes, sizeof bytes) == 1, "random bytes");
    if (serial != 0) {
        size = 8;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(serial >> (8 * (size - 1 - i)));
    } else {
        bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40); /* positive, and always 16 octets */
    }
    BIGNUM *number = pki_must(BN_bin2bn(bytes, (int)size, NULL), "serial");
    pki_must_be(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL, "serial");
    BN_free(number);
}

static void set_subject(X509 *cert, const struct pki_rdn *rdns, size_t count)
{
    X509_NAME *name = pki_must(X509_NAME_new(), "subject");
    for (size_t i = 0; i < count; i++) {
        /* A V_ASN1_… type instead of MBSTRING_… makes OpenSSL take the bytes unchecked: hostile names need that. */
        int type = rdns[i].type != 0 ? rdns[i].type : V_ASN1_UTF8STRING;
        pki_must_be(X509_NAME_add_entry_by_NID(name, rdns[i].nid, type, rdns[i].bytes, (int)rdns[i].size, -1, 0) == 1,
                    "subject");
    }
    pki_must_be(X509_set_subject_name(cert, name) == 1, "subject");
    X509_NAME_free(name);
}

static void add_extension(X509 *cert, X509V3_CTX *context, int nid, const char *value)
{
    X509_EXTENSION *extension = pki_must(X509V3_EXT_conf_nid(NULL, context, nid, value), value);
    pki_must_be(X509_add_ext(cert, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static void add_names(X509 *cert, const struct pki_name *names, size_t count)
{
    GENERAL_NAMES *list = pki_must(sk_GENERAL_NAME_new_null(), "names");
    for (size_t i = 0; i < count; i++) {
        GENERAL_NAME *name = pki_must(GENERAL_NAME_new(), "name");
        ASN1_STRING *text =
            pki_must(ASN1_STRING_type_new(names[i].type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING), "name");
        pki_must_be(ASN1_STRING_set(text, names[i].bytes, (int)names[i].size) == 1, "name");
        GENERAL_NAME_set0_value(name, names[i].type, text);
        pki_must_be(sk_GENERAL_NAME_push(list, name) > 0, "name");
    }
    pki_must_be(X509_add1_ext_i2d(cert, NID_subject_alt_name, list, 0, X509V3_ADD_APPEND) == 1, "subjectAltName");
    GENERAL_NAMES_free(list);
}

X509 *pki_issue(const struct pki_plan *plan)
{
    X509 *cert = pki_must(X509_new(), "certificate");
    X509 *issuer = plan->issuer != NULL ? plan->issuer : cert;
    EVP_PKEY *signer = plan->issuer != NULL ? plan->issuer_key : plan->key;
    pki_must_be(X509_set_version(cert, X509_VERSION_3) == 1, "version");
    set_serial(cert, plan->serial);
    set_subject(cert, plan->subject, plan->subject_count);
    pki_must_be(X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1, "issuer");
    pki_must_be(ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)plan->not_before) != NULL, "notBefore");
    pki_must_be(ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)plan->not_after) != NULL, "notAfter");
    pki_must_be(X509_set_pubkey(cert, plan->key) == 1, "key");

    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    add_extension(cert, &context, NID_subject_key_identifier, "hash");
    if (plan->issuer != NULL)
        add_extension(cert, &context, NID_authority_key_identifier, "keyid");
    if (plan->ca) {
        add_extension(cert, &context, NID_basic_constraints, "critical,CA:TRUE");
        add_extension(cert, &context, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
        add_extension(cert, &context, NID_basic_constraints, "critical,CA:FALSE");
        add_extension(cert, &context, NID_key_usage, "critical,digitalSignature");
        add_extension(cert, &context, NID_ext_key_usage, "serverAuth");
    }
    if (plan->name_count > 0)
        add_names(cert, plan->names, plan->name_count);

    const EVP_MD *digest = plan->sha1 ? EVP_sha1() : EVP_sha256();
    if (EVP_PKEY_is_a(signer, "ED25519"))
        digest = NULL; /* RFC 8410: the signature algorithm hashes by itself */
    pki_must_be(X509_sign(cert, signer, digest) > 0, "signature");
    return cert;
}

int64_t pki_not_before(const X509 *cert)
{
    struct tm when;
    pki_must_be(ASN1_TIME_to_tm(X509_get0_notBefore(cert), &when) == 1, "notBefore");
    return (int64_t)timegm(&when);
}

void pki_sha256_hex(X509 *cert, char out[static 65])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    pki_must_be(X509_digest(cert, EVP_sha256(), digest, &size) == 1 && size == CM_SHA256_SIZE, "fingerprint");
    hex_write(out, digest, CM_SHA256_SIZE);
}
