/* Android packages: the signing block of schemes v2, v3 and v3.1, which stands between the entries of a zip and its central directory.
 *
 * Owns the layout (source.android.com, "APK Signature Scheme"). The entries, among them the signature of scheme v1, are the archives' reader's
 * business, which comes after. All lengths are little-endian. Certificates stand in the open, those of earlier signers too (the lineage of a
 * rotated key). */
#include <stdio.h>
#include <string.h>

#include "certmuster/limits.h"
#include "scanner/crawl/formats/entry.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/part.h"
#include "scanner/crawl/formats/signature.h"

static const char name[] = "apk";
static const char block_magic[] = "APK Sig Block 42";

enum {
    END_RECORD = 22, /* of a zip's central directory, without its comment */
    COMMENT_MAX = 65535,
    DIRECTORY_AT = 16,
    COMMENT_SIZE_AT = 20,
    BLOCK_FOOTER = 24, /* size, magic */
    LINEAGE = 0x3BA06F8C,
};

static const struct {
    uint32_t id;
    const char *scheme;
    bool versions; /* between the certificates and the attributes stand the versions of Android that they are for */
} schemes[] = {{0x7109871A, "v2", false}, {0xF05368C0, "v3", true}, {0x1B93AD61, "v3.1", true}};

static bool identify(struct slice head)
{
    return head.size >= END_RECORD && memcmp(head.data, "PK\3\4", 4) == 0;
}

/* The next piece that its length precedes. */
static bool take(struct cursor *cursor, struct cursor *out)
{
    struct slice length, bytes;
    if (cursor_slice(cursor, 4, &length) || cursor_slice(cursor, signature_u32(length, 0), &bytes))
        return false;
    cursor_init_slice(out, bytes);
    return true;
}

static void tell(struct job *job, const char *entry, const struct slice *der, size_t count)
{
    if (count)
        entry_tell(job,
                   &(struct found_chain){.format = name, .entry = entry, .der = der, .count = count, .role = "signer"});
}

static void tell_chain(struct job *job, const char *entry, struct cursor certificates)
{
    struct slice der[CM_LIMIT_CHAIN_CERTS];
    struct cursor certificate;
    size_t count = 0;
    while (count < CM_LIMIT_CHAIN_CERTS && take(&certificates, &certificate))
        der[count++] = (struct slice){certificate.at, cursor_left(&certificate)};
    tell(job, entry, der, count);
    if (!cursor_at_end(&certificates))
        job_problem(job, name, entry, RECORD_ERROR_MALFORMED, "a signer's certificates are cut");
}

/* Proof of rotation: version, then a node for each signer, oldest first: { { certificate, algorithm }, flags, algorithm, signature }. */
static void tell_lineage(struct job *job, const char *entry, struct cursor nodes)
{
    char place[64];
    struct cursor node, data, certificate;
    if (cursor_skip(&nodes, 4))
        return;
    for (unsigned i = 1; i <= CM_LIMIT_CHAIN_CERTS && take(&nodes, &node) && take(&node, &data); i++)
        if (take(&data, &certificate)) {
            snprintf(place, sizeof place, "%s-lineage-%u", entry, i);
            tell(job, place, &(struct slice){certificate.at, cursor_left(&certificate)}, 1);
        }
}

/* { signed data { digests, certificates, [versions,] attributes }, … } */
static bool tell_signer(struct job *job, const char *entry, bool versions, struct cursor signer)
{
    struct cursor data, digests, certificates, attributes, attribute;
    if (!take(&signer, &data) || !take(&data, &digests) || !take(&data, &certificates))
        return false;
    tell_chain(job, entry, certificates);
    if ((versions && cursor_skip(&data, 8)) || !take(&data, &attributes))
        return false;
    while (take(&attributes, &attribute)) {
        struct slice id;
        if (cursor_slice(&attribute, 4, &id))
            return false;
        if (signature_u32(id, 0) == LINEAGE)
            tell_lineage(job, entry, attribute);
    }
    return true;
}

