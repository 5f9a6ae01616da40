/* Files that a library will read by their names: certificates, keys, CAs. */
#ifndef CERTMUSTER_READABLE_H
#define CERTMUSTER_READABLE_H

#include "certmuster/error.h"

/* CM_EIO with the reason given and "PATH: No such file or directory" when it cannot be opened now, or is a directory. */
CM_MUST_CHECK int readable_check(const char *path, const char *reason, struct cm_error *error);

#endif
