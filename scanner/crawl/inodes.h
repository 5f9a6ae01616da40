/* The files and directories that were seen, by device and inode: each is read once however many names lead to it. */
#ifndef SCANNER_CRAWL_INODES_H
#define SCANNER_CRAWL_INODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inodes {
    struct inode_key {
        uint64_t device, inode;
    } * slots; /* open addressing; an empty slot is {0, 0} */
    size_t capacity, count;
};

/* True when it was not there before. */
bool inodes_add(struct inodes *inodes, uint64_t device, uint64_t inode);
void inodes_done(struct inodes *inodes);

#endif
