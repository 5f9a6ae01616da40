/* The reader of PKCS#7 and CMS: SignedData and its relatives, walked with a BER cursor, since only sets of certificates and who signed are asked for.
 *
 * Owns the views of one SignedData at a time. format.c calls it for files, search.c for PEM and mail, the readers of signed programs for their
 * signatures. It verifies nothing and decrypts nothing. What is cut off is read up to the cut. */
#include "scanner/crawl/formats/cms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "certmuster/cert.h"
#include "certmuster/limits.h"
#include "scanner/crawl/formats/ber.h"
#include "scanner/crawl/formats/cms_signers.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/sequence.h"

enum {
    DEPTH_MAX = 6, /* ContentInfo within ContentInfo: a signed mail, signed again, with a time stamp */
    TAG_EXPLICIT = 0xA0,
    TAG_CERTIFICATES = 0xA0, /* [0] IMPLICIT CertificateSet */
    TAG_CRLS = 0xA1,         /* [1] IMPLICIT RevocationInfoChoices */
    TAG_UNSIGNED = 0xA1,     /* [1] IMPLICIT UnsignedAttributes of a SignerInfo */
    TAG_ORIGINATOR = 0xA0,   /* [0] IMPLICIT OriginatorInfo of EnvelopedData */
    TAG_CONSTRUCTED = 0x20,
};

struct telling {
    struct job *job;
    struct cms_use *use;
    bool cut; /* told once */
};

enum content_type { CONTENT_OTHER, CONTENT_DATA, CONTENT_SIGNED, CONTENT_ENVELOPED, CONTENT_NETSCAPE };

/* RFC 5652 §4 to §9, RFC 2315 §11, RFC 5083; netscape-cert-sequence 2.16.840.1.113730.2.5. */
static enum content_type type_of(struct slice oid)
{
    static const uint8_t pkcs7[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07};
    static const uint8_t smime[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x01};
    static const uint8_t netscape[] = {0x60, 0x86, 0x48, 0x01, 0x86, 0xF8, 0x42, 0x02, 0x05};
    if (oid.size == sizeof pkcs7 + 1 && memcmp(oid.data, pkcs7, sizeof pkcs7) == 0) {
        static const enum content_type types[] = {CONTENT_OTHER,     CONTENT_DATA,   CONTENT_SIGNED,
                                                  CONTENT_ENVELOPED, CONTENT_SIGNED, CONTENT_OTHER};
        uint8_t last = oid.data[sizeof pkcs7];
        return last < sizeof types / sizeof *types ? types[last] : CONTENT_OTHER;
    }
    if (oid.size == sizeof smime + 1 && memcmp(oid.data, smime, sizeof smime) == 0)
        return oid.data[sizeof smime] == 2 || oid.data[sizeof smime] == 23 ? CONTENT_ENVELOPED : CONTENT_OTHER;
    if (oid.size == sizeof netscape && memcmp(oid.data, netscape, sizeof netscape) == 0)
        return CONTENT_NETSCAPE;
    return CONTENT_OTHER;
}

/* As ber_expect; of an element that is cut off, what is there. */
static int open_element(struct telling *telling, struct cursor *cursor, uint8_t tag, struct cursor *out)
{
    struct cursor head = *cursor;
    uint8_t found, first, skipped;
    int status = ber_expect(cursor, tag, out);
    if (status != CM_ETRUNCATED || cursor_u8(&head, &found) || found != tag || cursor_u8(&head, &first))
        return status == CM_ETRUNCATED ? CM_EMALFORMED : status;
    for (unsigned i = first > 0x80 ? first & 0x7fu : 0; i; i--)
        if (cursor_u8(&head, &skipped))
            return CM_EMALFORMED;
    telling->cut = true;
    cursor_init(out, head.at, cursor_left(&head));
    cursor->at = cursor->end;
    return 0;
}

static void tell_crls(struct telling *telling, struct cursor set)
{
    struct der_element element;
    char entry[32];
    while (!ber_next(&set, &element)) {
        if (element.tag != DER_SEQUENCE) /* [1] OtherRevocationInfoFormat: OCSP */
            continue;
        snprintf(entry, sizeof entry, "crl-%zu", ++telling->use->crls);
        telling->job->ops->crl(telling->job->ops->context,
                               &(struct found_der){telling->use->format, entry, element.whole});
    }
}

