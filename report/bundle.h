/* A directory of files that appears whole or not at all, with MANIFEST.sha256 over all of them: what an auditor is handed. */
#ifndef REPORT_BUNDLE_H
#define REPORT_BUNDLE_H

#include <stdio.h>

#include "certmuster/buf.h"
#include "certmuster/error.h"

#define BUNDLE_MANIFEST "MANIFEST.sha256"

struct bundle {
    const char *const *names; /* every file that may stand in it, the manifest included; ends with NULL; lends */
    char *path;               /* owned; without trailing slashes */
    char *temporary;          /* owned; beside path */
    int directory;            /* of the temporary */
    struct buf manifest;
};

/* Makes the temporary directory beside path. CM_ECONFLICT when path is there and is neither an empty directory nor an earlier bundle
 * (a directory with a manifest and nothing that is not in names): nothing of others is ever overwritten. */
CM_MUST_CHECK int bundle_open(const char *path, const char *const *names, struct bundle *out, struct cm_error *error);
/* One file at a time or several; each ends with bundle_close_file, which adds its hash to the manifest. */
CM_MUST_CHECK int bundle_open_file(struct bundle *bundle, const char *name, FILE **out, struct cm_error *error);
CM_MUST_CHECK int bundle_close_file(struct bundle *bundle, const char *name, FILE *file, struct cm_error *error);
/* Writes the manifest last and moves the directory to its name, an earlier bundle out of the way. Frees whatever happens; on failure
 * nothing of the new bundle is left and an earlier one stands as it was. */
CM_MUST_CHECK int bundle_commit(struct bundle *bundle, struct cm_error *error);
void bundle_abort(struct bundle *bundle);

#endif
