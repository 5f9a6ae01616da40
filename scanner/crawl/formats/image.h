/* Container images: which blob or entry is a layer, and its digest. */
#ifndef SCANNER_CRAWL_FORMATS_IMAGE_H
#define SCANNER_CRAWL_FORMATS_IMAGE_H

#include "certmuster/encode.h"
#include "scanner/crawl/formats/unpack.h"

enum { IMAGE_DIGEST_SIZE = sizeof "sha256:" + 2 * CM_SHA256_SIZE };

/* The digest that the last steps of a path or an entry's name tell: "…/blobs/sha256/<64 hex digits>", as in OCI layouts on the disk, in what
 * newer versions of docker save write, and in the store of containerd. */
bool image_blob_digest(const char *path, char out[static IMAGE_DIGEST_SIZE]);
/* True for the name of a layer in what older versions of docker save write: "<id>/layer.tar", where the id is none of its digests. */
bool image_is_old_layer(const char *name);
/* SHA-256 over the bytes of the archive's entry of that number, from 1; the content is seekable. False: it cannot be read whole. */
bool image_hash_entry(struct job *job, struct content *content, const struct unpack_kind *kind, uint64_t from,
                      uint64_t number, char out[static IMAGE_DIGEST_SIZE]);
/* The same of bytes in memory. */
void image_hash_bytes(const uint8_t *bytes, size_t size, char out[static IMAGE_DIGEST_SIZE]);

#endif
