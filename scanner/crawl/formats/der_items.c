/* One DER element after the other: certificate, request, revocation list, signature, OCSP response, time stamp, private key.
 *
 * Owns the open chain of certificates. der.c feeds it files, search.c the blocks of PEM. Shapes are the loosest that tell one from another; who
 * decodes then says what is broken inside. */
#include "scanner/crawl/formats/der_items.h"

#include <stdio.h>
#include <string.h>

#include "scanner/crawl/formats/ber.h"
#include "scanner/crawl/formats/cms.h"
#include "scanner/crawl/formats/key.h"
#include "scanner/crawl/formats/sniff.h"

void der_items_init(struct der_items *items, struct job *job, const char *format, struct content_ordinals *told)
{
    *items = (struct der_items){.job = job, .format = format, .told = told};
    sequence_init(&items->certificates, format, job->ops);
    items->certificates.ordinal = told->certificates;
}

void der_items_done(struct der_items *items)
{
    items->told->certificates = items->certificates.ordinal;
    sequence_done(&items->certificates);
}

/* CertificationRequestInfo { INTEGER 0, subject SEQUENCE, SPKI { AlgorithmIdentifier { OID … */
static bool is_request(struct cursor body)
{
    struct cursor spki, algorithm;
    struct der_element version, subject, oid;
    return !der_next(&body, &version) && version.tag == DER_INTEGER && version.contents.size == 1 &&
           !der_next(&body, &subject) && subject.tag == DER_SEQUENCE && !der_expect(&body, DER_SEQUENCE, &spki) &&
           !der_expect(&spki, DER_SEQUENCE, &algorithm) && !der_next(&algorithm, &oid) && oid.tag == DER_OID;
}

/* TBSCertList { [INTEGER], AlgorithmIdentifier { OID …, issuer SEQUENCE, thisUpdate … */
static bool is_list(struct cursor body)
{
    struct cursor algorithm;
    struct der_element element, oid;
    struct cursor trial = body;
    if (!der_next(&trial, &element) && element.tag == DER_INTEGER)
        body = trial;
    return !der_expect(&body, DER_SEQUENCE, &algorithm) && !der_next(&algorithm, &oid) && oid.tag == DER_OID &&
           !der_next(&body, &element) && element.tag == DER_SEQUENCE && !der_next(&body, &element) &&
           (element.tag == DER_UTC_TIME || element.tag == DER_GENERALIZED_TIME);
}

/* OCSPResponse { ENUMERATED, [0] { ResponseBytes { id-pkix-ocsp-basic, OCTET STRING (RFC 6960 §4.2.1) */
static bool open_ocsp(struct cursor response, struct cursor *basic)
{
    enum { TAG_ENUMERATED = 0x0A, TAG_BYTES = 0xA0 };
    static const uint8_t id_basic[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};
    struct der_element status, oid;
    struct cursor explicit_tag, bytes, octets;
    return !der_next(&response, &status) && status.tag == TAG_ENUMERATED &&
           !der_expect(&response, TAG_BYTES, &explicit_tag) && !der_expect(&explicit_tag, DER_SEQUENCE, &bytes) &&
           !der_next(&bytes, &oid) && slice_equal(oid.contents, (struct slice){id_basic, sizeof id_basic}) &&
           !der_expect(&bytes, DER_OCTET_STRING, &octets) && !der_expect(&octets, DER_SEQUENCE, basic);
}

/* TimeStampResp { PKIStatusInfo { INTEGER, … }, TimeStampToken } (RFC 3161 §2.4.2): the token is a CMS. */
static bool open_stamp(struct cursor response, struct slice *token)
{
    struct cursor status;
    struct der_element number;
    return !der_expect(&response, DER_SEQUENCE, &status) && !der_next(&status, &number) && number.tag == DER_INTEGER &&
           number.contents.size == 1 && !cursor_slice(&response, cursor_left(&response), token) && cms_begins(*token);
}

enum der_item der_item_of(struct slice bytes)
{
    struct slice token;
    struct cursor cursor, sequence, body, basic;
    bool encrypted;
    if (sniff(bytes.data, bytes.size) == SNIFF_CERTIFICATE)
        return DER_ITEM_CERTIFICATE;
    if (cms_begins(bytes))
        return DER_ITEM_CMS;
    cursor_init_slice(&cursor, bytes);
    if (der_expect(&cursor, DER_SEQUENCE, &sequence))
        return DER_ITEM_NONE;
    struct cursor inside = sequence;
    if (!der_expect(&inside, DER_SEQUENCE, &body) && is_request(body))
        return DER_ITEM_REQUEST;
    inside = sequence;
    if (!der_expect(&inside, DER_SEQUENCE, &body) && is_list(body))
        return DER_ITEM_CRL;
    if (open_ocsp(sequence, &basic))
        return DER_ITEM_OCSP;
    if (open_stamp(sequence, &token))
        return DER_ITEM_STAMP;
    return key_kind_of_der(bytes, &encrypted) ? DER_ITEM_KEY : DER_ITEM_NONE;
}

