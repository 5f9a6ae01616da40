/* The table: strong signatures first, loose shapes behind them, and the search for PEM under them all.
 *
 * Owns the order, which decides where two rows would take the same bytes. job.c calls it. A new format is a file beside this one, a name in format.h
 * and a row here. */
#include "scanner/crawl/formats/format.h"

#include "scanner/crawl/formats/archive.h"
#include "scanner/crawl/formats/search.h"

static const struct format *const table[] = {
    &format_appx,   &format_nss_blob, &format_pe,         &format_msi,     &format_cab,     &format_module,
    &format_apk,    &format_uefi,     &format_kdb,        &format_nss_dbm, &format_nss_sql, &format_bcfks,
    &format_cms,    &format_der,      &format_pkcs12,     &format_jks,     &format_bks,     &format_archive,
    &format_packed, &format_helm,     &format_kubernetes, &format_base64,
};

const struct format *format_identify(struct slice head, size_t *row)
{
    while (*row < sizeof table / sizeof *table) {
        const struct format *format = table[(*row)++];
        if (format->identify(head))
            return format;
    }
    return NULL;
}

void format_read(struct job *job, struct content *content)
{
    const struct format *format;
    size_t row = 0;
    while ((format = format_identify(content->head, &row))) {
        if (format->read(job, content) != FORMAT_TAKEN)
            continue;
        if (!format->search)
            return;
        break;
    }
    archive_read_attached(job, content);
    search_text(job, content);
}
