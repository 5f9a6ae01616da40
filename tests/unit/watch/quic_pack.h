/* Seals QUIC Initial packets, as a client and a server do; and the examples of RFC 9001 Appendix A and RFC 9369 Appendix A. */
#ifndef TESTS_UNIT_WATCH_QUIC_PACK_H
#define TESTS_UNIT_WATCH_QUIC_PACK_H

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/watch/quic_crypt.h"
#include "tests/unit/watch/packets.h"

/* A.2 of both: the CRYPTO frame with a ClientHello for example.com; padded to 1162 bytes of payload. */
#define RFC_CRYPTO_FRAME                                                                                               \
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c000004130113020100"           \
    "00c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d001700180010000700"                         \
    "0504616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43"           \
    "e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c00024001003900320408"           \
    "ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff"
#define RFC_SERVER_V1                                                                                                  \
    "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf7" \
    "3c"                                                                                                               \
    "3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58" \
    "89"                                                                                                               \
    "1850abbdca3d20398c276456cbc42158407dd074ee"
#define RFC_SERVER_V2                                                                                                  \
    "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237bbf87263017915358230035f7" \
    "fd"                                                                                                               \
    "3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2c984c707f0a0812d8cd5a6881eaf21ceda" \
    "98"                                                                                                               \
    "f4bd23f6fe1a3e2c43edd9ce7ca84bed8521e2e140"
#define RFC_RETRY_V1 "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba"
static const uint8_t rfc_id[8] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};
static const uint8_t rfc_server_id[8] = {0xf0, 0x67, 0xa5, 0x50, 0x2a, 0x42, 0x62, 0xb5};

struct quic_packet {
    uint32_t version, number;
    struct slice keyed_by;            /* the ID that the keys come from */
    struct slice destination, source; /* IDs of the header */
    bool server;
    const struct buf *frames;
};

/* Appends the packet, with a number of four bytes. */
static inline void put_initial(struct buf *out, const struct quic_packet *packet)
{
    struct quic_keys keys;
    size_t start = out->size, sealed = packet->frames->size + 16, length = sealed + 4;
    uint8_t nonce[12], mask[16];
    int size;
    if (quic_initial_keys(packet->version, packet->keyed_by, packet->server, &keys))
        abort();
    buf_append_char(out, (char)(packet->version == QUIC_VERSION_2 ? 0xd3 : 0xc3));
    buf_append(out, (const uint8_t[]){BYTES4(packet->version)}, 4);
    buf_append_char(out, (char)packet->destination.size);
    buf_append(out, packet->destination.data, packet->destination.size);
    buf_append_char(out, (char)packet->source.size);
    buf_append(out, packet->source.data, packet->source.size);
    buf_append_char(out, 0);
    put_u16(out, 0x4000 | length);
    size_t number_at = out->size;
    buf_append(out, (const uint8_t[]){BYTES4(packet->number)}, 4);
    memcpy(nonce, keys.iv, sizeof nonce);
    for (size_t i = 0; i < 4; i++)
        nonce[8 + i] ^= (uint8_t)out->data[number_at + i];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, keys.key, nonce);
    EVP_EncryptUpdate(context, NULL, &size, (uint8_t *)out->data + start, (int)(out->size - start));
    char *body = buf_extend(out, sealed);
    EVP_EncryptUpdate(context, (uint8_t *)body, &size, (const uint8_t *)packet->frames->data,
                      (int)packet->frames->size);
    EVP_EncryptFinal_ex(context, (uint8_t *)body + size, &size);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, body + sealed - 16);
    EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, keys.header, NULL);
    EVP_EncryptUpdate(context, mask, &size, (uint8_t *)out->data + number_at + 4, 16);
    EVP_CIPHER_CTX_free(context);
    out->data[start] ^= (char)(mask[0] & 0x0f);
    for (size_t i = 0; i < 4; i++)
        out->data[number_at + i] ^= (char)mask[1 + i];
}

static inline void put_padding(struct buf *frames, size_t size)
{
    while (frames->size < size)
        buf_append_char(frames, 0);
}

/* A CRYPTO frame with these bytes of the stream. */
static inline void put_crypto(struct buf *frames, const struct buf *stream, size_t at, size_t size)
{
    buf_append_char(frames, 6);
    put_u16(frames, 0x4000 | at);
    put_u16(frames, 0x4000 | size);
    buf_append(frames, stream->data + at, size);
}

static inline void put_rfc_client(struct buf *out, uint32_t version)
{
    struct buf frames;
    buf_init(&frames, PACKETS_BUF_MAX);
    put_hex(&frames, RFC_CRYPTO_FRAME);
    put_padding(&frames, 1162);
    put_initial(
        out,
        &(struct quic_packet){
            .version = version, .number = 2, .keyed_by = {rfc_id, 8}, .destination = {rfc_id, 8}, .frames = &frames});
    buf_done(&frames);
}

#endif
