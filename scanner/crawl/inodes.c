/* A set of (device, inode). Sixteen bytes a file: a million files cost 32 MiB at most. walk.c is its only caller. */
#include "scanner/crawl/inodes.h"

#include <stdlib.h>

#include "certmuster/error.h"

enum { CAPACITY_FIRST = 1024 };

/* splitmix64's finisher: inode numbers are consecutive, and a slot table wants them spread. */
static size_t slot_of(const struct inodes *inodes, struct inode_key key)
{
    uint64_t x = key.inode + key.device * 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (size_t)(x ^ (x >> 31)) & (inodes->capacity - 1);
}

static bool insert(struct inodes *inodes, struct inode_key key)
{
    size_t at = slot_of(inodes, key);
    for (;; at = (at + 1) & (inodes->capacity - 1)) {
        struct inode_key *slot = &inodes->slots[at];
        if (slot->device == key.device && slot->inode == key.inode)
            return false;
        if (!slot->device && !slot->inode) {
            *slot = key;
            inodes->count++;
            return true;
        }
    }
}

static void grow(struct inodes *inodes)
{
    struct inodes larger = {.capacity = inodes->capacity ? inodes->capacity * 2 : CAPACITY_FIRST};
    larger.slots = cm_calloc(larger.capacity, sizeof *larger.slots);
    for (size_t i = 0; i < inodes->capacity; i++)
        if (inodes->slots[i].device || inodes->slots[i].inode)
            insert(&larger, inodes->slots[i]);
    free(inodes->slots);
    *inodes = larger;
}

bool inodes_add(struct inodes *inodes, uint64_t device, uint64_t inode)
{
    if (2 * (inodes->count + 1) > inodes->capacity)
        grow(inodes);
    /* Inode 0 of device 0 cannot be told from an empty slot; no file system has it, and reading it twice would be no harm. */
    return (!device && !inode) || insert(inodes, (struct inode_key){device, inode});
}

void inodes_done(struct inodes *inodes)
{
    free(inodes->slots);
    *inodes = (struct inodes){0};
}
