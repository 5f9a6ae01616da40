/* Which files may still be touched: Landlock (landlock(7)), where the kernel has it. Part of giving up rights, see privileges.h. */
#ifndef LIB_CONFINE_H
#define LIB_CONFINE_H

#include <stdbool.h>

#include "certmuster/error.h"

/* From now on this thread, and those that it will start, open nothing but what lies in these directories (read_all: but for reading, which is free everywhere); the list ends with NULL, one that is not there is passed
 * over. Descriptors that are open stay good. 0 as well on a kernel that knows no Landlock: the user's rights and the seccomp filter have to do then. Needs
 * no_new_privs. */
CM_MUST_CHECK int confine_files(const char *const *directories, bool read_all, struct cm_error *error);

#endif
