/* The record stream's reader: one hostile line in, one checked record out. Its writer is record.c, its schema
 * contrib/schema/record-v1.schema.json; a member that changes here changes in all three.
 *
 * Called by the collector for every line, and by whoever reads a stream. jansson does JSON and UTF-8; nesting is bounded before it
 * starts, and everything that is stored or hashed must already be in its canonical form, so that one place has one identity. */
#include "certmuster/record_read.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/ipaddr.h"
#include "certmuster/limits.h"
#include "certmuster/timefmt.h"

enum { WORD_MAX = 64, NAME_MAX_BYTES = 253, LABEL_MAX = 255, PATH_MAX_BYTES = 16 * 1024, DETAIL_MAX = 8 * 1024 };
#define COUNT_MAX (INT64_C(1) << 53)

/* Reading goes on after a mistake, which is noted once; what is read after it is thrown away with the rest. */
struct reader {
    json_t *root;
    struct record *record;
    struct cm_error *error;
    int code;
};

static void wrong(struct reader *reader, const char *reason, const char *member)
{
    if (!reader->code)
        reader->code = error_setf(reader->error, CM_EMALFORMED, 0, reason, "%s", member);
}

enum need { OPTIONAL, REQUIRED };

/* A text of at most max bytes; NULL when absent. */
static const char *text(struct reader *reader, const json_t *object, const char *member, enum need need, size_t max)
{
    const json_t *value = json_object_get(object, member);
    if (!value) {
        if (need == REQUIRED)
            wrong(reader, "a required member is missing", member);
        return NULL;
    }
    if (!json_is_string(value)) {
        wrong(reader, "not a text", member);
        return NULL;
    }
    if (json_string_length(value) > max)
        wrong(reader, "a text is too long", member);
    if (strlen(json_string_value(value)) != json_string_length(value))
        wrong(reader, "a text holds a NUL", member);
    return json_string_value(value);
}

/* The same, and "" is not allowed. */
static const char *label(struct reader *reader, const json_t *object, const char *member, enum need need, size_t max)
{
    const char *value = text(reader, object, member, need, max);
    if (value && !*value)
        wrong(reader, "a text is empty", member);
    return value;
}

static bool one_of(const char *value, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(value, *words) == 0)
            return true;
    return false;
}

static const char *word(struct reader *reader, const json_t *object, const char *member, enum need need,
                        const char *const *words)
{
    const char *value = text(reader, object, member, need, WORD_MAX);
    if (value && !one_of(value, words))
        wrong(reader, "a word that is not in the schema", member);
    return value;
}

static int64_t number(struct reader *reader, const json_t *object, const char *member, enum need need, int64_t minimum,
                      int64_t maximum, int64_t absent)
{
    const json_t *value = json_object_get(object, member);
    if (!value) {
        if (need == REQUIRED)
            wrong(reader, "a required member is missing", member);
        return absent;
    }
    if (!json_is_integer(value)) {
        wrong(reader, "not a whole number", member);
        return absent;
    }
    if (json_integer_value(value) < minimum || json_integer_value(value) > maximum)
        wrong(reader, "a number is out of range", member);
    return json_integer_value(value);
}

static bool boolean(struct reader *reader, const json_t *object, const char *member, enum need need)
{
    const json_t *value = json_object_get(object, member);
    if (!value && need == REQUIRED)
        wrong(reader, "a required member is missing", member);
    if (value && !json_is_boolean(value))
        wrong(reader, "neither true nor false", member);
    return json_is_true(value);
}

static const json_t *object_of(struct reader *reader, const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    if (value && !json_is_object(value))
        wrong(reader, "not an object", member);
    return json_is_object(value) ? value : NULL;
}

static int64_t instant(struct reader *reader, const json_t *object, const char *member, enum need need, int64_t absent)
{
    int64_t ms = absent;
    const char *value = text(reader, object, member, need, WORD_MAX);
    if (value && (timefmt_read_ms(value, &ms) != CM_OK || ms < 0))
        wrong(reader, "not a time in RFC 3339 since 1970", member);
    return ms;
}

