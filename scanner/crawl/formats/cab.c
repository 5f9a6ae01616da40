/* Cabinet files that are signed: a reserved field of the header says where the signature lies, behind the cabinet.
 *
 * Owns that field (MS-CAB §2.1; what stands in it is Authenticode's). What the cabinet holds is the archives' reader's business, which comes after. */
#include <string.h>

#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/signature.h"

enum {
    FLAGS_AT = 30,
    FLAG_RESERVE = 4,
    RESERVE_SIZE_AT = 36,
    RESERVE_AT = 40,
    SIGNED_RESERVE = 20, /* a mark, offset, size, zeros */
    SIGNED_MARK = 0x00100000,
};

static bool identify(struct slice head)
{
    return head.size >= RESERVE_AT + SIGNED_RESERVE && memcmp(head.data, "MSCF\0\0\0\0", 8) == 0;
}

static enum format_result read_cab(struct job *job, struct content *content)
{
    struct cms_use use = {.format = "authenticode", .role = "signer"};
    struct slice head = content->head;
    if (!(signature_u16(head, FLAGS_AT) & FLAG_RESERVE) || signature_u16(head, RESERVE_SIZE_AT) < SIGNED_RESERVE ||
        signature_u32(head, RESERVE_AT) != SIGNED_MARK)
        return FORMAT_NOT_MINE;
    uint32_t offset = signature_u32(head, RESERVE_AT + 4), size = signature_u32(head, RESERVE_AT + 8);
    if (!offset || !size)
        return FORMAT_NOT_MINE;
    signature_tell(job, content, offset, size, &use);
    return FORMAT_GOES_ON;
}

const struct format format_cab = {"authenticode", identify, read_cab, .search = false};
