/* What the flight of handshake.h says: taken message by message, told as a result on demand.
 *
 * Keeps numbers and turns them into names only when asked, so that a handshake between two feeds stays small. Owns the copies that
 * survive a call, and the engine's memory of JA3S fingerprints (a fleet has few kinds of ServerHello). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/cert.h"
#include "scanner/tls/handshake_private.h"
#include "scanner/tls/names.h"

/* --- ServerHello ---------------------------------------------------------------------------------------------------------- */

/* What JA3S is made of; 0 when that is too long to be remembered. */
static uint32_t ja3s_words(const struct tls_server_hello *hello, uint16_t words[static JA3S_WORDS])
{
    struct cursor extensions, data;
    uint32_t count = 0;
    words[count++] = hello->legacy_version;
    words[count++] = hello->cipher;
    cursor_init_slice(&extensions, hello->extensions);
    while (!cursor_at_end(&extensions)) {
        if (count == JA3S_WORDS || cursor_u16(&extensions, &words[count++]) || cursor_vector16(&extensions, &data))
            return 0;
    }
    return count;
}

void take_ja3s(struct handshake *handshake, const struct tls_server_hello *hello)
{
    uint16_t words[JA3S_WORDS];
    uint32_t count = ja3s_words(hello, words), hash = 2166136261U; /* FNV-1a */
    char *out = handshake->flight->ja3s;
    if (!count) {
        ja3s_write(hello, out);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        hash = (hash ^ words[i]) * 16777619U;
    struct ja3s_slot *slot = &handshake->engine->ja3s[(hash ^ hash >> 16) % JA3S_SLOTS];
    if (slot->count != count || memcmp(slot->words, words, count * sizeof *words) != 0) {
        memcpy(slot->words, words, count * sizeof *words);
        slot->count = count;
        ja3s_write(hello, slot->text);
    }
    memcpy(out, slot->text, JA3_SIZE);
}

void take_alpn(struct handshake *handshake, struct slice alpn)
{
    static const char *const ours[] = {"h2", "http/1.1"};
    struct flight *flight = handshake->flight;
    if (alpn.size == 0 || flight->alpn)
        return;
    for (size_t i = 0; i < sizeof ours / sizeof *ours && !flight->alpn; i++) {
        if (slice_equal(alpn, (struct slice){(const uint8_t *)ours[i], strlen(ours[i])}))
            flight->alpn = ours[i];
    }
    if (!flight->alpn) /* of the server's own invention: told, not judged */
        flight->alpn = flight->alpn_text = cm_strndup((const char *)alpn.data, alpn.size);
}

/* Nothing said is none sent; a damaged list stays unknown. */
void take_scts(struct handshake *handshake, struct slice list)
{
    unsigned count = 0;
    if (list.size == 0 || sct_count(list, &count) == 0)
        handshake->flight->scts = (int16_t)(count < INT16_MAX ? count : INT16_MAX);
}

/* --- Certificate ------------------------------------------------------------------------------------------------------------ */

/* Whether memory is the caller's of this feed, where everything stays in place until it returns. */
static bool stays(const struct handshake *handshake, struct slice bytes)
{
    struct slice fed = handshake->engine->fed;
    return bytes.data >= fed.data && bytes.data < fed.data + fed.size;
}

static bool lies_in_kept(const struct flight *flight, struct slice bytes)
{
    const uint8_t *start = (const uint8_t *)flight->kept.data;
    return bytes.data >= start && bytes.data < start + flight->kept.size;
}

/* Below 1.3 most suites sign the key exchange; where nothing is signed there is nothing to wait for. */
static void expect_proof(struct handshake *handshake)
{
    struct flight *flight = handshake->flight;
    enum tls_key_exchange kx = tls_suite_key_exchange(flight->suite);
    if (!handshake->prove || flight->version >= TLS_VERSION_1_3)
        return;
    if (flight->version != VERSION_SSL2 && kx != TLS_KX_RSA && kx != TLS_KX_DH && kx != TLS_KX_RSA_PSK)
        return;
    flight->proof = PROOF_UNAVAILABLE;
    flight->proof_detail = "nothing is signed in this key exchange";
}

bool take_certificate(struct handshake *handshake, struct slice body)
{
    struct flight *flight = handshake->flight;
    struct tls_chain *chain = &handshake->engine->chain;
    handshake->engine->chain_of = NULL;
    int code = tls_read_certificate(body, flight->version, chain);
    if (code == CM_ELIMIT)
        handshake_fail(handshake, RECORD_ERROR_TOO_LARGE, "more than 100 certificates, or one above 256 KiB");
    else if (code)
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "malformed Certificate message");
    else if (chain->count == 0)
        handshake_fail(handshake, RECORD_ERROR_NO_CERTIFICATE, "the Certificate message is empty");
    if (handshake_over(handshake))
        return false;
    handshake->engine->chain_of = handshake;
    flight->have_chain = true;
    flight->certificate = body;
    flight->lent = !lies_in_kept(flight, body);
    expect_proof(handshake);
    if (flight->version >= TLS_VERSION_1_3) {
        take_scts(handshake, chain->scts);
        if (chain->staple.size)
            staple_read(chain->staple, &flight->staple);
    } else if (!stays(handshake, body)) {
        take_copy(handshake); /* the reader's memory, which the next message may need */
    }
    return true;
}

