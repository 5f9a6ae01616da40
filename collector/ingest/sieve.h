/* Which lines of a batch the inventory refuses, found by trying: so that one record that PostgreSQL does not take, for whatever reason, neither costs the
 * others of its batch nor makes a scanner deliver the same for ever. Pure: what a try does is its caller's. */
#ifndef COLLECTOR_INGEST_SIEVE_H
#define COLLECTOR_INGEST_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certmuster/error.h"

enum {
    SIEVE_REFUSED_MAX = 16, /* lines of one batch: more are not sought, since each costs some twenty tries */
    SIEVE_SECONDS_MAX = 20, /* nor for longer; a client waits two minutes for an answer */
    SIEVE_PASSED = 1,       /* what a try answers when all its lines would be stored */
};

struct batch;

struct sieve {
    uint8_t *fate;   /* enum sieve_fate of each line */
    uint32_t *order; /* of the lines: those first that others need */
    size_t lines;
    struct {
        uint32_t line;
        char why[CM_ERROR_DETAIL_SIZE]; /* SQLSTATE and the server's message */
    } refused[SIEVE_REFUSED_MAX];
    size_t refused_count;
};

enum sieve_fate { SIEVE_TAKEN, SIEVE_LEFT_OUT, SIEVE_REFUSED };

/* All lines of a batch that was read are taken. */
void sieve_init(struct sieve *sieve, const struct batch *batch);
void sieve_done(struct sieve *sieve);
/* Of a line, from 1 on; sieve NULL: taken. why, of one that is refused, dies with the sieve. */
enum sieve_fate sieve_fate(const struct sieve *sieve, uint64_t line, const char **why);

/* Stores the lines that are taken, or, for_good false, only tries to and undoes it: SIEVE_PASSED. A failure that db_refused() knows says that one of
 * them is to blame; any other, and 0, end the search and are its answer. */
typedef int (*sieve_try_fn)(void *context, bool for_good, struct cm_error *error);
/* 0: stored, or answered otherwise; CM_ELIMIT: too many are refused, of which the sieve holds the first; else the failure: refused with no
 * line at all, it is the inventory's and not the batch's. */
CM_MUST_CHECK int sieve_store(struct sieve *sieve, sieve_try_fn try, void *context, struct cm_error *error);

#endif
