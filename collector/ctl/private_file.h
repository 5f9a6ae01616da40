/* Files that others must not read, change or redirect: written beside their place and renamed. */
#ifndef CTL_PRIVATE_FILE_H
#define CTL_PRIVATE_FILE_H

#include <sys/types.h>

#include "certmuster/error.h"

/* A directory of our own, 0755 so that ca.pem can be read; made when missing, with its parent. CM_EAUTH when others may write to it. */
CM_MUST_CHECK int private_directory_make(const char *dir, struct cm_error *error);
/* All of text or nothing: what stood there before stays until the new file is whole and on the disk. */
CM_MUST_CHECK int private_file_write(const char *path, const char *text, mode_t mode, struct cm_error *error);

#endif
