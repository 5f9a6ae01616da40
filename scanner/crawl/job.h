/* One file of the disk and everything inside it: what is read of it, by which reader, down to which depth, and how much at most.
 *
 * A reader gets the job and a content, tells what it finds through job->ops, and hands what lies inside back to job_inside(). Nothing is ever
 * written to a disk, and no name from inside is opened. */
#ifndef SCANNER_CRAWL_JOB_H
#define SCANNER_CRAWL_JOB_H

#include "certmuster/buf.h"
#include "scanner/crawl/content.h"
#include "scanner/crawl/found.h"
#include "scanner/crawl/memory.h"
#include "scanner/crawl/passwords.h"

/* Of one file of the disk and everything inside it; 0: none. */
struct job_limits {
    uint64_t depth;          /* containers within containers */
    uint64_t unpacked_bytes; /* that come out of all containers */
    uint64_t entries;        /* of all containers */
    uint64_t ratio;          /* unpacked bytes for each byte of the file, once more than a few MiB came out */
    uint64_t time_ms;        /* for each JOB_TIME_BYTES of the file, or part of it */
    size_t memory_bytes;     /* of contents that are held whole, at all depths together */
    uint64_t max_iterations; /* of one key derivation: a file may ask for 2^31 */
};
enum { JOB_TIME_BYTES = 64 * 1024 * 1024 };
extern const struct job_limits job_default_limits;

struct job_options {
    const struct passwords *passwords;
    struct job_limits limits;
};

struct job {
    const struct job_options *options;
    const struct found_ops *ops;
    struct buf scratch, decoded; /* for one PEM block at a time: job_search() */
    struct memory memory;
    unsigned depth;
    const char *path;    /* of the file on the disk; NULL: nobody knows */
    uint64_t file_bytes; /* its size */
    uint64_t unpacked_bytes, entries;
    unsigned abandoned; /* entries that were given up as too large */
    int64_t began_ms;
    size_t memory_left;
    bool stopped; /* a limit of the whole file was reached, or its time is over: nothing more is unpacked */
    bool late, interrupted,
        unfinished; /* time is over; somebody interrupted; a reader has told that it could not finish */
    bool too_deep;  /* was told */
};

void job_init(struct job *job, const struct job_options *options, const struct found_ops *ops); /* both lend */
void job_done(struct job *job);
/* Reads fd from its start; does not close it. path is looked at for the name of an image's blob and never opened; may be NULL. size_bytes is a hint. */
void job_file(struct job *job, int fd, const char *path, uint64_t size_bytes);
/* The same over bytes in memory: a whole file. bytes may be changed. */
void job_memory(struct job *job, uint8_t *bytes, size_t size);

/* For readers. */

/* Something inside what is being read: name is its step of the path within containers, NULL where there is none (what a compressed file packs);
 * layer an image layer's digest or NULL. Opens content unless that was done, reads it, and is done with it. */
void job_inside(struct job *job, const char *name, const char *layer, struct content *content);
/* The same over bytes that the reader has in memory; they may be changed. */
void job_inside_memory(struct job *job, const char *name, uint8_t *bytes, size_t size);
/* Counts what came out of a container. False, once told: this entry is given up as too large. Its neighbours may go on, unless the job is stopped. */
bool job_unpacked(struct job *job, uint64_t bytes);
/* An entry was given up: what came out of it is no longer counted, so that its neighbours have room. */
void job_abandon(struct job *job, uint64_t bytes);
/* Counts an entry. False, once told: no more of them. */
bool job_entry(struct job *job);
/* False, once told: the memory that one file may take is taken. */
bool job_memory_left(struct job *job);
/* True: time is over or somebody interrupted, and the job is stopped. Told of the file at its end; a reader may tell of what it was at
 * (RECORD_ERROR_TIMEOUT). To be asked at least every few ms. */
bool job_pulse(struct job *job);
/* The same of the time alone, for where nothing may be told. */
bool job_late(const struct job *job);
void job_problem(struct job *job, const char *format, const char *entry, enum record_error error, const char *detail);

#endif
