/* Moving and writing beside a spool. The spool may belong to a user with fewer rights than ours (that of a watch which gave up root's), so the
 * folder is held open and no link is followed: what we write and move stays in the spool. */
#include "scanner/submit/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_SIZE = 128 };

const char *aside_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool aside_path(char out[static ASIDE_PATH_SIZE], const char *spool, const char *sub, const char *name)
{
    return (size_t)snprintf(out, ASIDE_PATH_SIZE, "%s/%s%s%s", spool, sub, *name ? "/" : "", name) < ASIDE_PATH_SIZE;
}

/* EINVAL: a file system that syncs no directories. */
static bool sync_dir(int dir)
{
    return fsync(dir) == 0 || errno == EINVAL;
}

/* A directory whose entry is on the disk as well. */
static bool make_directory(const char *spool, const char *path)
{
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST;
    int above = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = above >= 0 && sync_dir(above);
    if (above >= 0)
        close(above);
    return good;
}

/* A name in a folder of the spool, which is made. */
struct place {
    int dir;
    char name[NAME_SIZE];
};

static bool place_open(const char *spool, const char *segment, const char *sub, const char *suffix, struct place *out,
                       char shown[static ASIDE_PATH_SIZE])
{
    char directory[ASIDE_PATH_SIZE];
    if ((size_t)snprintf(out->name, sizeof out->name, "%s%s", aside_name(segment), suffix) >= sizeof out->name ||
        !aside_path(directory, spool, sub, "") || !aside_path(shown, spool, sub, out->name)) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (!make_directory(spool, directory))
        return false;
    out->dir = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return out->dir >= 0;
}

static void place_close(const struct place *place)
{
    int saved = errno;
    close(place->dir);
    errno = saved;
}

bool aside_move(const char *spool, const char *segment, const char *sub, const char *suffix,
                char shown[static ASIDE_PATH_SIZE])
{
    struct place place;
    if (!place_open(spool, segment, sub, suffix, &place, shown))
        return false;
    bool moved = renameat(AT_FDCWD, segment, place.dir, place.name) == 0;
    place_close(&place);
    return moved;
}

/* Under a temporary name, fsynced, then renamed, its directory too: what it was taken from is removed next. */
static bool write_file(const struct place *place, const struct buf *bytes)
{
    char temporary[sizeof place->name + 4];
    size_t done = 0;
    snprintf(temporary, sizeof temporary, "%s.new", place->name);
    int fd = openat(place->dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    while (fd >= 0 && done < bytes->size) {
        ssize_t written = write(fd, bytes->data + done, bytes->size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    bool good = !bytes->failed && fd >= 0 && done == bytes->size && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    good = good && renameat(place->dir, temporary, place->dir, place->name) == 0 && sync_dir(place->dir);
    int saved = errno;
    if (!good)
        unlinkat(place->dir, temporary, 0);
    errno = saved;
    return good;
}

bool aside_write(const char *spool, const char *segment, const char *sub, const char *suffix, const struct buf *text,
                 char shown[static ASIDE_PATH_SIZE])
{
    struct place place;
    if (!place_open(spool, segment, sub, suffix, &place, shown))
        return false;
    bool good = write_file(&place, text);
    place_close(&place);
    return good;
}
