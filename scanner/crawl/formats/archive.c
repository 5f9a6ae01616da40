/* Archives: each entry goes back to the table of formats, under its name.
 *
 * Owns the order of reading: entry after entry, around those that are broken, and on behind the archive's end where something may follow (early
 * microcode before an initramfs). Nothing is written, no link followed, no name opened. What libarchive is told stands in unpack.c. */
#include "scanner/crawl/formats/archive.h"

#include <string.h>

#include "certmuster/limits.h"
#include "scanner/crawl/formats/image.h"
#include "scanner/crawl/formats/search.h"
#include "scanner/crawl/formats/unpack.h"

enum {
    RESTARTS_MAX = 64,    /* each goes through the entries before it again */
    LOCKED_TOLD_MAX = 16, /* entries that need a password, told one by one */
    PEEK_BYTES = 512,     /* a tar header */
};

struct reading {
    struct job *job;
    struct content *content;
    struct unpack unpack;
    const struct unpack_kind *kind;
    uint64_t from; /* where this archive begins in the content */
    uint64_t done; /* entries of it that were dealt with */
    unsigned restarts, locked;
    bool damaged; /* what came last was no entry */
};

static void tell(struct reading *reading)
{
    if (reading->unpack.error != RECORD_ERROR_NONE)
        job_problem(reading->job, reading->kind->name, NULL, reading->unpack.error, reading->unpack.detail);
}

/* The digest of an entry that is an image's layer. inside is open. */
static bool find_layer(struct reading *reading, const char *name, struct content *inside,
                       char digest[static IMAGE_DIGEST_SIZE])
{
    uint8_t *bytes;
    size_t size;
    if (!format_archive.identify(inside->head) && !format_packed.identify(inside->head))
        return false;
    if (image_blob_digest(name, digest))
        return true;
    if (!image_is_old_layer(name))
        return false;
    if (content_seekable(reading->content))
        return image_hash_entry(reading->job, reading->content, reading->kind, reading->from, reading->done, digest);
    if (content_whole(inside, &bytes,
                      &size)) /* a large layer of an image that is packed as a whole: who can tell before its end? */
        return false;
    image_hash_bytes(bytes, size, digest);
    return true;
}

static void read_entry(struct reading *reading, const struct unpack_entry *entry)
{
    struct unpack *unpack = &reading->unpack;
    struct job *job = reading->job;
    struct content inside;
    char digest[IMAGE_DIGEST_SIZE];
    if (entry->encrypted && reading->locked == LOCKED_TOLD_MAX)
        return;
    content_from_stream(&inside, unpack_source, unpack, entry->size_bytes, &job->memory_left);
    bool layer = content_open(&inside) == 0 && find_layer(reading, entry->name, &inside, digest);
    job_inside(job, layer ? digest : entry->name, layer ? digest : NULL, &inside);
    if (unpack->too_much)
        job_abandon(job, unpack->came_out);
    if (entry->encrypted && unpack->error == RECORD_ERROR_PASSWORD && ++reading->locked == LOCKED_TOLD_MAX)
        job_problem(job, reading->kind->name, NULL, RECORD_ERROR_PASSWORD, "more of its entries are encrypted");
    unpack->error = RECORD_ERROR_NONE;
}

/* From the next entry to the end, or to where it breaks. */
static enum unpack_result read_entries(struct reading *reading)
{
    struct unpack_entry entry;
    enum unpack_result result;
    while ((result = unpack_next(&reading->unpack, &entry)) == UNPACK_ENTRY || result == UNPACK_DAMAGED) {
        if (result == UNPACK_ENTRY) {
            reading->done++;
            if (entry.file)
                read_entry(reading, &entry);
        } else if (!reading->damaged) {
            tell(reading);
        }
        reading->damaged = result == UNPACK_DAMAGED;
    }
    return result;
}

/* Begins again behind the entry that broke it. False: it breaks even before, or it has been enough. */
static bool restart(struct reading *reading)
{
    struct unpack_entry entry;
    uint64_t counted = reading->job->entries;
    if (!(reading->kind->traits & UNPACK_RESTARTS) || !reading->done || ++reading->restarts > RESTARTS_MAX ||
        reading->job->stopped || !content_seekable(reading->content) ||
        !unpack_open(&reading->unpack, reading->kind, reading->from))
        return false;
    for (uint64_t i = 0; i < reading->done; i++)
        if (unpack_next(&reading->unpack, &entry) != UNPACK_ENTRY)
            return false;
    reading->job->entries = counted;
    return true;
}

/* Opens it and reads its entries, again behind each that breaks it. */
static enum unpack_result read_one(struct reading *reading)
{
    uint64_t before = 0;
    reading->done = 0;
    bool open = unpack_open(&reading->unpack, reading->kind, reading->from);
    enum unpack_result result = open ? read_entries(reading) : UNPACK_BROKEN;
    if (result == UNPACK_BROKEN && !reading->done && reading->kind == &unpack_zip) { /* cut off before its directory? */
        reading->kind = &unpack_zip_stream;
        open = unpack_open(&reading->unpack, reading->kind, reading->from);
        result = open ? read_entries(reading) : UNPACK_BROKEN;
    }
    while (result == UNPACK_BROKEN && reading->done > before) { /* what broke an entry was told there */
        before = reading->done;
        tell(reading);
        if (!restart(reading))
            return UNPACK_BROKEN;
        result = read_entries(reading);
    }
    if (result == UNPACK_BROKEN && !before)
        tell(reading);
    return result;
}

