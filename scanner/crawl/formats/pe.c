/* Windows programs, drivers, EFI binaries and kernels with an EFI stub: the Authenticode signatures of PE files.
 *
 * Owns the way to the certificate table (PE/COFF §5.7, "The Attribute Certificate Table"). A file of any size is read at two places: its headers and that table. Other
 * rows look at the file as well: it may be a self-extracting archive, and hold PEM. */
#include <string.h>

#include "scanner/crawl/formats/entry.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/part.h"
#include "scanner/crawl/formats/signature.h"

enum {
    DOS_HEADER = 64,
    NEW_HEADER_AT = 0x3C,
    COFF_HEADER = 24, /* with its signature */
    OPTIONAL_SIZE_AT = 20,
    DIRECTORIES_32 = 96,
    DIRECTORIES_64 = 112,
    MAGIC_32 = 0x10B,
    MAGIC_64 = 0x20B,
    DIRECTORY_SECURITY = 4,
    HEADERS_MAX = 4096, /* from the new header to the end of the directories */
    TABLE_MAX = 16 * 1024 * 1024,
    ENTRIES_MAX = 64, /* one a signer who did not nest; tools write one */
    ENTRY_HEADER = 8, /* size, revision, type */
    TYPE_X509 = 1,
    TYPE_PKCS7 = 2,
};

static bool identify(struct slice head)
{
    return head.size >= DOS_HEADER && head.data[0] == 'M' && head.data[1] == 'Z';
}

/* Where the certificate table lies, by the data directory, which gives an offset in the file here and nowhere else. */
static bool find_table(struct slice headers, uint64_t *offset, uint64_t *size)
{
    size_t optional = COFF_HEADER, directories;
    if (headers.size < COFF_HEADER || memcmp(headers.data, "PE\0\0", 4) != 0)
        return false;
    uint16_t magic = signature_u16(headers, optional);
    if (magic == MAGIC_32)
        directories = DIRECTORIES_32;
    else if (magic == MAGIC_64)
        directories = DIRECTORIES_64;
    else
        return false;
    size_t at = directories + DIRECTORY_SECURITY * 8;
    if (signature_u32(headers, optional + directories - 4) <= DIRECTORY_SECURITY ||
        signature_u16(headers, OPTIONAL_SIZE_AT) < at + 8)
        return false;
    *offset = signature_u32(headers, optional + at);
    *size = signature_u32(headers, optional + at + 4);
    return *offset && *size;
}

static void tell_x509(struct job *job, struct cms_use *use, struct slice der)
{
    struct buf ordinal;
    buf_init(&ordinal, 32);
    entry_tell(job, &(struct found_chain){.format = use->format,
                                          .entry = entry_name(&ordinal, (struct slice){NULL, 0}, ++use->certificates),
                                          .der = &der,
                                          .count = 1,
                                          .role = use->role});
    buf_done(&ordinal);
}

/* WIN_CERTIFICATEs, each on a multiple of eight bytes. */
static void tell_table(struct job *job, struct slice table, struct cms_use *use)
{
    size_t at = 0;
    for (unsigned i = 0; i < ENTRIES_MAX && table.size - at > ENTRY_HEADER; i++) {
        size_t size = signature_u32(table, at), left = table.size - at;
        uint16_t type = signature_u16(table, at + 6);
        if (size <= ENTRY_HEADER)
            break;
        struct slice entry = {table.data + at + ENTRY_HEADER, (size < left ? size : left) - ENTRY_HEADER};
        if (type == TYPE_X509)
            tell_x509(job, use, entry);
        else if (type == TYPE_PKCS7 && cms_tell(job, entry, use, NULL))
            job_problem(job, use->format, NULL, RECORD_ERROR_MALFORMED, "a signature that is no CMS");
        if (size >= left || left - size < 8)
            break;
        at += (size + 7) & ~(size_t)7;
        if (at > table.size || job_pulse(job))
            break;
    }
}

static enum format_result read_pe(struct job *job, struct content *content)
{
    struct cms_use use = {.format = "authenticode", .role = "signer"};
    struct part headers, table;
    uint64_t offset = 0, size = 0;
    uint32_t at = signature_u32(content->head, NEW_HEADER_AT);
    bool found = part_read(&headers, job, content, at, HEADERS_MAX) == 0 && find_table(headers.bytes, &offset, &size);
    part_done(&headers);
    if (!found)
        return FORMAT_NOT_MINE;
    int status = part_read(&table, job, content, offset, size < TABLE_MAX ? size : TABLE_MAX);
    if (status == CM_ELIMIT)
        job_problem(job, use.format, NULL, RECORD_ERROR_LIMIT, "signed, at the end of a stream too large to be held");
    else if (status)
        job_problem(job, use.format, NULL, RECORD_ERROR_IO, "its signature cannot be read from the disk");
    else {
        tell_table(job, table.bytes, &use);
        if (table.bytes.size < size)
            job_problem(job, use.format, NULL, RECORD_ERROR_MALFORMED, "the certificate table is cut");
    }
    part_done(&table);
    return FORMAT_GOES_ON;
}

const struct format format_pe = {"authenticode", identify, read_pe, .search = false};
