/* SSL 2.0, one message each way: our CLIENT-HELLO and the SERVER-HELLO, in which the certificate stands.
 *
 * Owns the framing of that protocol, which is not the record layer of records.h, and its seven ciphers. The handshake calls it for HELLO_SSLV2. It
 * negotiates nothing further: nobody should. */
#include "scanner/tls/sslv2.h"

#include <stdbool.h>

#include "certmuster/error.h"

enum {
    VERSION = 0x0002,
    CHALLENGE_SIZE = 16,
    CIPHER_SIZE = 3,
    MSG_ERROR = 0,
    MSG_CLIENT_HELLO = 1,
    MSG_SERVER_HELLO = 4,
    X509_CERTIFICATE = 1,      /* the only CERTIFICATE-TYPE that was ever assigned */
    ERROR_SIZE = 3,            /* type, code */
    SERVER_HELLO_SIZE_MIN = 11 /* without certificate, ciphers and connection id */
};

static const struct cipher {
    uint32_t number;
    const char *name;
} ciphers[] = {
    {0x010080, "SSL_CK_RC4_128_WITH_MD5"},          {0x020080, "SSL_CK_RC4_128_EXPORT40_WITH_MD5"},
    {0x030080, "SSL_CK_RC2_128_CBC_WITH_MD5"},      {0x040080, "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5"},
    {0x050080, "SSL_CK_IDEA_128_CBC_WITH_MD5"},     {0x060040, "SSL_CK_DES_64_CBC_WITH_MD5"},
    {0x0700c0, "SSL_CK_DES_192_EDE3_CBC_WITH_MD5"},
};
enum { CIPHER_COUNT = sizeof ciphers / sizeof *ciphers };

const char *sslv2_cipher_name(uint32_t cipher)
{
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        if (ciphers[i].number == cipher)
            return ciphers[i].name;
    }
    return NULL;
}

static void put_u8(struct buf *out, unsigned value)
{
    buf_append_char(out, (char)value);
}

static void put_u16(struct buf *out, unsigned value)
{
    put_u8(out, value >> 8);
    put_u8(out, value & 0xff);
}

void sslv2_client_hello(const uint8_t *challenge, struct buf *out)
{
    unsigned specs = CIPHER_COUNT * CIPHER_SIZE;
    put_u16(out, 0x8000 | (1 + 2 + 2 + 2 + 2 + specs + CHALLENGE_SIZE)); /* the header of two bytes: no padding */
    put_u8(out, MSG_CLIENT_HELLO);
    put_u16(out, VERSION);
    put_u16(out, specs);
    put_u16(out, 0); /* no session to resume */
    put_u16(out, CHALLENGE_SIZE);
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        put_u8(out, ciphers[i].number >> 16);
        put_u16(out, ciphers[i].number & 0xffff);
    }
    buf_append(out, challenge, CHALLENGE_SIZE);
}

/* Reads a record's header; *size is that of the message, without the padding that the header of three bytes may announce. */
static int read_header(struct cursor *at, size_t *size)
{
    uint16_t word;
    if (cursor_u16(at, &word))
        return CM_ETRUNCATED;
    if (word & 0x8000) {
        *size = word & 0x7fff;
        return 0;
    }
    uint8_t padding;
    if (word & 0x4000)
        return CM_EMALFORMED; /* a security escape: none was ever defined */
    if (cursor_u8(at, &padding))
        return CM_ETRUNCATED;
    if (padding > (word & 0x3fff))
        return CM_EMALFORMED;
    *size = (size_t)(word & 0x3fff) - padding;
    return 0;
}

/* Whether the version, once it is there behind type, SESSION-ID-HIT and CERTIFICATE-TYPE, is that of SSL 2.0. */
static bool may_be_server_hello(struct cursor at)
{
    uint16_t version;
    return cursor_skip(&at, 3) || cursor_u16(&at, &version) || version == VERSION;
}

/* The body behind its type, whole and not a byte more. Its end is the message's, so running out of it is no matter of waiting. */
static int read_body(struct cursor *at, struct sslv2_server_hello *out)
{
    struct sslv2_server_hello hello = {0};
    struct slice specs, connection;
    uint8_t session_hit, type;
    uint16_t certificate_size, specs_size, connection_size;
    if (cursor_u8(at, &session_hit) || cursor_u8(at, &type) || cursor_u16(at, &hello.version) ||
        cursor_u16(at, &certificate_size) || cursor_u16(at, &specs_size) || cursor_u16(at, &connection_size))
        return CM_EMALFORMED;
    if (cursor_slice(at, certificate_size, &hello.certificate) || cursor_slice(at, specs_size, &specs) ||
        cursor_slice(at, connection_size, &connection) || !cursor_at_end(at))
        return CM_EMALFORMED;
    if (hello.version != VERSION || specs_size % CIPHER_SIZE || (certificate_size && type != X509_CERTIFICATE))
        return CM_EMALFORMED;
    struct cursor list;
    cursor_init_slice(&list, specs);
    if (specs_size && cursor_u24(&list, &hello.cipher))
        return CM_EMALFORMED;
    *out = hello;
    return 0;
}

int sslv2_read_server_hello(struct slice bytes, struct sslv2_server_hello *out)
{
    struct cursor at, body;
    struct slice message;
    size_t size;
    uint8_t type;
    cursor_init_slice(&at, bytes);
    int code = read_header(&at, &size);
    if (code)
        return code;
    if (size < ERROR_SIZE)
        return CM_EMALFORMED;
    /* Told by the first bytes, without waiting for a length that another protocol's text makes. */
    if (cursor_peek_u8(&at, &type))
        return CM_ETRUNCATED;
    if ((type != MSG_SERVER_HELLO || size < SERVER_HELLO_SIZE_MIN) && (type != MSG_ERROR || size != ERROR_SIZE))
        return CM_EMALFORMED;
    if (type == MSG_SERVER_HELLO && !may_be_server_hello(at))
        return CM_EMALFORMED;
    if (cursor_slice(&at, size, &message))
        return CM_ETRUNCATED;
    if (type == MSG_ERROR)
        return CM_EUNSUPPORTED;
    cursor_init_slice(&body, message);
    return cursor_skip(&body, 1) ? CM_EMALFORMED : read_body(&body, out);
}
