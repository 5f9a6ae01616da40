/* Members of a record as they are read: each call looks at one, checks it and notes what is wrong with it. Called by record_read.c and
 * record_read_seen.c alone; it knows JSON and no record type. */
#include "lib/record_member.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/timefmt.h"

void member_wrong(struct reader *reader, const char *reason, const char *member)
{
    if (!reader->code)
        reader->code = error_setf(reader->error, CM_EMALFORMED, 0, reason, "%s", member);
}

const char *member_text(struct reader *reader, const json_t *object, const char *member, enum need need, size_t max)
{
    const json_t *value = json_object_get(object, member);
    if (!value) {
        if (need == REQUIRED)
            member_wrong(reader, "a required member is missing", member);
        return NULL;
    }
    if (!json_is_string(value)) {
        member_wrong(reader, "not a text", member);
        return NULL;
    }
    if (json_string_length(value) > max)
        member_wrong(reader, "a text is too long", member);
    if (strlen(json_string_value(value)) != json_string_length(value))
        member_wrong(reader, "a text holds a NUL", member);
    return json_string_value(value);
}

const char *member_label(struct reader *reader, const json_t *object, const char *member, enum need need, size_t max)
{
    const char *value = member_text(reader, object, member, need, max);
    if (value && !*value)
        member_wrong(reader, "a text is empty", member);
    return value;
}

static bool one_of(const char *value, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(value, *words) == 0)
            return true;
    return false;
}

const char *member_word(struct reader *reader, const json_t *object, const char *member, enum need need,
                        const char *const *words)
{
    const char *value = member_text(reader, object, member, need, MEMBER_WORD_MAX);
    if (value && !one_of(value, words))
        member_wrong(reader, "a word that is not in the schema", member);
    return value;
}

const char *member_hex(struct reader *reader, const json_t *object, const char *member, enum need need, size_t size)
{
    const char *value = member_text(reader, object, member, need, size);
    if (value && (strlen(value) != size || strspn(value, "0123456789abcdef") != size))
        member_wrong(reader, "not as many lower-case hex digits as it has", member);
    return value;
}

int64_t member_number(struct reader *reader, const json_t *object, const char *member, enum need need, int64_t minimum,
                      int64_t maximum, int64_t absent)
{
    const json_t *value = json_object_get(object, member);
    if (!value) {
        if (need == REQUIRED)
            member_wrong(reader, "a required member is missing", member);
        return absent;
    }
    if (!json_is_integer(value)) {
        member_wrong(reader, "not a whole number", member);
        return absent;
    }
    if (json_integer_value(value) < minimum || json_integer_value(value) > maximum)
        member_wrong(reader, "a number is out of range", member);
    return json_integer_value(value);
}

bool member_boolean(struct reader *reader, const json_t *object, const char *member, enum need need)
{
    const json_t *value = json_object_get(object, member);
    if (!value && need == REQUIRED)
        member_wrong(reader, "a required member is missing", member);
    if (value && !json_is_boolean(value))
        member_wrong(reader, "neither true nor false", member);
    return json_is_true(value);
}

const json_t *member_object(struct reader *reader, const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    if (value && !json_is_object(value))
        member_wrong(reader, "not an object", member);
    return json_is_object(value) ? value : NULL;
}

int64_t member_instant(struct reader *reader, const json_t *object, const char *member, enum need need, int64_t absent)
{
    int64_t ms = absent;
    const char *value = member_text(reader, object, member, need, MEMBER_WORD_MAX);
    if (value && (timefmt_read_ms(value, &ms) != CM_OK || ms < 0))
        member_wrong(reader, "not a time in RFC 3339 since 1970", member);
    return ms;
}

bool member_sha256(struct reader *reader, const char *value, const char *member, uint8_t out[static CM_SHA256_SIZE])
{
    if (!value)
        return false;
    if (strlen(value) == 2 * CM_SHA256_SIZE && strspn(value, "0123456789abcdef") == 2 * CM_SHA256_SIZE &&
        hex_read(value, 2 * CM_SHA256_SIZE, out, CM_SHA256_SIZE) == CM_OK)
        return true;
    member_wrong(reader, "not a SHA-256 in lower-case hex", member);
    return false;
}

const char *member_uuid(struct reader *reader, const char *member, enum need need)
{
    uint8_t id[CM_UUID_SIZE];
    char canonical[CM_UUID_TEXT_SIZE];
    const char *value = member_text(reader, reader->root, member, need, MEMBER_WORD_MAX);
    if (!value)
        return NULL;
    if (uuid_read(value, id) == CM_OK) {
        uuid_write(canonical, id);
        if (strcmp(canonical, value) == 0)
            return value;
    }
    member_wrong(reader, "not a UUID in lower case", member);
    return value;
}

/* jansson writes a NUL as \u0000 and a backslash as two; PostgreSQL's jsonb has no NUL. */
static bool holds_nul(const char *compact)
{
    for (const char *at = compact; (at = strchr(at, '\\')); at += 2)
        if (strncmp(at, "\\u0000", 6) == 0)
            return true;
    return false;
}

/* Takes compact, which malloc(3) gave or which is NULL. */
static const char *keep(struct reader *reader, char *compact, const char *member, const char *kept_as)
{
    json_t *kept = compact ? json_string_nocheck(compact) : NULL;
    free(compact);
    if (!kept || json_object_set_new_nocheck(reader->root, kept_as, kept) != 0) {
        member_wrong(reader, "cannot be written again", member);
        return NULL;
    }
    return json_string_value(kept);
}

const char *member_dump(struct reader *reader, const char *member, const char *kept_as, bool array)
{
    const json_t *value = json_object_get(reader->root, member);
    if (!value)
        return NULL;
    if (array ? !json_is_array(value) : !json_is_object(value)) {
        member_wrong(reader, array ? "not a list" : "not an object", member);
        return NULL;
    }
    char *compact = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    if (compact && holds_nul(compact))
        member_wrong(reader, "a text holds a NUL", member);
    return keep(reader, compact, member, kept_as);
}

const char *member_keep(struct reader *reader, const json_t *value, const char *member, const char *kept_as)
{
    char *compact = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    for (char *at = compact; at && (at = strchr(at, '\\')); at += 2)
        if (strncmp(at, "\\u0000", 6) == 0)
            memcpy(at, "\\uFFFD", 6);
    return keep(reader, compact, member, kept_as);
}
