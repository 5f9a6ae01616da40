/* One batch of records, read from its lines into what is merged: looks, certificates, runs, keys and stores. Pure: no database, no I/O.
 *
 * Everything is kept in few large arrays and one text arena, all bounded by the size of the body, so that a batch costs a small multiple of
 * its own bytes. Texts in the arena are fields of COPY's text format already, each ended by a NUL. */
#ifndef COLLECTOR_INGEST_BATCH_H
#define COLLECTOR_INGEST_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/error.h"
#include "certmuster/ids.h"

enum {
    BATCH_LINES_MAX = 200000, /* the shortest record that says something has 80 bytes */
    BATCH_ORIGINS_MAX = 256,  /* distinct origins, and runs, of one batch; a segment has one of each */
    BATCH_RESULTS_MAX = 64,   /* kinds of failure of one run that are told apart */
    BATCH_ROUNDS_MAX = 64,    /* runs at one place in one batch: each is a round of merging */
    BATCH_SKEW_MS = 5 * 60 * 1000,
};

enum look_kind { LOOK_SEEN = 'o', LOOK_FAILED = 'f', LOOK_TLS = 'e', LOOK_MIXED = 'm' };

typedef uint32_t text_ref; /* offset into the arena; 0: \N */

struct saying {                          /* what looks say alike, but for where, when and which chain */
    text_ref role, result, detail, tail; /* tail: source, tls, starttls, file_meta */
    bool cancelled;                      /* its run was interrupted: counted, and no word on the place */
    uint8_t digest[CM_SHA256_SIZE];      /* of what compare.sql compares */
};

struct look { /* a sighting, failure or endpoint record */
    uint8_t location_id[CM_UUID_SIZE];
    uint8_t run[CM_UUID_SIZE];
    uint8_t chain[CM_UUID_SIZE]; /* of a sighting */
    int64_t first_ms, last_ms;
    size_t chain_start, chain_count; /* fingerprints, in batch->fingerprints */
    size_t line_at;                  /* of its line in the body */
    text_ref location;               /* a row of stage_location without first_seen; 0 until batch_unfold */
    uint32_t saying;                 /* index into batch->sayings */
    uint32_t line;
    uint16_t origin;    /* index into batch->origins */
    uint16_t run_index; /* index into batch->runs */
    uint8_t kind;       /* enum look_kind */
    uint8_t round;
    bool rejected;
};

enum asset_kind { ASSET_KEY, ASSET_STORE, ASSET_CSR, ASSET_CRL, ASSET_SSH, ASSET_KINDS_ };

struct batch_asset { /* what lies at a place and is no certificate: a key, a keystore, a request … */
    uint8_t location_id[CM_UUID_SIZE];
    int64_t first_ms, last_ms;
    text_ref row, location; /* row: of its staging table, between the id and the times */
    uint32_t line;
    uint16_t origin;
    uint16_t run_index; /* index into batch->runs */
    uint8_t kind;       /* enum asset_kind */
    bool rejected;
};

struct batch_certificate {
    uint8_t sha256[CM_SHA256_SIZE];
    size_t der_start, der_size; /* in batch->ders */
    int64_t first_ms, last_ms;  /* of the looks that saw it; both -1: none of this batch did. Filled by batch_group */
    uint32_t line;
    bool known; /* the inventory has it */
};

struct run_result {
    text_ref result; /* "<stage>:<error>" */
    uint64_t count;
};

struct batch_run { /* what the batch says of one run, and how many records name it */
    uint8_t run[CM_UUID_SIZE];
    uint16_t origin;
    uint16_t covered_origin; /* who says so, of which realm */
    uint32_t first_line;     /* of its first run or stats record */
    text_ref source, host, machine_id, addresses, args, counters;
    text_ref covered;                /* plain JSON; 0: not said */
    int64_t started_ms, finished_ms; /* -1: not said */
    uint64_t targets, ok, failed;
    uint64_t records;                                 /* run and stats records */
    uint64_t stored_ok, stored_failed, stored_assets; /* filled by batch_group */
    struct run_result *results;                       /* failures by result, owned; see results.c */
    size_t result_count;
    bool interrupted;
    bool named;   /* a record of the run names its scanner; stats do not */
    bool refused; /* it is another scanner's: its records are rejected */
};

