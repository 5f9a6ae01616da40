/* Revocation lists of any bytes: what is read must lie within them, and writing a record of it must not fail. */
#include <stdlib.h>

#include "certmuster/crl.h"
#include "certmuster/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct slice part, const uint8_t *data, size_t size)
{
    if (part.size && (part.data < data || part.data + part.size > data + size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_file file = {.realm = "r", .host = "h", .path = "/p"};
    struct record_seen seen = {.source = "crawl", .file = &file};
    struct crl crl;
    struct buf out;
    if (!crl_parse(data, size, &crl, NULL)) {
        within(crl.issuer, data, size);
        within(crl.number, data, size);
        within(crl.authority_key_id, data, size);
        if (crl.entries > size)
            abort();
    }
    buf_init(&out, 1 << 22);
    record_write_crl(&out, &seen, data, size);
    if (out.failed || out.data[out.size - 1] != '\n')
        abort();
    buf_done(&out);
    return 0;
}
