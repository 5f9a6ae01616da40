/* What a plan of sweeps may say to the scanners that work it off: flags of certmuster-scan and certmuster-crawl that change how they look, never what they read, where they
 * write or whom they tell. Checked by the operator's command that takes it, and once more by the worker that is told. */
#ifndef CERTMUSTER_SHARD_H
#define CERTMUSTER_SHARD_H

#include <stdbool.h>

/* kind: "scan" or "crawl". argument: "--timeout=5", "--prove". */
bool shard_argument_allowed(const char *kind, const char *argument);
/* The flags of a kind that are allowed, for messages: "--timeout, --starttls, …". Static. */
const char *shard_arguments(const char *kind);

#endif
