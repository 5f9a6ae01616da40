/* Keystore entries: looks at each certificate just closely enough to tell it from other bytes, and hands the chain on.
 *
 * Owns nothing. The readers of keystores call it. A certificate whose inside cannot be read is told all the same: the inventory keeps it as
 * undecodable, with its reason. */
#include "scanner/crawl/formats/entry.h"

#include <string.h>

#include "certmuster/cert.h"
#include "certmuster/limits.h"
#include "scanner/crawl/formats/sniff.h"

/* Cuts *der to the certificate with which it begins. What is wrong with it, or NULL. */
static const char *cut(struct slice *der, enum record_error *error)
{
    struct cert cert;
    size_t length = 0;
    int status = cert_length(der->data, der->size, &length);
    *error = RECORD_ERROR_MALFORMED;
    if (status)
        return status == CM_ETRUNCATED ? "a certificate is cut" : "no certificate in these bytes";
    if (length > CM_LIMIT_CERT_BYTES) {
        *error = RECORD_ERROR_TOO_LARGE;
        return "a certificate of more than 256 KiB";
    }
    der->size = length;
    if (cert_parse(der->data, length, &cert, NULL) && !sniff_certificate_shape(der->data, length))
        return "no certificate in these bytes";
    return NULL;
}

size_t entry_tell(struct job *job, const struct found_chain *chain)
{
    struct slice good[CM_LIMIT_CHAIN_CERTS];
    struct found_chain told = *chain;
    told.der = good;
    told.count = 0;
    for (size_t i = 0; i < chain->count; i++) {
        enum record_error error;
        struct slice der = chain->der[i];
        const char *wrong = cut(&der, &error);
        if (wrong) {
            job_problem(job, chain->format, chain->entry, error, wrong);
        } else if (told.count == CM_LIMIT_CHAIN_CERTS) {
            job_problem(job, chain->format, chain->entry, RECORD_ERROR_LIMIT, "a chain of more than 100 certificates");
            break;
        } else {
            good[told.count++] = der;
        }
    }
    if (told.count)
        job->ops->chain(job->ops->context, &told);
    return told.count;
}

const char *entry_name(struct buf *out, struct slice name, size_t ordinal)
{
    size_t size = name.size ? strnlen((const char *)name.data, name.size) : 0;
    buf_reset(out);
    if (size)
        buf_append(out, name.data, size);
    if (!out->size) { /* also where the name is longer than the buffer takes */
        buf_reset(out);
        buf_append_u64(out, ordinal);
    }
    return out->data;
}
