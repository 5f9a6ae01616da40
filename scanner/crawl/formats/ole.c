/* A bounded reader of compound files: header, allocation table, directory, small streams within a stream.
 *
 * Owns the list of the table's sectors. msi.c calls it. Everything is read by content_read_at(), a sector at a time, so that an installer of any
 * size costs its directory and one stream. Directory entries are read in the order of their array, not along their tree, which cannot be trusted to
 * be one. Every chain is followed for as many sectors as the file has, at most. */
#include "scanner/crawl/formats/ole.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/error.h"
#include "scanner/crawl/formats/part.h"
#include "scanner/crawl/formats/signature.h"

enum {
    HEADER = 512,
    SECTOR_MAX = 4096,
    MINI_SHIFT = 6,
    HEADER_LIST_AT = 0x4C, /* the first sectors of the table stand in the header */
    HEADER_LIST = 109,
    ENTRY = 128, /* of the directory */
    NAME_BYTES = 64,
    NAME_SIZE_AT = 64,
    TYPE_AT = 66,
    START_AT = 116,
    SIZE_AT = 120,
    TYPE_STREAM = 2,
    TYPE_ROOT = 5,
    TABLE_SECTORS_MAX = 1 << 18, /* 128 GiB of 4 KiB sectors */
    DIRECTORY_SECTORS_MAX = 1 << 14,
    SMALL = 4096, /* streams below this are small ones; no file may say otherwise (MS-CFB §2.2) */
};
#define SECTOR_LAST UINT32_C(0xFFFFFFFA) /* above it: free, end of chain, the table's own */

struct ole {
    struct job *job;
    struct content *content;
    uint32_t shift, first_directory, first_mini_table;
    uint64_t sectors; /* in the file */
    uint32_t *table;  /* the sectors of the allocation table */
    size_t table_count;
};

/* A stream, as the directory tells of it. */
struct stream {
    uint32_t start;
    uint64_t size;
};

bool ole_is(struct slice head)
{
    static const uint8_t magic[] = {0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1};
    return head.size >= HEADER && memcmp(head.data, magic, sizeof magic) == 0;
}

/* Reads a part of a sector, which has to be there whole. */
static bool read_sector(struct ole *ole, uint32_t sector, size_t offset, void *out, size_t size)
{
    uint64_t at = ((uint64_t)sector + 1) << ole->shift;
    return sector < SECTOR_LAST && sector < ole->sectors &&
           content_read_at(ole->content, at + offset, out, size) == (ssize_t)size;
}

static bool read_u32(struct ole *ole, uint32_t sector, size_t offset, uint32_t *out)
{
    uint8_t bytes[4];
    if (!read_sector(ole, sector, offset, bytes, sizeof bytes))
        return false;
    *out = signature_u32((struct slice){bytes, sizeof bytes}, 0);
    return true;
}

/* The sector behind another in its chain; false when the table does not know. */
static bool next_sector(struct ole *ole, uint32_t *sector)
{
    uint32_t per_sector = 1u << (ole->shift - 2);
    size_t index = *sector / per_sector;
    return index < ole->table_count && read_u32(ole, ole->table[index], (*sector % per_sector) * 4, sector);
}

/* Gathers the sectors of the table: those in the header, then those in the sectors that continue the list. */
static void gather_table(struct ole *ole)
{
    struct slice head = ole->content->head;
    size_t want = signature_u32(head, 0x2C);
    uint32_t list = signature_u32(head, 0x44), per_sector = 1u << (ole->shift - 2), entry;
    if (want > ole->sectors)
        want = (size_t)ole->sectors;
    if (want > TABLE_SECTORS_MAX)
        want = TABLE_SECTORS_MAX;
    ole->table = cm_calloc(want + 1, sizeof *ole->table);
    while (ole->table_count < want && ole->table_count < HEADER_LIST) {
        ole->table[ole->table_count] = signature_u32(head, HEADER_LIST_AT + 4 * ole->table_count);
        ole->table_count++;
    }
    while (ole->table_count < want && list < SECTOR_LAST) {
        for (uint32_t i = 0; i + 1 < per_sector && ole->table_count < want; i++) {
            if (!read_u32(ole, list, (size_t)i * 4, &entry))
                return;
            ole->table[ole->table_count++] = entry;
        }
        if (!read_u32(ole, list, (size_t)(per_sector - 1) * 4, &list) || job_pulse(ole->job))
            return;
    }
}

struct ole *ole_open(struct job *job, struct content *content)
{
    uint64_t end = part_end(content);
    struct slice head = content->head;
    uint32_t shift = signature_u16(head, 0x1E);
    if (end == UINT64_MAX || (shift != 9 && shift != 12) || signature_u16(head, 0x20) != MINI_SHIFT)
        return NULL;
    struct ole *ole = cm_calloc(1, sizeof *ole);
    ole->job = job;
    ole->content = content;
    ole->shift = shift;
    ole->first_directory = signature_u32(head, 0x30);
    ole->first_mini_table = signature_u32(head, 0x3C);
    ole->sectors = end >> shift; /* the header takes one, a last one may be cut */
    gather_table(ole);
    return ole;
}

