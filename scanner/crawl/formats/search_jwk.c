/* JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037) with a private half, in JSON or in a string of source code; the public half is told by the
 * SubjectPublicKeyInfo of the same key. Public keys and symmetric ones are left alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "certmuster/cert.h"
#include "certmuster/encode.h"
#include "certmuster/ids.h"
#include "certmuster/limits.h"
#include "certmuster/ssh_key.h"
#include "scanner/crawl/formats/search_private.h"

enum { OBJECT_MAX = 16 * 1024 };

/* The braces around a place in it: what is nested is jumped over. false: they are not near. */
static bool find_object(const struct window *window, size_t at, size_t *from, size_t *to)
{
    unsigned depth = 0;
    size_t low = at > OBJECT_MAX ? at - OBJECT_MAX : 0,
           high = window->size - at > OBJECT_MAX ? at + OBJECT_MAX : window->size;
    for (*from = at; *from > low; --*from) {
        uint8_t c = window->bytes[*from - 1];
        if (c == '{' && !depth)
            break;
        depth += c == '}';
        depth -= c == '{';
    }
    if (*from == low)
        return false;
    for (*to = at; *to < high; ++*to) {
        uint8_t c = window->bytes[*to];
        if (c == '}' && !depth)
            return true;
        depth += c == '{';
        depth -= c == '}';
    }
    return false;
}

/* The object without blanks and, in a string of source code, without the quotes of that and the backslashes before its own. */
static void unwrap(struct slice object, bool escaped, struct buf *out)
{
    for (size_t i = 0; i < object.size; i++) {
        uint8_t c = object.data[i];
        if (escaped && c == '"' && (!i || object.data[i - 1] != '\\'))
            continue;
        if (c == '\\' || c == ' ' || c == '\t' || c == '\r' || c == '\n')
            continue;
        buf_append_char(out, (char)c);
    }
}

static bool member(const struct buf *object, const char *name, struct slice *value)
{
    const char *at = memmem(object->data, object->size, name, strlen(name));
    if (!at)
        return false;
    at += strlen(name);
    const char *end = memchr(at, '"', object->size - (size_t)(at - object->data));
    if (!end)
        return false;
    *value = (struct slice){(const uint8_t *)at, (size_t)(end - at)};
    return true;
}

/* A member in base64url. */
static bool number(const struct buf *object, const char *name, struct buf *out)
{
    struct slice text;
    struct buf digits;
    buf_reset(out);
    if (!member(object, name, &text) || !text.size)
        return false;
    buf_init(&digits, OBJECT_MAX);
    for (size_t i = 0; i < text.size; i++)
        buf_append_char(&digits, text.data[i] == '-' ? '+' : text.data[i] == '_' ? '/' : (char)text.data[i]);
    int status = base64_read_loose(digits.data, digits.size, out);
    buf_done(&digits);
    return !status && out->size;
}

static const struct {
    const char *curve; /* "" for RSA */
    enum ssh_key_kind kind;
    const char *alg;
    unsigned bits, bytes; /* of a coordinate */
} curves[] = {
    {"", SSH_KEY_RSA, "RSA", 0, 0},
    {"P-256", SSH_KEY_EC, "EC", 256, 32},
    {"P-384", SSH_KEY_EC, "EC", 384, 48},
    {"P-521", SSH_KEY_EC, "EC", 521, 66},
    {"Ed25519", SSH_KEY_EDWARDS, "Ed25519", 256, 32},
    {"Ed448", SSH_KEY_EDWARDS, "Ed448", 456, 57},
};

/* Coordinates have all their bytes, leading zeros included (RFC 7518 §6.2.1.2). */
static bool read_public(const struct buf *object, struct buf *first, struct buf *second, struct ssh_key *out)
{
    struct slice curve = {0};
    (void)member(object, "\"crv\":\"", &curve);
    *out = (struct ssh_key){0};
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        if (curve.size != strlen(curves[i].curve) ||
            (curve.size && memcmp(curve.data, curves[i].curve, curve.size) != 0))
            continue;
        *out = (struct ssh_key){.kind = curves[i].kind, .alg = curves[i].alg, .bits = curves[i].bits};
        if (out->kind == SSH_KEY_RSA) {
            if (!number(object, "\"e\":\"", first) || !number(object, "\"n\":\"", second))
                return false;
            out->part[1] = buf_slice(second);
        } else if (!number(object, "\"x\":\"", second) || second->size != curves[i].bytes) {
            return false;
        } else {
            if (out->kind == SSH_KEY_EC)
                buf_append_char(first, 4); /* uncompressed */
            buf_append(first, second->data, second->size);
            if (out->kind == SSH_KEY_EC && (!number(object, "\"y\":\"", second) || second->size != curves[i].bytes))
                return false;
            if (out->kind == SSH_KEY_EC)
                buf_append(first, second->data, second->size);
        }
        out->part[0] = buf_slice(first);
        return true;
    }
    return false;
}

static void tell(struct search *search, const struct buf *object)
{
    struct buf first, second, spki;
    struct ssh_key public;
    char entry[32];
    struct cert facts = {0};
    struct found_key key = {.format = "jwk", .entry = entry, .kind = "jwk"};
    snprintf(entry, sizeof entry, "key-%zu", ++search->told->keys);
    buf_init(&first, OBJECT_MAX);
    buf_init(&second, OBJECT_MAX);
    buf_init(&spki, CM_LIMIT_CERT_BYTES);
    if (read_public(object, &first, &second, &public)) {
        ssh_key_spki(&public, &spki);
        if (!spki.failed && !cert_read_key(buf_slice(&spki), &facts)) {
            sha256_bytes(spki.data, spki.size, key.spki_sha256);
            key.has_spki = true;
            key.alg = facts.key_alg;
            key.bits = facts.key_bits;
        }
    }
    search->job->ops->key(search->job->ops->context, &key);
    buf_done(&first);
    buf_done(&second);
    buf_done(&spki);
}

bool search_take_jwk(struct search *search, struct window *window, enum needle needle, size_t *at)
{
    size_t from, to;
    struct slice secret;
    struct buf object;
    (void)needle;
    if (window->size - *at < OBJECT_MAX && !window->last && *at)
        return false;
    bool found = search_may_look(search, OBJECT_MAX / 4) && find_object(window, *at, &from, &to),
         escaped = window->bytes[*at] == '\\';
    *at += NEEDLE_BYTES;
    if (!found)
        return true;
    buf_init(&object, 2 * OBJECT_MAX + 1);
    if (buf_extend(&object, to - from)) { /* one allocation: growing would leave copies behind */
        buf_reset(&object);
        unwrap((struct slice){window->bytes + from, to - from}, escaped, &object);
        if (member(&object, "\"d\":\"", &secret) && secret.size >= 20) {
            tell(search, &object);
            OPENSSL_cleanse(window->bytes + from, to - from);
            *at = to;
        }
        OPENSSL_cleanse(object.data, object.capacity);
    }
    buf_done(&object);
    return true;
}
