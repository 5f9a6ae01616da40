/* Keys and certificates on their way to the disk. */
#include "collector/ctl/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 + 32, LOCK_WAIT_S = 60 };

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

/* A file that only its owner opens: a lock on the directory itself could be held by anybody who may look into it. */
int private_directory_lock(const char *dir, const char *name, int *fd, struct cm_error *error)
{
    char path[PATH_SIZE];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path)
        return error_setf(error, CM_EINVAL, 0, "the path is too long", "%.200s", dir);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return errno == EROFS ? 0 : failed(error, "cannot open the lock", path);
    for (int tenths = 0; flock(*fd, LOCK_EX | LOCK_NB) != 0; tenths++) {
        if (tenths == 10 * LOCK_WAIT_S || (errno != EWOULDBLOCK && errno != EINTR)) {
            int code = errno == EWOULDBLOCK
                           ? error_setf(error, CM_ETIMEOUT, 0,
                                        "somebody else is at work there and does not come to an end", "%.180s", path)
                           : failed(error, "cannot lock", path);
            close(*fd);
            *fd = -1;
            return code;
        }
        poll(NULL, 0, 100);
    }
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

int private_file_prepare(struct private_file *file, const char *path, const char *text, mode_t mode,
                         struct cm_error *error)
{
    struct stat status;
    *file = (struct private_file){.replaces = lstat(path, &status) == 0};
    if ((size_t)snprintf(file->path, sizeof file->path, "%s", path) >= sizeof file->path)
        return error_setf(error, CM_EINVAL, 0, "the path is too long", "%.200s", path);
    snprintf(file->fresh, sizeof file->fresh, "%s.%ld", file->path, (long)getpid());
    snprintf(file->old, sizeof file->old, "%s.%ld.old", file->path, (long)getpid());
    int fd = open(file->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) {
        file->fresh[0] = 0;
        return failed(error, "cannot write", path);
    }
    bool good = fchmod(fd, mode) == 0 && write_all(fd, text) && fsync(fd) == 0;
    int code = good ? 0 : failed(error, "cannot write", path);
    if (close(fd) != 0 && !code)
        code = failed(error, "cannot write", path);
    if (code)
        private_file_discard(file);
    return code;
}

void private_file_discard(struct private_file *file)
{
    if (file->fresh[0])
        unlink(file->fresh);
    file->fresh[0] = 0;
}

/* --- Into their places ------------------------------------------------------------------------------------------------------------------- */

/* What stands there gets a second name, by which it comes back. A file system without links has no way back. */
static void keep_old(const struct private_file *file)
{
    if (file->replaces)
        (void)!link(file->path, file->old);
}

static void bring_back(const struct private_file *file)
{
    if (!file->replaces)
        unlink(file->path);
    else
        (void)!rename(file->old, file->path);
}

static void forget_old(const struct private_file *file)
{
    if (file->replaces)
        unlink(file->old);
}

/* Names in a directory are on the disk when it is. */
static void sync_directory_of(const char *path)
{
    char dir[PRIVATE_PATH_SIZE + 1];
    const char *slash = strrchr(path, '/');
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd); /* some file systems have none for directories */
        close(fd);
    }
}

int private_files_publish(struct private_file *files, size_t count, struct cm_error *error)
{
    sigset_t all, before;
    size_t done = 0;
    int code = 0;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    for (size_t i = 0; i < count; i++)
        keep_old(&files[i]);
    while (!code && done < count) {
        if (rename(files[done].fresh, files[done].path) != 0)
            code = failed(error, "cannot write", files[done].path);
        else
            files[done++].fresh[0] = 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (code && i < done)
            bring_back(&files[i]);
        else
            forget_old(&files[i]);
        private_file_discard(&files[i]);
    }
    sync_directory_of(files[0].path);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return code;
}
