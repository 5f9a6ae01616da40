/* SQLite files of any origin, read only and on our terms: no locks, no journals, no views, no triggers, bounded memory and work. */
#ifndef SCANNER_CRAWL_FORMATS_SQLITE_H
#define SCANNER_CRAWL_FORMATS_SQLITE_H

#include "scanner/crawl/job.h"

struct sqlite;
struct sqlite_row;

bool sqlite_is(struct slice head);
/* Both lend until sqlite_close(). content is read by content_read_at() alone. NULL when it cannot be opened as a database. */
struct sqlite *sqlite_open(struct job *job, struct content *content);
void sqlite_close(struct sqlite *sqlite);
/* True for a table, false for anything else that bears its name: a view, a virtual table. */
bool sqlite_has_table(struct sqlite *sqlite, const char *name);
/* True when the file is shorter than its own header says. */
bool sqlite_is_cut(const struct sqlite *sqlite);
/* Calls row for each row that select gives: a SELECT whose first column is the rowid, with "rowid > ?1" among its conditions and "ORDER BY rowid " at
 * its end. Where it cannot be run, costs too much or meets a damaged page, fallback (NULL, or a SELECT of the same columns that touches less) goes on behind the
 * last row, and then from the other end. 0, CM_EUNSUPPORTED (these tables or columns are not there, nothing was told), CM_EMALFORMED
 * (damaged: some rows are missing), CM_ELIMIT (more work than a file of that size is worth), CM_ETIMEOUT (the job's pulse). */
typedef void sqlite_take(void *context, const struct sqlite_row *row);
CM_MUST_CHECK int sqlite_each(struct sqlite *sqlite, const char *select, const char *fallback, sqlite_take *take,
                              void *context);
/* Columns from 0. Bytes lend for the length of the call. */
struct slice sqlite_bytes(const struct sqlite_row *row, int column);
int64_t sqlite_integer(const struct sqlite_row *row, int column);

#endif
