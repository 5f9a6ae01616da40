/* Delivers a plain file of records (NDJSON), or standard input. */
#ifndef CERTMUSTER_SUBMIT_PLAIN_H
#define CERTMUSTER_SUBMIT_PLAIN_H

#include "scanner/submit/submit.h"

/* path "-": standard input. The file is sent in parts of whole lines; a part's key is the SHA-256 of what it holds, so that the same file
 * sent twice is stored once. Damaged and refused lines are told with their number. Adds to *totals. */
void plain_deliver(const char *path, struct delivery *delivery, struct submit_totals *totals);

#endif
