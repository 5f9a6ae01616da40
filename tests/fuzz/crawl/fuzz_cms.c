/* PKCS#7 and CMS of any bytes, and the BER under them: what comes out of the converter must be DER. */
#include "scanner/crawl/formats/ber.h"
#include "scanner/crawl/formats/cms.h"
#include "tests/fuzz/crawl/fuzzed_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void convert(const uint8_t *data, size_t size)
{
    struct cursor cursor;
    struct der_element element;
    struct buf der;
    buf_init(&der, 1 << 20);
    if (!ber_to_der((struct slice){data, size}, &der)) {
        cursor_init(&cursor, der.data, der.size);
        if (der_next(&cursor, &element) || !cursor_at_end(&cursor))
            abort();
    }
    buf_done(&der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cms_use use = {.format = "pkcs7", .contents = true};
    struct job job;
    size_t length = 0;
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    convert(data, size);
    job_init(&job, &fuzzed_options, &fuzzed_ops);
    job.memory_left = 1 << 20;
    if (!cms_tell(&job, (struct slice){copy, size}, &use, &length) && length > size)
        abort();
    job_done(&job);
    free(copy);
    if (fuzzed_depth)
        abort();
    return 0;
}
