/* Raw system calls: the C library of Debian 12 has no names for them. */
#include "lib/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Everything of the first version of Landlock (Linux 5.13), which later ones understand. */
#define FILE_RIGHTS                                                                                                    \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR |                      \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR)
#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ALL_RIGHTS                                                                                                     \
    (FILE_RIGHTS | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_CHAR |         \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |                     \
     LANDLOCK_ACCESS_FS_MAKE_SYM)

static int fail(struct cm_error *error, const char *what)
{
    return error_setf(error, CM_EIO, 0, "cannot give up rights to files", "%s: %s", what, strerror(errno));
}

static int allow(int rules, const char *directory, uint64_t rights, struct cm_error *error)
{
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    struct landlock_path_beneath_attr beneath = {.allowed_access = rights, .parent_fd = fd};
    int failed = (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    close(fd);
    return failed ? fail(error, directory) : 0;
}

int confine_files(const char *const *directories, bool read_all, struct cm_error *error)
{
    struct landlock_ruleset_attr handled = {.handled_access_fs = ALL_RIGHTS};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0), code = 0;
    if (rules < 0)
        return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM ? 0 : fail(error, "landlock");
    if (read_all)
        code = allow(rules, "/", READ_RIGHTS, error);
    for (; *directories && !code; directories++)
        code = allow(rules, *directories, FILE_RIGHTS, error);
    if (!code && syscall(SYS_landlock_restrict_self, rules, 0))
        code = fail(error, "landlock");
    close(rules);
    return code;
}
