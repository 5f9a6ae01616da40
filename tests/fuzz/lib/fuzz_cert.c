/* cert_parse and everything that walks what it found; whatever OpenSSL and we both read has the same end and version. */
#include <stdint.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "certmuster/cert.h"
#include "certmuster/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct cert *cert)
{
    struct buf text;
    struct san_walk names;
    enum san_kind kind;
    buf_init(&text, CM_LIMIT_NAME_BYTES);
    if (name_rfc4514(cert->subject, &text) == 0 && name_common_name(cert->subject, &text) > 0)
        abort();
    san_walk_init(&names, cert);
    while (san_walk_next(&names, &kind, &text) > 0)
        if (kind > SAN_OTHER || text.size > text.max)
            abort();
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cert cert;
    size_t length = 0;
    int status = cert_parse(data, size, &cert, NULL);
    if (status)
        return 0;
    if (cert.der.data != data || cert.der.size > size || cert_length(data, size, &length) || length != cert.der.size)
        abort();
    if (!cert.key_oid[0] || !cert.sig_oid[0] || !cert.serial.size)
        abort();
    walk(&cert);

    const unsigned char *at = data;
    X509 *x = size < 65536 ? d2i_X509(NULL, &at, (long)size) : NULL;
    if (x && ((size_t)(at - data) != cert.der.size ||
              cert.version != (X509_get_version(x) < 0 ? 0 : (unsigned long)X509_get_version(x) + 1)))
        abort();
    X509_free(x);
    ERR_clear_error();
    return 0;
}
