/* Key logs, whole and in two pieces: what is found for a random is what a line said. */
#include "scanner/watch/keylog.h"
#include "tests/fuzz/watch/watched.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keylog *keylog = keylog_new();
    struct keylog_secrets secrets;
    uint8_t random[KEYLOG_RANDOM_SIZE];
    struct input input = input_of(data, size);
    struct slice text;
    uint8_t *copy = take_copy(&input, SIZE_MAX, &text);
    keylog_add(keylog, text);
    for (unsigned i = 0; i < 256; i++) {
        memset(random, (int)i, sizeof random);
        if (!keylog_find(keylog, random, &secrets))
            continue;
        hold(keylog_is_used(keylog) && size >= 64 + 64);
        hold(secrets.server.size || secrets.client.size || secrets.master.size);
        hold(secrets.server.size <= KEYLOG_SECRET_MAX && secrets.client.size <= KEYLOG_SECRET_MAX &&
             secrets.master.size <= KEYLOG_SECRET_MAX);
    }
    free(copy);
    keylog_free(keylog);
    return 0;
}
