/* Which lines of a batch the inventory refuses, found by trying: so that one record that PostgreSQL does not take, for whatever reason, neither costs the
 * others of its batch nor makes a scanner deliver the same for ever. Pure: what a try does is its caller's. */
#ifndef COLLECTOR_INGEST_SIEVE_H
#define COLLECTOR_INGEST_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certmuster/error.h"

enum {
    /* So many times the lines of the batch, and some, are tried however long that takes: one refused record is always found. Then only until so
     * long after the beginning; a client waits two minutes for an answer. */
    SIEVE_GRANTED = 4,
    SIEVE_GRANTED_MORE = 4096,
    SIEVE_SEARCH_MS = 20000,
    SIEVE_PASSED = 1, /* what a try answers when all its lines would be stored */
};

struct batch;

struct sieve_refusal {
    size_t from, to;                /* of the order: one line, or several that were not searched further */
    uint32_t line;                  /* the first of them */
    uint32_t lines;                 /* how many; 0: it was found to be of smaller ones */
    char why[CM_ERROR_DETAIL_SIZE]; /* SQLSTATE and the server's message */
};

struct sieve {
    size_t lines;
    uint8_t *fate;   /* enum sieve_fate of each line */
    uint32_t *blame; /* of each line that is refused: index into refusals */
    uint32_t *order; /* of the lines that may be refused: the certificates, then the others */
    size_t count, certificates;
    uint32_t *needs;     /* lines of certificates that chains of others need … */
    size_t *needs_start; /* … those of a line from here to where the next one's begin */
    struct sieve_refusal *refusals;
    size_t refusal_count;
    uint64_t tried; /* lines, in all tries */
    int64_t search_ms;
};

enum sieve_fate { SIEVE_TAKEN, SIEVE_LEFT_OUT, SIEVE_REFUSED };

/* All lines of a batch that was read and settled are taken. */
void sieve_init(struct sieve *sieve, const struct batch *batch);
void sieve_done(struct sieve *sieve);
/* Of a line, from 1 on; sieve NULL: taken. *why, of one that is refused, dies with the sieve. */
enum sieve_fate sieve_fate(const struct sieve *sieve, uint64_t line, const struct sieve_refusal **why);

/* Stores the lines that are taken, or, for_good false, only tries to and undoes it: SIEVE_PASSED. A failure that db_refused() knows says that one of
 * them is to blame; any other, and 0, end the search and are its answer. */
typedef int (*sieve_try_fn)(void *context, bool for_good, struct cm_error *error);
/* Of a batch that was refused. 0: stored but for the refusals, or answered otherwise; else the failure: refused with no line at all, it is the
 * inventory's and not the batch's. */
CM_MUST_CHECK int sieve_store(struct sieve *sieve, sieve_try_fn try, void *context, struct cm_error *error);

#endif
