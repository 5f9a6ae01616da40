/* The private CA: made, loaded, and what it signs.
 *
 * Owns the CA's key for as long as it is open. scanner_issue.c calls it. Files are written beside their place and renamed, keys before certificates,
 * with O_EXCL and without following links: the directory may belong to an account that is not ours. */
#include "collector/ctl/authority.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "certmuster/buf.h"
#include "certmuster/config.h"
#include "certmuster/ipaddr.h"
#include "certmuster/timefmt.h"

enum { CN_MAX = 64, SERIAL_BYTES = 16, BACKDATE_S = 300, SAN_MAX = 16 * 1024, DAY_S = 24 * 60 * 60, PATH_SIZE = 4096 };

struct authority {
    char path[PATH_SIZE]; /* of ca.pem */
    EVP_PKEY *key;
    X509 *certificate;
    int lock; /* of its directory, until it is closed */
};

static int openssl_error(struct cm_error *error, int code, const char *reason)
{
    char text[160];
    ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
    ERR_clear_error();
    return error_setf(error, code, 0, reason, "%s", text);
}

/* --- Making certificates --------------------------------------------------------------------------------------------------------------- */

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool good = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] = (unsigned char)((bytes[0] & 0x7F) | 0x40); /* positive and of full length */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return good;
}

static bool set_common_name(X509 *certificate, const char *name)
{
    return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)name, -1, -1, 0) == 1;
}

/* Version 3, a random serial, valid from five minutes ago: clocks differ. */
static X509 *begin_certificate(EVP_PKEY *key, X509 *issuer, time_t now, time_t not_after)
{
    X509 *certificate = X509_new();
    if (certificate && X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
        ASN1_TIME_set(X509_getm_notBefore(certificate), now - BACKDATE_S) &&
        ASN1_TIME_set(X509_getm_notAfter(certificate), not_after) && X509_set_pubkey(certificate, key) == 1 &&
        (!issuer || X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1))
        return certificate;
    X509_free(certificate);
    return NULL;
}

static X509 *make_ca(EVP_PKEY *key, const char *host)
{
    char name[CN_MAX + 1];
    time_t now = time(NULL);
    snprintf(name, sizeof name, "certmuster scanners %.44s", host);
    X509 *ca = begin_certificate(key, NULL, now, now + (time_t)AUTHORITY_DAYS * DAY_S);
    if (ca && set_common_name(ca, name) && X509_set_issuer_name(ca, X509_get_subject_name(ca)) == 1 &&
        add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(ca, ca, NID_subject_key_identifier, "hash") && X509_sign(ca, key, EVP_sha256()) > 0)
        return ca;
    X509_free(ca);
    return NULL;
}

/* "DNS:a,IP:127.0.0.1". Names hold no comma: scanner_issue.c takes none that does. */
static void join_names(const char *const *names, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        struct ipaddr address;
        bool is_address = ipaddr_read(names[i], &address) == 0;
        buf_appendf(out, "%s%s:%s", i ? "," : "", is_address ? "IP" : "DNS", names[i]);
    }
}

static bool add_use(X509 *certificate, X509 *issuer, enum authority_use use, const char *names)
{
    return add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, issuer, NID_ext_key_usage,
                         use == AUTHORITY_CLIENT ? "clientAuth" : "serverAuth") &&
           add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, issuer, NID_authority_key_identifier, "keyid") &&
           add_extension(certificate, issuer, NID_subject_alt_name, names);
}

static X509 *issue(const struct authority *authority, EVP_PKEY *key, enum authority_use use, const char *const *names,
                   size_t name_count, time_t now, time_t not_after)
{
    X509 *certificate = begin_certificate(key, authority->certificate, now, not_after);
    struct buf san;
    buf_init(&san, SAN_MAX);
    join_names(names, name_count, &san);
    bool good = certificate && !san.failed && (strlen(names[0]) > CN_MAX || set_common_name(certificate, names[0])) &&
                add_use(certificate, authority->certificate, use, san.data) &&
                X509_sign(certificate, authority->key, EVP_sha256()) > 0;
    buf_done(&san);
    if (good)
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* --- As text --------------------------------------------------------------------------------------------------------------------------- */

/* What a BIO holds, NUL-terminated; frees it, clearing. */
static char *take_text(BIO *bio)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    char *text = cm_calloc(1, (size_t)size + 1);
    memcpy(text, data, (size_t)size);
    OPENSSL_cleanse(data, (size_t)size);
    BIO_free(bio);
    return text;
}

static char *key_text(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        BIO_free(bio);
        return NULL;
    }
    return take_text(bio);
}

static char *certificate_text(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_X509(bio, certificate) != 1) {
        BIO_free(bio);
        return NULL;
    }
    return take_text(bio);
}

static bool read_end(const X509 *certificate, int64_t *out)
{
    struct tm end;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
        return false;
    *out = timegm(&end);
    return true;
}

static int describe(X509 *certificate, EVP_PKEY *key, struct issued *out, struct cm_error *error)
{
    uint8_t digest[CM_SHA256_SIZE];
    unsigned size = 0;
    *out = (struct issued){.key = key_text(key), .certificate = certificate_text(certificate)};
    if (!out->key || !out->certificate || X509_digest(certificate, EVP_sha256(), digest, &size) != 1 ||
        !read_end(certificate, &out->not_after))
        return openssl_error(error, CM_EINVAL, "cannot write the certificate as text");
    hex_write(out->sha256, digest, sizeof digest);
    return 0;
}

void issued_done(struct issued *issued)
{
    if (issued->key)
        OPENSSL_cleanse(issued->key, strlen(issued->key));
    free(issued->key);
    free(issued->certificate);
    *issued = (struct issued){0};
}

