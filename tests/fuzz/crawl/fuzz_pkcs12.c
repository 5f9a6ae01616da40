/* PKCS#12 files of any bytes; a low ceiling on iterations keeps a run short, as the real one does. */
#include <stdint.h>
#include <stdlib.h>

#include "scanner/crawl/pkcs12.h"
#include "scanner/crawl/pkcs12_kdf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned certificates;

static void take_chain(void *context, const struct found_chain *chain)
{
    (void)context;
    for (size_t i = 0; i < chain->count; i++)
        certificates += chain->der[i].data[0] == 0x30;
}
static void take_key(void *context, const struct found_key *key)
{
    (void)context;
    if ((key->encrypted && key->has_spki) || !key->entry[0])
        abort();
}
static void take_store(void *context, const struct found_store *store)
{
    (void)context;
    if (!store->integrity)
        abort();
}
static void take_problem(void *context, const struct found_problem *problem)
{
    (void)context;
    if (!problem->detail || problem->error == RECORD_ERROR_NONE)
        abort();
}
static bool go_on(void *context)
{
    (void)context;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char empty[] = "", word[] = "changeit";
    char *list[] = {NULL, empty, word};
    struct passwords passwords = {list, 3};
    struct pkcs12_options options = {&passwords, 4096};
    struct found_ops ops = {take_chain, take_key, take_store, take_problem, go_on, NULL};
    uint64_t cost = pkcs12_kdf_cost((struct slice){data, size});
    (void)pkcs12_read((struct slice){data, size}, &options, &ops);
    return cost == 1 && certificates == UINT32_MAX ? -1 : 0;
}