static void tell_scheme(struct job *job, size_t scheme, struct cursor value)
{
    char entry[32];
    struct cursor signers, signer;
    bool good = take(&value, &signers);
    for (unsigned i = 1; good && i <= CM_LIMIT_CHAIN_CERTS && take(&signers, &signer) && !job_pulse(job); i++) {
        snprintf(entry, sizeof entry, "%s-%u", schemes[scheme].scheme, i);
        good = tell_signer(job, entry, schemes[scheme].versions, signer);
    }
    if (!good || !cursor_at_end(&signers))
        job_problem(job, name, schemes[scheme].scheme, RECORD_ERROR_MALFORMED, "the signing block is damaged");
}

/* Pairs of length (u64), id (u32) and value. */
static void tell_block(struct job *job, struct slice block)
{
    struct cursor cursor;
    struct slice head, value;
    cursor_init_slice(&cursor, block);
    while (!cursor_slice(&cursor, 12, &head)) {
        uint32_t size = signature_u32(head, 0), id = signature_u32(head, 8);
        if (signature_u32(head, 4) || size < 4 || cursor_slice(&cursor, size - 4, &value)) {
            job_problem(job, name, NULL, RECORD_ERROR_MALFORMED, "the signing block is damaged");
            return;
        }
        for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
            if (schemes[i].id == id) {
                struct cursor contents;
                cursor_init_slice(&contents, value);
                tell_scheme(job, i, contents);
            }
    }
}

/* Where the central directory begins, by the record at the zip's end: its comment has to reach to the end. */
static bool find_directory(struct job *job, struct content *content, uint64_t end, uint64_t *directory)
{
    uint64_t most = END_RECORD + COMMENT_MAX, size = end < most ? end : most;
    struct part tail;
    bool found = false;
    if (part_read(&tail, job, content, end - size, size) == 0 && tail.bytes.size == size)
        for (size_t at = (size_t)size - END_RECORD + 1; at-- > 0 && !found;) {
            struct slice record = {tail.bytes.data + at, (size_t)size - at};
            if (memcmp(record.data, "PK\5\6", 4) == 0 &&
                signature_u16(record, COMMENT_SIZE_AT) == record.size - END_RECORD) {
                *directory = signature_u32(record, DIRECTORY_AT);
                found = true;
            }
        }
    part_done(&tail);
    return found;
}

/* What begins like an Android package in a stream whose end is out of reach. */
static enum format_result give_up(struct job *job, struct slice head)
{
    static const char *const signs[] = {"AndroidManifest.xml", "classes.dex", "META-INF/com/android/build"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (memmem(head.data, head.size, signs[i], strlen(signs[i]))) {
            job_problem(job, name, NULL, RECORD_ERROR_LIMIT, "the signing block is at the end of too large a stream");
            return FORMAT_GOES_ON;
        }
    return FORMAT_NOT_MINE;
}

static enum format_result read_apk(struct job *job, struct content *content)
{
    uint64_t directory, end = part_end(content), size = 0;
    struct part footer, block;
    if (end == UINT64_MAX)
        return give_up(job, content->head);
    if (end < END_RECORD || !find_directory(job, content, end, &directory) || directory < BLOCK_FOOTER ||
        directory > end)
        return FORMAT_NOT_MINE;
    bool found = part_read(&footer, job, content, directory - BLOCK_FOOTER, BLOCK_FOOTER) == 0 &&
                 footer.bytes.size == BLOCK_FOOTER && memcmp(footer.bytes.data + 8, block_magic, 16) == 0;
    if (found)
        size = signature_u32(footer.bytes, 0) | (uint64_t)signature_u32(footer.bytes, 4) << 32;
    part_done(&footer);
    if (!found)
        return FORMAT_NOT_MINE;
    int status = CM_EMALFORMED; /* the size counts the footer, and not the same size at the block's beginning */
    if (size >= BLOCK_FOOTER && size <= directory - 8) {
        status = part_read(&block, job, content, directory - size, size - BLOCK_FOOTER);
        if (!status)
            tell_block(job, block.bytes);
        part_done(&block);
    }
    if (status)
        job_problem(job, name, NULL, status == CM_ELIMIT ? RECORD_ERROR_LIMIT : RECORD_ERROR_MALFORMED,
                    "the signing block cannot be read");
    return FORMAT_GOES_ON;
}

const struct format format_apk = {"apk", identify, read_apk, .search = false};
