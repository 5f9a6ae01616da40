/* Files that are nothing but the base64 of something binary: certificates and keystores that were copied from a mail or out of a variable. */
#include <string.h>

#include <openssl/crypto.h>

#include "certmuster/encode.h"
#include "certmuster/limits.h"
#include "scanner/crawl/formats/format.h"

enum { SMALLEST = 64 };

/* DER of more than 127 bytes begins with "MI", keystores of Java with "/u3+7Q" and "zs7Ozg": nothing else is worth a try. */
static bool identify(struct slice head)
{
    static const char *const begins[] = {"MI", "/u3+7Q", "zs7Ozg"};
    size_t at = 0;
    bool known = false;
    while (at < head.size && memchr(" \t\r\n", head.data[at], 4))
        at++;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        known = known || (head.size - at > SMALLEST && memcmp(head.data + at, begins[i], strlen(begins[i])) == 0);
    for (; known && at < head.size; at++) {
        uint8_t c = head.data[at];
        known =
            (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || memchr("+/= \t\r\n", c, 7);
    }
    return known;
}

static enum format_result read_base64(struct job *job, struct content *content)
{
    uint8_t *bytes;
    size_t size;
    struct buf binary;
    enum format_result result = FORMAT_NOT_MINE;
    if (content_whole(content, &bytes, &size))
        return FORMAT_NOT_MINE;
    size_t taken = size / 4 * 3 + 4;
    if (job->memory_left < taken)
        return FORMAT_NOT_MINE;
    job->memory_left -= taken;
    buf_init(&binary, taken);
    if (buf_extend(&binary, taken - 1)) { /* one allocation: growing would leave copies behind */
        buf_reset(&binary);
        if (!base64_read_loose((const char *)bytes, size, &binary)) {
            job_inside_memory(job, NULL, (uint8_t *)binary.data, binary.size);
            result = FORMAT_TAKEN;
        }
        OPENSSL_cleanse(binary.data, binary.capacity);
    }
    buf_done(&binary);
    job->memory_left += taken;
    return result;
}

const struct format format_base64 = {"base64", identify, read_base64, .search = false};