void take_sslv2(struct handshake *handshake, const struct sslv2_server_hello *hello)
{
    struct flight *flight = handshake->flight;
    flight->have_hello = true;
    flight->sslv2_cipher = hello->cipher;
    if (hello->certificate.size == 0) {
        handshake_fail(handshake, RECORD_ERROR_NO_CERTIFICATE, "a SERVER-HELLO of SSL 2.0 without a certificate");
        return;
    }
    if (hello->certificate.size > CM_LIMIT_CERT_BYTES) {
        handshake_fail(handshake, RECORD_ERROR_TOO_LARGE, "a certificate above 256 KiB");
        return;
    }
    flight->have_chain = true;
    flight->certificate = hello->certificate;
    flight->lent = !lies_in_kept(flight, hello->certificate);
    flight->client_auth = -1;
    expect_proof(handshake);
    handshake->state = HANDSHAKE_CHAIN;
}

void take_no_certificate(struct handshake *handshake)
{
    const char *suite = tls_suite_name(handshake->flight->suite);
    if (suite)
        handshake_fail(handshake, RECORD_ERROR_NO_CERTIFICATE, suite);
    else
        handshake_failf(handshake, RECORD_ERROR_NO_CERTIFICATE, "0x%04x", handshake->flight->suite);
}

void take_copy(struct handshake *handshake)
{
    struct flight *flight = handshake->flight;
    if (!flight->have_chain || !flight->lent)
        return;
    buf_reset(&flight->kept);
    buf_append(&flight->kept, flight->certificate.data, flight->certificate.size);
    flight->certificate = buf_slice(&flight->kept);
    flight->lent = false;
    handshake->engine->chain_of = NULL;
}

const struct tls_chain *take_chain(const struct handshake *handshake)
{
    struct handshake_engine *engine = handshake->engine;
    const struct flight *flight = handshake->flight;
    if (!flight || !flight->have_chain || (flight->lent && engine->lender != handshake))
        return NULL;
    if (engine->chain_of == handshake)
        return &engine->chain;
    engine->chain_of = NULL;
    if (flight->version == VERSION_SSL2)
        engine->chain = (struct tls_chain){.certs = {flight->certificate}, .count = 1};
    else if (tls_read_certificate(flight->certificate, flight->version, &engine->chain))
        return NULL; /* cannot be: it was read once */
    engine->chain_of = handshake;
    return &engine->chain;
}

/* --- CertificateRequest ----------------------------------------------------------------------------------------------------- */

