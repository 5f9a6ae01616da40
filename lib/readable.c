/* Whether a file can be read at all, asked before a library is given its name: OpenSSL and libcurl say "system lib" to all that can be wrong with one. */
#include "certmuster/readable.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int readable_check(const char *path, const char *reason, struct cm_error *error)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY), problem = fd < 0 ? errno : 0;
    if (!problem && fstat(fd, &status) != 0)
        problem = errno;
    if (!problem && S_ISDIR(status.st_mode))
        problem = EISDIR;
    if (fd >= 0)
        close(fd);
    return problem ? error_setf(error, CM_EIO, 0, reason, "%.180s: %s", path, strerror(problem)) : CM_OK;
}
