/* Files that others must not read, change or redirect: written beside their place and renamed. */
#ifndef CTL_PRIVATE_FILE_H
#define CTL_PRIVATE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "certmuster/error.h"

/* A directory of our own, 0755 so that ca.pem can be read; made when missing, with its parent. CM_EAUTH when others may write to it. */
CM_MUST_CHECK int private_directory_make(const char *dir, struct cm_error *error);
/* One at a time in a directory of ours: holds its file `name` locked, waiting for whoever has it, for a minute. *fd is closed to let go; the kernel
 * does so for who is killed. -1 where the file system cannot be written to: there is nothing to be held off from there. */
CM_MUST_CHECK int private_directory_lock(const char *dir, const char *name, int *fd, struct cm_error *error);
enum { PRIVATE_PATH_SIZE = 4096, PRIVATE_NAME_SIZE = PRIVATE_PATH_SIZE + 32 };

/* A file that is whole and on the disk beside its place, but not in it yet. */
struct private_file {
    char path[PRIVATE_PATH_SIZE];
    char fresh[PRIVATE_NAME_SIZE]; /* "": there is none (any more) */
    char old[PRIVATE_NAME_SIZE];   /* what stands in its place is called so while it is replaced */
    bool replaces;                 /* something stands there */
};
CM_MUST_CHECK int private_file_prepare(struct private_file *file, const char *path, const char *text, mode_t mode,
                                       struct cm_error *error);
/* Puts all of them in their places, or none: what belongs together stays together. No signal that could be held comes between. Takes them. */
CM_MUST_CHECK int private_files_publish(struct private_file *files, size_t count, struct cm_error *error);
void private_file_discard(struct private_file *file);

#endif
