/* The collector as `up` runs it: started beside the private PostgreSQL, asked whether it is well, stopped. */
#ifndef CTL_DAEMON_H
#define CTL_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

#include "certmuster/error.h"
#include "collector/ctl/layout.h"

/* Opens certmuster-collectd beside this program while we still may: its directory may be root's alone. -1 and an error when missing. */
CM_MUST_CHECK int daemon_open_program(int *fd, struct cm_error *error);
/* Starts it unless it runs, and waits until it answers. *did tells people what happened: static. config_path may be NULL. */
CM_MUST_CHECK int daemon_up(const struct layout *layout, int program_fd, const char *config_path, bool users_changed,
                            const char **did, struct cm_error *error);
CM_MUST_CHECK int daemon_down(const struct layout *layout, bool *was_running, struct cm_error *error);
pid_t daemon_pid(const struct layout *layout);
/* GET /healthz on the socket: 0 when it answered 200; *answer (may be NULL) gets the first bytes of the answer's body. */
CM_MUST_CHECK int daemon_health(const char *socket_path, char *answer, size_t size, struct cm_error *error);

#endif
