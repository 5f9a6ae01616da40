/* Content-addressed identities of DESIGN: the same input gives the same id on every machine, so replay needs no sequence.
 * Test vectors: tests/data/ids.tsv, shared with the SQL side. */
#ifndef CERTMUSTER_IDS_H
#define CERTMUSTER_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "certmuster/encode.h"

enum { CM_UUID_SIZE = 16, CM_UUID_TEXT_SIZE = 37 };

void sha256_bytes(const void *bytes, size_t size, uint8_t out[static CM_SHA256_SIZE]);

/* First 16 bytes of SHA-256 over the NUL-terminated strings "endpoint", realm, transport, ip, port, name. */
void location_id_endpoint(const char *realm, const char *transport, const char *ip, unsigned port, const char *name,
                          uint8_t out[static CM_UUID_SIZE]);
/* … "file", realm, host, path, inner, entry. NULL counts as "". */
void location_id_file(const char *realm, const char *host, const char *path, const char *inner, const char *entry,
                      uint8_t out[static CM_UUID_SIZE]);
/* First 16 bytes of SHA-256 over the concatenated fingerprints, leaf first. */
void chain_id(const uint8_t (*fingerprints)[CM_SHA256_SIZE], size_t count, uint8_t out[static CM_UUID_SIZE]);

void uuid_v7(uint8_t out[static CM_UUID_SIZE]); /* RFC 9562 §5.7: a run's name */
void uuid_write(char out[static CM_UUID_TEXT_SIZE], const uint8_t id[static CM_UUID_SIZE]);
CM_MUST_CHECK int uuid_read(const char *text, uint8_t out[static CM_UUID_SIZE]);

#endif
