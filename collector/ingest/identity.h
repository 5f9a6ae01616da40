/* Whom a batch may speak for: the allow list in table scanner, and whose run is whose. */
#ifndef COLLECTOR_INGEST_IDENTITY_H
#define COLLECTOR_INGEST_IDENTITY_H

#include "certmuster/config.h"
#include "certmuster/db.h"
#include "certmuster/error.h"
#include "collector/ingest/batch.h"
#include "collector/peer.h"

/* The scanner that a TLS peer is: the first of its names that is enrolled. name is the host for a local peer. CM_EAUTH: unknown, disabled, or
 * enrolled with another certificate. */
CM_MUST_CHECK int identity_of(struct db *db, const struct config *config, const struct peer *peer,
                              char name[static PEER_NAME_SIZE], struct cm_error *error);
/* The same for a request that names its scanner: over TLS it must be its own name, a local peer may be any scanner that is not enrolled with a certificate, and is
 * enrolled by it. claimed may be NULL. */
CM_MUST_CHECK int identity_claim(struct db *db, const struct config *config, const struct peer *peer,
                                 const char *claimed, char name[static PEER_NAME_SIZE], struct cm_error *error);
/* Marks origins and runs of others as refused. CM_EAUTH: a local scanner that was disabled; nothing of the batch is taken then. */
CM_MUST_CHECK int identity_check(struct db *db, const struct config *config, const struct peer *peer, const char *name,
                                 struct batch *batch, struct cm_error *error);
/* In the batch's transaction: enrols local scanners that are new, notes when each was last heard of and how far its clock is off. */
CM_MUST_CHECK int identity_note(struct db *db, const struct config *config, const struct peer *peer,
                                const struct batch *batch, int64_t skew_ms, struct cm_error *error);

/* Notes that the scanner asks for work of a kind, of a realm (NULL: any of its own), and for how long it will have what it is given. CM_EAUTH: the realm is not its
 * own, and what to do about it; it would wait for ever. */
CM_MUST_CHECK int identity_asks(struct db *db, const struct peer *peer, const char *name, const char *kind,
                                const char *realm, const char *lasts, struct cm_error *error);

#endif
