/* Which archive or compressed file begins with these bytes, and how libarchive is told to read that and nothing else: two tables.
 *
 * Filters that libarchive leaves to programs (lzop, lrzip, grzip) are not in them: nothing is ever run. */
#include <archive.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/crawl/formats/unpack.h"

static bool begins(struct slice head, const void *magic, size_t size)
{
    return head.size >= size && memcmp(head.data, magic, size) == 0;
}

static bool stands(struct slice head, size_t at, const void *magic, size_t size)
{
    return head.size >= at + size && memcmp(head.data + at, magic, size) == 0;
}

#define BEGINS(head, magic)     begins(head, magic, sizeof(magic) - 1)
#define STANDS(head, at, magic) stands(head, at, magic, sizeof(magic) - 1)

/* --- archives ---------------------------------------------------------------------------------------------------------- */

static bool is_zip(struct slice head)
{
    return BEGINS(head, "PK\3\4") || BEGINS(head, "PK\5\6") || BEGINS(head, "PK\6\6") || BEGINS(head, "PK00PK\3\4") ||
           BEGINS(head, "PK\7\10PK\3\4");
}

static bool is_7z(struct slice head)
{
    return BEGINS(head, "7z\xBC\xAF\x27\x1C");
}

/* An octal number among spaces and NULs; false: something else. */
static bool octal(const uint8_t *field, size_t size, uint32_t *out)
{
    size_t i = 0, digits = 0;
    *out = 0;
    while (i < size && field[i] == ' ')
        i++;
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++, digits++)
        *out = *out << 3 | (uint32_t)(field[i] - '0');
    return digits && (i == size || field[i] == ' ' || field[i] == '\0');
}

/* Version 7 has no magic, but a sum of its header; old programs summed signed bytes. */
static bool is_tar(struct slice head)
{
    enum { HEADER = 512, SUM = 148, SUM_SIZE = 8 };
    uint32_t told;
    int32_t plain = 8 * ' ', old = 8 * ' ';
    if (head.size < HEADER || !head.data[0] || !octal(head.data + SUM, SUM_SIZE, &told))
        return false;
    for (size_t i = 0; i < HEADER; i++) {
        if (i < SUM || i >= SUM + SUM_SIZE) {
            plain += head.data[i];
            old += (int8_t)head.data[i];
        }
    }
    return (int32_t)told == plain || (int32_t)told == old || STANDS(head, 257, "ustar");
}

static bool is_cpio(struct slice head)
{
    return BEGINS(head, "070701") || BEGINS(head, "070702") || BEGINS(head, "070707");
}

/* 16-bit words in either order. Behind the magic: device, inode, mode; the mode says what kind of file it is. */
static bool is_binary_cpio(struct slice head)
{
    enum { MODE = 6 };
    if (head.size < 26 || !(BEGINS(head, "\xC7\x71") || BEGINS(head, "\x71\xC7")))
        return false;
    unsigned kind = head.data[MODE + (head.data[0] == 0xC7)] >> 4;
    return kind == 1 || kind == 2 || kind == 4 || kind == 6 || kind == 8 || kind == 10 || kind == 12;
}

static bool is_ar(struct slice head)
{
    return BEGINS(head, "!<arch>\n");
}

static bool is_iso9660(struct slice head)
{
    return STANDS(head, 32768 + 1, "CD001");
}

static bool is_cab(struct slice head)
{
    return BEGINS(head, "MSCF\0\0\0\0");
}

static bool is_xar(struct slice head)
{
    return BEGINS(head, "xar!");
}

static bool is_rar(struct slice head)
{
    return BEGINS(head, "Rar!\x1A\7\0");
}

static bool is_rar5(struct slice head)
{
    return BEGINS(head, "Rar!\x1A\7\1\0");
}

const struct unpack_kind unpack_zip = {"zip", is_zip, archive_read_support_format_zip_seekable,
                                       UNPACK_OFFSETS | UNPACK_RESTARTS | UNPACK_PASSWORDS};
const struct unpack_kind unpack_zip_stream = {"zip", is_zip, archive_read_support_format_zip_streamable,
                                              UNPACK_PASSWORDS};

static const struct unpack_kind archives[] = {
    {"7z", is_7z, archive_read_support_format_7zip, UNPACK_OFFSETS | UNPACK_RESTARTS},
    {"cpio", is_cpio, archive_read_support_format_cpio, UNPACK_GOES_ON},
    {"ar", is_ar, archive_read_support_format_ar, UNPACK_ENTRIES_ONLY},
    {"cab", is_cab, archive_read_support_format_cab, 0},
    {"xar", is_xar, archive_read_support_format_xar, 0},
    {"rar", is_rar, archive_read_support_format_rar, 0},
    {"rar", is_rar5, archive_read_support_format_rar5, 0},
    {"tar", is_tar, archive_read_support_format_tar, UNPACK_GOES_ON | UNPACK_BLOCKS_OF_512},
    {"iso9660", is_iso9660, archive_read_support_format_iso9660, UNPACK_RESTARTS},
    {"cpio", is_binary_cpio, archive_read_support_format_cpio, UNPACK_WEAK | UNPACK_GOES_ON},
};

/* --- compressed files that are rarer than those of expand.h --------------------------------------------------------------------------------------------------- */

static bool is_bzip2(struct slice head)
{
    return BEGINS(head, "BZh") && head.size > 3 && head.data[3] >= '1' && head.data[3] <= '9' &&
           (STANDS(head, 4, "\x31\x41\x59\x26\x53\x59") || STANDS(head, 4, "\x17\x72\x45\x38\x50\x90"));
}

static bool is_lz4(struct slice head)
{
    return BEGINS(head, "\x04\x22\x4D\x18") || BEGINS(head, "\x02\x21\x4C\x18");
}

static bool is_compress(struct slice head)
{
    enum { RESERVED = 0x60 };
    return BEGINS(head, "\x1F\x9D") && head.size > 4 && !(head.data[2] & RESERVED) && (head.data[2] & 0x1F) >= 9 &&
           (head.data[2] & 0x1F) <= 16;
}

static bool is_rpm(struct slice head)
{
    return BEGINS(head, "\xED\xAB\xEE\xDB");
}

/* What comes out of the filter, as one entry. */
#define RAW(filter)                                                                                                    \
    static int raw_##filter(struct archive *archive)                                                                   \
    {                                                                                                                  \
        int code = archive_read_support_filter_##filter(archive);                                                      \
        return code < ARCHIVE_WARN ? code : archive_read_support_format_raw(archive);                                  \
    }
RAW(bzip2)
RAW(lz4)
RAW(compress)
RAW(rpm)

static const struct unpack_kind packed[] = {
    {"bzip2", is_bzip2, raw_bzip2, 0},
    {"lz4", is_lz4, raw_lz4, 0},
    {"rpm", is_rpm, raw_rpm, 0},
    {"compress", is_compress, raw_compress, UNPACK_WEAK},
};

static const struct unpack_kind *find(const struct unpack_kind *kinds, size_t count, struct slice head)
{
    for (size_t i = 0; i < count; i++)
        if (kinds[i].identify(head))
            return &kinds[i];
    return NULL;
}

const struct unpack_kind *unpack_archive_kind(struct slice head)
{
    return is_zip(head) ? &unpack_zip : find(archives, sizeof archives / sizeof *archives, head);
}

const struct unpack_kind *unpack_packed_kind(struct slice head)
{
    return find(packed, sizeof packed / sizeof *packed, head);
}
