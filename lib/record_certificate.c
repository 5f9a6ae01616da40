/* The certificate record: the DER, and what our own reader says of it for those who read the stream with jq. The collector
 * decodes the DER again and believes nothing else. */
#include <stdlib.h>

#include "certmuster/cert.h"
#include "certmuster/ids.h"
#include "certmuster/limits.h"
#include "certmuster/record.h"
#include "lib/record_out.h"

void record_out_name(struct buf *out, const char *key, struct slice name, struct buf *scratch)
{
    buf_reset(scratch);
    (void)name_rfc4514(name, scratch); /* of a broken name what could be read */
    if (!scratch->size)
        return;
    buf_append_str(out, key);
    out_string(out, scratch->data, scratch->size);
}

/* The names of one kind as a member of `san`; true when there was one. */
static bool out_san_kind(struct buf *out, const struct cert *cert, enum san_kind kind, const char *key, bool first,
                         struct buf *scratch)
{
    struct san_walk walk;
    enum san_kind found;
    size_t count = 0;
    san_walk_init(&walk, cert);
    while (san_walk_next(&walk, &found, scratch) > 0) {
        if (found != kind)
            continue;
        if (count++) {
            buf_append_char(out, ',');
        } else {
            buf_append_str(out, first ? ",\"san\":{\"" : ",\"");
            buf_append_str(out, key);
            OUT_LITERAL(out, "\":[");
        }
        out_string(out, scratch->data, scratch->size);
    }
    if (count)
        buf_append_char(out, ']');
    return count > 0;
}

void record_out_san(struct buf *out, const struct cert *cert, struct buf *scratch)
{
    bool any = out_san_kind(out, cert, SAN_DNS, "dns", true, scratch);
    any = out_san_kind(out, cert, SAN_IP, "ip", !any, scratch) || any;
    any = out_san_kind(out, cert, SAN_EMAIL, "email", !any, scratch) || any;
    any = out_san_kind(out, cert, SAN_URI, "uri", !any, scratch) || any;
    if (any)
        buf_append_char(out, '}');
}

void record_out_key(struct buf *out, const struct cert *cert)
{
    uint8_t spki[CM_SHA256_SIZE];
    if (!cert->spki.size)
        return;
    cert_spki_sha256(cert, spki);
    out_hex(out, ",\"spki_sha256\":\"", spki, sizeof spki);
    if (!cert->key_oid[0]) /* the key is there and cannot be read */
        return;
    out_text(out, ",\"key\":{\"alg\":", cert->key_alg ? cert->key_alg : cert->key_oid);
    if (cert->key_bits)
        out_number(out, ",\"bits\":", cert->key_bits);
    out_known(out, ",\"curve\":", cert->curve);
    buf_append_char(out, '}');
}

/* All of it, or what could be read of a damaged one. */
static void out_decoded(struct buf *out, const struct cert *cert)
{
    struct buf scratch;
    buf_init(&scratch, RECORD_NAME_MAX);
    record_out_name(out, ",\"subject\":", cert->subject, &scratch);
    record_out_name(out, ",\"issuer\":", cert->issuer, &scratch);
    if (cert->serial.size)
        out_hex(out, ",\"serial\":\"", cert->serial.data, cert->serial.size);
    if (cert->not_before != INT64_MIN)
        out_seconds(out, ",\"not_before\":", cert->not_before);
    if (cert->not_after != INT64_MIN)
        out_seconds(out, ",\"not_after\":", cert->not_after);
    record_out_key(out, cert);
    out_known(out, ",\"sig_alg\":", cert->sig_alg ? cert->sig_alg : cert->sig_oid);
    record_out_san(out, cert, &scratch);
    buf_done(&scratch);
}

static void out_head(struct buf *out, const void *der, size_t size, const uint8_t *sha256)
{
    record_begin(out, "certificate");
    out_hex(out, ",\"sha256\":\"", sha256, CM_SHA256_SIZE);
    OUT_LITERAL(out, ",\"der\":\"");
    base64_append(out, der, size);
    buf_append_char(out, '"');
}

void record_write_certificate(struct buf *out, const void *der, size_t size,
                              const uint8_t sha256[static CM_SHA256_SIZE])
{
    struct cert cert;
    struct cm_error error;
    size_t start = out->size;
    int code = cert_parse_broken(der, size, &cert, &error);
    out_head(out, der, size, sha256);
    size_t head = out->size;
    if (code)
        out_text(out, ",\"undecodable\":", error.reason);
    out_decoded(out, &cert);
    if (!code)
        buf_append_str(out, cert.ca ? ",\"ca\":true" : ",\"ca\":false");
    record_end(out);
    /* Escapes can make hostile names six times as long: rather than lose the certificate, tell it without them. */
    if (!out->failed && out->size - start > CM_LIMIT_RECORD_BYTES) {
        out->size = head;
        record_end(out);
    }
}
