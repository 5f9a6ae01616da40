/* UBER of any bytes; and any bytes as what its encryption holds, past the key derivation. */
#include "scanner/crawl/formats/bks_entries.h"
#include "tests/fuzz/crawl/fuzzed_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct job job;
    struct keystore store;
    job_init(&job, &fuzzed_options, &fuzzed_ops);
    keystore_init(&store, &job, "uber");
    keystore_tell(&store, uber_read_opened(&store, (struct slice){data, size}, size % 2 == 0));
    keystore_done(&store);
    job_done(&job);
    fuzzed_job(data, size);
    return 0;
}
