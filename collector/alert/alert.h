/* Expiry alerts: what is true now and not yet told is told (DESIGN, "Alerts are level-triggered", "at least once"). */
#ifndef ALERT_ALERT_H
#define ALERT_ALERT_H

#include "certmuster/buf.h"
#include "certmuster/config.h"
#include "certmuster/db.h"
#include "certmuster/error.h"

/* All alert work that is due: brings table alert up to date with view expiry_due every alerts.interval, queues what is to be told, sends what is
 * queued. Blocks, at most ALERT_TICK_MS and one message's alerts.timeout; what is left comes with the next call. Called every few seconds by
 * one thread with a database connection of its own. A failure of the database is returned; one of a receiver is not: it stands in the
 * delivery's row and in the log, and is tried again later. */
enum { ALERT_TICK_MS = 30 * 1000 };
CM_MUST_CHECK int alert_tick(struct db *db, const struct config *config, struct cm_error *error);

/* "https://user:pw@hooks.example.org/secret" is shown as "hooks.example.org": the rest is a secret. */
void alert_webhook_host(struct buf *out, const char *url);

#endif
