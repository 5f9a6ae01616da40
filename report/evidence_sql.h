/* What evidence asks the inventory beyond the reports: sheets and JSON sections, each with its query. */
#ifndef REPORT_EVIDENCE_SQL_H
#define REPORT_EVIDENCE_SQL_H

#include "report/sheet.h"

struct evidence_sheet {
    const char *csv, *ndjson; /* file names; NULL: not in that format */
    struct sheet sheet;
    const char *sql;
};
extern const struct evidence_sheet evidence_sheets[]; /* ends with a NULL sql */

/* One member of a JSON document: the rows of a query, each a JSON value in its only column; an array, or the one value itself. */
struct evidence_section {
    const char *name;
    bool array;
    const char *sql;
};
struct evidence_document {
    const char *file;
    const struct evidence_section *sections; /* end with a NULL name */
};
extern const struct evidence_document evidence_documents[]; /* ends with a NULL file */

/* sha256 in hex, DER in hex: of every certificate that could be decoded. */
extern const char evidence_certificates_sql[];
extern const char evidence_anchors_sql[]; /* the same of trust anchors, and the store's name */
extern const char evidence_readme[];

#endif
