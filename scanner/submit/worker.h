/* --worker: takes shards of sweeps by lease and has a scanner work them off.
 *
 *     take ──200──→ scanner runs ──→ deliver ──→ done ──200──→ take …
 *      ↑ 204: wait      │  renewed at a third of the lease     │ 425: not all stored yet, deliver and ask again
 *      └────────────────┴── 409: it is another's: the scanner ends, what it found is delivered all the same
 *
 * The lease's id is the id of the scanner's run. A worker that dies takes its scanner with it; the lease runs out and the shard is given to another. */
#ifndef CERTMUSTER_SUBMIT_WORKER_H
#define CERTMUSTER_SUBMIT_WORKER_H

#include <sys/types.h>

#include "scanner/submit/order.h"
#include "scanner/submit/outbox.h"

/* kind: "scan" or "crawl". Stays until SIGTERM or SIGINT; exit status. config_path: --config, or NULL. */
int worker(struct outbox *outbox, const char *kind, const char *config_path);

/* worker_run.c: starts the scanner for an order. 0: it could not be started, and why was said. */
pid_t worker_spawn(const struct outbox *outbox, const char *kind, const struct order *order, const char *config_path);

#endif