/* BasicOCSPResponse { tbsResponseData, AlgorithmIdentifier, BIT STRING, [0] SEQUENCE OF Certificate }: they sign. */
static void tell_ocsp(struct der_items *items, struct cursor basic)
{
    enum { TAG_CERTIFICATES = 0xA0 };
    struct sequence sequence;
    struct der_element element;
    struct cursor explicit_tag, list;
    sequence_break(&items->certificates);
    sequence_init(&sequence, items->format, items->job->ops);
    sequence.role = "signer";
    sequence.ordinal = items->certificates.ordinal;
    while (!der_next(&basic, &element)) {
        if (element.tag != TAG_CERTIFICATES)
            continue;
        cursor_init_slice(&explicit_tag, element.contents);
        if (der_expect(&explicit_tag, DER_SEQUENCE, &list))
            break;
        while (!ber_next(&list, &element))
            if (sequence_add(&sequence, element.whole, NULL))
                continue; /* told */
    }
    items->certificates.ordinal = sequence.ordinal;
    sequence_done(&sequence);
}

static int tell_cms(struct der_items *items, struct slice bytes, size_t *length)
{
    sequence_break(&items->certificates);
    struct cms_use use = {.format = strcmp(items->format, "der") == 0 ? "pkcs7" : items->format,
                          .certificates = items->certificates.ordinal,
                          .crls = items->told->crls,
                          .contents = items->contents};
    int status = cms_tell(items->job, bytes, &use, length);
    items->certificates.ordinal = use.certificates;
    items->told->crls = use.crls;
    return status;
}

int der_item_tell(struct der_items *items, enum der_item item, struct slice bytes, size_t *length)
{
    const struct found_ops *ops = items->job->ops;
    struct cursor cursor, sequence, basic;
    struct slice token;
    char entry[32];
    size_t ignored;
    length = length ? length : &ignored;
    if (item == DER_ITEM_CERTIFICATE)
        return sequence_add(&items->certificates, bytes, length);
    if (item == DER_ITEM_CMS)
        return tell_cms(items, bytes, length);
    cursor_init_slice(&cursor, bytes);
    struct cursor start = cursor;
    if (der_expect(&cursor, DER_SEQUENCE, &sequence))
        return CM_EMALFORMED;
    *length = (size_t)(cursor.at - start.at);
    struct found_der found = {items->format, entry, {bytes.data, *length}};
    bool encrypted = false;
    const char *kind;
    switch (item) {
    case DER_ITEM_REQUEST:
        snprintf(entry, sizeof entry, "csr-%zu", ++items->told->requests);
        ops->request(ops->context, &found);
        return 0;
    case DER_ITEM_CRL:
        snprintf(entry, sizeof entry, "crl-%zu", ++items->told->crls);
        ops->crl(ops->context, &found);
        return 0;
    case DER_ITEM_OCSP:
        if (!open_ocsp(sequence, &basic))
            return CM_EMALFORMED;
        tell_ocsp(items, basic);
        return 0;
    case DER_ITEM_STAMP:
        return open_stamp(sequence, &token) ? tell_cms(items, token, &ignored) : CM_EMALFORMED;
    case DER_ITEM_KEY:
        kind = key_kind_of_der(found.der, &encrypted);
        if (!kind)
            return CM_EMALFORMED;
        key_tell(items->job, items->format, ++items->told->keys, kind, encrypted, found.der);
        return 0;
    default:
        return CM_EMALFORMED;
    }
}

void der_item_damaged(struct der_items *items, enum der_item item, enum record_error error, const char *detail)
{
    char entry[32];
    if (item == DER_ITEM_REQUEST)
        snprintf(entry, sizeof entry, "csr-%zu", ++items->told->requests);
    else if (item == DER_ITEM_CRL)
        snprintf(entry, sizeof entry, "crl-%zu", ++items->told->crls);
    else if (item == DER_ITEM_KEY)
        snprintf(entry, sizeof entry, "key-%zu", ++items->told->keys);
    else {
        sequence_damaged(&items->certificates, error, detail);
        return;
    }
    job_problem(items->job, items->format, entry, error, detail);
}
