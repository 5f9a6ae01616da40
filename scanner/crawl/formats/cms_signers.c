/* Finds the signers of a SignedData: SignerInfo names its certificate by issuer and serial or by key identifier (RFC 5652 §5.3), and the set's
 * order means nothing. Owns an array over one set. cms.c calls it. */
#include "scanner/crawl/formats/cms_signers.h"

#include <stdio.h>
#include <stdlib.h>

#include "scanner/crawl/formats/ber.h"

enum {
    CERTIFICATES_MAX = 1024, /* of a signed set that are looked through; the rest are told in their order */
    SIGNERS_MAX = 64,
    CHAIN_MAX = 16, /* cross-signed loops end here */
    TAG_KEY_ID = 0x80,
};

void signers_init(struct signers *signers, struct cursor certificates, struct cursor infos)
{
    struct der_element element;
    *signers = (struct signers){.infos = infos};
    if (!certificates.at || !infos.at || cursor_at_end(&infos))
        return;
    size_t capacity = 0;
    while (signers->count < CERTIFICATES_MAX && !ber_next(&certificates, &element)) {
        if (signers->count == capacity) {
            capacity = capacity ? capacity * 2 : 8;
            signers->certificates = cm_realloc(signers->certificates, capacity * sizeof *signers->certificates);
        }
        struct signers_certificate *certificate = &signers->certificates[signers->count++];
        *certificate = (struct signers_certificate){0};
        certificate->readable = cert_parse(element.whole.data, element.whole.size, &certificate->parsed, NULL) == 0;
    }
}

void signers_done(struct signers *signers)
{
    free(signers->certificates);
    *signers = (struct signers){0};
}

bool signers_told(const struct signers *signers, size_t index)
{
    return index < signers->count && signers->certificates[index].told;
}

static struct signers_certificate *named(struct signers *signers, struct cursor info)
{
    struct der_element version, id, issuer = {0}, serial = {0};
    struct cursor inside;
    if (ber_next(&info, &version) || ber_next(&info, &id))
        return NULL;
    if (id.tag == DER_SEQUENCE) {
        cursor_init_slice(&inside, id.contents);
        if (ber_next(&inside, &issuer) || ber_next(&inside, &serial))
            return NULL;
    } else if (id.tag != TAG_KEY_ID) {
        return NULL;
    }
    for (size_t i = 0; i < signers->count; i++) {
        struct signers_certificate *certificate = &signers->certificates[i];
        const struct cert *parsed = &certificate->parsed;
        if (certificate->readable &&
            (issuer.tag ? slice_equal(parsed->issuer, issuer.whole) && slice_equal(parsed->serial, serial.contents)
                        : parsed->subject_key_id.size && slice_equal(parsed->subject_key_id, id.contents)))
            return certificate;
    }
    return NULL;
}

static struct signers_certificate *issuer_of(struct signers *signers, const struct signers_certificate *certificate)
{
    if (certificate->parsed.self_issued)
        return NULL;
    for (size_t i = 0; i < signers->count; i++) {
        struct signers_certificate *issuer = &signers->certificates[i];
        if (issuer != certificate && issuer->readable && cert_issued_by(&certificate->parsed, &issuer->parsed))
            return issuer;
    }
    return NULL;
}

void signers_tell(struct signers *signers, struct job *job, const char *format, const char *role, size_t ordinal)
{
    struct cursor info;
    unsigned count = 0;
    while (signers->count && count++ < SIGNERS_MAX && !ber_expect(&signers->infos, DER_SEQUENCE, &info)) {
        struct signers_certificate *at = named(signers, info), *leaf = at;
        struct slice chain[CHAIN_MAX];
        char entry[32];
        size_t size = 0;
        if (!leaf || leaf->told)
            continue;
        for (; at && size < CHAIN_MAX; at = issuer_of(signers, at)) {
            at->told = true;
            chain[size++] = at->parsed.der;
        }
        snprintf(entry, sizeof entry, "%zu", ordinal + 1 + (size_t)(leaf - signers->certificates));
        job->ops->chain(job->ops->context, &(struct found_chain){format, entry, chain, size, role});
    }
}
