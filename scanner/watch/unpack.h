/* A compressed capture, unpacked as it is read: gzip (RFC 1952, also several members) and Zstandard (RFC 8878, also several frames), as tcpdump -z leaves them. Keeps
 * nothing but a window of bounded size; the file may still grow. Other formats are known by name only, so that the message is clear. */
#ifndef SCANNER_WATCH_UNPACK_H
#define SCANNER_WATCH_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certmuster/cursor.h"
#include "certmuster/error.h"

enum unpack_format { UNPACK_NONE, UNPACK_GZIP, UNPACK_ZSTD, UNPACK_UNREAD };
enum { UNPACK_MAGIC = 4 }; /* bytes that tell them apart */

/* By the first UNPACK_MAGIC bytes. name: of the format, when it is one. */
enum unpack_format unpack_sniff(const uint8_t *bytes, const char **name);

struct unpack;
/* begun: what was read of the file so far; copied, at most UNPACK_INPUT bytes. */
enum { UNPACK_INPUT = 256 * 1024 };
struct unpack *unpack_new(enum unpack_format format, struct slice begun);
void unpack_free(struct unpack *unpack);
/* Reads at most once. 1: *got bytes are there; 2: none yet, call again; 0: the file has no more (now); CM_EMALFORMED, CM_EIO. */
CM_MUST_CHECK int unpack_read(struct unpack *unpack, int fd, uint8_t *out, size_t size, size_t *got,
                              struct cm_error *error);
bool unpack_has_input(const struct unpack *unpack); /* it can go on without reading */
bool unpack_is_ended(const struct unpack *unpack);  /* nothing is begun: the file may end here */
uint64_t unpack_taken(const struct unpack *unpack); /* bytes of the file */

#endif
