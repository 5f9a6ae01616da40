/* The collector's TLS context, and the client certificate as names. */
#include "collector/http/tls.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdatomic.h>
#include <time.h>

#include "certmuster/cert.h"
#include "certmuster/client_names.h"
#include "certmuster/ids.h"
#include "certmuster/log.h"
#include "certmuster/readable.h"
#include "certmuster/timefmt.h"

enum { SUBJECT_SIZE = 256, REFUSAL_NOTE_MS = 5000 };

static int openssl_error(struct cm_error *error, const char *reason, const char *path)
{
    char text[128];
    ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
    ERR_clear_error();
    return error_setf(error, CM_EINVAL, 0, reason, "%.100s: %s", path ? path : "", text);
}

static int load(SSL_CTX *context, const struct config *config, struct cm_error *error)
{
    const char *certificate = config_string(config, "collector.tls.cert"),
               *key = config_string(config, "collector.tls.key"),
               *ca = config_string(config, "collector.tls.client_ca");
    if (!certificate || !key || !ca)
        return error_set(error, CM_EINVAL, 0,
                         "TLS takes collector.tls.cert, collector.tls.key and collector.tls.client_ca, all three");
    int code = readable_check(certificate, "cannot read the collector's certificate", error);
    if (!code)
        code = readable_check(key, "cannot read the collector's private key", error);
    if (!code)
        code = readable_check(ca, "cannot read the CA of client certificates", error);
    if (code)
        return code;
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        return openssl_error(error, "cannot use the collector's certificate", certificate);
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(context) != 1)
        return openssl_error(error, "cannot use the collector's private key", key);
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca);
    if (!names || SSL_CTX_load_verify_file(context, ca) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return openssl_error(error, "cannot use the CA of client certificates", ca);
    }
    SSL_CTX_set_client_CA_list(context, names);
    return 0;
}

/* Why a client was turned away is told to nobody but our log: TLS has one word for most of it, and a scanner whose clock or ours is
 * wrong would look like any other that cannot connect. Once in five seconds, for strangers may come as often as they like. */
static int note_refusal(int good, X509_STORE_CTX *store)
{
    static _Atomic int64_t next_ms;
    int64_t now_ms = clock_monotonic_ms();
    X509 *client = X509_STORE_CTX_get0_cert(store), *at_fault = X509_STORE_CTX_get_current_cert(store);
    if (good || now_ms < atomic_load(&next_ms))
        return good;
    char name[SUBJECT_SIZE] = "", fault[SUBJECT_SIZE] = "", now[TIMEFMT_SIZE];
    atomic_store(&next_ms, now_ms + REFUSAL_NOTE_MS);
    timefmt_seconds(now, clock_wall_ms() / 1000);
    if (client)
        X509_NAME_oneline(X509_get_subject_name(client), name, sizeof name);
    if (at_fault && at_fault != client)
        X509_NAME_oneline(X509_get_subject_name(at_fault), fault, sizeof fault);
    log_event(LOG_LEVEL_WARN, "client_certificate_refused", "subject=%s issuer=%s reason=%s clock=%s", log_quote(name),
              log_quote(fault), log_quote(X509_verify_cert_error_string(X509_STORE_CTX_get_error(store))), now);
    return good;
}

int tls_context(const struct config *config, SSL_CTX **out, struct cm_error *error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return openssl_error(error, "OpenSSL does not start", NULL);
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION); /* client certificates in clear are not for the wire */
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* Every connection proves its certificate anew: no session outlives it, and connection_prove sees to it that no connection does. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, note_refusal);
    SSL_CTX_set_verify_depth(context, 8);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    int code = load(context, config, error);
    if (code)
        SSL_CTX_free(context);
    else
        *out = context;
    return code;
}

bool tls_files_changed(const struct config *config, struct tls_files *files)
{
    static const char *const keys[] = {"collector.tls.cert", "collector.tls.key", "collector.tls.client_ca"};
    bool changed = false;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *path = config_string(config, keys[i]);
        struct stat now = {0}, *seen = &files->seen[i];
        if (!path || stat(path, &now) != 0) /* in the middle of being replaced, or gone: what we hold stays good */
            continue;
        changed = changed || now.st_ino != seen->st_ino || now.st_dev != seen->st_dev || now.st_size != seen->st_size ||
                  now.st_mtim.tv_sec != seen->st_mtim.tv_sec || now.st_mtim.tv_nsec != seen->st_mtim.tv_nsec;
        *seen = now;
    }
    return changed;
}

static int read_certificate(const unsigned char *der, size_t size, struct peer *out, struct cm_error *error)
{
    struct cert cert;
    uint8_t digest[CM_SHA256_SIZE];
    int code = cert_parse(der, size, &cert, error);
    if (code)
        return code;
    *out = (struct peer){.is_local = false};
    sha256_bytes(der, size, digest);
    hex_write(out->fingerprint, digest, sizeof digest);
    out->name_count = client_names_read(&cert, out->names);
    return 0;
}

/* When a handshake would be refused that is good now: at the first end in the chain that was verified. */
static int64_t end_of_chain(SSL *ssl)
{
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    int64_t first = INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        struct tm end;
        int64_t at = ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(chain, i)), &end) == 1 ? timegm(&end) : 0;
        if (at < first)
            first = at;
    }
    return first;
}

int tls_peer(SSL *ssl, struct peer *out, struct cm_error *error)
{
    X509 *certificate = ssl ? SSL_get1_peer_certificate(ssl) : NULL;
    unsigned char *der = NULL;
    int code = CM_EAUTH;
    int size = certificate && SSL_get_verify_result(ssl) == X509_V_OK ? i2d_X509(certificate, &der) : -1;
    if (size > 0)
        code = read_certificate(der, (size_t)size, out, error);
    else
        error_set(error, CM_EAUTH, 0, "no verified client certificate");
    if (!code)
        out->not_after = end_of_chain(ssl);
    OPENSSL_free(der);
    X509_free(certificate);
    return code;
}
