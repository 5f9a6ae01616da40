/* Key pairs of the process and what comes of them with a server's value (see key_share.h).
 *
 * Owns one row per group. A derivation needs a context of OpenSSL's that nobody else uses at that time: a group keeps those that are
 * free in a list, so that a steady sweep makes none. That matters: decoding the peer's value into a fresh EVP_PKEY and preparing a
 * fresh context costs 4 µs beside the 26 µs that X25519 itself takes; with an exchange from the list it is 0.2 µs.
 *
 * What a server sent is judged by OpenSSL while it is set (a point is on the curve, 1 < Y < p-1) and by the length here. */
#include "scanner/tls/key_share.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum key_kind { KIND_CURVE, KIND_X, KIND_FFDHE };

struct group_row {
    uint16_t number;
    enum key_kind kind;
    const char *algorithm, *group; /* as OpenSSL calls them */
    size_t size;                   /* of a public value */
};

static const struct group_row rows[] = {
    {TLS_GROUP_X25519, KIND_X, "X25519", NULL, 32},
    {TLS_GROUP_SECP256R1, KIND_CURVE, "EC", "P-256", 65},
    {TLS_GROUP_SECP384R1, KIND_CURVE, "EC", "P-384", 97},
    {TLS_GROUP_SECP521R1, KIND_CURVE, "EC", "P-521", 133},
    {TLS_GROUP_X448, KIND_X, "X448", NULL, 56},
    {TLS_GROUP_FFDHE2048, KIND_FFDHE, "DH", "ffdhe2048", 256},
    {TLS_GROUP_FFDHE3072, KIND_FFDHE, "DH", "ffdhe3072", 384},
    {TLS_GROUP_FFDHE4096, KIND_FFDHE, "DH", "ffdhe4096", 512},
    {TLS_GROUP_FFDHE6144, KIND_FFDHE, "DH", "ffdhe6144", 768},
    {TLS_GROUP_FFDHE8192, KIND_FFDHE, "DH", "ffdhe8192", 1024},
};
enum { ROWS = sizeof rows / sizeof rows[0], UNCOMPRESSED = 4 };

struct exchange { /* one derivation's tools */
    struct exchange *next;
    EVP_PKEY_CTX *context; /* of our private key */
    EVP_PKEY *peer;        /* the group's parameters; the server's value is set for each derivation */
};

struct group {
    pthread_mutex_t lock;
    EVP_PKEY *own; /* NULL until first asked for */
    uint8_t public[KEY_SHARE_MAX];
    struct exchange *free;
};

struct key_shares {
    struct group groups[ROWS];
};

static const struct group_row *find_row(uint16_t number)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].number == number)
            return &rows[i];
    }
    return NULL;
}

bool key_shares_knows(uint16_t group)
{
    return find_row(group) != NULL;
}

/* --- our key pair ---------------------------------------------------------------------------------------------------------- */

static EVP_PKEY *make_key(const struct group_row *row)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, row->algorithm, NULL);
    bool ready = context != NULL && EVP_PKEY_keygen_init(context) == 1 &&
                 (row->group == NULL || EVP_PKEY_CTX_set_group_name(context, row->group) == 1);
    if (ready && EVP_PKEY_generate(context, &key) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

/* Our public value in the form of RFC 8446 §4.2.8; ffdhe comes from OpenSSL already padded on the left. */
static bool write_public(EVP_PKEY *key, const struct group_row *row, uint8_t *out)
{
    unsigned char *encoded = NULL;
    size_t size = EVP_PKEY_get1_encoded_public_key(key, &encoded);
    bool fits = encoded != NULL && size == row->size && (row->kind != KIND_CURVE || encoded[0] == UNCOMPRESSED);
    if (fits)
        memcpy(out, encoded, size);
    OPENSSL_free(encoded);
    return fits;
}

/* Under the group's lock. */
static int make_sure_of_key(struct group *group, const struct group_row *row)
{
    if (group->own != NULL)
        return 0;
    EVP_PKEY *key = make_key(row);
    if (key == NULL || !write_public(key, row, group->public)) {
        EVP_PKEY_free(key);
        ERR_clear_error();
        return CM_EUNSUPPORTED;
    }
    group->own = key;
    return 0;
}

int key_shares_public(struct key_shares *shares, uint16_t number, struct slice *out)
{
    const struct group_row *row = find_row(number);
    if (row == NULL)
        return CM_EUNSUPPORTED;
    struct group *group = &shares->groups[row - rows];
    pthread_mutex_lock(&group->lock);
    int result = make_sure_of_key(group, row);
    pthread_mutex_unlock(&group->lock);
    if (result == 0)
        *out = (struct slice){group->public, row->size};
    return result;
}

int key_shares_set(struct key_shares *shares, uint16_t number, struct slice pkcs8)
{
    const struct group_row *row = find_row(number);
    const unsigned char *at = pkcs8.data;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)pkcs8.size);
    uint8_t public[KEY_SHARE_MAX];
    if (row == NULL || key == NULL || !EVP_PKEY_is_a(key, row->algorithm) || !write_public(key, row, public)) {
        EVP_PKEY_free(key);
        ERR_clear_error();
        return row == NULL ? CM_EUNSUPPORTED : CM_EMALFORMED;
    }
    struct group *group = &shares->groups[row - rows];
    EVP_PKEY_free(group->own);
    group->own = key;
    memcpy(group->public, public, row->size);
    return 0;
}

