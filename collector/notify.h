/* What the daemon tells its surroundings: systemd, by NOTIFY_SOCKET (sd_notify(3)), and a pid file. */
#ifndef COLLECTOR_NOTIFY_H
#define COLLECTOR_NOTIFY_H

#include "certmuster/error.h"

/* "READY=1", "STOPPING=1"; does nothing when nobody listens. */
void notify_service(const char *state);
CM_MUST_CHECK int pid_file_write(const char *path, struct cm_error *error);
/* Unless another process has written its own there. */
void pid_file_remove(const char *path);

#endif
