/* What waits for delivery on this machine, and the collector that it goes to. */
#ifndef CERTMUSTER_SUBMIT_OUTBOX_H
#define CERTMUSTER_SUBMIT_OUTBOX_H

#include "certmuster/config.h"
#include "certmuster/spool.h"
#include "scanner/submit/submit.h"

enum { OUTBOX_URL_SIZE = 2048, OUTBOX_SPOOLS = 1 + SPOOL_SOURCES };

struct outbox {
    const struct config *config;
    char url[OUTBOX_URL_SIZE];
    char spool[4096]; /* "" when operands say what to deliver */
    char *const *operands;
    int operand_count;
    bool quiet;
    struct delivery delivery;
};

/* to: --to, or NULL for what the configuration or the local home say. On failure has told why; answers an exit status. */
CM_MUST_CHECK int outbox_open(struct outbox *outbox, const struct config *config, const char *to, char *const *operands,
                              int operand_count);
void outbox_close(struct outbox *outbox);
/* Delivers everything that is there now: the operands, else the spools of this machine. Adds to *totals. */
void outbox_drain(struct outbox *outbox, struct submit_totals *totals);
/* Says what a spool keeps, and the command that tries again. */
void outbox_say_kept(const struct outbox *outbox, const char *reason);

#endif