static bool sha256(struct reader *reader, const char *value, const char *member, uint8_t out[static CM_SHA256_SIZE])
{
    if (!value)
        return false;
    if (strlen(value) == 2 * CM_SHA256_SIZE && strspn(value, "0123456789abcdef") == 2 * CM_SHA256_SIZE &&
        hex_read(value, 2 * CM_SHA256_SIZE, out, CM_SHA256_SIZE) == CM_OK)
        return true;
    wrong(reader, "not a SHA-256 in lower-case hex", member);
    return false;
}

static const char *uuid(struct reader *reader, const char *member, enum need need)
{
    uint8_t id[CM_UUID_SIZE];
    char canonical[CM_UUID_TEXT_SIZE];
    const char *value = text(reader, reader->root, member, need, WORD_MAX);
    if (!value)
        return NULL;
    if (uuid_read(value, id) == CM_OK) {
        uuid_write(canonical, id);
        if (strcmp(canonical, value) == 0)
            return value;
    }
    wrong(reader, "not a UUID in lower case", member);
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

/* A member as compact JSON with sorted keys. It is kept in the root under a name that no sender can have used, since the
 * reader of its own members never asks for it, and so it lives as long as every other text. */
static const char *dump(struct reader *reader, const char *member, const char *kept_as, bool array)
{
    const json_t *value = json_object_get(reader->root, member);
    if (!value)
        return NULL;
    if (array ? !json_is_array(value) : !json_is_object(value)) {
        wrong(reader, array ? "not a list" : "not an object", member);
        return NULL;
    }
    char *compact = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    if (compact && holds_nul(compact))
        wrong(reader, "a text holds a NUL", member);
    json_t *kept = compact ? json_string_nocheck(compact) : NULL;
    free(compact);
    if (!kept || json_object_set_new_nocheck(reader->root, kept_as, kept) != 0) {
        wrong(reader, "cannot be written again", member);
        return NULL;
    }
    return json_string_value(kept);
}

/* The SNI: A-labels, lower case, no final dot. */
static bool is_host_name(const char *name)
{
    size_t size = strlen(name);
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == size && (size == 0 || name[size - 1] != '.') &&
           name[0] != '.';
}

static void read_endpoint(struct reader *reader, const json_t *object, struct record_endpoint *out)
{
    static const char *const transports[] = {"tcp", "udp", NULL};
    out->realm = label(reader, object, "realm", REQUIRED, LABEL_MAX);
    out->transport = word(reader, object, "transport", REQUIRED, transports);
    out->ip = text(reader, object, "ip", OPTIONAL, WORD_MAX);
    out->port = (unsigned)number(reader, object, "port", REQUIRED, 0, 65535, 0);
    out->name = text(reader, object, "name", REQUIRED, NAME_MAX_BYTES);
    out->starttls = label(reader, object, "starttls", OPTIONAL, WORD_MAX);
    if (out->ip) {
        struct ipaddr ip;
        char canonical[IPADDR_TEXT_SIZE];
        bool valid = ipaddr_read(out->ip, &ip) == CM_OK;
        if (valid)
            ipaddr_write(canonical, &ip);
        if (!valid || strcmp(canonical, out->ip) != 0)
            wrong(reader, "not an address in canonical form (RFC 5952)", "ip");
    }
    if (out->name && !is_host_name(out->name))
        wrong(reader, "not a name of lower-case A-labels without final dot", "name");
    if (!out->ip && out->name && !*out->name)
        wrong(reader, "an endpoint without address has a name", "name");
}

static void read_file(struct reader *reader, const json_t *object, struct record_file *out)
{
    out->realm = label(reader, object, "realm", REQUIRED, LABEL_MAX);
    out->host = label(reader, object, "host", REQUIRED, LABEL_MAX);
    out->path = text(reader, object, "path", REQUIRED, PATH_MAX_BYTES);
    out->inner = text(reader, object, "inner", OPTIONAL, PATH_MAX_BYTES);
    out->entry = text(reader, object, "entry", OPTIONAL, PATH_MAX_BYTES);
    out->format = label(reader, object, "format", OPTIONAL, WORD_MAX);
    if (out->path && out->path[0] != '/')
        wrong(reader, "not an absolute path", "path");
    out->has_stat = json_object_get(object, "mode") || json_object_get(object, "size");
    out->mode = (unsigned)number(reader, object, "mode", OPTIONAL, 0, 0177777, 0);
    out->uid = (unsigned)number(reader, object, "uid", OPTIONAL, 0, UINT32_MAX, 0);
    out->gid = (unsigned)number(reader, object, "gid", OPTIONAL, 0, UINT32_MAX, 0);
    out->size_bytes = (uint64_t)number(reader, object, "size", OPTIONAL, 0, INT64_MAX, 0);
    out->inode = (uint64_t)number(reader, object, "inode", OPTIONAL, INT64_MIN, INT64_MAX, 0);
    const char *mtime = text(reader, object, "mtime", OPTIONAL, WORD_MAX);
    int64_t ms = 0;
    if (mtime && timefmt_read_ms(mtime, &ms) != CM_OK)
        wrong(reader, "not a time in RFC 3339", "mtime");
    out->mtime = ms / 1000;
}

/* The place: exactly one of endpoint and file. */
static void read_place(struct reader *reader, bool may_be_endpoint, bool may_be_file)
{
    struct record *record = reader->record;
    const json_t *endpoint = object_of(reader, reader->root, "endpoint");
    const json_t *file = object_of(reader, reader->root, "file");
    if (!endpoint == !file || (endpoint && !may_be_endpoint) || (file && !may_be_file)) {
        wrong(reader, "the place must be exactly one of endpoint and file, as the type has it", "endpoint, file");
        return;
    }
    if (endpoint)
        read_endpoint(reader, endpoint, &record->endpoint);
    else
        read_file(reader, file, &record->file);
    if (reader->code)
        return;
    record->has_endpoint = endpoint != NULL;
    record->has_file = file != NULL;
    if (endpoint)
        location_id_endpoint(record->endpoint.realm, record->endpoint.transport, record->endpoint.ip,
                             record->endpoint.port, record->endpoint.name, record->location_id);
    else
        location_id_file(record->file.realm, record->file.host, record->file.path, record->file.inner,
                         record->file.entry, record->location_id);
}

static void read_seen(struct reader *reader, bool may_be_endpoint, bool may_be_file)
{
    struct record *record = reader->record;
    record->source = label(reader, reader->root, "source", REQUIRED, WORD_MAX);
    record->at_ms = instant(reader, reader->root, "at", REQUIRED, 0);
    record->since_ms = instant(reader, reader->root, "since", OPTIONAL, record->at_ms);
    if (record->since_ms > record->at_ms)
        wrong(reader, "since is after at", "since");
    record->count = (uint64_t)number(reader, reader->root, "count", OPTIONAL, 1, COUNT_MAX, 1);
    record->scanner = label(reader, reader->root, "scanner", OPTIONAL, LABEL_MAX);
    record->run = uuid(reader, "run", OPTIONAL);
    read_place(reader, may_be_endpoint, may_be_file);
    record->tls_json = dump(reader, "tls", "\001tls", false);
    record->peer_json = dump(reader, "peer", "\001peer", false);
    record->client_hello_json = dump(reader, "client_hello", "\001client_hello", false);
    record->attempts_json = dump(reader, "attempts", "\001attempts", true);
}

static void read_chain(struct reader *reader)
{
    struct record *record = reader->record;
    const json_t *chain = json_object_get(reader->root, "chain");
    size_t count = json_array_size(chain);
    if (!json_is_array(chain) || count == 0 || count > CM_LIMIT_CHAIN_CERTS) {
        wrong(reader, "a chain is a list of 1 to 100 fingerprints", "chain");
        return;
    }
    record->chain = cm_calloc(count, sizeof *record->chain);
    record->chain_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *value = json_string_value(json_array_get(chain, i));
        if (!sha256(reader, value ? value : "", "chain", record->chain[i]))
            return;
    }
}

