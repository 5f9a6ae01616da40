/* Where findings go: records for the stream, rows for people, counts for the exit status. */
#ifndef SCANNER_CRAWL_SINK_H
#define SCANNER_CRAWL_SINK_H

#include <signal.h>

#include "certmuster/emit.h"
#include "certmuster/progress.h"
#include "scanner/crawl/found.h"
#include "scanner/crawl/rows.h"
#include "scanner/crawl/walk.h"

enum {
    SINK_STEPS_MAX = 64, /* more than the job's depth */
};

struct sink_counts {
    uint64_t files;        /* looked into */
    uint64_t certificates; /* seen, repeats included */
    uint64_t keys;
    uint64_t requests, crls, ssh_certificates;
    uint64_t problems; /* unreadable, damaged or missing */
};

struct sink {
    struct emit *emit;
    const char *host;                  /* --host, or emit's */
    struct rows *rows;                 /* NULL: nobody reads a table */
    const volatile sig_atomic_t *stop; /* a signal that ends the run */
    struct progress progress;
    struct sink_counts counts;
    struct buf line;
    /* The file being read */
    const char *path;
    int dir;                 /* the directory that it was found in; -1: only its path is known */
    const struct stat *stat; /* NULL when not known */
    struct sink_step {
        size_t inner_size; /* of the path around it */
        char *layer;       /* digest of the innermost image layer around it; owned */
    } steps[SINK_STEPS_MAX];
    size_t depth;
    struct buf inner; /* the path inside containers, "!" between its steps */
    int64_t ticked_ms;
};

void sink_init(struct sink *sink, struct emit *emit, const char *host, struct rows *rows,
               const volatile sig_atomic_t *stop, bool quiet);
void sink_done(struct sink *sink);
struct found_ops sink_ops(struct sink *sink);
/* What follows is told of this file; all lend until the next. */
void sink_begin(struct sink *sink, const char *path, int dir, const struct stat *stat);
/* A file or directory that could not be opened. */
void sink_unopened(struct sink *sink, const struct walk_entry *entry);
/* Waits while records cannot be kept; true when the run shall end. */
bool sink_wait(struct sink *sink);

#endif
