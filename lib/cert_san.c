/* Walks the names of a certificate: GeneralNames of the subjectAltName extension (RFC 5280 §4.2.1.6).
 *
 * Owns nothing. The record writer and the collector call it. Names are handed out as they stand, NUL bytes and all: what looks like
 * bank.example to a C string must not look so in an inventory. */
#include "certmuster/cert.h"

#include <string.h>

#include "certmuster/der.h"
#include "certmuster/ipaddr.h"
#include "certmuster/limits.h"
#include "lib/cert_oid.h"

enum general_name {
    NAME_OTHER = 0xA0,
    NAME_EMAIL = 0x81,
    NAME_DNS = 0x82,
    NAME_X400 = 0xA3,
    NAME_DIRECTORY = 0xA4,
    NAME_EDI_PARTY = 0xA5,
    NAME_URI = 0x86,
    NAME_IP = 0x87,
    NAME_REGISTERED = 0x88,
};

void san_walk_init(struct san_walk *walk, const struct cert *cert)
{
    cursor_init_slice(&walk->rest, cert->san);
    walk->seen = 0;
}

/* An address of another size (a network with its mask, or nonsense) is told in hex and is no address. */
static enum san_kind read_ip(struct slice bytes, struct buf *text)
{
    char written[IPADDR_TEXT_SIZE];
    struct sockaddr_storage address = {0};
    struct ipaddr ip;
    if (bytes.size == 4) {
        ip = (struct ipaddr){.family = 4};
    } else if (bytes.size == 16) {
        ip = (struct ipaddr){.family = 6};
    } else {
        buf_append_str(text, "ip:");
        hex_append(text, bytes.data, bytes.size);
        return SAN_OTHER;
    }
    memcpy(ip.bytes, bytes.data, bytes.size);
    ipaddr_to_sockaddr(&ip, 0, &address); /* there and back: IPv4-mapped becomes IPv4 */
    ipaddr_from_sockaddr(&ip, (const struct sockaddr *)&address);
    ipaddr_write(written, &ip);
    buf_append_str(text, written);
    return SAN_IP;
}

/* OtherName ::= SEQUENCE { type-id OID, value [0] EXPLICIT ANY }: the OID, and the text when it is one (a Windows UPN is). */
static void read_other(struct slice contents, struct buf *text)
{
    enum { TAG_VALUE = 0xA0, TAG_UTF8 = 0x0C, TAG_IA5 = 0x16 };
    char dotted[64];
    struct cursor cursor, explicit_tag;
    struct der_element oid, value;
    buf_append_str(text, "other:");
    cursor_init_slice(&cursor, contents);
    if (der_next(&cursor, &oid) || oid.tag != DER_OID)
        return;
    oid_write(dotted, sizeof dotted, oid.contents);
    buf_append_str(text, dotted);
    if (der_expect(&cursor, TAG_VALUE, &explicit_tag) || der_next(&explicit_tag, &value))
        return;
    buf_append_char(text, ':');
    if (value.tag == TAG_UTF8 || value.tag == TAG_IA5)
        buf_append(text, value.contents.data, value.contents.size);
    else
        hex_append(text, value.whole.data, value.whole.size);
}

int san_walk_next(struct san_walk *walk, enum san_kind *kind, struct buf *text)
{
    struct der_element name;
    char dotted[64];
    buf_reset(text);
    if (cursor_at_end(&walk->rest))
        return 0;
    if (walk->seen++ >= CM_LIMIT_SAN_NAMES)
        return CM_ELIMIT;
    if (der_next(&walk->rest, &name))
        return CM_EMALFORMED;

    *kind = SAN_OTHER;
    switch (name.tag) {
    case NAME_DNS:
    case NAME_EMAIL:
    case NAME_URI:
        *kind = name.tag == NAME_DNS ? SAN_DNS : name.tag == NAME_EMAIL ? SAN_EMAIL : SAN_URI;
        buf_append(text, name.contents.data, name.contents.size);
        break;
    case NAME_IP:
        *kind = read_ip(name.contents, text);
        break;
    case NAME_DIRECTORY: /* EXPLICIT, since Name is a CHOICE */
        buf_append_str(text, "dirname:");
        if (name_rfc4514(name.contents, text))
            buf_append_str(text, "?");
        break;
    case NAME_REGISTERED:
        oid_write(dotted, sizeof dotted, name.contents);
        buf_appendf(text, "registered:%s", dotted);
        break;
    case NAME_OTHER:
        read_other(name.contents, text);
        break;
    case NAME_X400:
    case NAME_EDI_PARTY:
        buf_append_str(text, name.tag == NAME_X400 ? "x400:" : "edi:");
        hex_append(text, name.contents.data, name.contents.size);
        break;
    default:
        return CM_EMALFORMED;
    }
    return text->failed ? CM_ELIMIT : 1;
}
