/* Records of what lies beside certificates: requests, revocation lists, SSH certificates. Their members are told for who reads the stream with jq
 * and for the inventory; none carries the bytes themselves, since requests and lists have a place of their own and are found there again. */
#include <stdlib.h>

#include "certmuster/crl.h"
#include "certmuster/csr.h"
#include "certmuster/ids.h"
#include "certmuster/limits.h"
#include "certmuster/ssh_certificate.h"
#include "lib/record_out.h"

enum { OPTIONS_MAX = 256 /* names or options of an SSH certificate that are told */ };

static void out_begin(struct buf *out, const char *type, const struct record_seen *seen, const void *bytes, size_t size)
{
    uint8_t sha256[CM_SHA256_SIZE];
    sha256_bytes(bytes, size, sha256);
    record_begin(out, type);
    record_out_seen(out, seen);
    out_hex(out, ",\"sha256\":\"", sha256, sizeof sha256);
}

/* Escapes can make hostile names six times as long: rather than lose the record, tell it without them. */
static void out_end(struct buf *out, size_t start, size_t head)
{
    if (out->failed || out->size - start > CM_LIMIT_RECORD_BYTES - 2) {
        out->failed = false;
        out->size = head;
        out_text(out, ",\"undecodable\":", "its names are too long to tell");
    }
    record_end(out);
}

void record_write_csr(struct buf *out, const struct record_seen *seen, const void *der, size_t size)
{
    struct cert csr;
    struct cm_error error;
    struct buf scratch;
    size_t start = out->size;
    out_begin(out, "csr", seen, der, size);
    size_t head = out->size;
    buf_init(&scratch, RECORD_NAME_MAX);
    if (csr_parse(der, size, &csr, &error)) {
        out_text(out, ",\"undecodable\":", error.reason);
    } else {
        record_out_name(out, ",\"subject\":", csr.subject, &scratch);
        record_out_key(out, &csr);
        out_known(out, ",\"sig_alg\":", csr.sig_alg ? csr.sig_alg : csr.sig_oid);
        record_out_san(out, &csr, &scratch);
        buf_append_str(out, csr.ca ? ",\"ca\":true" : ",\"ca\":false");
    }
    buf_done(&scratch);
    out_end(out, start, head);
}

void record_write_crl(struct buf *out, const struct record_seen *seen, const void *der, size_t size)
{
    enum { NUMBER_BYTES_MAX = 64 }; /* RFC 5280 §5.2.3 allows 20 */
    struct crl crl;
    struct cm_error error;
    struct buf scratch;
    size_t start = out->size;
    out_begin(out, "crl", seen, der, size);
    size_t head = out->size;
    buf_init(&scratch, RECORD_NAME_MAX);
    if (crl_parse(der, size, &crl, &error)) {
        out_text(out, ",\"undecodable\":", error.reason);
    } else {
        record_out_name(out, ",\"issuer\":", crl.issuer, &scratch);
        out_seconds(out, ",\"this_update\":", crl.this_update);
        if (crl.next_update != INT64_MIN)
            out_seconds(out, ",\"next_update\":", crl.next_update);
        out_number(out, ",\"entries\":", crl.entries);
        if (crl.number.size && crl.number.size <= NUMBER_BYTES_MAX)
            out_hex(out, ",\"number\":\"", crl.number.data, crl.number.size);
        if (crl.delta_of.size && crl.delta_of.size <= NUMBER_BYTES_MAX)
            out_hex(out, ",\"delta_of\":\"", crl.delta_of.data, crl.delta_of.size);
        if (crl.authority_key_id.size && crl.authority_key_id.size <= NUMBER_BYTES_MAX)
            out_hex(out, ",\"authority_key_id\":\"", crl.authority_key_id.data, crl.authority_key_id.size);
        out_known(out, ",\"sig_alg\":", crl.sig_alg ? crl.sig_alg : crl.sig_oid);
    }
    buf_done(&scratch);
    out_end(out, start, head);
}