static void read_sighting(struct reader *reader)
{
    static const char *const roles[] = {"server", "client", "stored", "trust", "signer", NULL};
    read_seen(reader, true, true);
    reader->record->role = word(reader, reader->root, "role", REQUIRED, roles);
    read_chain(reader);
    if (reader->record->role && strcmp(reader->record->role, "client") == 0) {
        struct record_endpoint peer;
        const json_t *object = object_of(reader, reader->root, "peer");
        if (object)
            read_endpoint(reader, object, &peer);
        else
            wrong(reader, "a required member is missing", "peer");
    }
}

static void read_failure(struct reader *reader)
{
    static const char *const stages[] = {"resolve",     "connect", "proxy",  "starttls", "hello",
                                         "certificate", "open",    "decode", NULL};
    struct record *record = reader->record;
    read_seen(reader, true, true);
    record->stage = word(reader, reader->root, "stage", REQUIRED, stages);
    record->detail = text(reader, reader->root, "detail", OPTIONAL, DETAIL_MAX);
    record->error = text(reader, reader->root, "error", REQUIRED, WORD_MAX);
    if (!record->error)
        return;
    for (int i = RECORD_ERROR_NONE + 1; i < RECORD_ERROR_COUNT_; i++)
        if (strcmp(record_error_name((enum record_error)i), record->error) == 0)
            return;
    wrong(reader, "a word that is not in the schema", "error");
}

