/* The filter language: whatever is typed, parsing ends, the number of parameters is the number of patterns, and the SQL text is made of
 * the constants given and "$N" alone. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/filter.h"
#include "certmuster/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct filter_sql sql = {
    .text = {"a$$", "a$$", "a$$", "a$$", "a$$", "a$$", "a$$", "a$$", "a$$"},
    .nobody = "n",
    .status = {"s", "s", "s", "s", "s"},
};

static void check(const char *text, enum filter_mode mode)
{
    struct filter filter;
    const char *parameters[CM_LIMIT_FILTER_TERMS];
    struct buf where;
    size_t patterns = 0;

    if (filter_parse(text, mode, &filter, NULL) != CM_OK)
        return;
    buf_init(&where, 1 << 16);
    size_t count = filter_where(&filter, &sql, 1, &where, parameters);
    for (size_t i = 0; i < filter.count; i++)
        patterns += filter.terms[i].like != NULL;
    if (count != patterns || where.failed || strspn(where.data, " ANDOTcoalesce(lwr$0123456789), fn") != where.size)
        abort();
    buf_done(&where);
    filter_done(&filter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    check(text, FILTER_WHOLE);
    check(text, FILTER_TYPING);
    free(text);
    return 0;
}