static void out_slice(struct buf *out, const char *key, struct slice text)
{
    buf_append_str(out, key);
    out_string(out, (const char *)text.data, text.size);
}

static void out_principals(struct buf *out, struct slice packed)
{
    struct cursor cursor;
    struct slice one;
    cursor_init_slice(&cursor, packed);
    OUT_LITERAL(out, ",\"principals\":[");
    for (unsigned i = 0; i < OPTIONS_MAX && !ssh_string(&cursor, &one); i++)
        out_slice(out, i ? "," : "", one);
    buf_append_char(out, ']');
}

/* [{"name":"force-command","value":"/bin/true"},{"name":"permit-pty"}] */
static void out_options(struct buf *out, const char *key, struct slice packed)
{
    struct cursor cursor, inside;
    struct slice name, data, value;
    unsigned count = 0;
    cursor_init_slice(&cursor, packed);
    for (; count < OPTIONS_MAX && !ssh_string(&cursor, &name) && !ssh_string(&cursor, &data); count++) {
        buf_append_str(out, count ? "," : key);
        out_slice(out, count ? "{\"name\":" : "[{\"name\":", name);
        cursor_init_slice(&inside, data);
        if (!ssh_string(&inside, &value) && cursor_at_end(&inside))
            out_slice(out, ",\"value\":", value);
        buf_append_char(out, '}');
    }
    if (count)
        buf_append_char(out, ']');
}

static void out_ssh_key(struct buf *out, const struct ssh_key *key)
{
    struct buf spki;
    struct cert facts = {.key_alg = key->alg, .key_bits = key->bits, .curve = key->curve, .key_oid = "known"};
    char fingerprint[SSH_FINGERPRINT_SIZE];
    buf_init(&spki, CM_LIMIT_CERT_BYTES);
    ssh_key_spki(key, &spki);
    facts.spki = buf_slice(&spki);
    record_out_key(out, &facts);
    buf_done(&spki);
    ssh_key_fingerprint(key, fingerprint);
    out_text(out, ",\"fingerprint\":", fingerprint);
}

/* Seconds that fit a date; 0 and the largest number mean: without bound. */
static void out_bound(struct buf *out, const char *key, uint64_t seconds)
{
    static const uint64_t last = 253402300799; /* the end of year 9999, where four digits end */
    if (seconds && seconds <= last)
        out_seconds(out, key, (int64_t)seconds);
}

void record_write_ssh_certificate(struct buf *out, const struct record_seen *seen, const void *blob, size_t size)
{
    struct ssh_certificate certificate;
    struct cm_error error;
    char text[SSH_FINGERPRINT_SIZE];
    size_t start = out->size;
    out_begin(out, "ssh_certificate", seen, blob, size);
    size_t head = out->size;
    if (ssh_certificate_parse((struct slice){blob, size}, &certificate, &error)) {
        out_text(out, ",\"undecodable\":", error.reason);
        out_end(out, start, head);
        return;
    }
    out_slice(out, ",\"key_type\":", certificate.type);
    out_text(out, ",\"role\":", certificate.role == 1 ? "user" : certificate.role == 2 ? "host" : "unknown");
    buf_appendf(out, ",\"serial\":\"%llu\"", (unsigned long long)certificate.serial);
    out_slice(out, ",\"key_id\":", certificate.key_id);
    out_principals(out, certificate.principals);
    out_bound(out, ",\"valid_after\":", certificate.valid_after);
    out_bound(out, ",\"valid_before\":", certificate.valid_before);
    out_ssh_key(out, &certificate.key);
    ssh_fingerprint(certificate.ca.data, certificate.ca.size, text);
    out_text(out, ",\"ca_fingerprint\":", text);
    out_slice(out, ",\"ca_type\":", certificate.ca_type);
    out_slice(out, ",\"sig_alg\":", certificate.signature_type);
    out_options(out, ",\"critical_options\":", certificate.critical);
    out_options(out, ",\"extensions\":", certificate.extensions);
    out_end(out, start, head);
}
