/* What every way of reading packets shares: emit and tell, the table and the progress line of a person, statistics when they are due or asked for, and the change of the
 * day, at which a watch that lasts ends its run and begins the next. By one thread, which ticks often. */
#ifndef SCANNER_WATCH_LEDGER_H
#define SCANNER_WATCH_LEDGER_H

#include "certmuster/emit.h"
#include "scanner/watch/statistics.h"

struct ledger_options {
    struct emit *emit;
    bool json, quiet;
    bool lasting;  /* has no end of its own: one run per UTC day, rows shown at once */
    bool threaded; /* observations come from other threads than the one that ticks */
    int64_t interval_us;
    size_t memory_max;     /* of all; the ledger takes ledger_memory() of it */
    int64_t statistics_ms; /* a stats record this often */
};

struct ledger;
size_t ledger_memory(size_t memory_max);
CM_MUST_CHECK int ledger_new(const struct ledger_options *options, struct ledger **out, struct cm_error *error);
void ledger_free(struct ledger *ledger);
struct tell *ledger_tell(struct ledger *ledger); /* for tell_observed */

/* Who reads says how it stands when asked. done, total, failed: for the progress line, in units of noun; total 0: unknown. */
struct ledger_progress {
    uint64_t done, total, failed;
};
struct ledger_reader {
    const char *noun, *failed_word;
    void (*gather)(void *context, struct statistics *statistics); /* adds workers, drops, files */
    void (*progress)(void *context, struct ledger_progress *out);
    void *context;
};
void ledger_set_reader(struct ledger *ledger, const struct ledger_reader *reader);

void ledger_tick(struct ledger *ledger);
/* Whoever reads files can wait until records are taken again. */
void ledger_wait(struct ledger *ledger);
int ledger_pause_ms(const struct ledger *ledger); /* until the next tick at the latest */
/* Whoever read standard output is gone: nothing is worth being read any more. */
bool ledger_is_unread(const struct ledger *ledger);
/* Tells the rest, ends with a stats record and the summary. CM_EIO: the table could not be written. Nobody observes any more. */
CM_MUST_CHECK int ledger_finish(struct ledger *ledger, struct cm_error *error);

#endif
