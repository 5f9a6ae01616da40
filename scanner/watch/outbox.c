/* A list and an account of its bytes. */
#include "scanner/watch/outbox.h"

#include <stdlib.h>
#include <string.h>

void outbox_init(struct outbox *outbox, size_t bytes_max)
{
    *outbox = (struct outbox){.bytes_max = bytes_max};
    outbox->end = &outbox->oldest;
}

void outbox_done(struct outbox *outbox)
{
    struct telling *telling;
    while ((telling = outbox_take(outbox)))
        telling_free(telling);
}

static size_t bytes_of(const struct slice *chain, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; chain && i < count; i++)
        size += sizeof *chain + chain[i].size;
    return size;
}

bool outbox_put(struct outbox *outbox, const struct telling *telling, const struct slice *chain)
{
    size_t count = telling->summary->chain_count, size = bytes_of(chain, count);
    if (outbox->bytes + sizeof *telling + telling->summary->size + size > outbox->bytes_max)
        return false;
    struct telling *copy = cm_malloc(sizeof *copy + size);
    *copy = *telling;
    copy->next = NULL;
    copy->size = sizeof *copy + telling->summary->size + size;
    copy->chain = chain ? (struct slice *)(copy + 1) : NULL;
    uint8_t *bytes = (uint8_t *)(copy + 1) + count * sizeof *chain;
    for (size_t i = 0; chain && i < count; i++) {
        copy->chain[i] = (struct slice){bytes, chain[i].size};
        if (chain[i].size)
            memcpy(bytes, chain[i].data, chain[i].size);
        bytes += chain[i].size;
    }
    *outbox->end = copy;
    outbox->end = &copy->next;
    outbox->bytes += copy->size;
    outbox->count++;
    return true;
}

struct telling *outbox_take(struct outbox *outbox)
{
    struct telling *telling = outbox->oldest;
    if (!telling)
        return NULL;
    outbox->oldest = telling->next;
    if (!outbox->oldest)
        outbox->end = &outbox->oldest;
    outbox->bytes -= telling->size;
    outbox->count--;
    return telling;
}

void telling_free(struct telling *telling)
{
    if (!telling)
        return;
    free(telling->summary);
    free(telling);
}
