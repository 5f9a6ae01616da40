/* Distinguished names as text (RFC 4514), from the string types that certificates carry (RFC 5280 §4.1.2.4, X.690 §8.23).
 *
 * Owns the table of attribute names. cert_san.c calls it too. It escapes what RFC 4514 asks for, and ASCII controls as \XX; making the text
 * safe for a medium is the medium's escaper's work. */
#include "certmuster/cert.h"

#include <string.h>

#include "certmuster/der.h"
#include "certmuster/utf8.h"
#include "lib/cert_oid.h"

enum string_tag {
    TAG_UTF8 = 0x0C,
    TAG_NUMERIC = 0x12,
    TAG_PRINTABLE = 0x13,
    TAG_T61 = 0x14,
    TAG_IA5 = 0x16,
    TAG_VISIBLE = 0x1A,
    TAG_UNIVERSAL = 0x1C,
    TAG_BMP = 0x1E,
};

/* The nine of RFC 4514 §3, and others by the names that people know from OpenSSL. The rest is told by number. */
static const struct {
    const char *oid, *name;
} attributes[] = {
    {"2.5.4.3", "CN"},
    {"2.5.4.10", "O"},
    {"2.5.4.6", "C"},
    {"2.5.4.11", "OU"},
    {"2.5.4.7", "L"},
    {"2.5.4.8", "ST"},
    {"2.5.4.9", "STREET"},
    {"0.9.2342.19200300.100.1.25", "DC"},
    {"0.9.2342.19200300.100.1.1", "UID"},
    {"1.2.840.113549.1.9.1", "emailAddress"},
    {"2.5.4.5", "serialNumber"},
    {"2.5.4.4", "SN"},
    {"2.5.4.42", "GN"},
    {"2.5.4.12", "title"},
    {"2.5.4.13", "description"},
    {"2.5.4.15", "businessCategory"},
    {"2.5.4.17", "postalCode"},
    {"2.5.4.20", "telephoneNumber"},
    {"2.5.4.41", "name"},
    {"2.5.4.43", "initials"},
    {"2.5.4.44", "generationQualifier"},
    {"2.5.4.46", "dnQualifier"},
    {"2.5.4.65", "pseudonym"},
    {"2.5.4.97", "organizationIdentifier"},
    {"1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"},
    {"1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"},
    {"1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"},
    {"1.2.840.113549.1.9.2", "unstructuredName"},
    {"1.2.840.113549.1.9.8", "unstructuredAddress"},
};

static uint32_t read_unit(struct cursor *cursor, unsigned size)
{
    uint16_t two;
    uint32_t four;
    uint8_t one;
    if (size == 4)
        return cursor_u32(cursor, &four) ? UTF8_REPLACEMENT : four;
    if (size == 2)
        return cursor_u16(cursor, &two) ? UTF8_REPLACEMENT : two;
    return cursor_u8(cursor, &one) ? UTF8_REPLACEMENT : one;
}

/* The next character of a string in one of the forms below; bytes that make no character read as U+FFFD. */
static uint32_t next_character(struct cursor *cursor, uint8_t tag)
{
    uint32_t code;
    if (tag == TAG_UTF8) {
        unsigned length = utf8_decode((const char *)cursor->at, cursor_left(cursor), &code);
        if (cursor_skip(cursor, length ? length : 1) || !length)
            return UTF8_REPLACEMENT;
        return code;
    }
    unsigned size = tag == TAG_UNIVERSAL ? 4 : tag == TAG_BMP ? 2 : 1;
    if (cursor_left(cursor) < size) {
        cursor->at = cursor->end;
        return UTF8_REPLACEMENT;
    }
    code = read_unit(cursor, size);
    if (size == 2 && code >= 0xD800 &&
        code <= 0xDBFF) { /* BMPString forbids surrogates; some write UTF-16 all the same */
        struct cursor trial = *cursor;
        uint32_t low = cursor_left(&trial) < 2 ? 0 : read_unit(&trial, 2);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *cursor = trial;
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return code;
}

/* T61String is read as Latin-1, as everybody does: what issuers meant by it was never T.61. */
static bool is_text(uint8_t tag)
{
    switch (tag) {
    case TAG_UTF8:
    case TAG_NUMERIC:
    case TAG_PRINTABLE:
    case TAG_T61:
    case TAG_IA5:
    case TAG_VISIBLE:
    case TAG_UNIVERSAL:
    case TAG_BMP:
        return true;
    default:
        return false;
    }
}

static void append_plain(struct slice text, uint8_t tag, struct buf *out)
{
    struct cursor cursor;
    cursor_init_slice(&cursor, text);
    while (!cursor_at_end(&cursor) && !out->failed)
        utf8_append(out, next_character(&cursor, tag));
}

/* Nothing but letters, digits, dots and hyphens in a form of one byte each: what nearly all values are. */
static bool is_simple(struct slice text, uint8_t tag)
{
    if (tag == TAG_UNIVERSAL || tag == TAG_BMP)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '-' && c <= '9' && c != '/')))
            return false;
    }
    return true;
}