/* The first header of a tar is damaged: the next one that is not, if there is one. */
static bool find_header(struct reading *reading)
{
    enum { BLOCK = 512 };
    uint8_t header[BLOCK];
    if (reading->done || !(reading->kind->traits & UNPACK_BLOCKS_OF_512) || !content_seekable(reading->content))
        return false;
    while (!job_pulse(reading->job)) {
        reading->from += BLOCK;
        if (content_read_at(reading->content, reading->from, header, BLOCK) != BLOCK)
            return false;
        if (reading->kind->identify((struct slice){header, BLOCK}))
            return true;
    }
    return false;
}

/* Behind the end: the next archive of its kind stands at reading->from (true), or something else was read (false). */
static bool read_rest(struct reading *reading)
{
    uint8_t peeked[PEEK_BYTES];
    struct content rest;
    uint64_t before = reading->from;
    if ((reading->kind->traits & UNPACK_ENTRIES_ONLY) && !reading->job->stopped &&
        unpack_rest(&reading->unpack, &reading->from))
        job_problem(reading->job, reading->kind->name, NULL, RECORD_ERROR_MALFORMED, "it is cut off");
    if (!(reading->kind->traits & UNPACK_GOES_ON) || reading->job->stopped ||
        !unpack_rest(&reading->unpack, &reading->from))
        return false;
    ssize_t got = unpack_rest_peek(&reading->unpack, peeked, sizeof peeked);
    if (got > 0 && reading->kind->identify((struct slice){peeked, (size_t)got}))
        return reading->from > before; /* where nothing was taken, the same would be read for ever */
    content_from_stream(&rest, unpack_rest_source, &reading->unpack, CONTENT_SIZE_UNKNOWN, &reading->job->memory_left);
    job_inside(reading->job, NULL, NULL, &rest);
    return false;
}

/* A stream cannot be tried and given back: the head is tried in its place. */
static bool is_plausible(struct job *job, struct content *content, const struct unpack_kind *kind)
{
    struct content head;
    struct unpack unpack;
    struct unpack_entry entry;
    content_from_memory(&head, (uint8_t *)content->head.data, content->head.size); /* which only reads */
    unpack_init(&unpack, job, &head);
    bool plausible = unpack_open(&unpack, kind, 0) && unpack_next(&unpack, &entry) != UNPACK_BROKEN;
    unpack_done(&unpack);
    return plausible;
}

static enum format_result read_kind(struct job *job, struct content *content, const struct unpack_kind *kind)
{
    struct reading reading = {.job = job, .content = content, .kind = kind};
    if ((kind->traits & UNPACK_WEAK) && !is_plausible(job, content, kind))
        return FORMAT_NOT_MINE;
    unpack_init(&reading.unpack, job, content);
    enum unpack_result result;
    do
        result = read_one(&reading);
    while (result == UNPACK_END ? read_rest(&reading) : find_header(&reading));
    if (!reading.done && content_seekable(content) && !job->stopped) /* nothing in it: look at its bytes then */
        search_text(job, content);
    unpack_done(&reading.unpack);
    return FORMAT_TAKEN;
}

enum format_result archive_read_entries(struct job *job, struct content *content)
{
    const struct unpack_kind *kind = unpack_archive_kind(content->head);
    uint8_t *bytes;
    size_t size;
    if (!kind)
        return FORMAT_NOT_MINE;
    if ((kind->traits & UNPACK_OFFSETS) && !content_seekable(content) && content_whole(content, &bytes, &size)) {
        if (kind == &unpack_zip)
            return read_kind(job, content, &unpack_zip_stream);
        job_problem(job, kind->name, NULL, RECORD_ERROR_LIMIT,
                    "an archive within another that is too large to hold (bytes=33554432)");
        return FORMAT_TAKEN;
    }
    return read_kind(job, content, kind);
}

/* The record that ends a zip's directory, with a comment of any size behind it; libarchive looks as far back. */
static bool ends_as_zip(struct content *content)
{
    enum { TAIL = 16 * 1024, RECORD = 22 };
    uint8_t tail[TAIL];
    uint64_t end = content_end(content), from = end > TAIL ? end - TAIL : 0;
    ssize_t got = content_read_at(content, from, tail, sizeof tail);
    for (ssize_t i = got - RECORD; i >= 0; i--)
        if (memcmp(tail + i, "PK\5\6", 4) == 0 && i + RECORD + (tail[i + 20] | tail[i + 21] << 8) == got)
            return true;
    return false;
}

void archive_read_attached(struct job *job, struct content *content)
{
    const struct slice head = content->head;
    bool program = head.size > 4 && (memcmp(head.data, "MZ", 2) == 0 || memcmp(head.data, "#!", 2) == 0 ||
                                     memcmp(head.data,
                                            "\x7F"
                                            "ELF",
                                            4) == 0);
    if (program && content_seekable(content) && ends_as_zip(content))
        (void)read_kind(job, content, &unpack_zip);
}

static bool identify(struct slice head)
{
    return unpack_archive_kind(head) != NULL;
}

const struct format format_archive = {"archive", identify, archive_read_entries, .search = false};
