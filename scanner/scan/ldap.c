/* Reads an LDAP ExtendedResponse. BER with definite lengths (RFC 4511 §5.1), which need not be the shortest: Active Directory always writes
 * four length bytes, so the strict reader of der.h will not do. */
#include "scanner/scan/ldap.h"

enum {
    TAG_INTEGER = 0x02,
    TAG_OCTET_STRING = 0x04,
    TAG_ENUMERATED = 0x0A,
    TAG_SEQUENCE = 0x30,
    TAG_EXTENDED_RESPONSE = 0x78,
    MESSAGE_BYTES_MAX = 16 * 1024,
};

/* One element with this tag. CM_ETRUNCATED leaves the cursor where it was. */
static int element(struct cursor *at, uint8_t wanted, struct cursor *contents)
{
    struct cursor ahead = *at;
    struct slice value;
    uint8_t tag, first, octet;
    if (cursor_u8(&ahead, &tag))
        return CM_ETRUNCATED;
    if (tag != wanted)
        return CM_EMALFORMED;
    if (cursor_u8(&ahead, &first))
        return CM_ETRUNCATED;
    uint32_t length = first;
    if (first & 0x80) {
        unsigned octets = first & 0x7f;
        if (octets == 0 || octets > 4)
            return CM_EMALFORMED;
        for (length = 0; octets > 0; octets--) {
            if (cursor_u8(&ahead, &octet))
                return CM_ETRUNCATED;
            length = length << 8 | octet;
        }
    }
    if (length > MESSAGE_BYTES_MAX)
        return CM_ELIMIT;
    if (cursor_slice(&ahead, length, &value))
        return CM_ETRUNCATED;
    cursor_init_slice(contents, value);
    *at = ahead;
    return 0;
}

static int small_number(struct cursor contents, uint32_t *out)
{
    uint32_t value = 0;
    uint8_t octet;
    if (cursor_at_end(&contents) || cursor_left(&contents) > 4)
        return CM_EMALFORMED;
    while (cursor_u8(&contents, &octet) == 0)
        value = value << 8 | octet;
    *out = value;
    return 0;
}

/* Inside a message that is whole, nothing can be waited for: what is cut there is malformed. */
static int inner(int code)
{
    return code == CM_ETRUNCATED ? CM_EMALFORMED : code;
}

int ldap_read_extended_response(struct slice bytes, struct ldap_response *out, size_t *used)
{
    struct cursor at, message, id, operation, code, matched, diagnostic;
    struct ldap_response response;
    uint32_t message_id;
    int answer;
    cursor_init_slice(&at, bytes);
    if ((answer = element(&at, TAG_SEQUENCE, &message)))
        return answer;
    if ((answer = element(&message, TAG_INTEGER, &id)) || (answer = small_number(id, &message_id)) ||
        (answer = element(&message, TAG_EXTENDED_RESPONSE, &operation)) ||
        (answer = element(&operation, TAG_ENUMERATED, &code)) || (answer = small_number(code, &response.result)) ||
        (answer = element(&operation, TAG_OCTET_STRING, &matched)) ||
        (answer = element(&operation, TAG_OCTET_STRING, &diagnostic)))
        return inner(answer);
    if (message_id >
        1) /* 1 answers us; 0 is the notice of disconnection (RFC 4511 §4.4.1), which has a resultCode as well */
        return CM_EMALFORMED;
    if (message_id == 0 && response.result == 0)
        return CM_EMALFORMED;
    response.message = (struct slice){diagnostic.at, cursor_left(&diagnostic)};
    *out = response;
    *used = cursor_offset(&at);
    return 0;
}
