/* Reads stapled OCSP responses and lists of SCTs, as far as what a sighting says of them.
 *
 * Owns nothing. Believes nothing either: who signed the response, and whether it speaks of the leaf at all, is for whoever has the
 * chain and trusts somebody. */
#include "scanner/tls/staple.h"

#include <stdbool.h>
#include <string.h>

#include "certmuster/der.h"

enum {
    DER_ENUMERATED = 0x0a,
    CONTEXT_0 = 0xa0, /* [0] EXPLICIT: responseBytes, version, nextUpdate */
    STATUS_GOOD = 0x80,
    STATUS_REVOKED = 0xa1,
    STATUS_UNKNOWN = 0x82,
};

/* 1.3.6.1.5.5.7.48.1.1, id-pkix-ocsp-basic */
static const uint8_t basic_response[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};

/* OCSPResponseStatus (RFC 6960 §4.2.1); 4 is not used. */
static const char *const response_status[] = {"successful", "malformed_request", "internal_error", "try_later",
                                              NULL,         "sig_required",      "unauthorized"};

/* The next element, left as it is. */
static int skip_element(struct cursor *at)
{
    struct der_element element;
    return der_next(at, &element);
}

static bool next_is(const struct cursor *at, uint8_t tag)
{
    uint8_t found;
    return cursor_peek_u8(at, &found) == 0 && found == tag;
}

static int read_general_time(struct cursor *at, int64_t *seconds)
{
    struct der_element element;
    if (der_next(at, &element) || element.tag != DER_GENERALIZED_TIME)
        return CM_EMALFORMED;
    return der_time(&element, seconds);
}

/* SingleResponse ::= SEQUENCE { certID, certStatus, thisUpdate, [0] nextUpdate OPTIONAL, [1] … } */
static int read_single_response(struct cursor at, struct staple *out)
{
    struct der_element status;
    struct cursor next_update;
    if (skip_element(&at) || der_next(&at, &status))
        return CM_EMALFORMED;
    if (status.tag == STATUS_GOOD)
        out->status = "good";
    else if (status.tag == STATUS_REVOKED)
        out->status = "revoked";
    else if (status.tag == STATUS_UNKNOWN)
        out->status = "unknown";
    else
        return CM_EMALFORMED;
    if (read_general_time(&at, &out->this_update))
        return CM_EMALFORMED;
    if (!next_is(&at, CONTEXT_0))
        return 0;
    if (der_expect(&at, CONTEXT_0, &next_update) || read_general_time(&next_update, &out->next_update) ||
        !cursor_at_end(&next_update))
        return CM_EMALFORMED;
    return 0;
}

/* ResponseData ::= SEQUENCE { [0] version DEFAULT v1, responderID, producedAt, SEQUENCE OF SingleResponse, [1] … } */
static int read_response_data(struct cursor at, struct staple *out)
{
    struct cursor responses, first;
    int64_t produced_at;
    if (next_is(&at, CONTEXT_0) && skip_element(&at))
        return CM_EMALFORMED;
    if (skip_element(&at) || read_general_time(&at, &produced_at) || der_expect(&at, DER_SEQUENCE, &responses) ||
        der_expect(&responses, DER_SEQUENCE, &first))
        return CM_EMALFORMED;
    return read_single_response(first, out);
}

/* ResponseBytes ::= SEQUENCE { OID, OCTET STRING } around BasicOCSPResponse ::= SEQUENCE { ResponseData, … } */
static int read_response_bytes(struct cursor at, struct staple *out)
{
    struct cursor bytes, type, octets, basic, data;
    if (der_expect(&at, DER_SEQUENCE, &bytes) || !cursor_at_end(&at) || der_expect(&bytes, DER_OID, &type) ||
        der_expect(&bytes, DER_OCTET_STRING, &octets) || !cursor_at_end(&bytes))
        return CM_EMALFORMED;
    if (cursor_left(&type) != sizeof basic_response || memcmp(type.at, basic_response, sizeof basic_response) != 0)
        return CM_EUNSUPPORTED;
    if (der_expect(&octets, DER_SEQUENCE, &basic) || !cursor_at_end(&octets) || der_expect(&basic, DER_SEQUENCE, &data))
        return CM_EMALFORMED;
    return read_response_data(data, out);
}

/* OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, [0] responseBytes OPTIONAL } */
static int read_response(struct slice ocsp, struct staple *out)
{
    struct cursor at, response, status, bytes;
    uint8_t number;
    cursor_init_slice(&at, ocsp);
    if (der_expect(&at, DER_SEQUENCE, &response) || !cursor_at_end(&at) ||
        der_expect(&response, DER_ENUMERATED, &status) || cursor_u8(&status, &number) || !cursor_at_end(&status))
        return CM_EMALFORMED;
    if (number >= sizeof response_status / sizeof *response_status || !response_status[number])
        return CM_EMALFORMED;
    if (number != 0) {
        out->status = response_status[number];
        return 0;
    }
    if (der_expect(&response, CONTEXT_0, &bytes) || !cursor_at_end(&response))
        return CM_EMALFORMED;
    return read_response_bytes(bytes, out);
}

void staple_read(struct slice ocsp, struct staple *out)
{
    static const struct staple none = {NULL, INT64_MIN, INT64_MIN};
    struct staple found = none;
    if (ocsp.size && read_response(ocsp, &found)) {
        found = none;
        found.status = "malformed";
    }
    *out = found;
}

int sct_count(struct slice list, unsigned *count)
{
    struct cursor at, entries, one;
    unsigned found = 0;
    cursor_init_slice(&at, list);
    if (cursor_vector16(&at, &entries) || !cursor_at_end(&at))
        return CM_EMALFORMED;
    while (!cursor_at_end(&entries)) {
        if (cursor_vector16(&entries, &one) || cursor_at_end(&one))
            return CM_EMALFORMED;
        found++;
    }
    *count = found;
    return 0;
}
