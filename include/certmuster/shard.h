/* What a plan of sweeps may say to the scanners that work it off: targets, and flags of certmuster-scan and certmuster-crawl that change how they look, never what they read, where they
 * write or whom they tell. Checked by the operator's command that takes it, so that no plan is made that nobody can work off, and once more by the worker that is told. */
#ifndef CERTMUSTER_SHARD_H
#define CERTMUSTER_SHARD_H

#include "certmuster/error.h"

enum {
    SHARD_TARGET_MAX = 4000,    /* bytes of one; a line of certmuster-scan -f has 4096 */
    SHARD_TARGETS_MAX = 100000, /* of one shard */
    SHARD_PATHS_BYTES_MAX =
        1
        << 20, /* of a crawl's together, each with its NUL and a pointer: they are a command line, which holds 2 MiB with its environment */
    SHARD_ARGUMENTS_MAX = 32,                          /* of one shard */
    SHARD_ARGUMENTS_OF_PLAN = SHARD_ARGUMENTS_MAX - 1, /* for the collector may add one (--starttls=auto) */
};

/* kind: "scan" or "crawl". NULL when it could be a target of such a shard, one line that is no flag; else why not, static. */
const char *shard_target_wrong(const char *kind, const char *target);
/* What this path takes of SHARD_PATHS_BYTES_MAX. */
size_t shard_path_bytes(const char *path);
/* argument: "--timeout=5", "--prove". CM_ENOTFOUND: no flag of this kind that others may say. CM_EINVAL: the scanner would not take the value; detail: "a duration from 100ms to 1h". */
CM_MUST_CHECK int shard_argument_check(const char *kind, const char *argument, struct cm_error *error);
/* The flags of a kind that are allowed, for messages: "--timeout, --starttls, …". Static. */
const char *shard_arguments(const char *kind);

#endif
