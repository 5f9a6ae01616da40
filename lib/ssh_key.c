/* Public keys of SSH, and the same keys as X.509 says them.
 *
 * Owns the table of key types. The readers of OpenSSH's files and ssh_certificate.c call it. Pure; it computes with no key. */
#include "certmuster/ssh_key.h"

#include "certmuster/der.h"
#include "certmuster/encode.h"
#include "certmuster/ids.h"

enum { MAGNITUDE_MAX = 2048 /* bytes: 16384 bits, which OpenSSH refuses, too */ };

static const struct {
    const char *name, *certificate; /* types of the plain key and of a certificate with it */
    enum ssh_key_kind kind;
    const char *alg, *curve;
    const char *nist; /* the curve as SSH calls it */
    unsigned bits;
    bool security_key;
} types[] = {
    {"ssh-rsa", "ssh-rsa-cert-v01@openssh.com", SSH_KEY_RSA, "RSA", NULL, NULL, 0, false},
    {"ssh-rsa", "rsa-sha2-256-cert-v01@openssh.com", SSH_KEY_RSA, "RSA", NULL, NULL, 0, false},
    {"ssh-rsa", "rsa-sha2-512-cert-v01@openssh.com", SSH_KEY_RSA, "RSA", NULL, NULL, 0, false},
    {"ssh-dss", "ssh-dss-cert-v01@openssh.com", SSH_KEY_DSA, "DSA", NULL, NULL, 0, false},
    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256-cert-v01@openssh.com", SSH_KEY_EC, "EC", "P-256", "nistp256", 256,
     false},
    {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384-cert-v01@openssh.com", SSH_KEY_EC, "EC", "P-384", "nistp384", 384,
     false},
    {"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521-cert-v01@openssh.com", SSH_KEY_EC, "EC", "P-521", "nistp521", 521,
     false},
    {"ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com", SSH_KEY_EDWARDS, "Ed25519", NULL, NULL, 256, false},
    {"ssh-ed448", "ssh-ed448-cert-v01@openssh.com", SSH_KEY_EDWARDS, "Ed448", NULL, NULL, 456, false},
    {"sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", SSH_KEY_EC, "EC", "P-256",
     "nistp256", 256, true},
    {"sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com", SSH_KEY_EDWARDS, "Ed25519", NULL, NULL, 256,
     true},
};

int ssh_string(struct cursor *cursor, struct slice *out)
{
    struct cursor trial = *cursor;
    uint32_t size;
    if (cursor_u32(&trial, &size) || cursor_slice(&trial, size, out))
        return CM_ETRUNCATED;
    *cursor = trial;
    return 0;
}

static bool is(struct slice slice, const char *text)
{
    return text && slice_equal(slice, (struct slice){(const uint8_t *)text, strlen(text)});
}

/* mpint (RFC 4251 §5), never negative here. */
static int magnitude(struct cursor *cursor, struct slice *out)
{
    if (ssh_string(cursor, out))
        return CM_ETRUNCATED;
    if (out->size > MAGNITUDE_MAX + 1 || (out->size && out->data[0] & 0x80))
        return CM_EMALFORMED;
    while (out->size && !out->data[0]) {
        out->data++;
        out->size--;
    }
    return out->size ? 0 : CM_EMALFORMED;
}

static unsigned bits_of(struct slice number)
{
    unsigned bits = (unsigned)number.size * 8;
    for (uint8_t mask = 0x80; mask && !(number.data[0] & mask); mask >>= 1)
        bits--;
    return bits;
}

static int read_numbers(struct cursor *cursor, struct ssh_key *key, unsigned count, unsigned size_part)
{
    for (unsigned i = 0; i < count; i++) {
        int status = magnitude(cursor, &key->part[i]);
        if (status)
            return status;
    }
    key->bits = bits_of(key->part[size_part]);
    return 0;
}

int ssh_key_fields(struct cursor *cursor, struct slice type, struct ssh_key *out)
{
    struct ssh_key key = {0};
    struct cursor at = *cursor;
    struct slice text, application;
    size_t i = 0;
    while (i < sizeof types / sizeof *types && !is(type, types[i].name) && !is(type, types[i].certificate))
        i++;
    if (i == sizeof types / sizeof *types)
        return CM_EUNSUPPORTED;
    key.name = (struct slice){(const uint8_t *)types[i].name, strlen(types[i].name)};
    key.kind = types[i].kind;
    key.alg = types[i].alg;
    key.curve = types[i].curve;
    key.bits = types[i].bits;
    key.security_key = types[i].security_key;
    int status = 0;
    if (key.kind == SSH_KEY_RSA)
        status = read_numbers(&at, &key, 2, 1);
    else if (key.kind == SSH_KEY_DSA)
        status = read_numbers(&at, &key, 4, 0);
    else if (key.kind == SSH_KEY_EC)
        status = ssh_string(&at, &text) || ssh_string(&at, &key.part[0]) ? CM_ETRUNCATED
                 : is(text, types[i].nist) && key.part[0].size           ? 0
                                                                         : CM_EMALFORMED;
    else
        status = ssh_string(&at, &key.part[0])            ? CM_ETRUNCATED
                 : key.part[0].size == (key.bits + 7) / 8 ? 0
                                                          : CM_EMALFORMED;
    if (!status && key.security_key)
        status = ssh_string(&at, &application);
    if (status)
        return status;
    key.fields = (struct slice){cursor->at, (size_t)(at.at - cursor->at)};
    *cursor = at;
    *out = key;
    return 0;
}

