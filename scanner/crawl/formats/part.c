/* Parts of contents: lent where the bytes are in memory, copied where they are on the disk.
 *
 * Owns the copy and its share of the memory that all levels of a file have together. The readers of signed programs call it, which want a few
 * kilobytes of files that may be as large as a disk. */
#include "scanner/crawl/formats/part.h"

#include <stdlib.h>

#include "certmuster/limits.h"

static bool hold(struct content *content)
{
    uint8_t *bytes;
    size_t size;
    return content_seekable(content) || content_whole(content, &bytes, &size) == 0;
}

uint64_t part_end(struct content *content)
{
    if (!hold(content))
        return UINT64_MAX;
    return content->complete ? content->head.size : content->size_bytes;
}

int part_read(struct part *part, struct job *job, struct content *content, uint64_t offset, uint64_t size)
{
    *part = (struct part){.job = job};
    if (offset <= content->head.size && size <= content->head.size - offset) {
        part->bytes = (struct slice){content->head.data + offset, (size_t)size};
        return 0;
    }
    if (!hold(content))
        return CM_ELIMIT;
    if (content->complete) {
        size_t left = offset < content->head.size ? content->head.size - (size_t)offset : 0;
        part->bytes = (struct slice){content->head.data + (left ? offset : 0), left < size ? left : (size_t)size};
        return 0;
    }
    if (size > CM_LIMIT_FILE_BYTES || size > job->memory_left)
        return CM_ELIMIT;
    part->taken = (size_t)size;
    job->memory_left -= part->taken;
    part->owned = cm_malloc(part->taken);
    ssize_t got = content_read_at(content, offset, part->owned, part->taken);
    if (got < 0)
        return CM_EIO;
    part->bytes = (struct slice){part->owned, (size_t)got};
    return 0;
}

void part_done(struct part *part)
{
    if (part->job)
        part->job->memory_left += part->taken;
    free(part->owned);
    *part = (struct part){.job = NULL};
}