static void read_key_fields(struct reader *reader)
{
    struct record *record = reader->record;
    const json_t *key = object_of(reader, reader->root, "key");
    record->has_spki = sha256(reader, text(reader, reader->root, "spki_sha256", OPTIONAL, WORD_MAX), "spki_sha256",
                              record->spki_sha256);
    if (!key)
        return;
    record->key_alg = label(reader, key, "alg", REQUIRED, WORD_MAX);
    record->key_bits = (uint64_t)number(reader, key, "bits", OPTIONAL, 0, INT32_MAX, 0);
}

static void read_key(struct reader *reader)
{
    read_seen(reader, false, true);
    reader->record->kind = label(reader, reader->root, "kind", REQUIRED, WORD_MAX);
    reader->record->encrypted = boolean(reader, reader->root, "encrypted", REQUIRED);
    read_key_fields(reader);
}

static void read_store(struct reader *reader)
{
    static const char *const integrities[] = {"ok", "bad", "unchecked", NULL};
    read_seen(reader, false, true);
    reader->record->format = label(reader, reader->root, "format", REQUIRED, WORD_MAX);
    reader->record->integrity = word(reader, reader->root, "integrity", REQUIRED, integrities);
    reader->record->entries = (uint64_t)number(reader, reader->root, "entries", REQUIRED, 0, COUNT_MAX, 0);
}

static void read_run(struct reader *reader)
{
    static const char *const states[] = {"started", "finished", NULL};
    struct record *record = reader->record;
    record->run = uuid(reader, "run", REQUIRED);
    record->source = label(reader, reader->root, "source", REQUIRED, WORD_MAX);
    record->state = word(reader, reader->root, "state", REQUIRED, states);
    record->at_ms = record->since_ms = instant(reader, reader->root, "at", REQUIRED, 0);
    record->scanner = label(reader, reader->root, "scanner", OPTIONAL, LABEL_MAX);
    record->host = label(reader, reader->root, "host", OPTIONAL, LABEL_MAX);
    record->machine_id = label(reader, reader->root, "machine_id", OPTIONAL, WORD_MAX);
    record->args_json = dump(reader, "args", "\001args", true);
    record->addresses_json = dump(reader, "addresses", "\001addresses", true);
    record->targets = (uint64_t)number(reader, reader->root, "targets", OPTIONAL, 0, COUNT_MAX, 0);
    record->ok = (uint64_t)number(reader, reader->root, "ok", OPTIONAL, 0, COUNT_MAX, 0);
    record->failed = (uint64_t)number(reader, reader->root, "failed", OPTIONAL, 0, COUNT_MAX, 0);
    record->interrupted = boolean(reader, reader->root, "interrupted", OPTIONAL);
}

static void read_stats(struct reader *reader)
{
    struct record *record = reader->record;
    record->run = uuid(reader, "run", REQUIRED);
    record->at_ms = record->since_ms = instant(reader, reader->root, "at", REQUIRED, 0);
    record->counters_json = dump(reader, "counters", "\001counters", false);
    if (!record->counters_json)
        wrong(reader, "a required member is missing", "counters");
}

