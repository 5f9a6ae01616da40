/* BCFKS of any bytes, whose samples ask for few enough iterations to be opened; and any bytes as what the encryption holds. */
#include "scanner/crawl/formats/bcfks.h"
#include "tests/fuzz/crawl/fuzzed_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct job job;
    struct keystore store;
    job_init(&job, &fuzzed_options, &fuzzed_ops);
    keystore_init(&store, &job, "bcfks");
    bcfks_read_objects(&store, (struct slice){data, size});
    keystore_tell(&store, "unchecked");
    keystore_done(&store);
    job_done(&job);
    fuzzed_job(data, size);
    return 0;
}
