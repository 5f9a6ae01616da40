/* A layer's digest is that of its bytes as they lie in the image: of a blob the name that its manifest calls it by (packed or not), of a layer.tar of
 * docker save its diff_id. The former is told by the name of the blob; the latter nowhere in time (the manifest may come last), so it is computed.
 *
 * Every layer is read: what a later one deletes still lies in the image and can be taken out of it. */
#include "scanner/crawl/formats/image.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "certmuster/ids.h"

static const char prefix[] = "sha256:";
enum { HEX = 2 * CM_SHA256_SIZE };

static bool is_hex(const char *text)
{
    return strspn(text, "0123456789abcdef") >= HEX;
}

bool image_blob_digest(const char *path, char out[static IMAGE_DIGEST_SIZE])
{
    static const char folder[] = "blobs/sha256/";
    size_t size = strlen(path), folder_size = sizeof folder - 1;
    if (size < folder_size + HEX)
        return false;
    const char *hex = path + size - HEX, *begin = hex - folder_size;
    if (memcmp(begin, folder, folder_size) != 0 || !is_hex(hex) || (begin > path && begin[-1] != '/'))
        return false;
    memcpy(out, prefix, sizeof prefix - 1);
    memcpy(out + sizeof prefix - 1, hex, HEX + 1);
    return true;
}

bool image_is_old_layer(const char *name)
{
    if (strncmp(name, "./", 2) == 0)
        name += 2;
    const char *slash = strchr(name, '/');
    return slash && slash > name && strcmp(slash, "/layer.tar") == 0;
}

static void write_digest(const uint8_t digest[static CM_SHA256_SIZE], char out[static IMAGE_DIGEST_SIZE])
{
    memcpy(out, prefix, sizeof prefix - 1);
    hex_write(out + sizeof prefix - 1, digest, CM_SHA256_SIZE);
}

void image_hash_bytes(const uint8_t *bytes, size_t size, char out[static IMAGE_DIGEST_SIZE])
{
    uint8_t digest[CM_SHA256_SIZE];
    sha256_bytes(bytes, size, digest);
    write_digest(digest, out);
}

static bool hash_content(struct content *content, char out[static IMAGE_DIGEST_SIZE])
{
    uint8_t digest[EVP_MAX_MD_SIZE], *block = cm_calloc(1, UNPACK_BLOCK_BYTES);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    ssize_t got = -1;
    bool ready = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    while (ready && (got = content_read(content, block, UNPACK_BLOCK_BYTES)) > 0)
        ready = EVP_DigestUpdate(hash, block, (size_t)got) == 1;
    ready = ready && got == 0 && !content->failed && EVP_DigestFinal_ex(hash, digest, NULL) == 1;
    if (ready)
        write_digest(digest, out);
    EVP_MD_CTX_free(hash);
    OPENSSL_cleanse(block, UNPACK_BLOCK_BYTES);
    free(block);
    return ready;
}

bool image_hash_entry(struct job *job, struct content *content, const struct unpack_kind *kind, uint64_t from,
                      uint64_t number, char out[static IMAGE_DIGEST_SIZE])
{
    struct unpack unpack;
    struct unpack_entry entry;
    struct content inside;
    uint64_t entries = job->entries, unpacked = job->unpacked_bytes;
    unpack_init(&unpack, job, content);
    bool found = unpack_open(&unpack, kind, from);
    while (found && unpack.entries < number)
        found = unpack_next(&unpack, &entry) != UNPACK_END && !unpack.broken && !job->stopped;
    if (found) {
        content_from_stream(&inside, unpack_source, &unpack, entry.size_bytes, NULL);
        found = hash_content(&inside, out);
        content_done(&inside);
    }
    unpack_done(&unpack);
    if (!job->stopped) { /* looked at twice, counted once */
        job->entries = entries;
        job->unpacked_bytes = unpacked;
    }
    return found;
}