void ole_close(struct ole *ole)
{
    if (!ole)
        return;
    free(ole->table);
    free(ole);
}

/* Entries that bear an ASCII name; root's is looked for by its type. */
static bool entry_is(struct slice entry, const char *name)
{
    size_t length = strlen(name);
    if (signature_u16(entry, NAME_SIZE_AT) != 2 * (length + 1) || 2 * (length + 1) > NAME_BYTES)
        return false;
    for (size_t i = 0; i < length; i++)
        if (signature_u16(entry, 2 * i) != (uint8_t)name[i])
            return false;
    return true;
}

/* Looks the stream and the root up; the root's own stream holds all small ones. */
static int find(struct ole *ole, const char *name, struct stream *found, struct stream *root)
{
    uint8_t bytes[SECTOR_MAX];
    uint32_t sector = ole->first_directory;
    size_t size = (size_t)1 << ole->shift;
    bool has_stream = false, has_root = false;
    for (unsigned i = 0; i < DIRECTORY_SECTORS_MAX && i < ole->sectors && sector < SECTOR_LAST; i++) {
        if (!read_sector(ole, sector, 0, bytes, size))
            break;
        for (size_t at = 0; at < size; at += ENTRY) {
            struct slice entry = {bytes + at, ENTRY};
            struct stream stream = {signature_u32(entry, START_AT), signature_u32(entry, SIZE_AT)};
            if (entry.data[TYPE_AT] == TYPE_ROOT && !has_root) {
                *root = stream;
                has_root = true;
            } else if (entry.data[TYPE_AT] == TYPE_STREAM && !has_stream && entry_is(entry, name)) {
                *found = stream;
                has_stream = true;
            }
        }
        if (has_stream && has_root)
            return 0;
        if (!next_sector(ole, &sector) || job_pulse(ole->job))
            break;
    }
    if (!has_root) /* no small streams then, and a chain of none */
        *root = (struct stream){SECTOR_LAST, 0};
    return has_stream ? 0 : CM_ENOTFOUND;
}

static int read_large(struct ole *ole, const struct stream *stream, struct buf *out)
{
    uint32_t sector = stream->start;
    size_t size = (size_t)1 << ole->shift;
    while (out->size < stream->size) {
        size_t want = stream->size - out->size < size ? (size_t)(stream->size - out->size) : size, before = out->size;
        char *at = buf_extend(out, want);
        if (!at || !read_sector(ole, sector, 0, at, want)) {
            out->size = before;
            return CM_EMALFORMED;
        }
        if (out->size < stream->size && !next_sector(ole, &sector))
            return CM_EMALFORMED;
        if (job_pulse(ole->job))
            return CM_ETIMEOUT;
    }
    return 0;
}

/* The sector that is the index-th of a chain. */
static bool walk_chain(struct ole *ole, uint32_t start, uint64_t index, uint32_t *sector)
{
    *sector = start;
    if (index > ole->sectors)
        return false;
    for (uint64_t i = 0; i < index; i++)
        if (!next_sector(ole, sector) || *sector >= SECTOR_LAST || (i % 1024 == 0 && job_pulse(ole->job)))
            return false;
    return true;
}

/* Streams below the cutoff: 64-byte pieces of the root's stream, chained by a table of their own. */
static int read_small(struct ole *ole, const struct stream *stream, const struct stream *root, struct buf *out)
{
    uint32_t mini = stream->start, sector, per_sector = 1u << (ole->shift - 2);
    enum { MINI = 1 << MINI_SHIFT };
    while (out->size < stream->size) {
        size_t want = stream->size - out->size < MINI ? (size_t)(stream->size - out->size) : MINI, before = out->size;
        uint64_t place = (uint64_t)mini << MINI_SHIFT;
        char *at = buf_extend(out, want);
        if (!at || !walk_chain(ole, root->start, place >> ole->shift, &sector) ||
            !read_sector(ole, sector, place & ((1u << ole->shift) - 1), at, want)) {
            out->size = before;
            return CM_EMALFORMED;
        }
        if (out->size < stream->size && (!walk_chain(ole, ole->first_mini_table, mini / per_sector, &sector) ||
                                         !read_u32(ole, sector, (size_t)(mini % per_sector) * 4, &mini)))
            return CM_EMALFORMED;
        if (job_pulse(ole->job))
            return CM_ETIMEOUT;
    }
    return 0;
}

int ole_stream(struct ole *ole, const char *name, struct buf *out)
{
    struct stream stream, root = {0};
    int status = find(ole, name, &stream, &root);
    if (status)
        return status;
    if (stream.size > out->max)
        return CM_ELIMIT;
    return stream.size < SMALL ? read_small(ole, &stream, &root, out) : read_large(ole, &stream, out);
}
