/* A scanner's client certificate as `certmuster scanner add` is given it. What the collector would refuse at every connection is refused here, with
 * what is wrong: there only its log says so, and to the scanner TLS has one word for it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "certmuster/buf.h"
#include "certmuster/client_names.h"
#include "certmuster/ids.h"
#include "certmuster/log.h"
#include "collector/ctl/scanner.h"

enum { NAMES_TEXT_MAX = CLIENT_NAMES_MAX * (CLIENT_NAME_SIZE + 2) };

static int refuse_name(const char *file, const char *name, char names[][CLIENT_NAME_SIZE], size_t count)
{
    struct buf text;
    buf_init(&text, NAMES_TEXT_MAX);
    for (size_t i = 0; i < count; i++)
        buf_appendf(&text, "%s%s", i ? ", " : "", names[i]);
    say_error(
        "the certificate in %s does not name %s as a DNS name, URI or CN, so the collector would never take it for "
        "that scanner's; it names %s",
        file, name, count ? text.data : "nobody");
    buf_done(&text);
    return CM_EXIT_PARTIAL;
}

static int check_name(const char *file, const char *name, const unsigned char *der, size_t size)
{
    struct cm_error error = {0};
    struct cert cert;
    char names[CLIENT_NAMES_MAX][CLIENT_NAME_SIZE];
    if (cert_parse(der, size, &cert, &error) != 0)
        return ctl_fail(&error, "nothing was changed: %s is no certificate that the collector can read", file);
    size_t count = client_names_read(&cert, names);
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return CM_EXIT_OK;
    return refuse_name(file, name, names, count);
}

/* The purpose as OpenSSL checks it in the handshake: the extended key usage, the key usage, the old Netscape type. */
static int check_use(const char *file, X509 *x509, const char *end, int64_t not_after)
{
    if (not_after < (int64_t)time(NULL)) {
        say_error("the certificate in %s has expired: it ended %s", file, end);
        return CM_EXIT_PARTIAL;
    }
    if (X509_check_purpose(x509, X509_PURPOSE_SSL_CLIENT, 0) == 1)
        return CM_EXIT_OK;
    ERR_clear_error();
    if (X509_check_ca(x509) > 0)
        say_error("the certificate in %s is a CA's own, not a scanner's: it goes into collector.tls.client_ca", file);
    else
        say_error("the certificate in %s is not for a TLS client, by its key usage or extended key usage", file);
    return CM_EXIT_PARTIAL;
}

static int check(const char *file, const char *name, X509 *x509, char out[static CM_SHA256_HEX_SIZE],
                 char end[static TIMEFMT_SIZE])
{
    uint8_t digest[CM_SHA256_SIZE];
    unsigned char *der = NULL;
    struct tm last;
    int size = i2d_X509(x509, &der);
    if (size <= 0 || ASN1_TIME_to_tm(X509_get0_notAfter(x509), &last) != 1) {
        OPENSSL_free(der);
        ERR_clear_error();
        say_error("the certificate in %s is damaged", file);
        return CM_EXIT_PARTIAL;
    }
    int64_t not_after = timegm(&last);
    sha256_bytes(der, (size_t)size, digest);
    hex_write(out, digest, sizeof digest);
    timefmt_seconds(end, not_after);
    int status = check_use(file, x509, end, not_after);
    if (!status)
        status = check_name(file, name, der, (size_t)size);
    OPENSSL_free(der);
    return status;
}

int scanner_read_certificate(const char *cert, const char *name, char out[static CM_SHA256_HEX_SIZE],
                             char end[static TIMEFMT_SIZE])
{
    uint8_t digest[CM_SHA256_SIZE];
    end[0] = '\0';
    if (hex_read(cert, strlen(cert), digest, sizeof digest) == 0) {
        hex_write(out, digest, sizeof digest);
        return CM_EXIT_OK;
    }
    FILE *file = fopen(cert, "re");
    X509 *x509 = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file)
        fclose(file);
    ERR_clear_error();
    if (!x509) {
        say_error("cannot read a PEM certificate from %s, and it is no fingerprint of 64 hex digits either", cert);
        return CM_EXIT_PARTIAL;
    }
    int status = check(cert, name, x509, out, end);
    X509_free(x509);
    return status;
}
