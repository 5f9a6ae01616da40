/* What the spool's writer and its readers share about names and lines. Private to lib/spool*.c. */
#ifndef CERTMUSTER_LIB_SPOOL_PRIVATE_H
#define CERTMUSTER_LIB_SPOOL_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/spool.h"

enum {
    SPOOL_RUN_SIZE = 36,   /* a UUID's text */
    SPOOL_CRC_SIZE = 9,    /* 8 digits and a space */
    SPOOL_NAME_SIZE = 64,  /* <run>-<number>.seg.part */
    SPOOL_PATH_SIZE = 4096 /* PATH_MAX */
};

#define SPOOL_SUFFIX      ".seg"
#define SPOOL_PART_SUFFIX ".seg.part"

/* Splits "<run>-<number>.seg" or "….seg.part"; false for any other name. */
bool spool_name_read(const char *name, char run[static SPOOL_RUN_SIZE + 1], uint32_t *number, bool *part);
/* The CRC's digits and the space into out; no NUL. */
void spool_crc_write(char out[static SPOOL_CRC_SIZE], const char *record, size_t size);
/* True when a line without its line feed starts with the right CRC of what follows. */
bool spool_line_good(const char *line, size_t size);
/* spool_head.c: the first line of a segment, without its CRC. */
void spool_head_write(struct buf *out, const char *scanner);
bool spool_is_head(const char *record, size_t size);
char *spool_head_read(const char *record,
                      size_t size); /* the scanner's name; "" where it cannot be read; owned by the caller */
/* fsync of a directory, so that a rename in it lasts. */
int spool_sync_dir(const char *dir, struct cm_error *error);

#endif