static void read_certificate(struct reader *reader)
{
    struct record *record = reader->record;
    const char *claimed = text(reader, reader->root, "sha256", REQUIRED, WORD_MAX);
    const char *der = text(reader, reader->root, "der", REQUIRED, CM_LIMIT_RECORD_BYTES);
    uint8_t expected[CM_SHA256_SIZE];
    struct buf bytes;
    if (!der || !sha256(reader, claimed, "sha256", expected))
        return;
    buf_init(&bytes, CM_LIMIT_CERT_BYTES);
    int code = base64_read(der, strlen(der), &bytes);
    if (code == CM_ELIMIT || bytes.failed) {
        if (!reader->code)
            reader->code = error_set(reader->error, CM_ELIMIT, 0, "a certificate of more than 256 KiB");
    } else if (code || bytes.size == 0) {
        wrong(reader, "not base64 (RFC 4648, padded)", "der");
    } else {
        sha256_bytes(bytes.data, bytes.size, record->sha256);
        if (memcmp(record->sha256, expected, CM_SHA256_SIZE) != 0)
            wrong(reader, "the fingerprint is not that of the certificate", "sha256");
        else
            record->der = buf_take(&bytes, &record->der_size);
    }
    buf_done(&bytes);
}

static void read_asset(struct reader *reader)
{
    read_seen(reader, true, true);
}

static void read_endpoint_record(struct reader *reader)
{
    read_seen(reader, true, false);
}

static const struct {
    const char *name;
    enum record_type type;
    void (*read)(struct reader *reader);
} types[] = {
    {"sighting", RECORD_SIGHTING, read_sighting},
    {"certificate", RECORD_CERTIFICATE, read_certificate},
    {"failure", RECORD_FAILURE, read_failure},
    {"endpoint", RECORD_ENDPOINT, read_endpoint_record},
    {"key", RECORD_KEY, read_key},
    {"store", RECORD_STORE, read_store},
    {"run", RECORD_RUN, read_run},
    {"stats", RECORD_STATS, read_stats},
    {"csr", RECORD_CSR, read_asset},
    {"crl", RECORD_CRL, read_asset},
    {"ssh_certificate", RECORD_SSH_CERTIFICATE, read_asset},
};

/* Nesting outside of strings, before a recursive parser sees the line. */
static bool too_deep(const char *line, size_t size, size_t *where)
{
    unsigned depth = 0;
    bool inside = false;
    for (size_t i = 0; i < size; i++) {
        char c = line[i];
        if (inside) {
            if (c == '\\')
                i++;
            else if (c == '"')
                inside = false;
        } else if (c == '"') {
            inside = true;
        } else if (c == '{' || c == '[') {
            if (++depth > CM_LIMIT_RECORD_DEPTH) {
                *where = i;
                return true;
            }
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

static int parse(const char *line, size_t size, json_t **out, struct cm_error *error)
{
    json_error_t where;
    size_t offset;
    if (size > CM_LIMIT_RECORD_BYTES)
        return error_set(error, CM_ELIMIT, size, "a record of more than 2 MiB");
    if (too_deep(line, size, &offset))
        return error_set(error, CM_ELIMIT, offset, "nested too deeply");
    /* A NUL in a member that we do not read (a hostile name beside an authoritative der) is no reason to lose the record. */
    *out = json_loadb(line, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
    if (!*out)
        return error_setf(error, CM_EMALFORMED, where.position > 0 ? (size_t)where.position : 0, "not valid JSON", "%s",
                          where.text);
    if (!json_is_object(*out)) {
        json_decref(*out);
        return error_set(error, CM_EMALFORMED, 0, "not a JSON object");
    }
    return CM_OK;
}

static void read_typed(struct reader *reader)
{
    const char *type = text(reader, reader->root, "type", REQUIRED, WORD_MAX);
    for (size_t i = 0; type && i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, type) == 0) {
            reader->record->type = types[i].type;
            types[i].read(reader);
            return;
        }
}

int record_read(const char *line, size_t size, struct record *out, struct cm_error *error)
{
    struct record record = {.type = RECORD_UNKNOWN};
    struct reader reader = {.record = &record, .error = error};
    *out = record;
    int code = parse(line, size, &reader.root, error);
    if (code)
        return code;
    record.json = reader.root;
    if (number(&reader, reader.root, "v", REQUIRED, 0, INT64_MAX, 0) != 1 && !reader.code)
        reader.code = error_set(error, CM_EUNSUPPORTED, 0, "a version of the record stream that is not read here");
    if (!reader.code)
        read_typed(&reader);
    if (reader.code) {
        record_done(&record);
        return reader.code;
    }
    *out = record;
    return CM_OK;
}

void record_done(struct record *record)
{
    json_decref(record->json);
    free(record->der);
    free(record->chain);
    *record = (struct record){.type = RECORD_UNKNOWN};
}
