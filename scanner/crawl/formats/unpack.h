/* Archives and compressed files by libarchive, entry by entry, out of any content and into contents: nothing touches a disk, no name is followed.
 *
 * What libarchive allocates is fenced (memory.h), names come out in UTF-8 whatever the locale is, and errors in our words. Its header is
 * included by unpack*.c alone. */
#ifndef SCANNER_CRAWL_FORMATS_UNPACK_H
#define SCANNER_CRAWL_FORMATS_UNPACK_H

#include "scanner/crawl/job.h"

struct archive;
struct archive_entry;

enum unpack_trait {
    UNPACK_OFFSETS = 1,        /* can be read only where offsets can */
    UNPACK_WEAK = 2,           /* few bytes tell it: it may be something else, if libarchive says so too */
    UNPACK_RESTARTS = 4,       /* can be begun again behind an entry that broke it, since each entry has its offset */
    UNPACK_GOES_ON = 8,        /* another one may follow its end, or something else */
    UNPACK_BLOCKS_OF_512 = 32, /* a header stands at a multiple of 512 bytes */
    UNPACK_ENTRIES_ONLY = 64,  /* what stands behind the last entry is one that is cut */
    UNPACK_PASSWORDS = 16      /* libarchive can decrypt it */
};

struct unpack_kind {
    const char *name; /* as records call it */
    bool (*identify)(struct slice head);
    int (*support)(struct archive *archive); /* makes libarchive read this and nothing else */
    unsigned traits;
};

/* The archive, or the compressed file (of those that expand.h does not know), that begins so; NULL: none. */
const struct unpack_kind *unpack_archive_kind(struct slice head);
const struct unpack_kind *unpack_packed_kind(struct slice head);
/* Zip by its directory, which stands at the end, and whatever stands before it; and zip from one local header to the next. */
extern const struct unpack_kind unpack_zip, unpack_zip_stream;

enum { UNPACK_BLOCK_BYTES = 64 * 1024, UNPACK_DETAIL_BYTES = 256, UNPACK_BLOCKS = 2 };

enum unpack_result {
    UNPACK_ENTRY,
    UNPACK_DAMAGED, /* something was no entry; the next call goes on behind it */
    UNPACK_END,
    UNPACK_BROKEN, /* nothing more comes out of it */
};

struct unpack {
    struct job *job;
    struct content *content;
    const struct unpack_kind *kind;
    struct archive *archive;
    struct archive_entry *entry;
    uint64_t from;   /* in the content: where the archive begins */
    uint64_t at;     /* of the next byte that libarchive gets */
    uint64_t filled; /* end of the newer block */
    struct unpack_block {
        uint8_t bytes[UNPACK_BLOCK_BYTES];
        size_t size;
    } * blocks; /* the last UNPACK_BLOCKS of the content: libarchive reads ahead, and who goes on behind it needs them again */
    size_t newer; /* index */
    bool no_room; /* memory, noticed where nothing may be told */
    uint64_t entries;
    char ordinal[24];
    /* The entry at hand */
    const void *data;
    size_t data_size;
    uint64_t data_at, came_out;
    bool ended, broken, too_much;
    /* Why not; RECORD_ERROR_NONE: told already, or by whoever owns the content */
    enum record_error error;
    char detail[UNPACK_DETAIL_BYTES];
};

struct unpack_entry {
    const char *name; /* lends until the next */
    bool file;        /* has content: no directory, link or device */
    bool encrypted;
    uint64_t size_bytes; /* CONTENT_SIZE_UNKNOWN */
};

void unpack_init(struct unpack *unpack, struct job *job, struct content *content);
void unpack_done(struct unpack *unpack);
/* Begins anew, at an offset of the content: any that is seekable has, else 0 and what unpack_rest() said. False: out of memory, told. */
bool unpack_open(struct unpack *unpack, const struct unpack_kind *kind, uint64_t from);
enum unpack_result unpack_next(struct unpack *unpack, struct unpack_entry *out);
/* The bytes of the entry that unpack_next() gave, holes included: a content_source whose context is the unpack. */
ssize_t unpack_source(void *context, struct content *content, void *out, size_t size);
/* After UNPACK_END: where the next byte stands that is not zero. False: nothing stands behind the end. */
bool unpack_rest(struct unpack *unpack, uint64_t *from);
/* Bytes from there on, as a content_source. */
ssize_t unpack_rest_source(void *context, struct content *content, void *out, size_t size);
/* Some of them, without moving. */
ssize_t unpack_rest_peek(struct unpack *unpack, void *out, size_t size);

#endif
