/* Initial keys by version, header protection by AES-ECB, AES-128-GCM. Over EVP; each thread fetches what it needs once. */
#include "scanner/watch/quic_crypt.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "scanner/tls/key_schedule.h"

enum { SALT_SIZE = 20, SAMPLE_SIZE = 16, TAG_SIZE = 16, NUMBER_MAX = 4 };

struct version_row {
    uint32_t first, last; /* inclusive */
    uint8_t salt[SALT_SIZE];
    const char *key, *iv, *header; /* labels behind "tls13 " */
};

static const struct version_row versions[] = {
    {QUIC_VERSION_1,
     QUIC_VERSION_1,
     {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
      0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
     "quic key",
     "quic iv",
     "quic hp"},
    {QUIC_VERSION_2,
     QUIC_VERSION_2,
     {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
      0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
     "quicv2 key",
     "quicv2 iv",
     "quicv2 hp"},
    {0xff000021, /* drafts 33 and 34 */
     0xff000022,
     {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
      0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
     "quic key",
     "quic iv",
     "quic hp"},
    {0xff00001d, /* 29 to 32 */
     0xff000020,
     {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
      0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99},
     "quic key",
     "quic iv",
     "quic hp"},
    {0xff000017, /* 23 to 28 */
     0xff00001c,
     {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
      0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02},
     "quic key",
     "quic iv",
     "quic hp"},
};

static const struct version_row *find_version(uint32_t version)
{
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        if (version >= versions[i].first && version <= versions[i].last)
            return &versions[i];
    }
    return NULL;
}

bool quic_version_known(uint32_t version)
{
    return find_version(version) != NULL;
}

/* What a thread keeps for all its packets, for as long as it lives. */
struct crypt {
    struct key_schedule *schedule;
    EVP_CIPHER_CTX *open, *header;
};

static pthread_key_t crypt_key;

static void free_crypt(void *kept)
{
    struct crypt *crypt = kept;
    key_schedule_free(crypt->schedule);
    EVP_CIPHER_CTX_free(crypt->open);
    EVP_CIPHER_CTX_free(crypt->header);
}

static void make_key(void)
{
    (void)pthread_key_create(&crypt_key, free_crypt);
}

static struct crypt *get_crypt(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static _Thread_local struct crypt crypt;
    if (crypt.header)
        return &crypt;
    if (!crypt.schedule && key_schedule_new(&crypt.schedule, NULL))
        return NULL;
    (void)pthread_once(&once, make_key);
    (void)pthread_setspecific(crypt_key, &crypt);
    EVP_CIPHER_CTX *open = EVP_CIPHER_CTX_new(), *header = EVP_CIPHER_CTX_new();
    if (open && header && EVP_DecryptInit_ex2(open, EVP_aes_128_gcm(), NULL, NULL, NULL) == 1 &&
        EVP_EncryptInit_ex2(header, EVP_aes_128_ecb(), NULL, NULL, NULL) == 1) {
        EVP_CIPHER_CTX_set_padding(header, 0);
        crypt.open = open;
        crypt.header = header;
        return &crypt;
    }
    EVP_CIPHER_CTX_free(open);
    EVP_CIPHER_CTX_free(header);
    return NULL;
}

int quic_initial_keys(uint32_t version, struct slice connection_id, bool server, struct quic_keys *out)
{
    const struct version_row *row = find_version(version);
    struct crypt *crypt = get_crypt();
    uint8_t initial[TLS_HASH_MAX], secret[TLS_HASH_MAX];
    struct quic_keys keys;
    const uint16_t suite = TLS_AES_128_GCM_SHA256;
    if (!row || !crypt ||
        tls13_extract(crypt->schedule, suite, (struct slice){row->salt, SALT_SIZE}, connection_id, initial) ||
        tls13_expand(crypt->schedule, suite, initial, server ? "server in" : "client in", secret, 32) ||
        tls13_expand(crypt->schedule, suite, secret, row->key, keys.key, sizeof keys.key) ||
        tls13_expand(crypt->schedule, suite, secret, row->iv, keys.iv, sizeof keys.iv) ||
        tls13_expand(crypt->schedule, suite, secret, row->header, keys.header, sizeof keys.header))
        return CM_EUNSUPPORTED;
    *out = keys;
    return 0;
}

/* The first bytes of AES over the sample (RFC 9001 §5.4.3). */
static int header_mask(struct crypt *crypt, const struct quic_keys *keys, const uint8_t *sample, uint8_t mask[16])
{
    int size;
    return EVP_EncryptInit_ex2(crypt->header, NULL, keys->header, NULL, NULL) == 1 &&
                   EVP_EncryptUpdate(crypt->header, mask, &size, sample, SAMPLE_SIZE) == 1 && size == SAMPLE_SIZE
               ? 0
               : CM_EAUTH;
}

int quic_open(const struct quic_keys *keys, struct slice packet, size_t number_at, uint8_t *plain, size_t *size)
{
    static _Thread_local uint8_t header[QUIC_PACKET_MAX];
    struct crypt *crypt = get_crypt();
    uint8_t mask[SAMPLE_SIZE], nonce[12];
    int got, last;
    if (!crypt || packet.size > QUIC_PACKET_MAX || number_at + NUMBER_MAX + SAMPLE_SIZE > packet.size ||
        header_mask(crypt, keys, packet.data + number_at + NUMBER_MAX, mask))
        return CM_EAUTH;
    memcpy(header, packet.data, number_at + NUMBER_MAX);
    header[0] ^= mask[0] & 0x0f;
    size_t number_size = (size_t)(header[0] & 3) + 1, body = number_at + number_size;
    memcpy(nonce, keys->iv, sizeof nonce);
    /* The first packets of a connection have small numbers: what is sent of the number is all of it. */
    for (size_t i = 0; i < number_size; i++) {
        header[number_at + i] ^= mask[1 + i];
        nonce[sizeof nonce - number_size + i] ^= header[number_at + i];
    }
    if (packet.size < body + TAG_SIZE)
        return CM_EAUTH;
    size_t sealed = packet.size - body - TAG_SIZE;
    uint8_t tag[TAG_SIZE];
    memcpy(tag, packet.data + body + sealed, TAG_SIZE);
    if (EVP_DecryptInit_ex2(crypt->open, NULL, keys->key, nonce, NULL) != 1 ||
        EVP_DecryptUpdate(crypt->open, NULL, &got, header, (int)body) != 1 ||
        EVP_DecryptUpdate(crypt->open, plain, &got, packet.data + body, (int)sealed) != 1 ||
        EVP_CIPHER_CTX_ctrl(crypt->open, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) != 1 ||
        EVP_DecryptFinal_ex(crypt->open, plain + got, &last) != 1)
        return CM_EAUTH;
    *size = sealed;
    return 0;
}
