/* Compressed streams, a few bytes at a time: of one that is cut or damaged everything before that place comes out, and a decoder takes no more memory than is
 * left. (libarchive keeps back up to 64 KiB before an error, which is all of a small file, and knows no ceiling.) */
#ifndef SCANNER_CRAWL_FORMATS_EXPAND_H
#define SCANNER_CRAWL_FORMATS_EXPAND_H

#include "scanner/crawl/job.h"

enum expand_result {
    EXPAND_MORE, /* went on */
    EXPAND_END,  /* of one stream; another may follow */
    EXPAND_DAMAGED,
    EXPAND_MEMORY, /* it asks for more than it may have */
};

struct expand_flow { /* both move on as they are used */
    const uint8_t *in;
    size_t in_size;
    uint8_t *out;
    size_t out_size;
};

/* A decoder of one format. */
struct expand_codec {
    const char *name; /* as records call it */
    bool (*identify)(struct slice head);
    bool weak; /* few bytes tell it */
    /* NULL: no memory. state: what step() and end() get. */
    void *(*begin)(uint64_t memory_bytes);
    enum expand_result (*step)(void *state, struct expand_flow *flow);
    void (*end)(void *state);
};

const struct expand_codec *expand_codec_of(struct slice head);

enum { EXPAND_IN_BYTES = 64 * 1024 };

struct expand {
    struct job *job;
    struct content *packed;
    const struct expand_codec *codec;
    void *state;       /* NULL: between two streams */
    uint8_t *in;       /* EXPAND_IN_BYTES */
    size_t at, filled; /* what of it is next, and where it ends */
    bool ended, too_much, damaged;
    uint64_t came_out;
};

void expand_init(struct expand *expand, struct job *job, struct content *packed, const struct expand_codec *codec);
void expand_done(struct expand *expand);
/* What comes out, of streams one behind the other, as a content_source. */
ssize_t expand_source(void *context, struct content *content, void *out, size_t size);
/* Afterwards: true when something else follows; expand_rest_source gives it. */
bool expand_rest(struct expand *expand);
ssize_t expand_rest_source(void *context, struct content *content, void *out, size_t size);

#endif