static void keep_client_ca(struct slice name, void *context)
{
    struct flight *flight = context;
    struct buf text;
    if (flight->client_ca_count == HANDSHAKE_CLIENT_CA_MAX)
        return;
    buf_init(&text, CM_LIMIT_NAME_BYTES);
    if (name_rfc4514(name, &text) == 0 && text.size && text.size < CLIENT_CA_BYTES_MAX - flight->client_ca.size) {
        buf_append(&flight->client_ca, text.data, strlen(text.data) + 1);
        flight->client_ca_count++;
    }
    buf_done(&text);
}

void take_certificate_request(struct handshake *handshake, struct slice body)
{
    struct flight *flight = handshake->flight;
    flight->client_auth = 1;
    if (flight->client_ca_count == 0 && tls_read_certificate_request(body, flight->version, keep_client_ca, flight))
        handshake_fail(handshake, RECORD_ERROR_PROTOCOL, "malformed CertificateRequest");
}

/* --- the result --------------------------------------------------------------------------------------------------------------- */

static const char *name_or_number(const char *name, uint16_t number, char out[static NUMBER_SIZE])
{
    if (name || !number)
        return name;
    snprintf(out, NUMBER_SIZE, "0x%04x", number);
    return out;
}

static void tell_names(const struct handshake *handshake, struct handshake_result *result)
{
    const struct flight *flight = handshake->flight;
    struct handshake_engine *engine = handshake->engine;
    if (flight->version == VERSION_SSL2) {
        result->version = flight->have_hello ? "SSLv2" : NULL;
        result->cipher = flight->have_hello ? sslv2_cipher_name(flight->sslv2_cipher) : NULL;
        return;
    }
    result->version = tls_version_name(flight->version);
    result->group = name_or_number(tls_group_name(flight->group), flight->group, engine->numbers[1]);
    if (flight->version) /* 0x0000 is a suite, TLS_NULL_WITH_NULL_NULL */
        result->cipher = name_or_number(tls_suite_name(flight->suite), flight->suite, engine->numbers[0]);
}

static void tell_client_ca(const struct handshake *handshake, struct handshake_result *result)
{
    const struct flight *flight = handshake->flight;
    const char **names = handshake->engine->client_ca, *at = flight->client_ca.data;
    for (size_t i = 0; i < flight->client_ca_count; i++, at += strlen(at) + 1)
        names[i] = at;
    result->client_ca = names;
    result->client_ca_count = flight->client_ca_count;
}

static void tell_proof(const struct handshake *handshake, struct handshake_result *result)
{
    const struct flight *flight = handshake->flight;
    result->proof = flight->proof;
    result->proof_detail = flight->proof_detail;
    if (!handshake->prove || handshake->state != HANDSHAKE_CHAIN || flight->proof != PROOF_NONE)
        return;
    result->proof = PROOF_UNAVAILABLE;
    result->proof_detail =
        flight->version >= TLS_VERSION_1_3 ? "CertificateVerify did not arrive" : "ServerKeyExchange did not arrive";
}

const struct handshake_result *handshake_get_result(const struct handshake *handshake)
{
    struct handshake_result *result = &handshake->engine->result;
    const struct flight *flight = handshake->flight;
    *result = (struct handshake_result){.client_auth = -1,
                                        .scts = -1,
                                        .alert = handshake->alert,
                                        .stage = "hello",
                                        .error = handshake->error,
                                        .detail = handshake->detail,
                                        .sslv2 = handshake->sslv2};
    if (!flight)
        return result;
    const struct tls_chain *chain = take_chain(handshake);
    if (chain) {
        result->chain = chain->certs;
        result->chain_count = chain->count;
    }
    result->alpn = flight->alpn;
    result->client_auth = flight->client_auth;
    result->staple = flight->staple;
    result->scts = flight->scts;
    result->ja3s = flight->ja3s[0] ? flight->ja3s : NULL;
    result->stage = flight->have_hello ? "certificate" : "hello";
    tell_names(handshake, result);
    tell_client_ca(handshake, result);
    tell_proof(handshake, result);
    return result;
}