struct batch_origin { /* whom records say they are from; realm NULL: of a run as such */
    char *scanner, *realm;
    const char *refused; /* static: why its records are rejected; NULL: welcome */
    char *advice;        /* what was told and what to do about it; owned, NULL: nothing */
};

struct batch_rejection {
    uint32_t line;
    text_ref reason; /* plain text here */
};

struct sieve;

struct batch_options {
    const char *scanner;       /* of records that name none */
    const uint8_t *run;        /* of records that name none: CM_UUID_SIZE bytes */
    int64_t skew_ms;           /* added to every time of the sender */
    int64_t now_ms;            /* nothing is later than this */
    bool read_whole;           /* no line is skimmed; says the same, later */
    const struct sieve *sieve; /* NULL: every line counts */
};

struct batch {
    struct buf text, ders, fingerprints;
    const char *body; /* lent: outlives the batch */
    size_t body_size;
    struct look *looks;
    size_t look_count;
    struct saying *sayings;
    size_t saying_count;
    struct batch_asset *assets;
    size_t asset_count;
    struct batch_certificate *certificates; /* sorted, each once, after batch_settle */
    size_t certificate_count;
    struct batch_run *runs;
    size_t run_count;
    struct batch_origin *origins;
    size_t origin_count;
    struct batch_rejection *rejections; /* by line after batch_settle */
    size_t rejection_count;
    uint8_t (*claimed)[CM_SHA256_SIZE]; /* fingerprints of certificate records that were rejected */
    size_t claimed_count;
    uint64_t lines, stored, skipped; /* skipped: records of types that we do not know */
};

/* CM_EMALFORMED: the body is no NDJSON at all (no line feed at its end, binary). CM_ELIMIT: too many lines. A line that is wrong by itself
 * is a rejection. *out is to be freed by batch_done also after a failure. */
CM_MUST_CHECK int batch_read(const char *body, size_t size, const struct batch_options *options, struct batch *out,
                             struct cm_error *error);
void batch_done(struct batch *batch);
/* Rejects a line; the reason is copied. */
void batch_reject(struct batch *batch, uint32_t line, const char *reason, const char *detail);
const char *batch_text(const struct batch *batch, text_ref ref); /* "\\N" for 0 */

/* Makes look->location from its line, which was read before. */
CM_MUST_CHECK int batch_unfold(struct batch *batch, struct look *look, struct cm_error *error);

/* One place of the batch: looks [start, start + count) of the order below. */
struct place {
    size_t start, count;
    int64_t first_ms, last_ms;
    size_t told_by; /* index into the order: whose result and tail stand for all */
    uint8_t kind;   /* enum look_kind */
    bool same;      /* its digest is the inventory's: nothing more is asked about it */
    bool changed, ignored;
    uint8_t digest[CM_UUID_SIZE]; /* of all that compare.sql compares; not of LOOK_MIXED */
};

struct places {
    struct place *list; /* by location_id */
    size_t count;
    size_t *order; /* look indices by location_id, then time */
    size_t order_count;
    unsigned rounds; /* 1 + the highest round */
};

/* After origins and runs were checked: rejects the records of those refused and counts the rest. */
void batch_settle(struct batch *batch);
/* After batch_settle; NULL: the batch does not bring it. */
struct batch_certificate *batch_certificate(const struct batch *batch, const uint8_t sha256[static CM_SHA256_SIZE]);
/* After batch_settle: sorts, groups by place, gives every look its round. May reject more (too many runs at one place). */
void batch_group(struct batch *batch, struct places *out);
void places_done(struct places *places);
/* The place's chains, each once, sorted as PostgreSQL sorts uuid: byte by byte. out has room for place->count; returns how many. */
size_t place_chains(const struct batch *batch, const struct places *places, const struct place *place,
                    uint8_t (*out)[CM_UUID_SIZE]);

/* results.c: counts a failure by what it says. */
void results_count(const struct batch *batch, struct batch_run *run, text_ref result);
/* {"ok":17,"connect:refused":3}: what was stored of the run in this batch, as a field of COPY's text format. */
void results_write(struct buf *out, const struct batch *batch, const struct batch_run *run);

/* Certificates of the batch and those that looks refer to at places that are not the same, sorted, each once; caller frees. */
uint8_t (*batch_references(const struct batch *batch, const struct places *places, size_t *count))[CM_SHA256_SIZE];

#endif
