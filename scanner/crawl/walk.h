/* Walks files and trees and hands out each regular file once, opened and safe to read.
 *
 * Never follows a symbolic link, except one given as an operand; never opens a device, fifo or socket; never enters /proc and its like. */
#ifndef SCANNER_CRAWL_WALK_H
#define SCANNER_CRAWL_WALK_H

#include <dirent.h>
#include <sys/stat.h>

#include "certmuster/buf.h"
#include "certmuster/record.h"
#include "scanner/crawl/cover.h"
#include "scanner/crawl/inodes.h"

enum {
    WALK_DEPTH_MAX = 256,      /* directories within directories; each costs a descriptor */
    WALK_PATH_MAX = 64 * 1024, /* bytes of a path; the system's own limit binds opened names, not trees */
};

enum walk_result { WALK_END, WALK_FILE, WALK_PROBLEM };

struct walk_entry {
    const char *path; /* absolute; lends until the next call */
    int fd;           /* WALK_FILE: open for reading, the caller closes it */
    int dir;          /* WALK_FILE: the directory that it was found in, lends; -1 for an operand */
    struct stat stat; /* WALK_FILE */
    bool operand; /* WALK_PROBLEM: with something that was named, not with something below it; the next two say what */
    enum record_error error;
    const char *detail;
};

struct walk {
    char *const *operands;
    int operand_count, operand_next;
    struct buf path;
    struct walk_level {
        DIR *dir;
        size_t path_size; /* of the directory's path */
        dev_t device;
    } levels[WALK_DEPTH_MAX];
    size_t depth;
    uid_t euid; /* as whom we open: whose access times we may spare */
    struct inodes seen;
    struct cover cover; /* what was looked at, once the walk has ended */
    bool real;          /* the operand's path is its real one */
};

void walk_init(struct walk *walk, char *const *operands, int count); /* operands lend */
enum walk_result walk_next(struct walk *walk, struct walk_entry *entry);
void walk_done(struct walk *walk);

#endif
