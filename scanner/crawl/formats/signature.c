/* Signatures by offset and size: fetched, handed to the reader of CMS, or told as a problem.
 *
 * Owns nothing. The readers of PE, MSI, CAB and kernel modules call it once they know where a signature lies. A signature without certificates is
 * no problem: kernels look up their signers by key identifier. */
#include "scanner/crawl/formats/signature.h"

#include "scanner/crawl/formats/part.h"

uint16_t signature_u16(struct slice bytes, size_t at)
{
    return at < bytes.size && bytes.size - at >= 2 ? (uint16_t)(bytes.data[at] | bytes.data[at + 1] << 8) : 0;
}

uint32_t signature_u32(struct slice bytes, size_t at)
{
    return at < bytes.size && bytes.size - at >= 4
               ? signature_u16(bytes, at) | (uint32_t)signature_u16(bytes, at + 2) << 16
               : 0;
}

void signature_tell(struct job *job, struct content *content, uint64_t offset, uint64_t size, struct cms_use *use)
{
    struct part part;
    int status = part_read(&part, job, content, offset, size);
    if (status == CM_ELIMIT)
        job_problem(job, use->format, NULL, RECORD_ERROR_LIMIT, "a signature beyond what is held of a stream or file");
    else if (status)
        job_problem(job, use->format, NULL, RECORD_ERROR_IO, "a signature that cannot be read from the disk");
    else if (cms_tell(job, part.bytes, use, NULL))
        job_problem(job, use->format, NULL, RECORD_ERROR_MALFORMED,
                    part.bytes.size < size ? "a signature that is cut off" : "a signature that is no CMS");
    part_done(&part);
}