int issued_prepare(const struct issued *issued, const char *dir, const char *name,
                   struct private_file files[static ISSUED_FILES], struct cm_error *error)
{
    char key[PATH_SIZE], certificate[PATH_SIZE];
    files[0] = files[1] = (struct private_file){.fresh = ""};
    if ((size_t)snprintf(key, sizeof key, "%s/%s.key", dir, name) >= sizeof key ||
        (size_t)snprintf(certificate, sizeof certificate, "%s/%s.pem", dir, name) >= sizeof certificate)
        return error_setf(error, CM_EINVAL, 0, "the path is too long", "%.200s", dir);
    int code = private_file_prepare(&files[0], key, issued->key, 0600, error);
    if (!code)
        code = private_file_prepare(&files[1], certificate, issued->certificate, 0644, error);
    if (code)
        issued_discard(files);
    return code;
}

int issued_publish(struct private_file files[static ISSUED_FILES], struct cm_error *error)
{
    return private_files_publish(files, ISSUED_FILES, error);
}

void issued_discard(struct private_file files[static ISSUED_FILES])
{
    for (size_t i = 0; i < ISSUED_FILES; i++)
        private_file_discard(&files[i]);
}

int authority_issue(const struct authority *authority, enum authority_use use, const char *const *names,
                    size_t name_count, unsigned days, struct issued *out, struct cm_error *error)
{
    *out = (struct issued){0};
    int64_t ca_end, now = time(NULL), not_after = now + (int64_t)days * DAY_S;
    char day[TIMEFMT_SIZE];
    if (!read_end(authority->certificate, &ca_end))
        return openssl_error(error, CM_EMALFORMED, "the CA's certificate has no end that can be read");
    if (ca_end <= now) {
        timefmt_seconds(day, ca_end);
        return error_setf(error, CM_ECONFLICT, 0, "the CA has ended, and nothing that it signs would be let in",
                          "%s, %.200s; move it and its key away, and the next enrolment makes another", day,
                          authority->path);
    }
    bool cut_short = ca_end < not_after;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key ? issue(authority, key, use, names, name_count, now, cut_short ? ca_end : not_after) : NULL;
    int code = certificate ? describe(certificate, key, out, error)
                           : openssl_error(error, CM_EINVAL, "cannot make the certificate");
    out->cut_short = cut_short;
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (code)
        issued_done(out);
    return code;
}

/* --- The CA's own files ---------------------------------------------------------------------------------------------------------------- */

static int make(struct authority *authority, const char *dir, struct cm_error *error)
{
    char host[CN_MAX] = "";
    struct config *config = NULL;
    if (config_load(NULL, &config, NULL) == 0)
        snprintf(host, sizeof host, "%s", config_host(config));
    config_free(config);
    struct issued issued;
    struct private_file files[ISSUED_FILES];
    authority->key = EVP_EC_gen("P-256");
    authority->certificate = authority->key ? make_ca(authority->key, host) : NULL;
    if (!authority->certificate)
        return openssl_error(error, CM_EINVAL, "cannot make the CA");
    int code = describe(authority->certificate, authority->key, &issued, error);
    if (!code)
        code = issued_prepare(&issued, dir, "ca", files, error);
    if (!code)
        code = issued_publish(files, error);
    issued_done(&issued);
    return code;
}

static int load(struct authority *authority, const char *key_path, FILE *key, struct cm_error *error)
{
    FILE *certificate = fopen(authority->path, "re");
    if (!certificate)
        return error_setf(error, CM_EIO, 0, "cannot read the CA's certificate", "%.180s: %s", authority->path,
                          strerror(errno));
    authority->key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
    authority->certificate = PEM_read_X509(certificate, NULL, NULL, NULL);
    fclose(certificate);
    if (!authority->key || !authority->certificate)
        return openssl_error(error, CM_EMALFORMED, "the CA's files are damaged");
    if (X509_check_private_key(authority->certificate, authority->key) != 1) {
        ERR_clear_error();
        return error_setf(error, CM_EMALFORMED, 0, "the CA's key and certificate do not belong together", "%.180s",
                          key_path);
    }
    return 0;
}

int authority_open(const char *dir, struct authority **out, bool *made, struct cm_error *error)
{
    struct authority *authority = cm_calloc(1, sizeof *authority);
    authority->lock = -1;
    char key_path[PATH_SIZE];
    int code = 0;
    *made = false;
    if ((size_t)snprintf(authority->path, sizeof authority->path, "%s/ca.pem", dir) >= sizeof authority->path ||
        (size_t)snprintf(key_path, sizeof key_path, "%s/ca.key", dir) >= sizeof key_path)
        code = error_setf(error, CM_EINVAL, 0, "the path is too long", "%.200s", dir);
    if (!code)
        code = private_directory_make(dir, error);
    if (!code)
        code = private_directory_lock(dir, "ca.lock", &authority->lock, error);
    FILE *key = code ? NULL : fopen(key_path, "re");
    if (key) {
        code = load(authority, key_path, key, error);
        fclose(key);
    } else if (!code && errno == ENOENT && access(authority->path, F_OK) != 0) {
        code = make(authority, dir, error);
        *made = !code;
    } else if (!code) {
        code = error_setf(error, CM_EIO, 0, "cannot read the CA's key", "%.180s: %s", key_path, strerror(errno));
    }
    if (code)
        authority_close(authority);
    else
        *out = authority;
    return code;
}

void authority_close(struct authority *authority)
{
    if (!authority)
        return;
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
    if (authority->lock >= 0)
        close(authority->lock);
    free(authority);
}

const char *authority_certificate_path(const struct authority *authority)
{
    return authority->path;
}
