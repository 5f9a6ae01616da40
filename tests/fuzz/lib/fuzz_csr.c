/* Signing requests of any bytes: what is read must lie within them, and writing a record of it must not fail. */
#include <stdlib.h>

#include "certmuster/csr.h"
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
    struct cert csr;
    struct buf out;
    if (!csr_parse(data, size, &csr, NULL)) {
        within(csr.subject, data, size);
        within(csr.spki, data, size);
        within(csr.san, data, size);
        if (!csr.key_oid[0] || !csr.sig_oid[0])
            abort();
    }
    buf_init(&out, 1 << 22);
    record_write_csr(&out, &seen, data, size);
    if (out.failed || out.data[out.size - 1] != '\n')
        abort();
    buf_done(&out);
    return 0;
}
