/* Giving up rights for good, before a byte of anybody's packets or files is read: another user, no capabilities, no new privileges (prctl(2)), a seccomp filter that leaves
 * what reading and writing records needs, and Landlock where the kernel has it. No program can be started and no socket made afterwards, no packet sent,
 * and nothing typed into the terminal that we were started from. */
#ifndef CERTMUSTER_PRIVILEGES_H
#define CERTMUSTER_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "certmuster/error.h"

struct privileges_user {
    uid_t uid;
    gid_t gid;
    bool other; /* than we are: rights are left behind */
};

/* Whom to go on as. Started by root: the user named; by anybody else: ourselves, and no other (CM_EINVAL). CM_ENOTFOUND: no such user. */
CM_MUST_CHECK int privileges_find(const char *name, struct privileges_user *out, struct cm_error *error);
struct privileges_kept {
    /* Directories in which files may be opened and made further on, as far as the user may; the list ends with NULL. Without any, and without the next, no
     * file can be opened at all. */
    const char *const *files;
    bool
        read_all; /* any file may be opened for reading, as far as the user may; started by root: whosever it is (CAP_DAC_READ_SEARCH is kept) */
    int silent_from,
        silent_to; /* descriptors from the one to the other are read and never written to: the sockets of captures; 0, 0: there are none */
};

/* Of this thread and of those that it will start, so there must be no other yet. CM_EIO: some right could not be given up, and the caller must
 * not go on. */
CM_MUST_CHECK int privileges_drop(const struct privileges_user *user, const struct privileges_kept *kept,
                                  struct cm_error *error);

#endif
