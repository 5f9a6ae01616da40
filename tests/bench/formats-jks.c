/* A Java keystore of many trusted certificates, and the least that reading it can cost: SHA-256 of each certificate, which is its name in records, SHA-1
 * of the file, which is its integrity, and base64 of the certificates, which is how records carry them.
 *
 *     formats-jks make FILE COUNT      writes it, password changeit
 *     formats-jks floor FILE           does that and no more; prints what it did */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certmuster/buf.h"

enum { ENTRY_BYTES_MAX = 4096, STORE_BYTES_MAX = 1 << 30 };

static void fail(const char *what)
{
    fprintf(stderr, "formats-jks: %s\n", what);
    exit(3);
}

static void put_number(struct buf *out, uint64_t value, unsigned bytes)
{
    while (bytes--)
        buf_append_char(out, (char)(value >> (8 * bytes)));
}

static void put_text(struct buf *out, const char *text)
{
    put_number(out, strlen(text), 2);
    buf_append_str(out, text);
}

/* A certificate of usual size: RSA with 2048 bits, some names. */
static size_t make_certificate(uint8_t der[static ENTRY_BYTES_MAX], size_t *serial_at)
{
    static const uint8_t serial[16] = "\x7F serial number";
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    X509 *x = X509_new();
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    X509_set_version(x, 2);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
    X509_NAME *name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Muster & Sons, makers of keystores", -1,
                               -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"Muster Root Authority 2026", -1, -1,
                               0);
    X509_set_issuer_name(x, name);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400L * 3650);
    unsigned char *at = der;
    if (!X509_set_pubkey(x, key) || !X509_sign(x, key, EVP_sha256()) || i2d_X509(x, NULL) > ENTRY_BYTES_MAX)
        fail("cannot make a certificate");
    size_t size = (size_t)i2d_X509(x, &at);
    const uint8_t *found = memmem(der, size, serial, sizeof serial);
    if (!found)
        fail("no serial number in the certificate");
    *serial_at = (size_t)(found - der) + 1;
    BN_free(number);
    X509_free(x);
    EVP_PKEY_free(key);
    return size;
}

static int make(const char *path, unsigned count)
{
    static const char password[] = "\0c\0h\0a\0n\0g\0e\0i\0tMighty Aphrodite";
    uint8_t der[ENTRY_BYTES_MAX], digest[EVP_MAX_MD_SIZE];
    size_t serial_at, size = make_certificate(der, &serial_at);
    struct buf store;
    char alias[32];
    buf_init(&store, STORE_BYTES_MAX);
    put_number(&store, 0xFEEDFEED, 4);
    put_number(&store, 2, 4);
    put_number(&store, count, 4);
    for (unsigned i = 0; i < count; i++) {
        memcpy(der + serial_at, &i, sizeof i); /* the signature is nobody's concern here */
        snprintf(alias, sizeof alias, "certificate %u", i);
        put_number(&store, 2, 4);
        put_text(&store, alias);
        put_number(&store, 1700000000000, 8);
        put_text(&store, "X.509");
        put_number(&store, size, 4);
        buf_append(&store, der, size);
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!EVP_DigestInit_ex(context, EVP_sha1(), NULL) || !EVP_DigestUpdate(context, password, sizeof password - 1) ||
        !EVP_DigestUpdate(context, store.data, store.size) || !EVP_DigestFinal_ex(context, digest, NULL))
        fail("SHA-1");
    EVP_MD_CTX_free(context);
    buf_append(&store, digest, 20);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(store.data, 1, store.size, file) != store.size || fclose(file))
        fail("cannot write the store");
    buf_done(&store);
    return 0;
}

/* The certificate at the cursor, an entry of make()'s. */
static int next_certificate(struct cursor *cursor, struct slice *der)
{
    struct cursor text;
    uint32_t size;
    return cursor_skip(cursor, 4) || cursor_vector16(cursor, &text) || cursor_skip(cursor, 8) ||
           cursor_vector16(cursor, &text) || cursor_u32(cursor, &size) || cursor_slice(cursor, size, der);
}

static int floor_of(const char *path)
{
    static char base64[ENTRY_BYTES_MAX * 2];
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct buf store;
    struct cursor cursor;
    struct slice der;
    uint32_t count;
    size_t got, encoded = 0;
    unsigned folded = 0;
    FILE *file = fopen(path, "rb");
    EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL), *sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    if (!file || !sha256 || !sha1)
        fail("cannot open the store");
    buf_init(&store, STORE_BYTES_MAX);
    enum { PIECE = 1 << 20 };
    do {
        char *at = buf_extend(&store, PIECE);
        got = fread(at, 1, PIECE, file);
        store.size -= PIECE - got;
    } while (got == PIECE);
    fclose(file);
    cursor_init_slice(&cursor, buf_slice(&store));
    if (cursor_skip(&cursor, 8) || cursor_u32(&cursor, &count))
        fail("no store");
    EVP_Digest(store.data, store.size - 20, digest, NULL, sha1, NULL);
    for (uint32_t i = 0; i < count; i++) {
        if (next_certificate(&cursor, &der) || der.size > ENTRY_BYTES_MAX)
            fail("the store is not one of mine");
        EVP_Digest(der.data, der.size, digest, NULL, sha256, NULL);
        encoded += (size_t)EVP_EncodeBlock((unsigned char *)base64, der.data, (int)der.size);
        folded += digest[0] + (unsigned char)base64[20];
    }
    printf("%u certificates, %zu bytes, %zu of base64, %u\n", (unsigned)count, store.size, encoded, folded);
    buf_done(&store);
    EVP_MD_free(sha256);
    EVP_MD_free(sha1);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        return make(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "floor") == 0)
        return floor_of(argv[2]);
    fail("usage: formats-jks make FILE COUNT | floor FILE");
}
