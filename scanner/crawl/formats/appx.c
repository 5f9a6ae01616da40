/* The signature of Windows app packages (.appx, .msix and their bundles): AppxSignature.p7x, an entry of the zip, is CMS behind four letters.
 *
 * Owns those letters. The archives' reader hands the entry to the table of formats, which comes here. */
#include <string.h>

#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/signature.h"

static const char letters[] = "PKCX";
enum { LETTERS = sizeof letters - 1 };

static bool identify(struct slice head)
{
    return head.size > LETTERS && memcmp(head.data, letters, LETTERS) == 0 &&
           cms_begins((struct slice){head.data + LETTERS, head.size - LETTERS});
}

static enum format_result read_appx(struct job *job, struct content *content)
{
    struct cms_use use = {.format = "authenticode", .role = "signer"};
    uint8_t *bytes;
    size_t size;
    if (content_whole(content, &bytes, &size))
        return FORMAT_NOT_MINE;
    signature_tell(job, content, LETTERS, size - LETTERS, &use);
    return FORMAT_TAKEN;
}

const struct format format_appx = {"authenticode", identify, read_appx, .search = false};
