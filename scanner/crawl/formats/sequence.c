/* Puts consecutive certificates together into chains, one at a time, and tells each chain once it is known to be whole.
 *
 * Owns copies of the open chain's certificates, at most a hundred. search.c, cms.c and certificates.c feed it. A certificate whose shape is right but whose inside cannot be
 * read is told like any other (the inventory keeps it as undecodable); other bytes are a problem. */
#include "scanner/crawl/formats/sequence.h"

#include <stdio.h>

#include "certmuster/cert.h"
#include "scanner/crawl/formats/ber.h"
#include "scanner/crawl/formats/sniff.h"

void sequence_init(struct sequence *sequence, const char *format, const struct found_ops *ops)
{
    *sequence = (struct sequence){.format = format, .ops = ops};
    buf_init(&sequence->bytes, (size_t)CM_LIMIT_CHAIN_CERTS * CM_LIMIT_CERT_BYTES);
}

static struct slice member(const struct sequence *sequence, size_t index)
{
    size_t start = index ? sequence->ends[index - 1] : 0;
    return (struct slice){(const uint8_t *)sequence->bytes.data + start, sequence->ends[index] - start};
}

static void tell(struct sequence *sequence)
{
    struct slice der[CM_LIMIT_CHAIN_CERTS];
    char entry[24];
    if (!sequence->count)
        return;
    for (size_t i = 0; i < sequence->count; i++)
        der[i] = member(sequence, i);
    snprintf(entry, sizeof entry, "%zu", sequence->first);
    sequence->ops->chain(
        sequence->ops->context,
        &(struct found_chain){
            .format = sequence->format, .entry = entry, .der = der, .count = sequence->count, .role = sequence->role});
    sequence->count = 0;
    buf_reset(&sequence->bytes);
}

/* A self-issued certificate ends a chain: what follows a root is another entry of the bundle, even when it bears the same name. */
static bool continues(const struct sequence *sequence, const struct cert *next)
{
    struct cert last;
    struct slice der;
    if (!sequence->count || sequence->count == CM_LIMIT_CHAIN_CERTS)
        return false;
    der = member(sequence, sequence->count - 1);
    return !cert_parse(der.data, der.size, &last, NULL) && !last.self_issued && cert_issued_by(&last, next);
}

static void append(struct sequence *sequence, struct slice der)
{
    if (!sequence->count)
        sequence->first = sequence->ordinal;
    buf_append(&sequence->bytes, der.data, der.size);
    sequence->ends[sequence->count++] = sequence->bytes.size;
}

void sequence_damaged(struct sequence *sequence, enum record_error error, const char *detail)
{
    char entry[24];
    tell(sequence);
    snprintf(entry, sizeof entry, "%zu", ++sequence->ordinal);
    sequence->ops->problem(sequence->ops->context, &(struct found_problem){sequence->format, entry, error, detail});
}

void sequence_break(struct sequence *sequence)
{
    tell(sequence);
}

void sequence_skip(struct sequence *sequence)
{
    tell(sequence);
    sequence->ordinal++;
}

/* The certificate at the start of bytes, as it stands or, from BER, as DER has it; *length is what it takes of bytes. CM_ETRUNCATED,
 * CM_EMALFORMED when there is none, CM_ELIMIT. *parsed: *cert is filled. */
static int find(struct slice bytes, struct buf *converted, struct slice *der, size_t *length, bool *parsed,
                struct cert *cert)
{
    int status = cert_length(bytes.data, bytes.size, length);
    if (!status && *length > CM_LIMIT_CERT_BYTES)
        return CM_ELIMIT;
    *der = (struct slice){bytes.data, *length};
    *parsed = !status && !cert_parse(der->data, der->size, cert, NULL);
    if (*parsed || (!status && sniff_certificate_shape(der->data, der->size)))
        return 0;
    if (status == CM_ETRUNCATED)
        return status;
    struct cursor cursor;
    struct der_element element;
    cursor_init_slice(&cursor, bytes);
    status = ber_next(&cursor, &element);
    if (status)
        return status;
    if (element.whole.size > CM_LIMIT_CERT_BYTES)
        return CM_ELIMIT;
    if (element.tag != DER_SEQUENCE || ber_to_der(element.whole, converted))
        return CM_EMALFORMED;
    *der = buf_slice(converted);
    *length = element.whole.size;
    *parsed = !cert_parse(der->data, der->size, cert, NULL);
    return *parsed || sniff_certificate_shape(der->data, der->size) ? 0 : CM_EMALFORMED;
}

int sequence_add(struct sequence *sequence, struct slice bytes, size_t *length)
{
    struct cert cert;
    struct buf converted;
    struct slice der;
    size_t whole = 0;
    bool parsed = false;
    buf_init(&converted, CM_LIMIT_CERT_BYTES);
    int status = find(bytes, &converted, &der, &whole, &parsed, &cert);
    if (status) {
        buf_done(&converted);
        sequence_damaged(sequence, status == CM_ELIMIT ? RECORD_ERROR_TOO_LARGE : RECORD_ERROR_MALFORMED,
                         status == CM_ELIMIT       ? "a certificate of more than 256 KiB"
                         : status == CM_ETRUNCATED ? "a certificate is cut"
                                                   : "no certificate in these bytes");
        return status == CM_ELIMIT ? status : CM_EMALFORMED;
    }
    if (!parsed || !continues(sequence, &cert))
        tell(sequence);
    sequence->ordinal++;
    append(sequence, der);
    if (!parsed)
        tell(sequence); /* nothing is known of who issued it */
    if (length)
        *length = whole;
    buf_done(&converted);
    return 0;
}

void sequence_done(struct sequence *sequence)
{
    tell(sequence);
    buf_done(&sequence->bytes);
}
