/* The folders of a spool for segments that wait no more: sent/, rejected/ and refused/. */
#ifndef CERTMUSTER_SUBMIT_ASIDE_H
#define CERTMUSTER_SUBMIT_ASIDE_H

#include <stdbool.h>

#include "certmuster/buf.h"

enum { ASIDE_PATH_SIZE = 4096 };

/* Of a path the last part; a part of it. */
const char *aside_name(const char *path);
/* spool/sub, or spool/sub/name; false: longer than a path may be. */
bool aside_path(char out[static ASIDE_PATH_SIZE], const char *spool, const char *sub, const char *name);

/* The segment to spool/sub/<its name><suffix>, which is written to shown, for people. False with errno: it stays where it is. */
bool aside_move(const char *spool, const char *segment, const char *sub, const char *suffix,
                char shown[static ASIDE_PATH_SIZE]);
/* The same of a text about the segment, a whole file that is on the disk when this answers true. */
bool aside_write(const char *spool, const char *segment, const char *sub, const char *suffix, const struct buf *text,
                 char shown[static ASIDE_PATH_SIZE]);

#endif
