/* PEM blocks of the search: what a label calls for is decoded and told. The label is a hint, the bytes decide: bundles of PKCS#7 are labelled
 * CERTIFICATE by some. */
#include <string.h>

#include <openssl/crypto.h>

#include "certmuster/cert.h"
#include "scanner/crawl/formats/key.h"
#include "scanner/crawl/formats/pem.h"
#include "scanner/crawl/formats/pkcs12.h"
#include "scanner/crawl/formats/search_private.h"
#include "scanner/crawl/formats/sniff.h"

static const struct {
    const char *label;
    enum der_item item;
} labels[] = {
    {"CERTIFICATE", DER_ITEM_CERTIFICATE},
    {"X509 CERTIFICATE", DER_ITEM_CERTIFICATE},
    {"TRUSTED CERTIFICATE", DER_ITEM_CERTIFICATE}, /* auxiliary data behind it is cut */
    {"PKCS7", DER_ITEM_CMS},
    {"PKCS #7 SIGNED DATA", DER_ITEM_CMS},
    {"CMS", DER_ITEM_CMS},
    {"CERTIFICATE REQUEST", DER_ITEM_REQUEST},
    {"NEW CERTIFICATE REQUEST", DER_ITEM_REQUEST},
    {"X509 CRL", DER_ITEM_CRL},
    {"OCSP RESPONSE", DER_ITEM_OCSP},
};

static enum der_item item_of_label(const struct pem_block *block)
{
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (pem_label_is(block, labels[i].label))
            return labels[i].item;
    return DER_ITEM_NONE;
}

static void cleanse(struct buf *buf)
{
    if (buf->data)
        OPENSSL_cleanse(buf->data, buf->capacity);
    buf_reset(buf);
}

/* Fewer bytes than any certificate or key has: "XXXX" in a manual. */
static bool too_small(const struct buf *decoded)
{
    enum { SMALLEST = 40 };
    return decoded->size < SMALLEST;
}

/* All of the element is there. */
static bool is_whole(struct slice der)
{
    size_t length;
    return !cert_length(der.data, der.size, &length) && length <= der.size;
}

static void take_item(struct search *search, const struct pem_block *block, enum der_item item, bool ended)
{
    struct job *job = search->job;
    int status = pem_decode(block, &job->scratch, &job->decoded);
    struct slice der = buf_slice(&job->decoded);
    const char *detail = status == CM_ELIMIT ? "a PEM block of more than 6 MiB" : "a PEM block that is not base64";
    if (!status && (ended || is_whole(der))) { /* a block without its END line may be whole */
        if (too_small(&job->decoded) || (!is_whole(der) && pem_is_placeholder(block)))
            return;
        enum der_item shape = der_item_of(der);
        if (shape != DER_ITEM_NONE && shape != DER_ITEM_KEY)
            item = shape;
        if (!der_item_tell(&search->items, item, der, NULL) || item == DER_ITEM_CERTIFICATE)
            return; /* what is wrong with a certificate was told */
        detail = "a PEM block that does not hold what its label says";
    }
    if (!pem_is_placeholder(block))
        der_item_damaged(&search->items, item, status == CM_ELIMIT ? RECORD_ERROR_TOO_LARGE : RECORD_ERROR_MALFORMED,
                         ended ? detail : "a PEM block without its END line");
}

static void take_key(struct search *search, const struct pem_block *block, const char *kind, bool ended)
{
    struct job *job = search->job;
    bool encrypted = pem_label_is(block, "ENCRYPTED PRIVATE KEY") || pem_says_encrypted(block);
    if (ended && pem_decode(block, &job->scratch, &job->decoded) == 0) {
        if (!too_small(&job->decoded))
            key_tell(job, "pem", ++search->told->keys, kind, encrypted, buf_slice(&job->decoded));
    } else if (!pem_is_placeholder(block)) {
        der_item_damaged(&search->items, DER_ITEM_KEY, RECORD_ERROR_MALFORMED, "a private key block that is damaged");
    }
    cleanse(&job->scratch);
    cleanse(&job->decoded);
}

/* A label that nobody knows: what the bytes are tells, and where they are nothing of ours nothing is told. GnuTLS writes PKCS#12 so. */
static void take_unknown(struct search *search, const struct pem_block *block)
{
    struct job *job = search->job;
    if (pem_decode(block, &job->scratch, &job->decoded) == 0) {
        struct slice bytes = buf_slice(&job->decoded);
        enum der_item shape = der_item_of(bytes);
        if (sniff(bytes.data, bytes.size) == SNIFF_PKCS12)
            (void)pkcs12_read(job, bytes); /* it told what was wrong */
        else if (shape != DER_ITEM_NONE && shape != DER_ITEM_KEY)
            take_item(search, block, shape, true);
    }
    cleanse(&job->scratch);
    cleanse(&job->decoded);
}

bool search_take_pem(struct search *search, struct window *window, enum needle needle, size_t *at)
{
    struct pem_scan scan;
    struct pem_block block;
    (void)needle;
    pem_scan_init(&scan, window->bytes, window->size, window->last);
    enum pem_result result = pem_at(&scan, *at, &block);
    *at = scan.at;
    if (result == PEM_MORE || result == PEM_NONE)
        return result == PEM_NONE;
    bool ended = result == PEM_BLOCK;
    const char *kind = key_kind_of_label(block.label);
    enum der_item item = item_of_label(&block);
    if (kind) {
        take_key(search, &block, kind, ended);
        OPENSSL_cleanse(window->bytes + block.offset, scan.at - block.offset);
    } else if (item != DER_ITEM_NONE) {
        take_item(search, &block, item, ended);
    } else if (pem_label_is(&block, "ATTRIBUTE CERTIFICATE") && ended && !pem_is_placeholder(&block)) {
        der_item_damaged(&search->items, DER_ITEM_CERTIFICATE, RECORD_ERROR_UNSUPPORTED,
                         "an attribute certificate: it certifies no key");
    } else if (ended) {
        take_unknown(search, &block);
    }
    return true;
}