int key_shares_new(struct key_shares **out, struct cm_error *error)
{
    struct key_shares *shares = cm_calloc(1, sizeof *shares);
    struct slice x25519;
    for (size_t i = 0; i < ROWS; i++)
        pthread_mutex_init(&shares->groups[i].lock, NULL);
    if (key_shares_public(shares, TLS_GROUP_X25519, &x25519) != 0) {
        key_shares_free(shares);
        return error_set(error, CM_EUNSUPPORTED, 0, "this OpenSSL makes no X25519 keys");
    }
    *out = shares;
    return 0;
}

/* --- derivations ----------------------------------------------------------------------------------------------------------- */

static void exchange_free(struct exchange *exchange)
{
    if (exchange == NULL)
        return;
    EVP_PKEY_CTX_free(exchange->context);
    EVP_PKEY_free(exchange->peer);
    free(exchange);
}

static struct exchange *exchange_new(EVP_PKEY *own, const struct group_row *row)
{
    struct exchange *exchange = cm_calloc(1, sizeof *exchange);
    exchange->context = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    exchange->peer = EVP_PKEY_new();
    unsigned pad = 1; /* RFC 8446 §7.4.1: the leading zeros stay */
    const OSSL_PARAM padded[] = {OSSL_PARAM_construct_uint(OSSL_EXCHANGE_PARAM_PAD, &pad), OSSL_PARAM_END};
    if (exchange->context != NULL && exchange->peer != NULL &&
        EVP_PKEY_derive_init_ex(exchange->context, row->kind == KIND_FFDHE ? padded : NULL) == 1 &&
        EVP_PKEY_copy_parameters(exchange->peer, own) == 1)
        return exchange;
    exchange_free(exchange);
    return NULL;
}

static struct exchange *take_exchange(struct group *group, const struct group_row *row)
{
    struct exchange *exchange = NULL;
    pthread_mutex_lock(&group->lock);
    if (make_sure_of_key(group, row) == 0) {
        exchange = group->free;
        if (exchange != NULL)
            group->free = exchange->next;
        else
            exchange = exchange_new(group->own, row);
    }
    pthread_mutex_unlock(&group->lock);
    return exchange;
}

static void give_back(struct group *group, struct exchange *exchange)
{
    pthread_mutex_lock(&group->lock);
    exchange->next = group->free;
    group->free = exchange;
    pthread_mutex_unlock(&group->lock);
}

int key_shares_derive(struct key_shares *shares, uint16_t number, struct slice peer, uint8_t *secret, size_t *size)
{
    const struct group_row *row = find_row(number);
    if (row == NULL)
        return CM_EUNSUPPORTED;
    if (peer.size != row->size || (row->kind == KIND_CURVE && peer.data[0] != UNCOMPRESSED))
        return CM_EMALFORMED;
    struct group *group = &shares->groups[row - rows];
    struct exchange *exchange = take_exchange(group, row);
    if (exchange == NULL) {
        ERR_clear_error();
        return CM_EUNSUPPORTED;
    }
    size_t made = SHARED_SECRET_MAX;
    /* The value was judged as it was set: OpenSSL's own validation on top would cost another scalar multiplication. */
    bool good = EVP_PKEY_set1_encoded_public_key(exchange->peer, peer.data, peer.size) == 1 &&
                EVP_PKEY_derive_set_peer_ex(exchange->context, exchange->peer, 0) == 1 &&
                EVP_PKEY_derive(exchange->context, secret, &made) == 1;
    give_back(group, exchange);
    if (!good) {
        ERR_clear_error();
        return CM_EMALFORMED;
    }
    *size = made;
    return 0;
}

void key_shares_free(struct key_shares *shares)
{
    if (shares == NULL)
        return;
    for (size_t i = 0; i < ROWS; i++) {
        struct group *group = &shares->groups[i];
        while (group->free != NULL) {
            struct exchange *next = group->free->next;
            exchange_free(group->free);
            group->free = next;
        }
        EVP_PKEY_free(group->own);
        pthread_mutex_destroy(&group->lock);
    }
    free(shares);
}
