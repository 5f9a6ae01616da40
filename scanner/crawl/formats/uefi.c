/* UEFI's databases of trusted and of revoked signers: signature lists (.esl, variables of efivarfs) and authenticated updates of them (.auth).
 *
 * Owns the layouts (UEFI 2.10 §32.4.1, §8.2.2). A list does not say whether it grants or revokes: its certificates are told as stored. All integers are
 * little-endian. */
#include <string.h>

#include "certmuster/limits.h"
#include "scanner/crawl/formats/entry.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/signature.h"

static const char name[] = "uefi";

enum {
    GUID = 16,
    LIST_HEADER = GUID + 12, /* type, size of the list, of its header, of each signature */
    ATTRIBUTES = 4,          /* in front of a variable in efivarfs */
    TIME = 16,               /* in front of an update's certificate */
    UPDATE_HEADER = 8 + GUID,
};

static const uint8_t guid_x509[GUID] = {0xA1, 0x59, 0xC0, 0xA5, 0xE4, 0x94, 0xA7, 0x4A,
                                        0x87, 0xB5, 0xAB, 0x15, 0x5C, 0x2B, 0xF0, 0x72};
static const uint8_t guid_sha256[GUID] = {0x26, 0x16, 0xC4, 0xC1, 0x4C, 0x50, 0x92, 0x40,
                                          0xAC, 0xA9, 0x41, 0xF9, 0x36, 0x93, 0x43, 0x28};
static const uint8_t guid_pkcs7[GUID] = {0x9D, 0xD2, 0xAF, 0x4A, 0xDF, 0x68, 0xEE, 0x49,
                                         0x8A, 0xA9, 0x34, 0x7D, 0x37, 0x56, 0x65, 0xA7};

static bool begins_list(struct slice bytes, size_t at)
{
    if (at > bytes.size || bytes.size - at < LIST_HEADER)
        return false;
    const uint8_t *guid = bytes.data + at;
    return (memcmp(guid, guid_x509, GUID) == 0 || memcmp(guid, guid_sha256, GUID) == 0) &&
           signature_u32(bytes, at + GUID) >= LIST_HEADER;
}

static bool begins_update(struct slice bytes)
{
    return bytes.size >= TIME + UPDATE_HEADER && signature_u32(bytes, TIME + 4) == 0x0EF10200 &&
           memcmp(bytes.data + TIME + 8, guid_pkcs7, GUID) == 0;
}

static bool identify(struct slice head)
{
    return begins_list(head, 0) || begins_list(head, ATTRIBUTES) || begins_update(head);
}

static void append_header(struct buf *out, uint8_t tag, size_t size)
{
    const uint8_t bytes[] = {tag, 0x83, (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
    buf_append(out, bytes, sizeof bytes);
}

/* An update carries its SignedData bare, or, by some tools, in a ContentInfo as everybody else does. */
static void tell_update(struct job *job, struct slice signed_data, size_t *ordinal)
{
    static const uint8_t oid[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02};
    struct cms_use use = {.format = name, .role = "signer"};
    struct buf wrapped;
    bool told = cms_tell(job, signed_data, &use, NULL) == 0;
    buf_init(&wrapped, CM_LIMIT_FILE_BYTES);
    if (!told && signed_data.size < 1 << 23) {
        append_header(&wrapped, 0x30, sizeof oid + 5 + signed_data.size);
        buf_append(&wrapped, oid, sizeof oid);
        append_header(&wrapped, 0xA0, signed_data.size);
        buf_append(&wrapped, signed_data.data, signed_data.size);
    }
    if (!told && cms_tell(job, buf_slice(&wrapped), &use, NULL))
        job_problem(job, name, NULL, RECORD_ERROR_MALFORMED, "an update whose signature is no CMS");
    buf_done(&wrapped);
    *ordinal = use.certificates;
}

/* One list's certificates, each behind the GUID of who owns it. */
static void tell_list(struct job *job, struct cursor signatures, size_t size, size_t *ordinal)
{
    struct buf entry;
    struct slice signature;
    buf_init(&entry, 32);
    while (!cursor_slice(&signatures, size, &signature) && !job_pulse(job)) {
        struct slice der = {signature.data + GUID, size - GUID};
        entry_tell(job, &(struct found_chain){.format = name,
                                              .entry = entry_name(&entry, (struct slice){NULL, 0}, ++*ordinal),
                                              .der = &der,
                                              .count = 1,
                                              .role = "stored"});
    }
    buf_done(&entry);
}

static void tell_lists(struct job *job, struct cursor cursor, size_t ordinal)
{
    while (!cursor_at_end(&cursor)) {
        struct slice rest = {cursor.at, cursor_left(&cursor)}, list;
        uint32_t whole = signature_u32(rest, GUID), header = signature_u32(rest, GUID + 4);
        uint32_t size = signature_u32(rest, GUID + 8);
        struct cursor signatures;
        if (whole < LIST_HEADER || cursor_slice(&cursor, whole, &list) || size <= GUID) {
            job_problem(job, name, NULL, RECORD_ERROR_MALFORMED, "a signature list is damaged");
            return;
        }
        cursor_init_slice(&signatures, list);
        if (memcmp(list.data, guid_x509, GUID) == 0 && !cursor_skip(&signatures, LIST_HEADER) &&
            !cursor_skip(&signatures, header))
            tell_list(job, signatures, size, &ordinal);
    }
}

static enum format_result read_uefi(struct job *job, struct content *content)
{
    uint8_t *bytes;
    size_t size, ordinal = 0;
    struct cursor cursor;
    struct slice update;
    if (content_whole(content, &bytes, &size))
        return FORMAT_NOT_MINE;
    struct slice all = {bytes, size};
    cursor_init_slice(&cursor, all);
    if (begins_update(all)) {
        uint32_t whole = signature_u32(all, TIME);
        if (whole < UPDATE_HEADER || cursor_skip(&cursor, TIME + UPDATE_HEADER) ||
            cursor_slice(&cursor, whole - UPDATE_HEADER, &update)) {
            job_problem(job, name, NULL, RECORD_ERROR_MALFORMED, "an update of UEFI's keys that is cut");
            return FORMAT_TAKEN;
        }
        tell_update(job, update, &ordinal);
    } else if (!begins_list(all, 0) && cursor_skip(&cursor, ATTRIBUTES)) {
        return FORMAT_NOT_MINE;
    }
    tell_lists(job, cursor, ordinal);
    return FORMAT_TAKEN;
}

const struct format format_uefi = {"uefi", identify, read_uefi, .search = false};