static bool is_special(uint32_t code)
{
    return code == '"' || code == '+' || code == ',' || code == ';' || code == '<' || code == '>' || code == '\\';
}

/* RFC 4514 §2.4. */
static void append_escaped(struct slice text, uint8_t tag, struct buf *out)
{
    struct cursor cursor;
    if (is_simple(text, tag)) {
        buf_append(out, text.data, text.size);
        return;
    }
    cursor_init_slice(&cursor, text);
    for (bool first = true; !cursor_at_end(&cursor) && !out->failed; first = false) {
        uint32_t code = next_character(&cursor, tag);
        bool at_edge = first || cursor_at_end(&cursor);
        if (code < 0x20 || code == 0x7F) {
            buf_appendf(out, "\\%02X", (unsigned)code);
            continue;
        }
        if (is_special(code) || (code == '#' && first) || (code == ' ' && at_edge))
            buf_append_char(out, '\\');
        utf8_append(out, code);
    }
}

/* AttributeTypeAndValue ::= SEQUENCE { type OID, value ANY } */
static int read_attribute(struct cursor *set, struct der_element *oid, struct der_element *value)
{
    struct cursor sequence;
    if (der_expect(set, DER_SEQUENCE, &sequence) || der_next(&sequence, oid) || oid->tag != DER_OID ||
        der_next(&sequence, value) || !cursor_at_end(&sequence))
        return CM_EMALFORMED;
    return 0;
}

static void append_attribute(const struct der_element *oid, const struct der_element *value, struct buf *out)
{
    char dotted[64];
    const char *name = NULL;
    oid_write(dotted, sizeof dotted, oid->contents);
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes && !name; i++)
        if (strcmp(attributes[i].oid, dotted) == 0)
            name = attributes[i].name;
    buf_append_str(out, name ? name : dotted);
    buf_append_char(out, '=');
    if (name && is_text(value->tag)) {
        append_escaped(value->contents, value->tag, out);
    } else {
        buf_append_char(out, '#');
        hex_append(out, value->whole.data, value->whole.size);
    }
}

static int append_rdn(struct slice rdn, struct buf *out)
{
    struct cursor set;
    cursor_init_slice(&set, rdn);
    for (bool first = true; !cursor_at_end(&set); first = false) {
        struct der_element oid, value;
        int status = read_attribute(&set, &oid, &value);
        if (status)
            return status;
        if (!first)
            buf_append_char(out, '+');
        append_attribute(&oid, &value, out);
    }
    return 0;
}

enum {
    RDNS_MAX = 2048
}; /* real names have fewer than twenty, hostile test certificates 513; past this a name counts as broken */

int name_rfc4514(struct slice name, struct buf *out)
{
    struct cursor cursor, sequence;
    struct slice rdns[RDNS_MAX];
    size_t count = 0;
    int status = 0;
    cursor_init_slice(&cursor, name);
    if (der_expect(&cursor, DER_SEQUENCE, &sequence))
        return CM_EMALFORMED;
    while (!status && !cursor_at_end(&sequence)) {
        struct der_element rdn;
        if (count == RDNS_MAX || der_next(&sequence, &rdn) || rdn.tag != DER_SET)
            status = CM_EMALFORMED;
        else
            rdns[count++] = rdn.contents;
    }
    for (bool first = true; count;) { /* the most specific stands last in DER */
        if (!rdns[--count].size)
            continue; /* an empty SET, which RFC 5280 forbids and some issue, has no text */
        if (!first)
            buf_append_char(out, ',');
        first = false;
        if (append_rdn(rdns[count], out))
            status = CM_EMALFORMED;
    }
    return status;
}

int name_common_name(struct slice name, struct buf *out)
{
    static const uint8_t common_name[] = {0x55, 0x04, 0x03};
    struct cursor cursor, sequence, set;
    struct der_element found = {0};
    cursor_init_slice(&cursor, name);
    if (der_expect(&cursor, DER_SEQUENCE, &sequence))
        return CM_EMALFORMED;
    while (!cursor_at_end(&sequence) && !der_expect(&sequence, DER_SET, &set)) {
        struct der_element oid, value;
        while (!cursor_at_end(&set) && !read_attribute(&set, &oid, &value))
            if (slice_equal(oid.contents, (struct slice){common_name, sizeof common_name}) && is_text(value.tag))
                found = value;
    }
    if (!found.tag)
        return CM_ENOTFOUND;
    append_plain(found.contents, found.tag, out);
    return 0;
}