/* Certificates in the order in which they stand, but for those that are told already. */
static void tell_sequence(struct telling *telling, struct cursor set, const char *role, const struct signers *told)
{
    struct sequence sequence;
    size_t first = telling->use->certificates;
    sequence_init(&sequence, telling->use->format, telling->job->ops);
    sequence.role = role;
    sequence.ordinal = first;
    while (!cursor_at_end(&set)) {
        struct der_element element;
        if (ber_next(&set, &element)) {
            if (!telling->cut) /* else the whole is told to be */
                sequence_damaged(&sequence, RECORD_ERROR_MALFORMED, "a certificate is cut");
            break;
        }
        if (element.tag != DER_SEQUENCE) { /* attribute certificates and other choices */
            sequence_skip(&sequence);
        } else if (told && signers_told(told, sequence.ordinal - first)) {
            sequence_skip(&sequence);
        } else if (sequence_add(&sequence, element.whole, NULL)) {
            continue; /* told as a problem */
        }
    }
    telling->use->certificates = sequence.ordinal;
    sequence_done(&sequence);
}

static void tell_content_info(struct telling *telling, struct cursor *cursor, unsigned depth);

/* Values of unsigned attributes that are a ContentInfo themselves: time stamps (RFC 3161, Microsoft's), nested signatures, archive time stamps.
 * Only those are looked for; a counter signature carries no certificates. certValues (RFC 5126 §6.3.3) is a bare sequence of them. */
static void tell_unsigned(struct telling *telling, struct cursor attributes, unsigned depth)
{
    static const uint8_t cert_values[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x02, 0x17};
    struct cursor attribute, values, list;
    struct der_element oid;
    while (!ber_expect(&attributes, DER_SEQUENCE, &attribute)) {
        if (ber_next(&attribute, &oid) || oid.tag != DER_OID || ber_expect(&attribute, DER_SET, &values))
            continue;
        bool bare =
            oid.contents.size == sizeof cert_values && memcmp(oid.contents.data, cert_values, sizeof cert_values) == 0;
        if (bare && !ber_expect(&values, DER_SEQUENCE, &list))
            tell_sequence(telling, list, telling->use->role ? telling->use->role : "signer", NULL);
        while (!bare && cms_begins((struct slice){values.at, cursor_left(&values)})) {
            struct cursor before = values;
            tell_content_info(telling, &values, depth + 1);
            if (values.at == before.at)
                break;
        }
    }
}

/* What was signed: another CMS, or anything. */
static void tell_contents(struct telling *telling, const struct der_element *encapsulated, unsigned depth)
{
    struct cursor inside, explicit_tag;
    struct der_element oid, content;
    struct buf joined;
    struct slice bytes;
    cursor_init_slice(&inside, encapsulated->contents);
    if (ber_next(&inside, &oid) || oid.tag != DER_OID || ber_expect(&inside, TAG_EXPLICIT, &explicit_tag) ||
        ber_next(&explicit_tag, &content))
        return;
    if ((content.tag & ~TAG_CONSTRUCTED) != DER_OCTET_STRING) { /* PKCS#7 1.5 puts a ContentInfo here as it is */
        cursor_init_slice(&inside, encapsulated->whole);
        if (type_of(oid.contents) != CONTENT_OTHER)
            tell_content_info(telling, &inside, depth + 1);
        return;
    }
    buf_init(&joined, CM_LIMIT_FILE_BYTES);
    if (!ber_octets(&content, &joined, &bytes) && bytes.size) {
        struct cursor nested;
        cursor_init_slice(&nested, bytes);
        if (cms_begins(bytes))
            tell_content_info(telling, &nested, depth + 1);
        else if (telling->use->contents)
            job_inside_memory(telling->job, "content", (uint8_t *)(uintptr_t)bytes.data, bytes.size);
    }
    if (joined.data)
        OPENSSL_cleanse(joined.data, joined.capacity);
    buf_done(&joined);
}

/* SignedData ::= SEQUENCE { version, digestAlgorithms SET, encapContentInfo, [0] certificates, [1] crls, signerInfos SET }, and
 * SignedAndEnvelopedData, which has one more SET in front. Members are told apart by their tags. */
static void tell_signed(struct telling *telling, struct cursor data, unsigned depth)
{
    struct cursor certificates = {0}, crls = {0}, infos = {0}, part;
    struct der_element element, encapsulated = {0};
    while (!cursor_at_end(&data)) {
        struct cursor before = data;
        uint8_t tag;
        if (ber_next(&data, &element)) {
            data = before;
            if (cursor_peek_u8(&data, &tag) || open_element(telling, &data, tag, &part))
                break;
            element = (struct der_element){.tag = tag, .contents = {part.at, cursor_left(&part)}};
        }
        cursor_init_slice(&part, element.contents);
        if (element.tag == DER_SEQUENCE && !encapsulated.whole.size)
            encapsulated = element;
        else if (element.tag == TAG_CERTIFICATES)
            certificates = part;
        else if (element.tag == TAG_CRLS)
            crls = part;
        else if (element.tag == DER_SET && encapsulated.tag)
            infos = part;
    }
    bool anybody = infos.at && !cursor_at_end(&infos);
    const char *role = telling->use->role ? telling->use->role : anybody ? "signer" : NULL;
    struct signers signers;
    signers_init(&signers, certificates, infos);
    signers_tell(&signers, telling->job, telling->use->format, role, telling->use->certificates);
    if (certificates.at)
        tell_sequence(telling, certificates, role, &signers);
    signers_done(&signers);
    if (crls.at)
        tell_crls(telling, crls);
    while (infos.at && !ber_expect(&infos, DER_SEQUENCE, &part))
        while (!ber_next(&part, &element))
            if (element.tag == TAG_UNSIGNED) {
                struct cursor attributes;
                cursor_init_slice(&attributes, element.contents);
                tell_unsigned(telling, attributes, depth);
            }
    if (encapsulated.whole.size)
        tell_contents(telling, &encapsulated, depth);
}

