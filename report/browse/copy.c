/* Prints the fingerprint, and in the detail the certificate as PEM, on the ordinary screen, where a mouse selects whole lines and a
 * scroll-back keeps them. Only hexadecimal and base64 leave here. */
#include "report/browse/copy.h"

#include <string.h>

#include "report/browse/detail.h"
#include "report/browse/list.h"

enum { PEM_LINE = 64, TEXT_MAX = 1024 * 1024 };

static void append_pem(struct buf *out, const char *base64)
{
    size_t size = strlen(base64);
    buf_append_str(out, "-----BEGIN CERTIFICATE-----\n");
    for (size_t at = 0; at < size; at += PEM_LINE) {
        buf_append(out, base64 + at, size - at < PEM_LINE ? size - at : PEM_LINE);
        buf_append_char(out, '\n');
    }
    buf_append_str(out, "-----END CERTIFICATE-----\n");
}

void copy_run(struct browse *browse, int argument)
{
    (void)argument;
    const struct detail *detail = browse->view == VIEW_DETAIL ? browse->detail : NULL;
    const char *fingerprint = detail ? detail->fingerprint : list_selected(browse);
    struct buf text;
    if (!fingerprint)
        return;
    buf_init(&text, TEXT_MAX);
    buf_appendf(&text, "\nsha256 %s\n", fingerprint);
    if (detail && detail->facts && detail->facts->certificate.count > 0)
        append_pem(&text, detail->facts->certificate.row[0]->field[FACT_DER]);
    buf_append_str(&text, "\nEnter goes back.\n");
    screen_print(text.data);
    buf_done(&text);
}
