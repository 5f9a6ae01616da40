/* What a crawl has looked at: the roots, by their real paths, what below them was left out without a word, and which file systems were
 * mounted. Told in the run's finished record, so that the collector knows what the crawl would have seen, had it been there. */
#ifndef SCANNER_CRAWL_COVER_H
#define SCANNER_CRAWL_COVER_H

#include <stdbool.h>
#include <stddef.h>

#include "certmuster/record.h"

enum {
    COVER_BYTES_MAX = 256 * 1024,      /* of all roots, and of all exceptions */
    COVER_MOUNT_BYTES_MAX = 64 * 1024, /* of all mount points: with the others less than a record may have */
};

struct cover_list {
    char **paths;
    size_t count, bytes;
};
struct cover {
    struct cover_list roots, except, mounts;
    size_t hit;    /* the exception that held the last one */
    bool too_many; /* roots: nothing is told */
};

void cover_done(struct cover *cover);
/* Paths are real ones. A root given twice is one. */
void cover_root(struct cover *cover, const char *path);
/* Left out. When there are too many, the directories that they lie in stand for them: more is left out then, never less. */
void cover_except(struct cover *cover, const char *path);
/* A file system was mounted there. Without room it is not told: then its being unmounted is not noticed either. */
void cover_mount(struct cover *cover, const char *path);
bool cover_is_root(const struct cover *cover, const char *path);
/* The path is a root or lies below one. */
bool cover_holds(const struct cover *cover, const char *path);
/* False: nothing can be told. Lends. */
bool cover_tell(const struct cover *cover, struct record_covered *out);

#endif