/* EnvelopedData, AuthenticatedData ::= SEQUENCE { version, [0] OriginatorInfo { [0] certificates, [1] crls } OPTIONAL, … */
static void tell_enveloped(struct telling *telling, struct cursor data)
{
    struct der_element version, element;
    struct cursor originator, part;
    if (ber_next(&data, &version) || ber_expect(&data, TAG_ORIGINATOR, &originator))
        return;
    while (!ber_next(&originator, &element)) {
        cursor_init_slice(&part, element.contents);
        if (element.tag == TAG_CERTIFICATES)
            tell_sequence(telling, part, telling->use->role, NULL);
        else if (element.tag == TAG_CRLS)
            tell_crls(telling, part);
    }
}

static void tell_content_info(struct telling *telling, struct cursor *cursor, unsigned depth)
{
    struct cursor info, explicit_tag, content;
    struct der_element oid;
    if (depth > DEPTH_MAX) {
        job_problem(telling->job, telling->use->format, NULL, RECORD_ERROR_LIMIT, "signatures are nested too deeply");
        return;
    }
    if (open_element(telling, cursor, DER_SEQUENCE, &info) || ber_next(&info, &oid) || oid.tag != DER_OID ||
        open_element(telling, &info, TAG_EXPLICIT, &explicit_tag))
        return;
    enum content_type type = type_of(oid.contents);
    if (type == CONTENT_DATA) {
        struct der_element whole = {DER_SEQUENCE, {oid.whole.data, (size_t)(info.at - oid.whole.data)}, {0}};
        whole.contents = whole.whole;
        tell_contents(telling, &whole, depth);
    } else if (!open_element(telling, &explicit_tag, DER_SEQUENCE, &content)) {
        if (type == CONTENT_SIGNED)
            tell_signed(telling, content, depth);
        else if (type == CONTENT_ENVELOPED)
            tell_enveloped(telling, content);
        else if (type == CONTENT_NETSCAPE)
            tell_sequence(telling, content, telling->use->role, NULL);
    }
}

bool cms_begins(struct slice head)
{
    struct cursor cursor;
    uint8_t tag, first, skipped;
    struct der_element oid;
    cursor_init_slice(&cursor, head);
    if (cursor_u8(&cursor, &tag) || tag != DER_SEQUENCE || cursor_u8(&cursor, &first) || first > 0x84)
        return false;
    for (unsigned i = first > 0x80 ? first & 0x7fu : 0; i; i--)
        if (cursor_u8(&cursor, &skipped))
            return false;
    return !ber_next(&cursor, &oid) && oid.tag == DER_OID && type_of(oid.contents) != CONTENT_OTHER &&
           !cursor_u8(&cursor, &tag) && tag == TAG_EXPLICIT;
}

int cms_tell(struct job *job, struct slice bytes, struct cms_use *use, size_t *length)
{
    struct telling telling = {job, use, false};
    struct cursor cursor;
    cursor_init_slice(&cursor, bytes);
    if (!cms_begins(bytes))
        return CM_EMALFORMED;
    tell_content_info(&telling, &cursor, 0);
    if (telling.cut)
        job_problem(job, use->format, NULL, RECORD_ERROR_MALFORMED, "a signature or bundle is cut");
    if (length)
        *length = cursor_offset(&cursor);
    return 0;
}

static bool identify(struct slice head)
{
    return cms_begins(head);
}

static enum format_result read_cms(struct job *job, struct content *content)
{
    struct cms_use use = {.format = "pkcs7", .contents = true};
    uint8_t *bytes;
    size_t size;
    if (content_whole(content, &bytes, &size))
        return FORMAT_NOT_MINE;
    return cms_tell(job, (struct slice){bytes, size}, &use, NULL) ? FORMAT_NOT_MINE : FORMAT_TAKEN;
}

const struct format format_cms = {"pkcs7", identify, read_cms, .search = false};
