/* Keys and certificates of the simulated fleet, made with OpenSSL: good ones, and every kind of bad one.
 *
 * Nothing here reads hostile bytes, so a failure inside OpenSSL ends the process with its message (pki_die). */
#ifndef CERTMUSTER_FLEET_PKI_H
#define CERTMUSTER_FLEET_PKI_H

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>

/* The first five are keys of leaves, shared by all leaves of the kind (generating RSA is what costs time); the rest sign. */
enum fleet_key {
    KEY_RSA_2048,
    KEY_RSA_1024,
    KEY_P256,
    KEY_P384,
    KEY_ED25519,
    KEY_ROOT,    /* P-384 */
    KEY_CA_EC,   /* P-256: issues leaves with EC and Ed25519 keys */
    KEY_CA_RSA,  /* RSA-2048: issues leaves with RSA keys */
    KEY_CA_BULK, /* Ed25519: issues the certificates of `many`; its signatures are deterministic (RFC 8032 §5.1.6) */
    KEY_COUNT
};
const char *fleet_key_name(enum fleet_key key); /* "rsa-2048", also its file's name */

struct pki_name { /* one subjectAltName; bytes are taken as they are, valid or not */
    int type;     /* GEN_DNS, GEN_IPADD, GEN_EMAIL or GEN_URI */
    const void *bytes;
    size_t size;
};

struct pki_rdn { /* one attribute of the subject; bytes are tagged as they are, unchecked */
    int nid;
    int type; /* V_ASN1_UTF8STRING, …; 0 means that one. OpenSSL reads no name with invalid UTF-8 in a UTF8String */
    const void *bytes;
    size_t size;
};

struct pki_plan {
    const struct pki_rdn *subject;
    size_t subject_count;
    const struct pki_name *names;
    size_t name_count;
    EVP_PKEY *key;
    X509 *issuer; /* NULL: self-signed with key */
    EVP_PKEY *issuer_key;
    int64_t not_before, not_after;
    bool ca, sha1;
    uint64_t serial; /* 0: a random one of 16 octets */
};

EVP_PKEY *pki_generate(enum fleet_key key);
X509 *pki_issue(const struct pki_plan *plan);
int64_t pki_not_before(const X509 *cert); /* seconds since the epoch */
void pki_sha256_hex(X509 *cert, char out[static 65]);
_Noreturn void pki_die(const char *what);
/* pointer, unless it is NULL: then pki_die. */
void *pki_must(void *pointer, const char *what);
void pki_must_be(bool condition, const char *what);

#endif
