/* Taking an expiry alert: "I know, I am on it", and taking that back. */
#ifndef REPORT_BROWSE_ACKNOWLEDGE_H
#define REPORT_BROWSE_ACKNOWLEDGE_H

#include "report/browse/browse.h"

void acknowledge_ask(struct browse *browse, int argument); /* asks for a note, then writes */
void acknowledge_undo(struct browse *browse, int argument);
void acknowledge_watch(struct browse *browse); /* tells when the operator's connection is refused */

#endif
