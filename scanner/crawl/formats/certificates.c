/* DER certificates one behind the other, as they stand in .der, .cer and .crt files and in bundles of them.
 *
 * What follows the last and is none is ignored (signatures, padding), but searched for PEM. */
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/sequence.h"
#include "scanner/crawl/formats/sniff.h"

static bool identify(struct slice head)
{
    return sniff(head.data, head.size) == SNIFF_CERTIFICATE;
}

static enum format_result read_certificates(struct job *job, struct content *content)
{
    struct sequence sequence;
    uint8_t *bytes;
    size_t size, length = 0;
    if (content_whole(content, &bytes, &size))
        return FORMAT_NOT_MINE;
    sequence_init(&sequence, "der", job->ops);
    for (size_t at = 0; at < size && sniff(bytes + at, size - at) == SNIFF_CERTIFICATE; at += length)
        if (sequence_add(&sequence, (struct slice){bytes + at, size - at}, &length))
            break;
    sequence_done(&sequence);
    return FORMAT_TAKEN;
}

const struct format format_certificates = {"der", identify, read_certificates, .search = true};
