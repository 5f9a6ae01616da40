/* The bytes of a file, or of something inside one, as a reader gets them: the head at once, the rest as a stream, at offsets, or whole.
 *
 * A reader that wants them whole takes memory that all levels of containers share; one that streams takes none. */
#ifndef SCANNER_CRAWL_CONTENT_H
#define SCANNER_CRAWL_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "certmuster/buf.h"
#include "certmuster/record.h"

enum { CONTENT_HEAD_BYTES = 64 * 1024 }; /* 99 % of the files that hold a certificate show it here */
#define CONTENT_SIZE_UNKNOWN UINT64_MAX

struct content;
/* The next bytes of a stream: how many (0 at the end), or -1 after content_fail(). */
typedef ssize_t content_source(void *context, struct content *content, void *out, size_t size);

/* How many of each have been told under one content's name: several readers may look at the same bytes, and places must differ. */
struct content_ordinals {
    size_t certificates, keys, requests, crls, ssh_certificates;
};

struct content {
    struct slice head; /* the first bytes: all of them, or at least CONTENT_HEAD_BYTES */
    bool complete;     /* head is everything */
    uint64_t
        size_bytes; /* as far as known before the end: what the directory or the archive says; CONTENT_SIZE_UNKNOWN */

    /* Reading failed: what came before is the content, and complete. job.c tells why, unless it was told already (RECORD_ERROR_NONE). */
    bool failed;
    enum record_error error;
    const char *detail;

    struct content_ordinals told;

    /* The rest is content.c's. */
    content_source *source;
    void *context;
    int fd; /* -1: not a file of the disk */
    struct buf bytes;
    uint8_t *lent;       /* bytes in memory that somebody else owns */
    uint64_t at;         /* of the next byte that content_read() gives */
    uint64_t source_at;  /* of the next byte that the source gives */
    uint64_t hole;       /* zeros that come before it: sources add to it and go on */
    size_t *memory_left; /* what content_whole() may take, shared by all that are open */
    size_t taken;
};

void content_from_fd(struct content *content, int fd, uint64_t size_bytes,
                     size_t *memory_left); /* fd lends, at its start */
/* bytes lend, and may be overwritten. */
void content_from_memory(struct content *content, uint8_t *bytes, size_t size);
void content_from_stream(struct content *content, content_source *source, void *context, uint64_t size_bytes,
                         size_t *memory_left);
/* Fills the head. To be called once, before anything below. CM_EIO: not a byte could be read. */
CM_MUST_CHECK int content_open(struct content *content);
void content_done(struct content *content); /* cleanses: it may have held a key */

/* The next bytes, from the first; 0 at the end, -1 on an error. */
ssize_t content_read(struct content *content, void *out, size_t size);
/* Moves over a hole of a sparse file, on the disk or in an archive, if the next byte lies in one; true when it moved. */
bool content_skip_hole(struct content *content);
/* True when content_read_at() works: a file, or bytes that are in memory whole. */
bool content_seekable(const struct content *content);
/* As many bytes from an offset as there are, up to size; -1 on an error. Does not move content_read(). */
ssize_t content_read_at(struct content *content, uint64_t offset, void *out, size_t size);
/* Where the bytes of a content end that is seekable. */
uint64_t content_end(const struct content *content);
/* All bytes in one piece, which the caller may overwrite; they lend until content_done(). CM_ELIMIT when there are more than
 * CM_LIMIT_FILE_BYTES or than memory is left (content_read() still gives them all). */
CM_MUST_CHECK int content_whole(struct content *content, uint8_t **bytes, size_t *size);
/* For sources: says why, returns -1. RECORD_ERROR_NONE: it was told already. detail lends as long as the content lives. */
ssize_t content_fail(struct content *content, enum record_error error, const char *detail);

#endif
