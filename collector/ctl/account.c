/* The unprivileged system account that PostgreSQL and the collector run as when root started them.
 *
 * Owns: making it, becoming it. Refuses to run as root, whatever the configuration says. */
#include "collector/ctl/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/process.h"

enum { LOOKUPS = 25, LOOKUP_PAUSE_US = 200 * 1000 };

static bool lookup(const char *name, uid_t *uid, gid_t *gid)
{
    const struct passwd *entry = getpwnam(name);
    if (!entry)
        return false;
    *uid = entry->pw_uid;
    *gid = entry->pw_gid;
    return true;
}

bool account_name_is_plain(const char *name)
{
    size_t size = strlen(name);
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.@+";
    return size > 0 && size < 33 && strspn(name, plain) == size && name[0] != '+' && name[0] != '@' && name[0] != '-';
}

bool account_name(uid_t uid, char *out, size_t size)
{
    const struct passwd *entry = getpwuid(uid);
    if (!entry || !account_name_is_plain(entry->pw_name) || strlen(entry->pw_name) >= size)
        return false;
    strcpy(out, entry->pw_name);
    return true;
}

int account_ensure(const char *name, uid_t *uid, gid_t *gid, struct cm_error *error)
{
    if (!account_name_is_plain(name))
        return error_setf(error, CM_EINVAL, 0, "up.user is no account name", "%s", name);
    if (!lookup(name, uid, gid)) {
        static const char useradd[] = "/usr/sbin/useradd";
        if (access(useradd, X_OK) != 0)
            return error_setf(error, CM_ENOTFOUND, 0, "there is no useradd to make the account with; make it yourself",
                              "%s", name);
        const char *argv[] = {
            useradd,   "--system",          "--user-group", "--no-create-home",     "--home-dir", "/var/lib/certmuster",
            "--shell", "/usr/sbin/nologin", "--comment",    "certmuster inventory", name,         NULL};
        int status = process_run(argv, "/", "/dev/null", error);
        /* Another `up` may be making it at this moment: useradd refuses then, and the account appears. */
        int tries = 0;
        while (!lookup(name, uid, gid)) {
            if (++tries > LOOKUPS)
                return error_setf(error, CM_EIO, 0, "useradd could not make the account", "%s, exit status %d", name,
                                  status);
            usleep(LOOKUP_PAUSE_US);
        }
    }
    if (*uid == 0)
        return error_setf(error, CM_EINVAL, 0, "up.user must not be root", "%s", name);
    return 0;
}

int account_become(const char *name, uid_t uid, gid_t gid, struct cm_error *error)
{
    if (initgroups(name, gid) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
        return error_setf(error, CM_EAUTH, 0, "cannot become the account", "%s: %s", name, strerror(errno));
    if (uid != 0 && setuid(0) == 0)
        return error_setf(error, CM_EAUTH, 0, "giving up root did not last", "%s", name);
    return 0;
}
