/* Signed kernel modules, and ELF kernels signed the same way: a CMS between the ELF file and a trailer (Linux scripts/sign-file.c,
 * include/linux/module_signature.h).
 *
 * Owns the trailer. Most such signatures name their signer and carry no certificate (CMS_NOCERTS): then there is nothing to tell, and nothing is wrong.
 * Signatures of kernels before 4.3 are no CMS and carry none either. Compressed modules come here unpacked. */
#include <string.h>

#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/part.h"
#include "scanner/crawl/formats/signature.h"

static const char marker[] = "~Module signature appended~\n";
enum {
    MARKER = sizeof marker - 1,
    TRAILER = 12, /* algorithm, hash, kind of identifier, two lengths, 3 zeros, size (big-endian) */
    KIND_AT = 2,
    SIZE_AT = 8,
    KIND_PKCS7 = 2,
};

static bool identify(struct slice head)
{
    return head.size > MARKER + TRAILER && memcmp(head.data, "\177ELF", 4) == 0;
}

/* ET_REL, in either byte order: objects and modules, but no programs and no kernels. */
static bool is_relocatable(struct slice head)
{
    enum { TYPE_AT = 16, RELOCATABLE = 1 };
    return head.data[TYPE_AT] + head.data[TYPE_AT + 1] == RELOCATABLE;
}

static enum format_result read_module(struct job *job, struct content *content)
{
    struct cms_use use = {.format = "module", .role = "signer"};
    struct part part;
    struct cursor cursor;
    uint32_t size = 0;
    uint64_t end = part_end(content);
    if (end == UINT64_MAX && is_relocatable(content->head)) {
        job_problem(job, use.format, NULL, RECORD_ERROR_LIMIT, "whether it is signed stands beyond what is held of it");
        return FORMAT_GOES_ON;
    }
    if (end == UINT64_MAX || end < MARKER + TRAILER)
        return FORMAT_NOT_MINE;
    bool appended = part_read(&part, job, content, end - MARKER - TRAILER, MARKER + TRAILER) == 0 &&
                    part.bytes.size == MARKER + TRAILER && memcmp(part.bytes.data + TRAILER, marker, MARKER) == 0;
    bool cms = appended && part.bytes.data[KIND_AT] == KIND_PKCS7;
    cursor_init_slice(&cursor, part.bytes);
    if (cms && (cursor_skip(&cursor, SIZE_AT) || cursor_u32(&cursor, &size)))
        cms = false;
    part_done(&part);
    if (!cms)
        return FORMAT_NOT_MINE;
    if (size > end - MARKER - TRAILER)
        job_problem(job, use.format, NULL, RECORD_ERROR_MALFORMED, "the signature is longer than the module");
    else
        signature_tell(job, content, end - MARKER - TRAILER - size, size, &use);
    return FORMAT_GOES_ON;
}

const struct format format_module = {"module", identify, read_module, .search = false};
