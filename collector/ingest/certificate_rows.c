/* Certificates as rows: decoded here with cert_parse, the one place of the inventory that decodes. Whatever is in them is hostile: texts
 * become valid UTF-8 without NUL and are cut, times are clamped to what PostgreSQL holds, and what cannot be decoded is kept with the reason. */
#include <string.h>

#include "certmuster/cert.h"
#include "certmuster/escape.h"
#include "certmuster/limits.h"
#include "certmuster/timefmt.h"
#include "collector/ingest/rows.h"

enum {
    NAME_CUT_BYTES = 1000, /* three columns of certificate_name are one index entry, which holds 2,700 bytes */
    NAME_TEXT_MAX = 3 * CM_LIMIT_CERT_BYTES, /* every byte of a name may become a U+FFFD */
};

static void next_seconds(struct buf *out, int64_t seconds)
{
    char text[TIMEFMT_SIZE];
    timefmt_seconds(text, seconds < TIMEFMT_YEAR_ONE ? TIMEFMT_YEAR_ONE : seconds);
    buf_append_char(out, '\t');
    buf_append_str(out, text);
}

static size_t cut(const struct buf *text, size_t max)
{
    size_t size = text->size;
    if (size > max)
        for (size = max; size > 0 && ((unsigned char)text->data[size] & 0xC0) == 0x80;)
            size--;
    return size;
}

static void next_cut(struct buf *out, const struct buf *text)
{
    db_copy_field(out, false, text->size ? text->data : NULL, cut(text, CM_LIMIT_NAME_BYTES));
}

static void next_word(struct buf *out, const char *word)
{
    db_copy_field(out, false, word, word ? strlen(word) : 0);
}

/* What people call it: the first DNS name, else the CN, else the subject, else the fingerprint. */
static void next_display_name(struct buf *out, const struct cert *cert, const struct buf *common_name,
                              const struct buf *subject, const uint8_t sha256[static CM_SHA256_SIZE])
{
    struct san_walk walk;
    enum san_kind kind;
    struct buf name, clean;
    char hex[CM_SHA256_HEX_SIZE];
    buf_init(&name, NAME_TEXT_MAX);
    buf_init(&clean, NAME_TEXT_MAX);
    san_walk_init(&walk, cert);
    while (san_walk_next(&walk, &kind, &name) == 1 && clean.size == 0)
        if (kind == SAN_DNS)
            escape_utf8(&clean, name.data, name.size);
    hex_write(hex, sha256, CM_SHA256_SIZE);
    const struct buf *text = clean.size ? &clean : common_name->size ? common_name : subject;
    if (text->size)
        db_copy_field(out, false, text->data, cut(text, NAME_CUT_BYTES));
    else
        db_copy_field(out, false, hex, CM_SHA256_HEX_SIZE - 1);
    buf_done(&name);
    buf_done(&clean);
}

static void add_name_text(struct buf *out, struct slice name, int (*read)(struct slice, struct buf *))
{
    struct buf raw;
    buf_init(&raw, CM_LIMIT_NAME_BYTES);
    (void)read(name, &raw); /* of a broken Name, what could be read; of one too long, its beginning */
    escape_utf8(out, raw.data, raw.size);
    buf_done(&raw);
}

