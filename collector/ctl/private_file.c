/* Keys and certificates on their way to the disk. */
#include "collector/ctl/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 + 32 };

static int failed(struct cm_error *error, const char *reason, const char *path)
{
    return error_setf(error, CM_EIO, 0, reason, "%.180s: %s", path, strerror(errno));
}

/* And the directory above it when that is missing as well: nothing else makes /etc/certmuster. */
static bool make(const char *dir)
{
    char parent[PATH_SIZE];
    if (mkdir(dir, 0755) == 0 || errno == EEXIST)
        return true;
    const char *slash = strrchr(dir, '/');
    if (errno != ENOENT || !slash || slash == dir || (size_t)(slash - dir) >= sizeof parent)
        return false;
    snprintf(parent, sizeof parent, "%.*s", (int)(slash - dir), dir);
    return mkdir(parent, 0755) == 0 && mkdir(dir, 0755) == 0;
}

int private_directory_make(const char *dir, struct cm_error *error)
{
    struct stat status;
    if (!make(dir))
        return failed(error, "cannot make the directory", dir);
    if (stat(dir, &status) != 0 || !S_ISDIR(status.st_mode))
        return failed(error, "not a directory", dir);
    if ((status.st_mode & 022) || (status.st_uid != 0 && status.st_uid != geteuid()))
        return error_setf(error, CM_EAUTH, 0, "others may write to the directory", "%.180s", dir);
    return 0;
}

static bool write_all(int fd, const char *text)
{
    for (size_t left = strlen(text); left;) {
        ssize_t done = write(fd, text, left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        text += done;
        left -= (size_t)done;
    }
    return true;
}

int private_file_write(const char *path, const char *text, mode_t mode, struct cm_error *error)
{
    char fresh[PATH_SIZE];
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.%ld", path, (long)getpid()) >= sizeof fresh)
        return error_setf(error, CM_EINVAL, 0, "the path is too long", "%.200s", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return failed(error, "cannot write", path);
    bool good = fchmod(fd, mode) == 0 && write_all(fd, text) && fsync(fd) == 0;
    int code = good ? 0 : failed(error, "cannot write", path);
    if (close(fd) != 0 && !code)
        code = failed(error, "cannot write", path);
    if (!code && rename(fresh, path) != 0)
        code = failed(error, "cannot write", path);
    if (code)
        unlink(fresh);
    return code;
}
