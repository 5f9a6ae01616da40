/* Windows Installer packages and patches that are signed: a stream of the compound file holds the signature.
 *
 * Owns that stream's name. Documents of Office are compound files as well; they have no such stream. Other rows look at the file as well. */
#include "scanner/crawl/formats/cms.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/ole.h"
#include "scanner/crawl/formats/part.h"

enum { SIGNATURE_BYTES_MAX = 4 * 1024 * 1024 };

static enum format_result read_msi(struct job *job, struct content *content)
{
    struct cms_use use = {.format = "authenticode", .role = "signer"};
    struct ole *ole = ole_open(job, content);
    struct buf signature;
    if (!ole && part_end(content) == UINT64_MAX) {
        job_problem(job, use.format, NULL, RECORD_ERROR_LIMIT, "whether it is signed stands beyond what is held of it");
        return FORMAT_GOES_ON;
    }
    if (!ole)
        return FORMAT_NOT_MINE;
    buf_init(&signature, SIGNATURE_BYTES_MAX);
    int status = ole_stream(ole, "\005DigitalSignature", &signature);
    ole_close(ole);
    bool told = signature.size && cms_tell(job, buf_slice(&signature), &use, NULL) == 0;
    if (status == CM_ELIMIT)
        job_problem(job, use.format, NULL, RECORD_ERROR_TOO_LARGE, "a signature of more than 4 MiB");
    else if (status == CM_ETIMEOUT)
        job_problem(job, use.format, NULL, RECORD_ERROR_TIMEOUT, "only a part of the signature was read");
    else if (status && status != CM_ENOTFOUND)
        job_problem(job, use.format, NULL, RECORD_ERROR_MALFORMED, "the compound file is damaged");
    else if (!status && !told)
        job_problem(job, use.format, NULL, RECORD_ERROR_MALFORMED, "a signature that is no CMS");
    buf_done(&signature);
    return status == CM_ENOTFOUND ? FORMAT_NOT_MINE : FORMAT_GOES_ON;
}

const struct format format_msi = {"authenticode", ole_is, read_msi, .search = false};
