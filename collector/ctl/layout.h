/* The home that `up` makes and `down` stops: its paths, its account, and becoming that account. */
#ifndef CTL_LAYOUT_H
#define CTL_LAYOUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "certmuster/config.h"
#include "certmuster/error.h"
#include "certmuster/home.h"

enum { LAYOUT_NAME_SIZE = 33, LAYOUT_PATH_SIZE = HOME_PATH_SIZE + 32, LAYOUT_USERS_MAX = 64 };

struct layout {
    char home[HOME_PATH_SIZE];
    bool default_home; /* not named by $CERTMUSTER_HOME: its sockets lie where the system keeps such things */
    char cluster[LAYOUT_PATH_SIZE];
    char logs[LAYOUT_PATH_SIZE];
    char postgres_log[LAYOUT_PATH_SIZE];
    char collector_log[LAYOUT_PATH_SIZE];
    char collector_pid[LAYOUT_PATH_SIZE];
    char socket_dir[HOME_SOCKET_SIZE];       /* "" until layout_sockets or when up never ran */
    char collector_socket[HOME_SOCKET_SIZE]; /* in it */
    char dsn[HOME_DSN_SIZE];                 /* of the database certmuster */
    bool by_root;                            /* root started us */
    char account[LAYOUT_NAME_SIZE];          /* everything runs as */
    uid_t uid;
    gid_t gid;
    char users[LAYOUT_USERS_MAX][LAYOUT_NAME_SIZE]; /* who may use the inventory, the account first */
    size_t user_count;
    int lock; /* held until exit; -1 */
};

/* Names the home that is ours to make; touches nothing. */
CM_MUST_CHECK int layout_init(struct layout *out, struct cm_error *error);
/* As root: makes the account (key up.user), the home and its socket directory, gives them to the account and becomes it for good. Others:
 * makes the home. Then nothing below runs with more rights than the account's. */
CM_MUST_CHECK int layout_enter_new(struct layout *layout, const struct config *config, struct cm_error *error);
/* Becomes the account that owns an existing home. CM_ENOTFOUND when there is none. */
CM_MUST_CHECK int layout_enter(struct layout *layout, struct cm_error *error);
/* One up or down at a time: waits for the other. */
CM_MUST_CHECK int layout_lock(struct layout *layout, struct cm_error *error);
/* Makes sure that the socket directory exists, is ours and is short enough, and notes it in <home>/sockets. */
CM_MUST_CHECK int layout_sockets(struct layout *layout, struct cm_error *error);
/* Adds whoever ran `up` to those of <home>/users and keeps them there; *changed when one is new. */
CM_MUST_CHECK int layout_users(struct layout *layout, bool *changed, struct cm_error *error);

#endif
