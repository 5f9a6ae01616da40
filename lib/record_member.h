/* What the readers of records share: one member of a hostile JSON object, checked. Private to lib/record_*.c.
 *
 * Reading goes on after a mistake, which is noted once; what is read after it is thrown away with the rest. Texts lend from the
 * record's JSON. Absent is NULL or the value given for it, and wrong only when REQUIRED. */
#ifndef CERTMUSTER_LIB_RECORD_MEMBER_H
#define CERTMUSTER_LIB_RECORD_MEMBER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "certmuster/record_read.h"

/* Bytes: of our own words, of names that an operator gave, of what a server said, of a path. */
enum { MEMBER_WORD_MAX = 64, MEMBER_LABEL_MAX = 255, MEMBER_DETAIL_MAX = 8 * 1024, MEMBER_PATH_MAX = 16 * 1024 };
#define MEMBER_COUNT_MAX (INT64_C(1) << 53)

struct reader {
    json_t *root;
    struct record *record;
    struct cm_error *error;
    int code;
};

enum need { OPTIONAL, REQUIRED };

/* Notes a mistake; reason is static, member says where. */
void member_wrong(struct reader *reader, const char *reason, const char *member);

/* A text of at most max bytes; a label is not "", a word one of a NULL-ended list. */
const char *member_text(struct reader *reader, const json_t *object, const char *member, enum need need, size_t max);
const char *member_label(struct reader *reader, const json_t *object, const char *member, enum need need, size_t max);
const char *member_word(struct reader *reader, const json_t *object, const char *member, enum need need,
                        const char *const *words);
/* A text of exactly size lower-case hex digits. */
const char *member_hex(struct reader *reader, const json_t *object, const char *member, enum need need, size_t size);
int64_t member_number(struct reader *reader, const json_t *object, const char *member, enum need need, int64_t minimum,
                      int64_t maximum, int64_t absent);
bool member_boolean(struct reader *reader, const json_t *object, const char *member, enum need need);
const json_t *member_object(struct reader *reader, const json_t *object, const char *member);
/* RFC 3339 since 1970, in milliseconds. */
int64_t member_instant(struct reader *reader, const json_t *object, const char *member, enum need need, int64_t absent);
/* False when value is NULL, or wrong. */
bool member_sha256(struct reader *reader, const char *value, const char *member, uint8_t out[static CM_SHA256_SIZE]);
const char *member_uuid(struct reader *reader, const char *member, enum need need);
/* A member of the root as compact JSON with sorted keys. It is kept in the root under a name that no sender can have used, since
 * the reader of its own members never asks for it, and so it lives as long as every other text. */
const char *member_dump(struct reader *reader, const char *member, const char *kept_as, bool array);
/* The same of any value; a NUL in it becomes U+FFFD, since PostgreSQL's jsonb has none. */
const char *member_keep(struct reader *reader, const json_t *value, const char *member, const char *kept_as);

/* Of csr, crl and ssh_certificate, and of a keystore's weaknesses (record_read_asset.c). */
void record_read_facts(struct reader *reader);
void record_read_weak(struct reader *reader);
/* What a crawl has looked at (record_read_covered.c). */
void record_read_covered(struct reader *reader);

/* What every observation carries: who saw it, when, where, and what TLS said (record_read_seen.c). */
void record_read_seen(struct reader *reader, bool may_be_endpoint, bool may_be_file);
void record_read_endpoint(struct reader *reader, const json_t *object, struct record_endpoint *out);

#endif
