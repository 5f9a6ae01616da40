/* `evidence`: the inventory, its scope and its coverage as files that prove themselves, from one snapshot. */
#ifndef REPORT_EVIDENCE_H
#define REPORT_EVIDENCE_H

#include "certmuster/db.h"

/* CM_ECONFLICT when path may not be written (bundle.h); nothing is left of a failed one. */
CM_MUST_CHECK int evidence_write(struct db *db, const char *path, struct cm_error *error);

#endif
