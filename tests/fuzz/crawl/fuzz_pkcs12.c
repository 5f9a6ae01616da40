/* PKCS#12 files of any bytes; a low ceiling on iterations keeps a run short, as the real one does. */
#include "scanner/crawl/formats/pkcs12.h"
#include "scanner/crawl/formats/pkcs12_kdf.h"
#include "tests/fuzz/crawl/fuzzed_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct job job;
    job_init(&job, &fuzzed_options, &fuzzed_ops);
    (void)pkcs12_kdf_cost((struct slice){data, size});
    (void)pkcs12_read(&job, (struct slice){data, size});
    job_done(&job);
    return 0;
}
