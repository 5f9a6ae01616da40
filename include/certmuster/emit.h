/* Where a scanner's records go: stdout (--json), the spool and a submit child, or both; and the run's own records.
 *
 * Shared by scan, crawl and watch, so that all scanners behave alike: the certificate record is written once per run before
 * its first use; the run's started and finished records are written here. */
#ifndef CERTMUSTER_EMIT_H
#define CERTMUSTER_EMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "certmuster/config.h"
#include "certmuster/error.h"
#include "certmuster/record.h"

struct emit_heir { /* as whom a scanner goes on that gives up its rights after emit_open */
    uid_t uid;
    gid_t gid;
};

struct emit_options {
    const char *source; /* "scan", "crawl", "watch" */
    const struct config *config;
    bool json; /* records to stdout */
    bool no_submit;
    const char *to;  /* --to URL; NULL: the configured collector.url, or the local home's collector when it has one */
    const char *run; /* --run UUID: the id of a lease that this run works off; NULL: one of its own */
    int argc;
    char **argv; /* for the run record */
    /* Not NULL: submit is started by a small process of its own, made here, that keeps the rights that we have now, so that the scanner
     * may do without execve and sockets. When the user differs from ours the spool is a directory of its own, "<spool>-<source>", that
     * belongs to it. */
    const struct emit_heir *heir;
};

struct emit; /* one per process */

/* CM_ELIMIT: the spool is full, the run is refused (exit 3). CM_EINVAL: --to or --run make no sense (exit 2). Writes the run's started record. */
CM_MUST_CHECK int emit_open(const struct emit_options *options, struct emit **out, struct cm_error *error);
const char *emit_run(const struct emit *emit);
const char *emit_scanner(const struct emit *emit);
const char *emit_host(const struct emit *emit);
const char *emit_spool_dir(const struct emit *emit); /* NULL: nothing is submitted */
/* The realm of an address: the configured one, host:<host> for loopback and link-local. Lends. NULL ip: the configured realm. */
struct ipaddr;
const char *emit_realm(const struct emit *emit, const struct ipaddr *ip);

/* Each of these keeps the record or, on disk trouble, holds it in memory, returns CM_ELIMIT or CM_EIO and keeps retrying at
 * every emit_tick: the caller starts no new work until emit_blocked is false. Nothing is lost unless the process is killed.
 * source, scanner, run (NULL) and at_ms (0) of a record_seen are filled in here. */
CM_MUST_CHECK int emit_certificate(struct emit *emit, const void *der, size_t size,
                                   uint8_t sha256_out[static CM_SHA256_SIZE],
                                   struct cm_error *error); /* told once per run, hashing included */
/* The same for who has hashed already. */
CM_MUST_CHECK int emit_certificate_hashed(struct emit *emit, const void *der, size_t size,
                                          const uint8_t sha256[static CM_SHA256_SIZE], struct cm_error *error);
CM_MUST_CHECK int emit_sighting(struct emit *emit, const struct record_sighting *sighting, struct cm_error *error);
CM_MUST_CHECK int emit_hidden(struct emit *emit, const struct record_hidden *hidden, struct cm_error *error);
CM_MUST_CHECK int emit_failure(struct emit *emit, const struct record_failure *failure, struct cm_error *error);
/* A key, store, csr, crl or ssh_certificate record. */
CM_MUST_CHECK int emit_asset(struct emit *emit, const char *record, size_t size, struct cm_error *error);
CM_MUST_CHECK int emit_line(struct emit *emit, const char *record, size_t size,
                            struct cm_error *error); /* any other record */
bool emit_blocked(const struct emit *emit);
/* Blocked because the reader of stdout pauses: emit_tick every few milliseconds goes on as soon as it reads again. */
bool emit_stalled(const struct emit *emit);
/* At least once a second: ages segments, starts or restarts the submit child when segments wait. */
void emit_tick(struct emit *emit, int64_t now_monotonic_ms);
uint64_t emit_sightings(const struct emit *emit);
uint64_t emit_failures(const struct emit *emit);

/* Ends the run and begins another, with a new id; every certificate is told again at its first use. A scanner that never ends does so once a
 * day. CM_ELIMIT, CM_EIO: the old one goes on where no new spool could be opened; ask again later. */
CM_MUST_CHECK int emit_next_run(struct emit *emit, struct cm_error *error);

/* What the finished record shall say that the run has looked at; lends until emit_close. Realm and assets are filled in here. */
void emit_covered(struct emit *emit, const struct record_covered *covered);

struct emit_outcome {
    bool submitted; /* a collector was to be told */
    bool delivered; /* and has everything; else the spool keeps it and one line on stderr said so */
    bool
        refused; /* it took some of what was in the spool for good and stored it not (exit 1); told on stderr, and kept aside */
};
/* Writes the run's finished record (ok and failed as counted here), closes the spool, waits for submit to drain it (bounded), frees. */
CM_MUST_CHECK int emit_close(struct emit *emit, bool interrupted, struct emit_outcome *outcome, struct cm_error *error);

#endif
