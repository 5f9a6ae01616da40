/* Entries as BouncyCastle writes them, and the key derivation that goes with them.
 *
 *     u8 type, utf alias, u64 milliseconds, u32 count, certificates {utf type, data}, and
 *         1, a certificate:  {utf type, data}
 *         2, a key in the clear:  u8 0 private, 1 public, 2 secret; utf format, utf algorithm, data
 *         3, bytes that an application encrypted, and 4, a key that the store encrypted:  data
 *     type 0 ends them
 *
 * Owns nothing. bks.c and uber.c call it. Whether a sealed key is private is known from its chain alone: BouncyCastle refuses a private key without
 * one. */
#include "scanner/crawl/formats/bks_entries.h"

#include <openssl/evp.h>
#include <openssl/pkcs12.h>

enum { TYPE_END, TYPE_CERTIFICATE, TYPE_KEY, TYPE_SECRET, TYPE_SEALED };

int bks_read_head(struct cursor *cursor, struct bks_head *head)
{
    if (cursor_u32(cursor, &head->version))
        return CM_ETRUNCATED;
    if (head->version > 2)
        return CM_EMALFORMED;
    if (java_read_data(cursor, &head->salt) || cursor_u32(cursor, &head->iterations))
        return CM_ETRUNCATED;
    return head->salt.size < BKS_SALT_MIN || head->salt.size > BKS_SALT_MAX || head->iterations > INT32_MAX
               ? CM_EMALFORMED
               : 0;
}

bool bks_derive(const struct bks_head *head, const struct java_password *password, int id, uint8_t *out, size_t size)
{
    /* An empty password is no bytes, not the two zeros that end any other. */
    int password_size = password->size ? (int)password->size + 2 : 0;
    return PKCS12_key_gen_uni((unsigned char *)password->bytes, password_size, (unsigned char *)head->salt.data,
                              (int)head->salt.size, id, head->iterations ? (int)head->iterations : 1, (int)size, out,
                              EVP_sha1()) == 1;
}

static int read_certificate(struct keystore *store, struct cursor *cursor)
{
    struct slice type, data;
    struct cursor at = *cursor;
    if (java_read_text(&at, &type) || java_read_data(&at, &data))
        return CM_ETRUNCATED;
    *cursor = at;
    keystore_certificate(store, type, data);
    return 0;
}

static int read_key(struct keystore *store, struct cursor *cursor)
{
    enum { PRIVATE, PUBLIC, SECRET };
    struct slice format, algorithm, data;
    uint8_t kind;
    if (cursor_u8(cursor, &kind) || java_read_text(cursor, &format) || java_read_text(cursor, &algorithm) ||
        java_read_data(cursor, &data))
        return CM_ETRUNCATED;
    if (kind > SECRET)
        return CM_EMALFORMED;
    if (kind == PRIVATE)
        keystore_key(store, data);
    return 0;
}

static int read_sealed(struct keystore *store, struct cursor *cursor, bool of_chain)
{
    struct slice data, salt;
    struct cursor inner;
    uint32_t iterations;
    if (java_read_data(cursor, &data))
        return CM_ETRUNCATED;
    cursor_init_slice(&inner, data);
    if (java_read_data(&inner, &salt) || cursor_u32(&inner, &iterations))
        return CM_EMALFORMED;
    keystore_weak_iterations(store, iterations);
    if (of_chain)
        keystore_sealed_key(store);
    return 0;
}

static int read_value(struct keystore *store, struct cursor *cursor, uint8_t type, bool of_chain)
{
    struct slice secret;
    switch (type) {
    case TYPE_CERTIFICATE:
        return read_certificate(store, cursor);
    case TYPE_KEY:
        return read_key(store, cursor);
    case TYPE_SEALED:
        return read_sealed(store, cursor, of_chain);
    default:
        return java_read_data(cursor, &secret);
    }
}

static int read_chain_and_value(struct keystore *store, struct cursor *cursor, uint8_t type)
{
    uint64_t date_ms;
    uint32_t count;
    if (cursor_u64(cursor, &date_ms) || cursor_u32(cursor, &count))
        return CM_ETRUNCATED;
    bool of_chain = count > 0;
    for (; count; count--) {
        int status = read_certificate(store, cursor);
        if (status)
            return status;
    }
    return read_value(store, cursor, type, of_chain);
}

static int read_entry(struct keystore *store, struct cursor *cursor, uint8_t type)
{
    struct slice alias = {NULL, 0};
    int status = type > TYPE_SEALED ? CM_EMALFORMED : java_read_text(cursor, &alias);
    keystore_open_entry(store, alias);
    if (!status)
        status = read_chain_and_value(store, cursor, type);
    keystore_close_entry(store, status ? NULL : cursor->at);
    if (status)
        keystore_damage(store, false,
                        status == CM_ETRUNCATED ? "the entry runs past the end of the store" : "the entry is damaged");
    return status;
}

/* The certificate that a chain or a certificate's entry begins with; or the length of a value. */
static bool begins_value(struct cursor cursor, bool certificate)
{
    struct slice type, data;
    uint32_t size;
    uint8_t first;
    if (!certificate)
        return cursor_u32(&cursor, &size) || !(size >> 24);
    if (java_read_text(&cursor, &type))
        return true; /* cut there */
    if (!java_text_plausible(type) || (cursor_left(&cursor) >= 4 && *cursor.at != 0))
        return false;
    return cursor_slice(&cursor, 4, &data) || cursor_u8(&cursor, &first) || first == 0x30;
}

bool bks_is_entry(struct cursor cursor)
{
    enum { ALIAS_MAX = 1024, CHAIN_MAX = 1000, DATE_BITS = 43 }; /* dates until the year 2248 */
    struct slice alias;
    uint64_t date_ms;
    uint32_t count;
    uint8_t type;
    if (cursor_u8(&cursor, &type) || type == TYPE_END || type > TYPE_SEALED || java_read_text(&cursor, &alias) ||
        alias.size > ALIAS_MAX || cursor_u64(&cursor, &date_ms) || date_ms >> DATE_BITS || !java_text_plausible(alias))
        return false;
    if (cursor_u32(&cursor, &count))
        return true;
    if (count > CHAIN_MAX)
        return false;
    return (type == TYPE_KEY && !count) || begins_value(cursor, count || type == TYPE_CERTIFICATE);
}

bool bks_read_entries(struct keystore *store, struct cursor *cursor)
{
    uint8_t type;
    keystore_entries_begin(store, cursor->at);
    while (!keystore_time_is_over(store)) {
        const uint8_t *start = cursor->at;
        if (cursor_u8(cursor, &type)) {
            keystore_damage(store, true, "it is cut behind its last entry");
            return false;
        }
        if (type == TYPE_END)
            return true;
        if (read_entry(store, cursor, type)) {
            while (!keystore_time_is_over(store) && keystore_find_entry(store, cursor, start, bks_is_entry)) {
                start = cursor->at++;
                (void)read_entry(store, cursor, *start);
            }
            return false;
        }
    }
    return false;
}
