/* collector-certificates KIND COUNT DIR: certificates that nobody has seen, for the benchmark of the collector, as they come out of a
 * public or a house CA.
 *
 *   KIND rsa2048, p256, p384   three intermediates under a root, all keys of one kind; two to four names in a leaf
 *   KIND mixed                 intermediates and leaves of all three kinds, one to forty names, as a survey of the web finds them
 *
 * Each leaf has key identifiers, usages, policies, places to ask and a list of SCTs of their usual sizes. Leaf keys come out of a small
 * pool, since what is measured does not depend on them. Writes DIR/KIND.pem (the root), DIR/KIND.der (for collector-judge: the
 * intermediates first; each certificate behind its size and its issuer's index, in 32 bits of this machine) and DIR/KIND-N.ndjson
 * (records as scan writes them, each file less than a spool segment). */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certmuster/encode.h"
#include "certmuster/ids.h"
#include "certmuster/limits.h"

enum { INTERMEDIATES = 3, POOL = 24, SCT_LIST_BYTES = 242, SEGMENT_BYTES = 3 << 20, DAY = 86400, AT_ONCE = 40 };

static const char *const kinds[] = {"rsa2048", "p256", "p384"};

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    struct buf der;
    uint8_t sha256[CM_SHA256_SIZE];
};

struct made {
    const char *kind, *dir;
    struct authority root, intermediates[INTERMEDIATES];
    EVP_PKEY *pool[POOL];
    FILE *ders, *records;
    unsigned part;
    long written; /* bytes of this part */
    bool told[INTERMEDIATES];
};

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "collector-certificates: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(3);
}

static EVP_PKEY *new_key(const char *kind, size_t i)
{
    if (strcmp(kind, "mixed") == 0)
        kind = kinds[i % 3];
    EVP_PKEY *key = strcmp(kind, "rsa2048") == 0 ? EVP_RSA_gen(2048)
                    : strcmp(kind, "p256") == 0  ? EVP_EC_gen("P-256")
                    : strcmp(kind, "p384") == 0  ? EVP_EC_gen("P-384")
                                                 : NULL;
    must(key != NULL, "the kinds are rsa2048, p256, p384 and mixed");
    return key;
}

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer ? issuer : certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    must(extension && X509_add_ext(certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static void name_it(X509_NAME *name, const char *organization, const char *common)
{
    const char *const parts[][2] = {{"C", "IE"}, {"O", organization}, {"CN", common}};
    for (size_t i = organization ? 0 : 2; i < 3; i++)
        must(X509_NAME_add_entry_by_txt(name, parts[i][0], MBSTRING_UTF8, (const unsigned char *)parts[i][1], -1, -1,
                                        0) == 1,
             "name");
}

static X509 *begin(EVP_PKEY *key, const X509 *issuer, int days_before, int days)
{
    X509 *certificate = X509_new();
    unsigned char number[16];
    must(certificate && RAND_bytes(number, sizeof number) == 1, "memory");
    number[0] = (unsigned char)(number[0] & 0x3F) | 0x40;
    BIGNUM *serial = BN_bin2bn(number, sizeof number, NULL);
    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate));
    BN_free(serial);
    X509_set_version(certificate, 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -(long)days_before * DAY);
    X509_gmtime_adj(X509_getm_notAfter(certificate), (long)days * DAY);
    X509_set_pubkey(certificate, key);
    if (issuer)
        X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    return certificate;
}

static void encode(X509 *certificate, struct buf *der, uint8_t sha256[CM_SHA256_SIZE])
{
    unsigned char *bytes = NULL;
    int size = i2d_X509(certificate, &bytes);
    must(size > 0 && (unsigned)size <= CM_LIMIT_CERT_BYTES, "encoding");
    buf_reset(der);
    buf_append(der, bytes, (size_t)size);
    sha256_bytes(bytes, (size_t)size, sha256);
    OPENSSL_free(bytes);
}

