/* Whole files of any bytes through the PEM and DER readers, once in one piece and once in pieces: both must tell the same blocks. */
#include "scanner/crawl/formats/pem.h"
#include "tests/fuzz/crawl/fuzzed_job.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tally whole = scan_whole(data, size), pieces = scan_pieces(data, size, size / 3 + 1);
    if (memcmp(&whole, &pieces, sizeof whole) != 0)
        abort();
    fuzzed_job(data, size);
    return 0;
}
