/* Records of what lies beside certificates, as they are read: keystores' weaknesses, requests, revocation lists, SSH certificates.
 *
 * Their members are checked one by one against a table and gathered into one JSON object, which the inventory keeps as it is. What is in no table is
 * left out. A record of an older scanner may lack any of them. Times are kept as PostgreSQL reads them, whatever else RFC 3339 allows:
 * in UTC, in years that it has. */
#include <stdlib.h>
#include <string.h>

#include "certmuster/limits.h"
#include "certmuster/timefmt.h"
#include "lib/record_member.h"

enum kind { TEXT, WORD, SHA256, HEX, SECONDS, COUNT, BOOLEAN, OBJECT, LIST };

struct member {
    const char *name;
    enum kind kind;
};

static const struct member csr_members[] = {
    {"sha256", SHA256}, {"subject", TEXT}, {"spki_sha256", SHA256}, {"key", OBJECT}, {"sig_alg", TEXT},
    {"san", OBJECT},    {"ca", BOOLEAN},   {"undecodable", TEXT},   {NULL, TEXT},
};

static const struct member crl_members[] = {
    {"sha256", SHA256}, {"issuer", TEXT},  {"this_update", SECONDS},  {"next_update", SECONDS}, {"entries", COUNT},
    {"number", HEX},    {"delta_of", HEX}, {"authority_key_id", HEX}, {"sig_alg", TEXT},        {"undecodable", TEXT},
    {NULL, TEXT},
};

static const struct member ssh_members[] = {
    {"sha256", SHA256},       {"key_type", WORD},        {"role", WORD},
    {"serial", WORD},         {"key_id", TEXT},          {"principals", LIST},
    {"valid_after", SECONDS}, {"valid_before", SECONDS}, {"spki_sha256", SHA256},
    {"key", OBJECT},          {"fingerprint", WORD},     {"ca_fingerprint", WORD},
    {"ca_type", WORD},        {"sig_alg", WORD},         {"critical_options", LIST},
    {"extensions", LIST},     {"undecodable", TEXT},     {NULL, TEXT},
};

/* Whoever made the thing wrote what he liked, also a year 0, an offset of 23 hours or a thousand digits of a second: what is a time is
 * no reason to lose the record, so *kept is the nearest that the inventory holds. */
static bool is_time(struct reader *reader, const char *name, json_t **kept)
{
    char text[TIMEFMT_SIZE];
    int64_t ms;
    const char *value = member_text(reader, reader->root, name, REQUIRED, MEMBER_LABEL_MAX);
    if (!value || timefmt_read_ms(value, &ms) != CM_OK)
        return false;
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    timefmt_seconds(text, seconds < TIMEFMT_YEAR_ONE ? TIMEFMT_YEAR_ONE : seconds);
    *kept = json_string(text);
    return true;
}

/* Texts of others may hold a NUL, which is told apart from an end only when they are kept: no reason to lose the record. */
static bool is_right(struct reader *reader, const struct member *member, const json_t *value, json_t **kept)
{
    uint8_t digest[CM_SHA256_SIZE];
    switch (member->kind) {
    case TEXT:
        return json_is_string(value);
    case WORD:
        return member_text(reader, reader->root, member->name, REQUIRED, MEMBER_LABEL_MAX) != NULL;
    case SHA256:
        return member_sha256(reader, member_text(reader, reader->root, member->name, REQUIRED, MEMBER_WORD_MAX),
                             member->name, digest);
    case HEX:
        return json_is_string(value) && json_string_length(value) <= 2 * MEMBER_WORD_MAX &&
               strspn(json_string_value(value), "0123456789abcdef") == json_string_length(value);
    case SECONDS:
        return is_time(reader, member->name, kept);
    case COUNT:
        return member_number(reader, reader->root, member->name, REQUIRED, 0, MEMBER_COUNT_MAX, -1) >= 0;
    case BOOLEAN:
        return json_is_boolean(value);
    case OBJECT:
        return json_is_object(value);
    default:
        return json_is_array(value);
    }
}

void record_read_facts(struct reader *reader)
{
    const struct member *members = reader->record->type == RECORD_CSR   ? csr_members
                                   : reader->record->type == RECORD_CRL ? crl_members
                                                                        : ssh_members;
    json_t *facts = json_object();
    for (; members->name && !reader->code; members++) {
        json_t *value = json_object_get(reader->root, members->name), *kept = NULL;
        if (!value)
            continue;
        if (!is_right(reader, members, value, &kept))
            member_wrong(reader, "not of the kind that it should be", members->name);
        else if (kept)
            json_object_set_new(facts, members->name, kept);
        else
            json_object_set(facts, members->name, value);
    }
    reader->record->facts_json = member_keep(reader, facts, "facts", "\001facts");
    json_decref(facts);
}

void record_read_weak(struct reader *reader)
{
    enum { WORDS_MAX = 64 };
    const json_t *weak = json_object_get(reader->root, "weak"), *word;
    size_t i;
    if (!weak)
        return;
    if (!json_is_array(weak) || json_array_size(weak) > WORDS_MAX)
        member_wrong(reader, "a list of at most 64 words", "weak");
    json_array_foreach(weak, i, word)
    {
        const char *text = json_string_value(word);
        if (!text || !*text || strlen(text) > MEMBER_WORD_MAX || strlen(text) != json_string_length(word))
            member_wrong(reader, "not a word", "weak");
    }
    reader->record->weak_json = member_keep(reader, weak, "weak", "\001weak");
}
