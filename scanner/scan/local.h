/* --local: this host's listening TCP sockets as targets. */
#ifndef SCANNER_SCAN_LOCAL_H
#define SCANNER_SCAN_LOCAL_H

#include "certmuster/target.h"

/* Reads proc_dir/net/tcp and tcp6 ("/proc"). *out is an owned array of targets, each one address and one port; free each with target_done
 * and the array with free. CM_EIO with detail when neither file can be read. */
CM_MUST_CHECK int local_list(const char *proc_dir, struct target **out, size_t *count, struct cm_error *error);

#endif