static void make_authority(struct authority *out, const char *kind, size_t i, const char *name,
                           const struct authority *issuer)
{
    out->key = new_key(kind, i);
    out->certificate = begin(out->key, issuer ? issuer->certificate : NULL, 400, issuer ? 1500 : 6000);
    name_it(X509_get_subject_name(out->certificate), "Benchmark Trust Services", name);
    if (!issuer)
        X509_set_issuer_name(out->certificate, X509_get_subject_name(out->certificate));
    extend(out->certificate, NULL, NID_basic_constraints, issuer ? "critical,CA:TRUE,pathlen:0" : "critical,CA:TRUE");
    extend(out->certificate, NULL, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(out->certificate, NULL, NID_subject_key_identifier, "hash");
    if (issuer)
        extend(out->certificate, issuer->certificate, NID_authority_key_identifier, "keyid:always");
    must(X509_sign(out->certificate, issuer ? issuer->key : out->key, EVP_sha256()) > 0, "signing");
    buf_init(&out->der, CM_LIMIT_CERT_BYTES);
    encode(out->certificate, &out->der, out->sha256);
}

/* --- Leaves ------------------------------------------------------------------------------------------------------------------------------ */

/* As Certificate Transparency's: an OCTET STRING with two SCTs inside. */
static void add_scts(X509 *leaf)
{
    unsigned char list[SCT_LIST_BYTES + 3] = {0x04, 0x81, SCT_LIST_BYTES};
    must(RAND_bytes(list + 3, SCT_LIST_BYTES) == 1, "randomness");
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    must(value && ASN1_OCTET_STRING_set(value, list, sizeof list) == 1, "memory");
    X509_EXTENSION *extension = X509_EXTENSION_create_by_NID(NULL, NID_ct_precert_scts, 0, value);
    must(extension && X509_add_ext(leaf, extension, -1) == 1, "SCTs");
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
}

static size_t names_of(const struct made *made, size_t number)
{
    if (strcmp(made->kind, "mixed") != 0)
        return 2 + number % 3;
    return number % 50 == 0 ? 40 : number % 10 == 0 ? 12 : 1 + number % 3;
}

static void make_leaf(const struct made *made, size_t number, const struct authority *issuer, struct buf *der,
                      uint8_t sha256[CM_SHA256_SIZE])
{
    char name[64];
    struct buf names;
    X509 *leaf =
        begin(made->pool[number % POOL], issuer->certificate, 1 + (int)(number % 30), 60 + (int)(number % 300));
    snprintf(name, sizeof name, "host-%zu.%s.bench.example", number, made->kind);
    name_it(X509_get_subject_name(leaf), NULL, name);
    buf_init(&names, 64 * 64);
    buf_appendf(&names, "DNS:%s", name);
    for (size_t i = 1; i < names_of(made, number); i++)
        buf_appendf(&names, ",DNS:service-%zu.host-%zu.%s.bench.example", i, number, made->kind);
    extend(leaf, NULL, NID_key_usage, "critical,digitalSignature");
    extend(leaf, NULL, NID_ext_key_usage, "serverAuth,clientAuth");
    extend(leaf, NULL, NID_basic_constraints, "critical,CA:FALSE");
    extend(leaf, NULL, NID_subject_key_identifier, "hash");
    extend(leaf, issuer->certificate, NID_authority_key_identifier, "keyid:always");
    extend(leaf, NULL, NID_info_access,
           "OCSP;URI:http://ocsp.bench.example,caIssuers;URI:http://ca.bench.example/ca.der");
    extend(leaf, NULL, NID_subject_alt_name, names.data);
    extend(leaf, NULL, NID_certificate_policies, "DER:30:0a:30:08:06:06:67:81:0c:01:02:01"); /* domain validated */
    ;
    extend(leaf, NULL, NID_crl_distribution_points, "URI:http://crl.bench.example/1.crl");
    add_scts(leaf);
    must(X509_sign(leaf, issuer->key, EVP_sha256()) > 0, "signing");
    encode(leaf, der, sha256);
    X509_free(leaf);
    buf_done(&names);
}

/* --- Files ------------------------------------------------------------------------------------------------------------------------------- */

static FILE *open_file(const struct made *made, const char *end)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s%s", made->dir, made->kind, end);
    FILE *file = fopen(path, "w");
    must(file != NULL, path);
    return file;
}

static void write_der(struct made *made, uint32_t issuer, const struct buf *der)
{
    const uint32_t head[] = {(uint32_t)der->size, issuer};
    fwrite(head, sizeof head, 1, made->ders);
    fwrite(der->data, der->size, 1, made->ders);
}

static void write_certificate(struct made *made, const struct buf *der, const uint8_t sha256[CM_SHA256_SIZE])
{
    char hex[CM_SHA256_HEX_SIZE];
    struct buf text;
    hex_write(hex, sha256, CM_SHA256_SIZE);
    buf_init(&text, 2 * CM_LIMIT_CERT_BYTES);
    base64_append(&text, der->data, der->size);
    made->written +=
        fprintf(made->records, "{\"v\":1,\"type\":\"certificate\",\"sha256\":\"%s\",\"der\":\"%s\"}\n", hex, text.data);
    buf_done(&text);
}

