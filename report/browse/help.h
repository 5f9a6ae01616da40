/* The help screen, made from the table of keys. */
#ifndef REPORT_BROWSE_HELP_H
#define REPORT_BROWSE_HELP_H

#include "report/browse/browse.h"

void help_show(struct browse *browse, int argument);
void help_leave(struct browse *browse, int argument);

#endif
