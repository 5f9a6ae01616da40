/* A connection to the database with a thread of its own, so that nothing the database or the network does can make the screen wait.
 *
 * Work is given as jobs in slots. A slot holds what is wanted now: a new job there replaces one that waits and cancels one that runs.
 * Results are handed back on the user interface's thread by link_collect. When the database is away, the link reconnects by itself with
 * growing pauses and then does what is still wanted. */
#ifndef REPORT_BROWSE_LINK_H
#define REPORT_BROWSE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/db.h"

enum { LINK_SLOTS = 4 }; /* a lower slot goes first */

/* run works on the link's thread and touches nothing but the job. done runs on the caller's thread (code: what run answered); it is
 * not called for a job that was replaced. discard frees the job, on whichever thread. */
struct link_job {
    int (*run)(struct link_job *job, struct db *db, struct cm_error *error);
    void (*done)(struct link_job *job, int code, const struct cm_error *error, void *context);
    void (*discard)(struct link_job *job);
};

enum link_state { LINK_CONNECTING, LINK_UP, LINK_AWAY };

struct link_status {
    enum link_state state;
    int64_t since_ms;                   /* AWAY: when it was lost or first refused; wall clock */
    int64_t retry_at_ms;                /* AWAY: the next attempt; wall clock */
    bool busy;                          /* a job runs or waits */
    bool refused;                       /* the database answered and said no: a password, a right, a name */
    uint64_t connects;                  /* how often it was reached */
    char message[CM_ERROR_DETAIL_SIZE]; /* AWAY: the last error, hostile */
};

struct link_options {
    struct db_options db;                                     /* strings lend for the link's life */
    int (*on_connect)(struct db *db, struct cm_error *error); /* run after each connect; NULL: nothing is */
    int idle_close_ms; /* > 0: the connection is closed after as long without work, and made again on demand; else it is kept */
};

struct link;

/* context is passed to every done. notify_fd (an eventfd) is written whenever link_collect or link_status has news. */
struct link *link_new(const struct link_options *options, int notify_fd, void *context);
/* Ends without waiting for the database: cancels, cuts the connection and gives the thread a moment. */
void link_free(struct link *link);
void link_submit(struct link *link, int slot, struct link_job *job); /* takes the job */
void link_drop(struct link *link, int slot);                         /* what is there is no longer wanted */
void link_collect(struct link *link);                                /* calls done of what is finished */
void link_status(struct link *link, struct link_status *out);
void link_retry(struct link *link); /* reconnect now rather than after the pause */

#endif
