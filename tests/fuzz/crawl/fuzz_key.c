/* Private keys of any bytes, under each name that they may bear; DER items of any kind one behind the other. */
#include "certmuster/cert.h"
#include "scanner/crawl/formats/der_items.h"
#include "scanner/crawl/formats/key.h"
#include "scanner/crawl/formats/key_public.h"
#include "tests/fuzz/crawl/fuzzed_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const kinds[] = {"pkcs1", "pkcs8", "sec1", "dsa", "openssh"};
    struct content_ordinals told = {0};
    struct der_items items;
    struct job job;
    bool encrypted;
    struct buf spki;
    buf_init(&spki, 1 << 20);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct found_key key = {0};
        struct cert facts = {0};
        if (key_public(kinds[i], (struct slice){data, size}, &spki) && strcmp(kinds[i], "sec1") != 0 &&
            strcmp(kinds[i], "pkcs8") != 0 && cert_read_key(buf_slice(&spki), &facts))
            abort();
        if (strcmp(kinds[i], "openssh") != 0) /* the rest is OpenSSL's, and slow */
            continue;
        if (!key_examine(kinds[i], false, (struct slice){data, size}, &key) && !key.kind)
            abort();
    }
    buf_done(&spki);
    (void)key_kind_of_der((struct slice){data, size}, &encrypted);
    job_init(&job, &fuzzed_options, &fuzzed_ops);
    der_items_init(&items, &job, "der", &told);
    for (size_t at = 0, length = 0; at < size; at += length) {
        struct slice rest = {data + at, size - at};
        if (der_item_tell(&items, der_item_of(rest), rest, &length))
            break;
        if (!length || length > rest.size)
            abort();
    }
    der_items_done(&items);
    job_done(&job);
    return 0;
}
