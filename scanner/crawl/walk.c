/* The walk: an explicit stack of open directories, every name opened relative to the one above and never through a link, so that
 * renaming a directory under a crawl that runs as root leads nowhere.
 *
 * Owns descriptors, the set of seen inodes and the account of what was looked at (cover.h). main.c drives it. It refuses what can block
 * or act when opened: everything but regular files and directories is left alone, pseudo file systems are not entered. */
#include "scanner/crawl/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, DESCRIPTORS = WALK_DEPTH_MAX + 128 };

#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif
#ifndef CONFIGFS_MAGIC
#define CONFIGFS_MAGIC 0x62656570
#endif
#ifndef RPC_PIPEFS_MAGIC
#define RPC_PIPEFS_MAGIC 0x67596969
#endif

void walk_init(struct walk *walk, char *const *operands, int count)
{
    struct rlimit limit;
    *walk = (struct walk){.operands = operands, .operand_count = count, .euid = geteuid()};
    buf_init(&walk->path, WALK_PATH_MAX);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS && limit.rlim_max >= DESCRIPTORS) {
        limit.rlim_cur = DESCRIPTORS;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* File systems whose files are made up as they are read: endless, blocking, or with effects. */
static bool is_pseudo(int fd)
{
    static const unsigned long magics[] = {PROC_SUPER_MAGIC,    SYSFS_MAGIC,    DEVPTS_SUPER_MAGIC, CGROUP_SUPER_MAGIC,
                                           CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC,  TRACEFS_MAGIC,      SECURITYFS_MAGIC,
                                           SELINUX_MAGIC,       PSTOREFS_MAGIC, BPF_FS_MAGIC,       BINFMTFS_MAGIC,
                                           EFIVARFS_MAGIC,      CONFIGFS_MAGIC, MQUEUE_MAGIC,       RPC_PIPEFS_MAGIC,
                                           NSFS_MAGIC,          PIPEFS_MAGIC,   SOCKFS_MAGIC};
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return false;
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if ((unsigned long)fs.f_type == magics[i])
            return true;
    return false;
}

/* Without touching access times where we may: only a file's owner (or root) may say so, and whose it is shows once it is open. */
static void spare_access_time(const struct walk *walk, int fd, const struct stat *stat)
{
    if (walk->euid == 0 || walk->euid == stat->st_uid)
        (void)fcntl(fd, F_SETFL, (OPEN_FLAGS & O_NONBLOCK) | O_NOATIME);
}

static enum walk_result problem(struct walk *walk, struct walk_entry *entry, enum record_error error,
                                const char *detail)
{
    *entry = (struct walk_entry){
        .path = walk->path.data, .fd = -1, .operand = walk->depth == 0, .error = error, .detail = detail};
    return WALK_PROBLEM;
}

static enum walk_result problem_errno(struct walk *walk, struct walk_entry *entry, int code)
{
    enum record_error error = code == ENOENT || code == ENOTDIR                    ? RECORD_ERROR_NOT_FOUND
                              : code == EACCES || code == EPERM                    ? RECORD_ERROR_PERMISSION
                              : code == EMFILE || code == ENFILE || code == ENOMEM ? RECORD_ERROR_LOCAL
                                                                                   : RECORD_ERROR_IO;
    return problem(walk, entry, error, strerrordesc_np(code));
}

/* Another name of what was seen: told under the first one, which the next crawl may find in another order. A root is told under its own
 * name, and so is what lies below one that was walked. */
static enum walk_result leave_out(struct walk *walk, int fd)
{
    const char *path = walk->path.data;
    close(fd);
    if (walk->depth ? !cover_is_root(&walk->cover, path) : !cover_holds(&walk->cover, path))
        cover_except(&walk->cover, path);
    return WALK_END;
}

/* Whether a file system is mounted at what the descriptor is, or the path where there is none. Bind mounts, which a device number does
 * not tell, are mounted as well. */
static bool is_mount(int fd, const char *path)
{
    struct statx found;
    return statx(fd < 0 ? AT_FDCWD : fd, fd < 0 ? path : "",
                 AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (fd < 0 ? 0 : AT_EMPTY_PATH), 0, &found) == 0 &&
           (found.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* A root, and the file systems that it lies on, which may be others the next time. */
static void look_at_root(struct walk *walk)
{
    char *path = cm_strdup(walk->path.data), *end = path;
    if (walk->real)
        cover_root(&walk->cover, path);
    while (walk->real && end) {
        end = strchr(end + 1, '/'); /* behind "/", then behind each name */
        char *cut = end;
        if (cut)
            *cut = '\0';
        if (is_mount(-1, path))
            cover_mount(&walk->cover, path);
        if (cut)
            *cut = '/';
    }
    if (walk->real && is_mount(-1, "/"))
        cover_mount(&walk->cover, "/");
    free(path);
}

static enum walk_result push(struct walk *walk, int fd, const struct stat *stat, struct walk_entry *entry)
{
    bool boundary = walk->depth == 0 || walk->levels[walk->depth - 1].device != stat->st_dev;
    if (walk->depth == WALK_DEPTH_MAX) {
        close(fd);
        return problem(walk, entry, RECORD_ERROR_TOO_LARGE, "directories are nested more than 256 deep");
    }
    if (boundary && is_pseudo(fd)) {
        close(fd);
        if (walk->depth)
            cover_except(&walk->cover, walk->path.data);
        return walk->depth ? WALK_END : problem(walk, entry, RECORD_ERROR_UNSUPPORTED, "not a real file system");
    }
    if (walk->depth && is_mount(fd, NULL))
        cover_mount(&walk->cover, walk->path.data);
    if (!inodes_add(&walk->seen, stat->st_dev, stat->st_ino))
        return leave_out(walk, fd);
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int code = errno;
        close(fd);
        return problem_errno(walk, entry, code);
    }
    if (walk->depth == 0)
        look_at_root(walk);
    walk->levels[walk->depth++] = (struct walk_level){dir, walk->path.size, stat->st_dev};
    return WALK_END;
}

/* What was opened, looked at again: between a directory's listing and the opening anything may have changed. WALK_END: nothing to hand out. */
static enum walk_result take(struct walk *walk, int fd, struct walk_entry *entry)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0) {
        int code = errno;
        close(fd);
        return problem_errno(walk, entry, code);
    }
    spare_access_time(walk, fd, &stat);
    if (S_ISDIR(stat.st_mode))
        return push(walk, fd, &stat, entry);
    bool other_device = walk->depth == 0 || walk->levels[walk->depth - 1].device != stat.st_dev;
    if (!S_ISREG(stat.st_mode) || (other_device && is_pseudo(fd))) {
        close(fd);
        if (walk->depth && S_ISREG(stat.st_mode))
            cover_except(&walk->cover, walk->path.data);
        return walk->depth ? WALK_END : problem(walk, entry, RECORD_ERROR_UNSUPPORTED, "not a real file");
    }
    if (!inodes_add(&walk->seen, stat.st_dev, stat.st_ino))
        return leave_out(walk, fd);
    if (walk->depth == 0)
        look_at_root(walk);
    int dir = walk->depth ? dirfd(walk->levels[walk->depth - 1].dir) : -1;
    *entry = (struct walk_entry){.path = walk->path.data, .fd = fd, .dir = dir, .stat = stat};
    return WALK_FILE;
}