int ssh_key_read(struct slice blob, struct ssh_key *out)
{
    struct cursor cursor;
    struct slice type;
    struct ssh_key key;
    cursor_init_slice(&cursor, blob);
    int status = ssh_string(&cursor, &type);
    if (!status)
        status = ssh_key_fields(&cursor, type, &key);
    if (!status && (!cursor_at_end(&cursor) || !slice_equal(type, key.name)))
        status = CM_EMALFORMED;
    if (!status)
        *out = key;
    return status;
}

/* Whole elements: AlgorithmIdentifiers of RFC 3279 §2.3, RFC 5480 §2.1.1, RFC 8410 §3. */
static void append_algorithm(const struct ssh_key *key, struct buf *out)
{
    static const uint8_t rsa[] = {0x30, 13, 6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 5, 0};
    static const uint8_t p256[] = {0x30, 19, 6,    7,    0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1,
                                   6,    8,  0x2A, 0x86, 0x48, 0xCE, 0x3D, 3,    1,    7};
    static const uint8_t p384[] = {0x30, 16, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 5, 0x2B, 0x81, 4, 0, 34};
    static const uint8_t p521[] = {0x30, 16, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 5, 0x2B, 0x81, 4, 0, 35};
    static const uint8_t ed25519[] = {0x30, 5, 6, 3, 0x2B, 0x65, 112};
    static const uint8_t ed448[] = {0x30, 5, 6, 3, 0x2B, 0x65, 113};
    static const uint8_t dsa[] = {6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x38, 4, 1};
    struct buf parameters, algorithm;
    if (key->kind == SSH_KEY_RSA) {
        buf_append(out, rsa, sizeof rsa);
    } else if (key->kind == SSH_KEY_EC) {
        if (key->bits == 256)
            buf_append(out, p256, sizeof p256);
        else if (key->bits == 384)
            buf_append(out, p384, sizeof p384);
        else
            buf_append(out, p521, sizeof p521);
    } else if (key->kind == SSH_KEY_EDWARDS) {
        buf_append(out, key->bits == 256 ? ed25519 : ed448, sizeof ed25519);
    } else {
        buf_init(&parameters, 4 * (MAGNITUDE_MAX + 8));
        buf_init(&algorithm, 4 * (MAGNITUDE_MAX + 16));
        for (unsigned i = 0; i < 3; i++)
            der_append_unsigned(&parameters, key->part[i].data, key->part[i].size);
        buf_append(&algorithm, dsa, sizeof dsa);
        der_append(&algorithm, DER_SEQUENCE, parameters.data, parameters.size);
        der_append(out, DER_SEQUENCE, algorithm.data, algorithm.size);
        buf_done(&parameters);
        buf_done(&algorithm);
    }
}

void ssh_key_spki(const struct ssh_key *key, struct buf *out)
{
    struct buf bits, inner, info;
    buf_init(&bits, 4 * (MAGNITUDE_MAX + 32) + key->part[0].size);
    buf_init(&inner, 2 * (MAGNITUDE_MAX + 16));
    buf_init(&info, 8 * (MAGNITUDE_MAX + 32) + key->part[0].size);
    buf_append_char(&bits, 0); /* unused bits */
    if (key->kind == SSH_KEY_RSA) {
        der_append_unsigned(&inner, key->part[1].data, key->part[1].size);
        der_append_unsigned(&inner, key->part[0].data, key->part[0].size);
        der_append(&bits, DER_SEQUENCE, inner.data, inner.size);
    } else if (key->kind == SSH_KEY_DSA) {
        der_append_unsigned(&bits, key->part[3].data, key->part[3].size);
    } else {
        buf_append(&bits, key->part[0].data, key->part[0].size);
    }
    append_algorithm(key, &info);
    der_append(&info, DER_BIT_STRING, bits.data, bits.size);
    der_append(out, DER_SEQUENCE, info.data, info.size);
    buf_done(&bits);
    buf_done(&inner);
    buf_done(&info);
}

void ssh_fingerprint(const void *blob, size_t size, char out[static SSH_FINGERPRINT_SIZE])
{
    uint8_t digest[CM_SHA256_SIZE];
    struct buf text;
    sha256_bytes(blob, size, digest);
    buf_init(&text, SSH_FINGERPRINT_SIZE + 1);
    buf_append_str(&text, "SHA256:");
    base64_append(&text, digest, sizeof digest);
    memcpy(out, text.data, SSH_FINGERPRINT_SIZE - 1); /* without its one character of padding */
    out[SSH_FINGERPRINT_SIZE - 1] = '\0';
    buf_done(&text);
}

void ssh_key_fingerprint(const struct ssh_key *key, char out[static SSH_FINGERPRINT_SIZE])
{
    struct buf blob;
    buf_init(&blob, key->name.size + key->fields.size + 4);
    buf_append_char(&blob, 0);
    buf_append_char(&blob, 0);
    buf_append_char(&blob, 0);
    buf_append_char(&blob, (char)key->name.size);
    buf_append(&blob, key->name.data, key->name.size);
    buf_append(&blob, key->fields.data, key->fields.size);
    ssh_fingerprint(blob.data, blob.size, out);
    buf_done(&blob);
}
