/* Text to be copied with the terminal's own means. */
#ifndef REPORT_BROWSE_COPY_H
#define REPORT_BROWSE_COPY_H

#include "report/browse/browse.h"

void copy_run(struct browse *browse, int argument);

#endif