/* The real path of what is not there any more: of the directory where it would lie, and its name. NULL: that is not there either. */
static char *real_absent(const char *operand)
{
    char *copy = cm_strdup(operand), *real = NULL;
    size_t size = strlen(copy);
    while (size > 1 && copy[size - 1] == '/')
        copy[--size] = '\0';
    char *slash = strrchr(copy, '/');
    const char *name = slash ? slash + 1 : copy;
    if (*name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
        char *above = realpath(!slash ? "." : slash == copy ? "/" : (*slash = '\0', copy), NULL);
        struct buf path;
        buf_init(&path, WALK_PATH_MAX);
        if (above) {
            buf_append_str(&path, strcmp(above, "/") == 0 ? "" : above);
            buf_append_char(&path, '/');
            buf_append_str(&path, name);
            real = buf_take(&path, NULL);
        }
        buf_done(&path);
        free(above);
    }
    free(copy);
    return real;
}

/* An operand's real path: one place has one name, however it was typed. */
static void set_operand_path(struct walk *walk, const char *operand)
{
    char *real = realpath(operand, NULL);
    if (!real && errno == ENOENT)
        real = real_absent(operand);
    char *here = real || operand[0] == '/' ? NULL : getcwd(NULL, 0);
    walk->real = real != NULL;
    buf_reset(&walk->path);
    if (here) {
        buf_append_str(&walk->path, here);
        buf_append_char(&walk->path, '/');
    }
    buf_append_str(&walk->path, real ? real : operand);
    free(real);
    free(here);
}

