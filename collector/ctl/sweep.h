/* What the files of `certmuster sweep` share. */
#ifndef CTL_SWEEP_H
#define CTL_SWEEP_H

#include "certmuster/buf.h"
#include "collector/ctl/ctl.h"

enum { SWEEP_ARRAY_MAX = 64 << 20 };

/* A PostgreSQL array literal that grows, whole after each element; count 0: nothing was said. */
struct sweep_list {
    struct buf text;
    size_t count;
};

/* Targets as typed, not yet understood. */
struct sweep_item {
    char *text;
    const char *file; /* NULL: of the command line */
    size_t line;
};

struct sweep_typed {
    struct sweep_item *items;
    size_t count, capacity;
};

struct sweep_call {
    const struct cli *cli;
    enum ctl_format format;
    const char *name; /* the operand behind the verb: a plan, a sweep's id or a realm; NULL: none */
    /* What create and edit say of a plan; NULL: not said. Texts that PostgreSQL takes; "" takes back what was set. */
    const char *kind, *realm, *ports, *shard, *known, *seen;
    char every[32], lasts[32], window_from[6], window_until[6], weekdays[32];
    bool has_every, has_lasts, has_window, has_weekdays;
    struct sweep_typed typed;
    bool no_target; /* no targets instead of those of the plan */
    struct sweep_list scanners, arguments;
    const char *not_of_scan, *not_of_crawl; /* the first of `arguments` that is none of this kind; NULL: all are */
    const char *filter;                     /* as typed */
    struct buf filter_terms;                /* the same as JSON, when there is one */
    const char *rate, *workers;             /* of limit */
    bool wait;                              /* of start and status */
};

/* sweep_options.c: one flag into *context, a struct sweep_call. 0 or the exit status. */
extern const struct cli_option sweep_options[];
int sweep_read_option(struct cli *cli, int id, void *context);
int sweep_check_realm(const struct cli *cli, const char *realm);

/* sweep_targets.c */
void sweep_list_add(struct sweep_list *list, const char *text, size_t size);
const char *sweep_list_text(const struct sweep_list *list); /* NULL when nothing was said */
void sweep_list_done(struct sweep_list *list);
int sweep_take_target(struct sweep_call *call, const char *text); /* 0 or the exit status, as all of these */
int sweep_take_file(struct sweep_call *call);
void sweep_typed_done(struct sweep_typed *typed);
/* What was typed, checked, as targets of a plan of this kind. */
int sweep_read_targets(const struct sweep_call *call, const char *kind, struct sweep_list *out);

/* sweep_filter.c: --filter into *call. 0 or the exit status. */
int sweep_read_filter(struct sweep_call *call);
void sweep_filter_done(struct sweep_call *call);

/* sweep_plan.c */
int sweep_create(const struct sweep_call *call);
int sweep_edit(const struct sweep_call *call);
int sweep_delete(const struct sweep_call *call);
int sweep_enable(const struct sweep_call *call);
int sweep_disable(const struct sweep_call *call);
int sweep_limit(const struct sweep_call *call);

/* sweep_show.c */
int sweep_list(const struct sweep_call *call);
int sweep_show(const struct sweep_call *call);
int sweep_history(const struct sweep_call *call);
int sweep_status(const struct sweep_call *call);
/* sweep.c: until the sweep is over, with a line of progress on a terminal unless quiet: CM_EXIT_PARTIAL when something was left undone. */
int sweep_follow(struct db *db, const char *id, bool quiet);
/* One sweep, for people. */
int sweep_tell(struct db *db, const char *id);

/* sweep.c: CM_EXIT_OK when there is a plan of that name or, when they are asked for, a sweep of that plan or id; else says that there is none. */
int sweep_find(struct db *db, const char *name, bool or_sweep);

#endif
