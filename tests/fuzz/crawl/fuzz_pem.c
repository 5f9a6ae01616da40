/* Whole files of any bytes through the PEM and DER readers, once in one piece and once in pieces: both must tell the same blocks. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/crawl/examine.h"
#include "scanner/crawl/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
    size_t blocks, cuts, text_bytes;
};

static struct tally scan_whole(const uint8_t *data, size_t size)
{
    struct tally tally = {0};
    struct pem_scan scan;
    struct pem_block block;
    enum pem_result result;
    size_t before = 0;
    pem_scan_init(&scan, data, size, true);
    while ((result = pem_next(&scan, &block)) != PEM_END) {
        if (result == PEM_MORE || scan.at <= before || scan.at > size || block.offset >= scan.at)
            abort();
        before = scan.at;
        tally.blocks += result == PEM_BLOCK;
        tally.cuts += result == PEM_CUT;
        tally.text_bytes += block.text.size;
    }
    return tally;
}

static struct tally scan_pieces(const uint8_t *data, size_t size, size_t piece)
{
    struct tally tally = {0};
    size_t from = 0, fed = 0;
    bool last = false;
    while (!last) {
        fed = size - fed < piece ? size : fed + piece;
        last = fed == size;
        struct pem_scan scan;
        struct pem_block block;
        enum pem_result result;
        pem_scan_init(&scan, data + from, fed - from, last);
        while ((result = pem_next(&scan, &block)) == PEM_BLOCK || result == PEM_CUT) {
            tally.blocks += result == PEM_BLOCK;
            tally.cuts += result == PEM_CUT;
            tally.text_bytes += block.text.size;
        }
        from += scan.at;
    }
    return tally;
}

static void ignore_chain(void *context, const struct found_chain *chain)
{
    (void)context;
    if (!chain->count || !chain->der[0].size)
        abort();
}
static void ignore_key(void *context, const struct found_key *key)
{
    (void)context;
    if (key->encrypted && key->has_spki)
        abort();
}
static void ignore_store(void *context, const struct found_store *store)
{
    (void)context;
    (void)store;
}
static void ignore_problem(void *context, const struct found_problem *problem)
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
    char *none[] = {NULL};
    struct passwords passwords = {none, 1};
    struct pkcs12_options options = {&passwords, 100};
    struct found_ops ops = {ignore_chain, ignore_key, ignore_store, ignore_problem, go_on, NULL};
    struct examine examine;
    struct tally whole = scan_whole(data, size), pieces = scan_pieces(data, size, size / 3 + 1);
    if (memcmp(&whole, &pieces, sizeof whole) != 0)
        abort();

    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    examine_init(&examine, &options, &ops);
    examine_bytes(&examine, copy, size);
    examine_done(&examine);
    free(copy);
    return 0;
}