/* The one place that follows a link: somebody typed it. Looked at before it is opened, since opening a device may act. */
static enum walk_result next_operand(struct walk *walk, struct walk_entry *entry)
{
    const char *operand = walk->operands[walk->operand_next++];
    struct stat stat;
    set_operand_path(walk, operand);
    if (walk->path.failed)
        return problem(walk, entry, RECORD_ERROR_TOO_LARGE, "a path of more than 64 KiB");
    if (fstatat(AT_FDCWD, operand, &stat, 0) != 0) {
        int code = errno;
        if (code == ENOENT) /* that it is not there was seen as well */
            look_at_root(walk);
        return problem_errno(walk, entry, code);
    }
    if (!S_ISREG(stat.st_mode) && !S_ISDIR(stat.st_mode))
        return problem(walk, entry, RECORD_ERROR_UNSUPPORTED, "neither a file nor a directory");
    int fd = openat(AT_FDCWD, operand, OPEN_FLAGS);
    return fd < 0 ? problem_errno(walk, entry, errno) : take(walk, fd, entry);
}

/* True for names that may be opened: regular files, directories, and those whose type the file system keeps to itself but stat tells. */
static bool worth_opening(int dir, const struct dirent *found)
{
    struct stat stat;
    if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
        return false;
    if (found->d_type != DT_UNKNOWN)
        return found->d_type == DT_REG || found->d_type == DT_DIR;
    if (fstatat(dir, found->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
        return errno != ENOENT; /* opening it will say what is wrong */
    return S_ISREG(stat.st_mode) || S_ISDIR(stat.st_mode);
}

static enum walk_result next_name(struct walk *walk, struct walk_entry *entry)
{
    struct walk_level *level = &walk->levels[walk->depth - 1];
    walk->path.data[walk->path.size = level->path_size] = '\0';
    errno = 0;
    struct dirent *found = readdir(level->dir);
    if (!found) {
        int code = errno;
        closedir(level->dir);
        walk->depth--;
        return code ? problem_errno(walk, entry, code) : WALK_END;
    }
    int dir = dirfd(level->dir);
    if (!worth_opening(dir, found))
        return WALK_END;
    if (walk->path.size && walk->path.data[walk->path.size - 1] != '/')
        buf_append_char(&walk->path, '/');
    buf_append_str(&walk->path, found->d_name);
    if (walk->path.failed) {
        walk->path.failed = false;
        walk->path.data[walk->path.size = level->path_size] = '\0';
        return problem(walk, entry, RECORD_ERROR_TOO_LARGE, "a path of more than 64 KiB");
    }
    int fd = openat(dir, found->d_name, OPEN_FLAGS | O_NOFOLLOW);
    if (fd >= 0)
        return take(walk, fd, entry);
    /* Gone since it was listed, or a link by now: no longer there to be read, and nothing is wrong. */
    return errno == ENOENT || errno == ELOOP ? WALK_END : problem_errno(walk, entry, errno);
}

enum walk_result walk_next(struct walk *walk, struct walk_entry *entry)
{
    while (walk->depth || walk->operand_next < walk->operand_count) {
        enum walk_result result = walk->depth ? next_name(walk, entry) : next_operand(walk, entry);
        if (result != WALK_END)
            return result;
    }
    return WALK_END;
}

void walk_done(struct walk *walk)
{
    while (walk->depth)
        closedir(walk->levels[--walk->depth].dir);
    inodes_done(&walk->seen);
    cover_done(&walk->cover);
    buf_done(&walk->path);
}