static void row_decoded(struct buf *out, const struct cert *cert, const uint8_t sha256[static CM_SHA256_SIZE])
{
    struct buf subject, issuer, common_name;
    uint8_t spki[CM_SHA256_SIZE], tbs[CM_SHA256_SIZE];
    buf_init(&subject, NAME_TEXT_MAX);
    buf_init(&issuer, NAME_TEXT_MAX);
    buf_init(&common_name, NAME_TEXT_MAX);
    add_name_text(&subject, cert->subject, name_rfc4514);
    add_name_text(&issuer, cert->issuer, name_rfc4514);
    add_name_text(&common_name, cert->subject, name_common_name);
    cert_spki_sha256(cert, spki);
    cert_tbs_sha256(cert, tbs);
    buf_append_str(out, "\t\\N"); /* undecodable */
    db_copy_field(out, false, subject.data, cut(&subject, CM_LIMIT_NAME_BYTES));
    db_copy_field(out, false, issuer.data, cut(&issuer, CM_LIMIT_NAME_BYTES));
    next_cut(out, &common_name);
    next_display_name(out, cert, &common_name, &subject, sha256);
    db_copy_bytea(out, false, cert->serial.size ? cert->serial.data : (const uint8_t *)"", cert->serial.size);
    next_seconds(out, cert->not_before);
    next_seconds(out, cert->not_after);
    db_copy_bytea(out, false, spki, sizeof spki);
    db_copy_bytea(out, false, tbs, sizeof tbs);
    next_word(out, cert->key_alg ? cert->key_alg : cert->key_oid);
    buf_appendf(out, "\t%u", cert->key_bits);
    next_word(out, cert->curve);
    next_word(out, cert->sig_alg ? cert->sig_alg : cert->sig_oid);
    buf_append_str(out, cert->ca ? "\tt" : "\tf");
    buf_append_str(out, cert->self_issued ? "\tt" : "\tf");
    buf_done(&subject);
    buf_done(&issuer);
    buf_done(&common_name);
}

void row_certificate(struct buf *out, const struct batch *batch, const struct batch_certificate *certificate,
                     int64_t now_ms)
{
    struct cert cert;
    struct cm_error error = {0};
    char first[TIMEFMT_SIZE], last[TIMEFMT_SIZE], hex[CM_SHA256_HEX_SIZE];
    const char *der = batch->ders.data + certificate->der_start;
    db_copy_bytea(out, true, certificate->sha256, CM_SHA256_SIZE);
    db_copy_bytea(out, false, der, certificate->der_size);
    if (cert_parse(der, certificate->der_size, &cert, &error) == 0 && cert.der.size != certificate->der_size)
        error_set(&error, CM_EMALFORMED, cert.der.size, "bytes follow the certificate");
    if (error.code) {
        next_word(out, error.reason);
        buf_append_str(out, "\t\\N\t\\N\t\\N");
        hex_write(hex, certificate->sha256, CM_SHA256_SIZE);
        next_word(out, hex);
        for (int i = 0; i < 11; i++)
            buf_append_str(out, "\t\\N");
    } else {
        row_decoded(out, &cert, certificate->sha256);
    }
    timefmt_ms(first, certificate->first_ms >= 0 ? certificate->first_ms : now_ms);
    timefmt_ms(last, certificate->first_ms >= 0 ? certificate->last_ms : now_ms);
    next_word(out, first);
    next_word(out, last);
}

static void add_name_row(struct buf *out, const uint8_t sha256[static CM_SHA256_SIZE], const char *kind,
                         const struct buf *raw)
{
    struct buf clean;
    if (raw->size == 0)
        return;
    buf_init(&clean, NAME_TEXT_MAX);
    escape_utf8(&clean, raw->data, raw->size);
    db_copy_bytea(out, true, sha256, CM_SHA256_SIZE);
    next_word(out, kind);
    db_copy_field(out, false, clean.data, cut(&clean, NAME_CUT_BYTES));
    buf_append_char(out, '\n');
    buf_done(&clean);
}

void rows_names(struct buf *out, const struct batch *batch, const struct batch_certificate *certificate)
{
    static const char *const kinds[] = {
        [SAN_DNS] = "dns", [SAN_IP] = "ip", [SAN_EMAIL] = "email", [SAN_URI] = "uri", [SAN_OTHER] = NULL};
    struct cert cert;
    struct san_walk walk;
    enum san_kind kind;
    struct buf name;
    const char *der = batch->ders.data + certificate->der_start;
    if (cert_parse(der, certificate->der_size, &cert, NULL) != 0 || cert.der.size != certificate->der_size)
        return;
    buf_init(&name, NAME_TEXT_MAX);
    san_walk_init(&walk, &cert);
    while (san_walk_next(&walk, &kind, &name) == 1)
        if (kinds[kind])
            add_name_row(out, certificate->sha256, kinds[kind], &name);
    buf_reset(&name);
    (void)name_common_name(cert.subject, &name);
    add_name_row(out, certificate->sha256, "cn", &name);
    buf_done(&name);
}
