/* The order matters: groups before the user, since root is needed for them; the filter last, since it forbids all of this.
 *
 * What the filter does not name is answered with EPERM and not with death: a library that tries something new on another machine shall
 * not end a watch. */
#include "certmuster/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/confine.h"

int privileges_find(const char *name, struct privileges_user *out, struct cm_error *error)
{
    *out = (struct privileges_user){.uid = geteuid(), .gid = getegid()};
    const struct passwd *account = getpwnam(name);
    if (geteuid() != 0) {
        if (account && account->pw_uid != geteuid())
            return error_setf(error, CM_EINVAL, 0, "only root can go on as another user", "%.100s", name);
        return 0;
    }
    if (!account)
        return error_setf(error, CM_ENOTFOUND, 0, "there is no such user", "%.100s", name);
    *out = (struct privileges_user){.uid = account->pw_uid, .gid = account->pw_gid, .other = account->pw_uid != 0};
    return 0;
}

static int fail(struct cm_error *error, const char *what)
{
    return error_setf(error, CM_EIO, 0, "cannot give up rights", "%s: %s", what, strerror(errno));
}

static int become(const struct privileges_user *user, bool keeps, struct cm_error *error)
{
    if (keeps && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
        return fail(error, "keepcaps");
    if (setgroups(0, NULL))
        return fail(error, "setgroups");
    if (setresgid(user->gid, user->gid, user->gid))
        return fail(error, "setresgid");
    if (setresuid(user->uid, user->uid, user->uid))
        return fail(error, "setresuid");
    if (setuid(0) == 0 || setgid(0) == 0) /* believe nothing: there is no way back */
        return error_set(error, CM_EIO, 0, "rights that were given up came back");
    return 0;
}

/* All, or all but the one that reads whatever there is; for which nobody becomes root again. */
static int drop_capabilities(bool reads, struct cm_error *error)
{
    enum { READS = UINT32_C(1) << CAP_DAC_READ_SEARCH };
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3] = {0}, kept[_LINUX_CAPABILITY_U32S_3] = {0};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
        return fail(error, "ambient capabilities");
    if (reads && syscall(SYS_capget, &header, had))
        return fail(error, "capget");
    kept[0].effective = kept[0].permitted = had[0].permitted & READS;
    return syscall(SYS_capset, &header, kept) ? fail(error, "capset") : 0;
}

/* The kernel forgets the parent-death signal with every change of rights (PR_SET_PDEATHSIG(2const)): who is to end with its parent still
 * is. A parent that died meanwhile is made up for. */
static int keep_parent_signal(int number, pid_t parent, struct cm_error *error)
{
    if (number && prctl(PR_SET_PDEATHSIG, (unsigned long)number, 0, 0, 0))
        return fail(error, "parent-death signal");
    if (number && getppid() != parent)
        raise(number);
    return 0;
}

/* What was read holds keys: neither a core file nor another process of the same user gets at them. */
static int hide_memory(struct cm_error *error)
{
    struct rlimit none = {0};
    if (setrlimit(RLIMIT_CORE, &none))
        return fail(error, "core files");
#ifdef __SANITIZE_ADDRESS__ /* the leak detector reads /proc */
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) ? fail(error, "dumpable") : 0;
#else
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ? fail(error, "dumpable") : 0;
#endif
}

/* --- system calls ------------------------------------------------------------------------------------------------------ */

static const char *const allowed[] = {
    /* descriptors that are open */
    "read readv pread64 write writev pwrite64 recvfrom recvmsg sendto sendmsg getsockopt close fstat lseek",
    "newfstatat", /* what fstat(3) is; of names it tells no more than that they are there */
    "ftruncate fsync fdatasync flock poll ppoll select pselect6",
    /* memory; mmap and mprotect follow below */
    "munmap mremap madvise brk",
    /* threads */
    "futex set_robust_list rseq sched_yield sched_getaffinity gettid exit exit_group restart_syscall",
    /* clocks and signals */
    "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time",
    "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait sigaltstack",
    /* who and where we are */
    "getpid getuid geteuid getgid getegid getrandom getrusage sysinfo uname",
#ifdef __SANITIZE_ADDRESS__
    /* the leak detector stops our threads by ptrace(2), from a process of its own */
    "clone ptrace wait4 prctl open openat readlink stat newfstatat getdents getdents64 kill getppid pipe pipe2 dup2",
#endif
    NULL,
};

static const char *const allowed_files[] = {
    "open openat stat lstat newfstatat statx access faccessat faccessat2 getdents64 mkdir mkdirat rename renameat",
    "renameat2 unlink unlinkat",
    NULL,
};

/* Walking through a tree. */
static const char *const allowed_reading[] = {
    "open openat stat lstat newfstatat statx access faccessat faccessat2 getdents64 statfs fstatfs readlink readlinkat "
    "getcwd",
    "fadvise64",
    NULL,
};

