/* Capture files, also compressed ones (unpack.h): pcap (either byte order, micro- and nanoseconds, the modified header of old Linux) and pcapng (several sections, interfaces of different
 * link types and resolutions, secrets blocks), from a file or a pipe, also one that still grows.
 *
 * Read by ourselves and not by libpcap, because libpcap gives up on a pcapng file whose interfaces differ and passes over the secrets; and because packets can be
 * lent from a large buffer. Every length is checked before it is believed. */
#ifndef SCANNER_WATCH_CAPTURE_FILE_H
#define SCANNER_WATCH_CAPTURE_FILE_H

#include "certmuster/error.h"
#include "scanner/watch/packet.h"

struct capture_file;

struct capture_file_events {
    void (*packet)(const struct packet *packet, void *context);
    void (*secrets)(struct slice keylog,
                    void *context); /* TLS key log lines of a Decryption Secrets Block; may be NULL */
    void *context;
};

/* Takes the descriptor. */
struct capture_file *capture_file_new(int fd, const struct capture_file_events *events);
void capture_file_free(struct capture_file *file);
/* Reads on, at most so many packets. 1: there may be more, 2: a pipe has nothing just now, 0: the end, between two packets. CM_ETRUNCATED: the end, inside one (a file that grows may be read on
 * later); CM_EMALFORMED, CM_EIO: no further reading; error says what and its offset where. */
CM_MUST_CHECK int capture_file_read(struct capture_file *file, unsigned most, struct cm_error *error);
uint64_t capture_file_offset(const struct capture_file *file); /* bytes of the file that were read and taken */
bool capture_file_is_packed(const struct capture_file *file);  /* offsets of errors are in what it unpacks to */

#endif
