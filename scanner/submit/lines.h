/* The records of one delivery: their lines, which of them are certificates, and sets of fingerprints. */
#ifndef CERTMUSTER_SUBMIT_LINES_H
#define CERTMUSTER_SUBMIT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/encode.h"

/* A sorted set once digests_sort was called. */
struct digests {
    uint8_t (*list)[CM_SHA256_SIZE];
    size_t count, capacity;
};

void digests_add(struct digests *digests, const uint8_t sha256[static CM_SHA256_SIZE]);
void digests_sort(struct digests *digests); /* and drops doubles */
bool digests_have(const struct digests *digests, const uint8_t sha256[static CM_SHA256_SIZE]);
void digests_done(struct digests *digests);

struct line {
    size_t offset, size; /* in bytes of struct lines, without the line feed */
    uint64_t number;     /* where it came from: the line of the file, or of the segment's records; 0: added for a 409 */
    bool certificate;
    uint8_t sha256[CM_SHA256_SIZE]; /* of a certificate, as the record claims */
};

struct lines {
    struct buf bytes;
    struct line *list;
    size_t count, capacity;
};

void lines_init(struct lines *lines, size_t max_bytes);
void lines_done(struct lines *lines);
void lines_reset(struct lines *lines);
/* False when max_bytes would be passed; nothing is added then. */
bool lines_add(struct lines *lines, const char *record, size_t size, uint64_t number);
/* True when the line is a certificate record; its claimed fingerprint then. Cheap: no JSON is parsed for lines of our own writers. */
bool lines_certificate(const char *record, size_t size, uint8_t sha256[static CM_SHA256_SIZE]);

/* The body of a batch: all other records first, in order, then the certificates that are in `wanted` (NULL: all), so that a line's number
 * does not depend on what the collector has, and an answer that is repeated for the same key still fits. map[i] is the index of
 * the record on body line i + 1; the caller frees it. */
size_t lines_body(const struct lines *lines, const struct digests *wanted, struct buf *body, size_t **map);

#endif
