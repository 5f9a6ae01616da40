/* The table of formats: which reader takes which bytes. It goes by content, never by name. */
#ifndef SCANNER_CRAWL_FORMATS_FORMAT_H
#define SCANNER_CRAWL_FORMATS_FORMAT_H

#include "scanner/crawl/job.h"

enum format_result {
    FORMAT_TAKEN,    /* what there was is told, damage included */
    FORMAT_NOT_MINE, /* nothing was told, nothing read by content_read(): the next row may look */
    FORMAT_GOES_ON, /* what this row knows of was told, nothing read by content_read(): the next row may look at the rest */
};

struct format {
    const char *name;                          /* as records call it */
    bool (*identify)(const struct slice head); /* cheap, by the first bytes; false positives are allowed */
    enum format_result (*read)(struct job *job, struct content *content);
    bool search; /* text may stand in it beside what the reader tells: the search for PEM runs over it as well */
};

/* One row a format, asked in the table's order. */
extern const struct format format_base64, format_archive, format_packed, format_helm, format_kubernetes, format_cms,
    format_der, format_pkcs12, format_jks, format_bks, format_bcfks, format_nss_sql, format_nss_dbm, format_kdb,
    format_uefi, format_apk, format_module, format_cab, format_msi, format_pe, format_nss_blob, format_appx;

/* The first row from *row on that takes head for its own, by its first bytes alone; *row moves behind it. NULL when none is left. */
const struct format *format_identify(struct slice head, size_t *row);
/* Reads content with the first reader that takes it, else searches it for PEM. */
void format_read(struct job *job, struct content *content);

#endif
