/* BKS, the keystore of BouncyCastle and of old Android: entries in the clear between a salt and a MAC.
 *
 *     u32 version (0, 1, 2), data salt, u32 iterations, entries (bks_entries.c), HMAC-SHA1 over the entries
 *
 * The MAC's key comes from a password by PKCS#12's derivation: 20 bytes in version 2, but two in the versions before, which a few tens of thousands of
 * tries forge ("bks-v1"). Integrity is "ok" when a password fits, "unchecked" when none of the list does, "bad" when the store is damaged or the MAC
 * cut. UBER begins alike; what does not go on as entries is handed to uber.c. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "scanner/crawl/formats/bks_entries.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/search.h"

struct check {
    const struct bks_head *head;
    struct slice entries, mac;
};

static bool fits(void *context, const struct java_password *password)
{
    enum { MAC_KEY_ID = 3, SHORT_KEY_BYTES = 2 }; /* 20 "bits" in the versions before 2, by mistake */
    const struct check *check = context;
    uint8_t key[BKS_DIGEST_BYTES], mac[EVP_MAX_MD_SIZE];
    unsigned size;
    size_t key_size = check->head->version == 2 ? sizeof key : SHORT_KEY_BYTES;
    bool same = bks_derive(check->head, password, MAC_KEY_ID, key, key_size) &&
                HMAC(EVP_sha1(), key, (int)key_size, check->entries.data, check->entries.size, mac, &size) &&
                CRYPTO_memcmp(mac, check->mac.data, BKS_DIGEST_BYTES) == 0;
    OPENSSL_cleanse(key, sizeof key);
    return same;
}

static const char *check_integrity(struct keystore *store, struct check *check)
{
    if (check->head->iterations > store->job->options->limits.max_iterations) {
        keystore_problem(store, true, RECORD_ERROR_TOO_LARGE, "its integrity check asks for too many iterations");
        return "unchecked";
    }
    enum keystore_try tried = keystore_try_passwords(store, fits, check);
    if (tried == KEYSTORE_NO_TIME)
        keystore_problem(store, true, RECORD_ERROR_TIMEOUT, "not all passwords could be tried in time");
    return tried == KEYSTORE_FITS ? "ok" : "unchecked";
}

/* The store in bytes behind its head; true when more bytes follow it. */
static bool read_store(struct job *job, const struct bks_head *head, struct cursor *cursor)
{
    struct keystore store;
    struct check check = {.head = head, .entries.data = cursor->at};
    const char *integrity = "unchecked";
    keystore_init(&store, job, "bks");
    if (head->version < 2)
        keystore_weak(&store, "bks-v1");
    keystore_weak_iterations(&store, head->iterations);
    if (bks_read_entries(&store, cursor)) {
        check.entries.size = (size_t)(cursor->at - check.entries.data);
        if (cursor_slice(cursor, BKS_DIGEST_BYTES, &check.mac))
            keystore_damage(&store, true, "its MAC is cut");
        else
            integrity = check_integrity(&store, &check);
    }
    keystore_tell(&store, integrity);
    keystore_done(&store);
    return !cursor_at_end(cursor) && !store.damaged;
}

/* Entries follow, whole or damaged, rather than the noise of an encryption or something else altogether. */
static bool goes_on_as_bks(const struct bks_head *head, const struct cursor *cursor)
{
    enum { BLOCK_BYTES = 16, TYPE_MAX = 4 };
    size_t left = cursor_left(cursor);
    if (bks_is_entry(*cursor))
        return true;
    if (head->salt.size != BKS_SALT_BYTES || !left)
        return false;
    if (head->version == 2) /* UBER has no such version */
        return true;
    if (cursor->at[0] == 0)
        return left <= 1 + BKS_DIGEST_BYTES || left % BLOCK_BYTES != 0;
    return cursor->at[0] <= TYPE_MAX && (left < 2 || cursor->at[1] == 0); /* an alias of less than 256 bytes */
}

static bool identify(struct slice bytes)
{
    struct cursor cursor;
    struct bks_head head;
    cursor_init_slice(&cursor, bytes);
    return bks_read_head(&cursor, &head) == 0;
}

static enum format_result read_bks(struct job *job, struct content *content)
{
    struct cursor cursor;
    struct bks_head head;
    uint8_t *bytes;
    size_t size;
    cursor_init_slice(&cursor, content->head);
    if (bks_read_head(&cursor, &head))
        return FORMAT_NOT_MINE;
    bool entries = goes_on_as_bks(&head, &cursor);
    if (!entries && !uber_begins(&head))
        return FORMAT_NOT_MINE;
    int status = content_whole(content, &bytes, &size);
    if (status == CM_ELIMIT)
        job_problem(job, entries ? "bks" : "uber", NULL, RECORD_ERROR_TOO_LARGE,
                    "a keystore of more bytes than are read at once");
    if (status)
        return status == CM_ELIMIT ? FORMAT_TAKEN : FORMAT_NOT_MINE;
    if (!entries) {
        uber_read(job, bytes, size);
        return FORMAT_TAKEN;
    }
    cursor_init(&cursor, bytes, size);
    if (bks_read_head(&cursor, &head) == 0 && read_store(job, &head, &cursor))
        search_text(job, content); /* something was appended to it */
    return FORMAT_TAKEN;
}

const struct format format_bks = {"bks", identify, read_bks, .search = false};