static int allow_words(scmp_filter_ctx filter, const char *words)
{
    char name[32];
    int length = 0, code = 0;
    for (; !code && sscanf(words, "%31s%n", name, &length) == 1; words += length) {
        int call = seccomp_syscall_resolve_name(name);
        if (call >= 0) /* else this machine has none of that name */
            code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
    }
    return code;
}

static int allow(scmp_filter_ctx filter, const char *const *lines)
{
    int code = 0;
    for (; *lines && !code; lines++)
        code = allow_words(filter, *lines);
    return code;
}

/* What is harmless with this argument alone: TIOCSTI would type into the terminal that root started us from, tgkill reach others of the
 * same user, and a descriptor under another number escape from `silence`. */
static int allow_arguments(scmp_filter_ctx filter)
{
    const struct {
        int call;
        struct scmp_arg_cmp only;
    } rows[] = {
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, TCGETS, 0)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, TIOCGWINSZ, 0)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, SIOCGIFNAME, 0)}, /* libpcap asks whether an interface is still there */
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, SIOCGIFINDEX, 0)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, SIOCGIFFLAGS, 0)},
        {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFD, 0)},
        {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETFD, 0)},
        {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFL, 0)},
        {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETFL, 0)},
        {SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0)}, /* abort(3) */
        {SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_EQ, 0, 0)},                   /* of ourselves */
    };
    int code = 0;
    for (size_t i = 0; !code && i < sizeof rows / sizeof *rows; i++)
        code = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rows[i].call, 1, &rows[i].only);
    return code;
}

/* Threads, but no processes; memory, but none that can be run. clone3 hides its flags behind a pointer: the C library takes clone where
 * there is none. */
static int allow_some(scmp_filter_ctx filter)
{
    int code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
#ifndef __SANITIZE_ADDRESS__
    if (!code)
        code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
#endif
    if (!code)
        code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (!code)
        code =
            seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return code;
}

/* Refuses to write to the descriptors from..to, in blocks of a power of two: filters compare 64 bits and the kernel takes 32 of them for
 * a descriptor, so "greater than" would be easy to evade and "equal under a mask" is not. */
static int refuse_writes(scmp_filter_ctx filter, uint32_t from, uint32_t to)
{
    static const int calls[] = {SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(sendto), SCMP_SYS(sendmsg)};
    int code = 0;
    for (uint32_t size; !code && from <= to; from += size) {
        for (size = 1; (from & size) == 0 && from + 2 * size - 1 <= to; size *= 2)
            ;
        for (size_t i = 0; !code && i < sizeof calls / sizeof *calls; i++)
            code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 1,
                                    SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX & ~(size - 1), from));
    }
    return code;
}

/* A socket that captures can send as well. A filter of its own: of several the kernel takes the strictest answer. */
static int silence(int from, int to, struct cm_error *error)
{
    if (to <= 0)
        return 0;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return error_set(error, CM_EIO, 0, "cannot make a seccomp filter");
    int code = refuse_writes(filter, (uint32_t)from, (uint32_t)to);
    if (!code)
        code = seccomp_load(filter);
    seccomp_release(filter);
    errno = -code;
    return code ? fail(error, "seccomp") : 0;
}

static int load_filter(const struct privileges_kept *kept, struct cm_error *error)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return error_set(error, CM_EIO, 0, "cannot make a seccomp filter");
    int code = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
    if (!code)
        code = allow(filter, allowed);
    if (!code && kept->files[0])
        code = allow(filter, allowed_files);
    if (!code && kept->read_all)
        code = allow(filter, allowed_reading);
    if (!code)
        code = allow_arguments(filter);
    if (!code)
        code = allow_some(filter);
    if (!code)
        code = seccomp_load(filter);
    seccomp_release(filter);
    errno = -code;
    return code ? fail(error, "seccomp") : 0;
}

int privileges_drop(const struct privileges_user *user, const struct privileges_kept *kept, struct cm_error *error)
{
    int number = 0;
    pid_t parent = getppid();
    if (prctl(PR_GET_PDEATHSIG, &number, 0, 0, 0))
        return fail(error, "parent-death signal");
    int code = user->other ? become(user, kept->read_all, error) : 0;
    if (!code)
        code = drop_capabilities(kept->read_all, error);
    if (!code)
        code = keep_parent_signal(number, parent, error);
    if (!code)
        code = hide_memory(error);
    if (code)
        return code;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return fail(error, "no_new_privs");
#ifndef __SANITIZE_ADDRESS__ /* the leak detector reads /proc */
    code = confine_files(kept->files, kept->read_all, error);
    if (code)
        return code;
#endif
    code = silence(kept->silent_from, kept->silent_to, error);
    return code ? code : load_filter(kept, error);
}
