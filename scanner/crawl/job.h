/* One file of the disk and everything inside it: what is read of it, by which reader, down to which depth, and how much at most.
 *
 * A reader gets the job and a content, tells what it finds through job->ops, and hands what lies inside back to job_inside(). Nothing is ever
 * written to a disk, and no name from inside is opened. */
#ifndef SCANNER_CRAWL_JOB_H
#define SCANNER_CRAWL_JOB_H

#include "certmuster/buf.h"
#include "scanner/crawl/content.h"
#include "scanner/crawl/found.h"
#include "scanner/crawl/passwords.h"

struct job_limits {
    unsigned depth;          /* containers within containers */
    uint64_t unpacked_bytes; /* that come out of all containers of one file */
    uint64_t entries;        /* of all containers of one file */
    unsigned ratio;          /* unpacked bytes for each byte of the file, once more than a few MiB came out */
    size_t memory_bytes;     /* of contents that are held whole, at all depths together */
    uint64_t max_iterations; /* of one key derivation: a file may ask for 2^31 */
};
extern const struct job_limits job_default_limits;

struct job_options {
    const struct passwords *passwords;
    struct job_limits limits;
};

struct job {
    const struct job_options *options;
    const struct found_ops *ops;
    struct buf scratch, decoded; /* for one PEM block at a time: job_search() */
    unsigned depth;
    uint64_t file_bytes; /* of the file on the disk */
    uint64_t unpacked_bytes, entries;
    size_t memory_left;
    bool stopped; /* a limit of the whole file was told: nothing more is unpacked */
};

void job_init(struct job *job, const struct job_options *options, const struct found_ops *ops); /* both lend */
void job_done(struct job *job);
/* Reads fd from its start; does not close it. size_bytes is a hint. */
void job_file(struct job *job, int fd, uint64_t size_bytes);
/* The same over bytes in memory: a whole file. bytes may be changed. */
void job_memory(struct job *job, uint8_t *bytes, size_t size);

/* For readers. */

/* Something inside what is being read: name is its step of the path within containers, layer an image layer's digest or NULL. Opens content,
 * reads it, and is done with it. */
void job_inside(struct job *job, const char *name, const char *layer, struct content *content);
/* The same over bytes that the reader has in memory; they may be changed. */
void job_inside_memory(struct job *job, const char *name, uint8_t *bytes, size_t size);
/* Counts what came out of a container. False, once told, when a limit of the whole file was reached: give up unpacking. */
bool job_unpacked(struct job *job, uint64_t bytes);
bool job_entry(struct job *job);
/* True: time is over or somebody interrupted. Once told by who notices (RECORD_ERROR_TIMEOUT). To be asked at least every few ms. */
bool job_pulse(struct job *job);
void job_problem(struct job *job, const char *format, const char *entry, enum record_error error, const char *detail);

#endif