static void write_sighting(struct made *made, size_t number, const uint8_t leaf[CM_SHA256_SIZE],
                           const struct authority *issuer)
{
    static const char run[] = "01980000-0000-7000-8000-000000000001";
    char hex[CM_SHA256_HEX_SIZE], above[CM_SHA256_HEX_SIZE], at[32];
    time_t now = time(NULL);
    struct tm parts;
    hex_write(hex, leaf, CM_SHA256_SIZE);
    hex_write(above, issuer->sha256, CM_SHA256_SIZE);
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&now, &parts));
    made->written +=
        fprintf(made->records,
                "{\"v\":1,\"type\":\"sighting\",\"source\":\"scan\",\"at\":\"%s\",\"scanner\":\"bench\",\"run\":\"%s\","
                "\"endpoint\":{\"realm\":\"default\",\"transport\":\"tcp\","
                "\"ip\":\"10.%zu.%zu.%zu\",\"port\":443,\"name\":\"host-%zu.%s.bench.example\"},\"role\":\"server\","
                "\"chain\":[\"%s\",\"%s\"],"
                "\"tls\":{\"version\":\"TLSv1.3\",\"cipher\":\"TLS_AES_128_GCM_SHA256\",\"group\":\"x25519\",\"alpn\":"
                "\"h2\"},\"ms\":{\"connect\":0.4,\"handshake\":1.9}}\n",
                at, run, number >> 16 & 255, number >> 8 & 255, number & 255, number, made->kind, hex, above);
}

/* The next segment names its intermediates anew, as a scanner's would in a run of its own; submit leaves them out where they are known. */
static void next_part(struct made *made)
{
    char end[32];
    if (made->records && made->written < SEGMENT_BYTES)
        return;
    must(!made->records || fclose(made->records) == 0, "writing");
    snprintf(end, sizeof end, "-%u.ndjson", made->part++);
    made->records = open_file(made, end);
    made->written = 0;
    memset(made->told, 0, sizeof made->told);
}

static void write_all(struct made *made, size_t count)
{
    struct buf der;
    uint8_t sha256[CM_SHA256_SIZE];
    buf_init(&der, CM_LIMIT_CERT_BYTES);
    for (size_t i = 0; i < INTERMEDIATES; i++)
        write_der(made, (uint32_t)i, &made->intermediates[i].der);
    for (size_t number = 0; number < count; number++) {
        /* Scanned a rack at a time: not one issuer after the other, nor a new one each time. */
        size_t at = number / AT_ONCE % INTERMEDIATES;
        const struct authority *issuer = &made->intermediates[at];
        next_part(made);
        make_leaf(made, number, issuer, &der, sha256);
        write_der(made, (uint32_t)at, &der);
        if (!made->told[at])
            write_certificate(made, &issuer->der, issuer->sha256);
        made->told[at] = true;
        write_certificate(made, &der, sha256);
        write_sighting(made, number, sha256, issuer);
    }
    buf_done(&der);
}

static void free_authority(struct authority *authority)
{
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
    buf_done(&authority->der);
}

int main(int argc, char **argv)
{
    struct made made = {.records = NULL};
    char name[64];
    must(argc == 4 && atol(argv[2]) > 0, "KIND COUNT DIR");
    made.kind = argv[1];
    made.dir = argv[3];
    snprintf(name, sizeof name, "Benchmark Root %s", made.kind);
    make_authority(&made.root, made.kind, 0, name, NULL);
    for (size_t i = 0; i < INTERMEDIATES; i++) {
        snprintf(name, sizeof name, "Benchmark %s CA %zu", made.kind, i);
        make_authority(&made.intermediates[i], made.kind, i, name, &made.root);
    }
    for (size_t i = 0; i < POOL; i++)
        made.pool[i] = new_key(made.kind, i);
    FILE *root = open_file(&made, ".pem");
    must(PEM_write_X509(root, made.root.certificate) == 1 && fclose(root) == 0, "writing");
    made.ders = open_file(&made, ".der");
    write_all(&made, (size_t)atol(argv[2]));
    must(fclose(made.ders) == 0 && fclose(made.records) == 0, "writing");
    for (size_t i = 0; i < POOL; i++)
        EVP_PKEY_free(made.pool[i]);
    for (size_t i = 0; i < INTERMEDIATES; i++)
        free_authority(&made.intermediates[i]);
    free_authority(&made.root);
    return 0;
}
