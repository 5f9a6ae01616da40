/* The private PostgreSQL cluster of `up`: made, configured, started, stopped. Runs as the account that owns the home. */
#ifndef CTL_POSTGRES_H
#define CTL_POSTGRES_H

#include <stdbool.h>
#include <sys/types.h>

#include "certmuster/error.h"
#include "collector/ctl/layout.h"

enum { POSTGRES_OLDEST = 15 };

/* Makes the cluster when there is none, writes its access rules for layout->users, starts it unless it runs, and makes the database. *did
 * tells people what happened: static. */
CM_MUST_CHECK int postgres_up(const struct layout *layout, bool users_changed, const char **did,
                              struct cm_error *error);
/* Stops it, fast first, at once when that takes too long. *was_running tells. */
CM_MUST_CHECK int postgres_down(const struct layout *layout, bool *was_running, struct cm_error *error);
/* The server process of this cluster; 0 when none runs. Answers only who may look at its /proc entry: its account and root. */
pid_t postgres_pid(const struct layout *layout);

#endif
