/* Lines of a delivery and sets of fingerprints. Pure: bytes in, structures out. */
#include "scanner/submit/lines.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/record_read.h"

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, CM_SHA256_SIZE);
}

void digests_add(struct digests *digests, const uint8_t sha256[static CM_SHA256_SIZE])
{
    if (digests->count == digests->capacity) {
        digests->capacity = digests->capacity ? digests->capacity * 2 : 64;
        digests->list = cm_realloc(digests->list, digests->capacity * sizeof *digests->list);
    }
    memcpy(digests->list[digests->count++], sha256, CM_SHA256_SIZE);
}

void digests_sort(struct digests *digests)
{
    size_t kept = 0;
    if (digests->count)
        qsort(digests->list, digests->count, sizeof *digests->list, compare);
    for (size_t i = 0; i < digests->count; i++)
        if (kept == 0 || memcmp(digests->list[kept - 1], digests->list[i], CM_SHA256_SIZE) != 0)
            memmove(digests->list[kept++], digests->list[i], CM_SHA256_SIZE);
    digests->count = kept;
}

bool digests_have(const struct digests *digests, const uint8_t sha256[static CM_SHA256_SIZE])
{
    return digests->count && bsearch(sha256, digests->list, digests->count, sizeof *digests->list, compare) != NULL;
}

void digests_done(struct digests *digests)
{
    free(digests->list);
    *digests = (struct digests){.list = NULL};
}

void lines_init(struct lines *lines, size_t max_bytes)
{
    *lines = (struct lines){.list = NULL};
    buf_init(&lines->bytes, max_bytes);
}

void lines_done(struct lines *lines)
{
    buf_done(&lines->bytes);
    free(lines->list);
    *lines = (struct lines){.list = NULL};
}

void lines_reset(struct lines *lines)
{
    buf_reset(&lines->bytes);
    lines->count = 0;
}

bool lines_certificate(const char *record, size_t size, uint8_t sha256[static CM_SHA256_SIZE])
{
    static const char own[] = "{\"v\":1,\"type\":\"";
    static const char start[] = "{\"v\":1,\"type\":\"certificate\",\"sha256\":\"";
    enum { OWN = sizeof own - 1, START = sizeof start - 1, HEX = 2 * CM_SHA256_SIZE };
    if (size >= START + HEX && memcmp(record, start, START) == 0)
        return hex_read(record + START, HEX, sha256, CM_SHA256_SIZE) == CM_OK;
    if (size >= OWN && memcmp(record, own, OWN) == 0)
        return false;
    struct record other; /* another writer's order of members */
    if (record_read(record, size, &other, NULL) != CM_OK)
        return false;
    bool certificate = other.type == RECORD_CERTIFICATE;
    if (certificate)
        memcpy(sha256, other.sha256, CM_SHA256_SIZE);
    record_done(&other);
    return certificate;
}

bool lines_add(struct lines *lines, const char *record, size_t size, uint64_t number)
{
    if (lines->bytes.size + size > lines->bytes.max)
        return false;
    if (lines->count == lines->capacity) {
        lines->capacity = lines->capacity ? lines->capacity * 2 : 256;
        lines->list = cm_realloc(lines->list, lines->capacity * sizeof *lines->list);
    }
    struct line *line = &lines->list[lines->count++];
    *line = (struct line){.offset = lines->bytes.size, .size = size, .number = number};
    line->certificate = lines_certificate(record, size, line->sha256);
    buf_append(&lines->bytes, record, size);
    return true;
}

size_t lines_body(const struct lines *lines, const struct digests *wanted, struct buf *body, size_t **map)
{
    size_t count = 0;
    *map = cm_calloc(lines->count ? lines->count : 1, sizeof **map);
    for (int certificates = 0; certificates <= 1; certificates++)
        for (size_t i = 0; i < lines->count; i++) {
            const struct line *line = &lines->list[i];
            if (line->certificate != (certificates == 1) ||
                (line->certificate && wanted && !digests_have(wanted, line->sha256)))
                continue;
            buf_append(body, lines->bytes.data + line->offset, line->size);
            buf_append_char(body, '\n');
            (*map)[count++] = i;
        }
    return count;
}
