/* Compound files (MS-CFB): a file system of 1990 in a file; installers (.msi, .msp, .mst) are such. */
#ifndef SCANNER_CRAWL_FORMATS_OLE_H
#define SCANNER_CRAWL_FORMATS_OLE_H

#include "scanner/crawl/job.h"

struct ole;

bool ole_is(struct slice head);
/* Reads the header and finds the allocation tables. NULL when they make no sense. Both lend until ole_close(). */
struct ole *ole_open(struct job *job, struct content *content);
void ole_close(struct ole *ole);
/* Fills out (initialised) with a stream's bytes, up to out's maximum. name is ASCII. CM_ENOTFOUND; CM_EMALFORMED (a chain is broken or runs in a circle: what
 * comes before is there), CM_ELIMIT (longer than out takes). */
CM_MUST_CHECK int ole_stream(struct ole *ole, const char *name, struct buf *out);

#endif
