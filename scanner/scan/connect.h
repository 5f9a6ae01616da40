/* Beginning a TCP connection, and what its errors mean. */
#ifndef SCANNER_SCAN_CONNECT_H
#define SCANNER_SCAN_CONNECT_H

#include <stdbool.h>

#include "certmuster/ipaddr.h"
#include "certmuster/record.h"

/* A non-blocking socket on its way to ip:port, which will be closed by RST. CM_ELIMIT: this host lacks a descriptor, a port or memory;
 * CM_EIO: the attempt failed at once. errno says what, either way. */
CM_MUST_CHECK int connect_start(const struct ipaddr *ip, uint32_t scope, uint16_t port, int *fd);
/* True for what this host lacks now and may have later. */
bool connect_is_shortage(int trouble);
enum record_error connect_error_of(int trouble);
/* What the error's name does not say already; NULL when there is nothing to add. Static. */
const char *connect_detail_of(int trouble);

#endif
