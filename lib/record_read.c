/* The record stream's reader: one hostile line in, one checked record out. Its writer is record.c, its schema
 * contrib/schema/record-v1.schema.json; a member that changes here changes in all three. What every observation carries is read in
 * record_read_seen.c, what lies beside certificates in record_read_asset.c, a single member checked in record_member.c.
 *
 * Called by the collector for every line, and by whoever reads a stream. jansson does JSON and UTF-8; nesting is bounded before it
 * starts, and everything that is stored or hashed must already be in its canonical form, so that one place has one identity. */
#include "certmuster/record_read.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/json_bounds.h"
#include "certmuster/limits.h"
#include "lib/record_member.h"

static void read_chain(struct reader *reader)
{
    struct record *record = reader->record;
    const json_t *chain = json_object_get(reader->root, "chain");
    size_t count = json_array_size(chain);
    if (!json_is_array(chain) || count == 0 || count > CM_LIMIT_CHAIN_CERTS) {
        member_wrong(reader, "a chain is a list of 1 to 100 fingerprints", "chain");
        return;
    }
    record->chain = cm_calloc(count, sizeof *record->chain);
    record->chain_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *value = json_string_value(json_array_get(chain, i));
        if (!member_sha256(reader, value ? value : "", "chain", record->chain[i]))
            return;
    }
}

static void read_sighting(struct reader *reader)
{
    static const char *const roles[] = {"server", "client", "stored", "trust", "signer", NULL};
    record_read_seen(reader, true, true);
    reader->record->role = member_word(reader, reader->root, "role", REQUIRED, roles);
    read_chain(reader);
    if (reader->record->role && strcmp(reader->record->role, "client") == 0) {
        struct record_endpoint peer;
        const json_t *object = member_object(reader, reader->root, "peer");
        if (object)
            record_read_endpoint(reader, object, &peer);
        else
            member_wrong(reader, "a required member is missing", "peer");
    }
}

static void read_failure(struct reader *reader)
{
    static const char *const stages[] = {"resolve",     "connect", "proxy",  "starttls", "hello",
                                         "certificate", "open",    "decode", NULL};
    struct record *record = reader->record;
    record_read_seen(reader, true, true);
    record->stage = member_word(reader, reader->root, "stage", REQUIRED, stages);
    record->detail = member_text(reader, reader->root, "detail", OPTIONAL, MEMBER_DETAIL_MAX);
    record->error = member_text(reader, reader->root, "error", REQUIRED, MEMBER_WORD_MAX);
    if (!record->error)
        return;
    for (int i = RECORD_ERROR_NONE + 1; i < RECORD_ERROR_COUNT_; i++)
        if (strcmp(record_error_name((enum record_error)i), record->error) == 0)
            return;
    member_wrong(reader, "a word that is not in the schema", "error");
}

static void read_key_fields(struct reader *reader)
{
    struct record *record = reader->record;
    const json_t *key = member_object(reader, reader->root, "key");
    record->has_spki =
        member_sha256(reader, member_text(reader, reader->root, "spki_sha256", OPTIONAL, MEMBER_WORD_MAX),
                      "spki_sha256", record->spki_sha256);
    if (!key)
        return;
    record->key_alg = member_label(reader, key, "alg", REQUIRED, MEMBER_WORD_MAX);
    record->key_bits = (uint64_t)member_number(reader, key, "bits", OPTIONAL, 0, INT32_MAX, 0);
}

static void read_key(struct reader *reader)
{
    record_read_seen(reader, false, true);
    reader->record->kind = member_label(reader, reader->root, "kind", REQUIRED, MEMBER_WORD_MAX);
    reader->record->encrypted = member_boolean(reader, reader->root, "encrypted", REQUIRED);
    read_key_fields(reader);
}

static void read_store(struct reader *reader)
{
    static const char *const integrities[] = {"ok", "bad", "unchecked", NULL};
    record_read_seen(reader, false, true);
    reader->record->format = member_label(reader, reader->root, "format", REQUIRED, MEMBER_WORD_MAX);
    reader->record->integrity = member_word(reader, reader->root, "integrity", REQUIRED, integrities);
    reader->record->entries =
        (uint64_t)member_number(reader, reader->root, "entries", REQUIRED, 0, MEMBER_COUNT_MAX, 0);
    record_read_weak(reader);
}

static void read_run(struct reader *reader)
{
    static const char *const states[] = {"started", "finished", NULL};
    struct record *record = reader->record;
    record->run = member_uuid(reader, "run", REQUIRED);
    record->source = member_label(reader, reader->root, "source", REQUIRED, MEMBER_WORD_MAX);
    record->state = member_word(reader, reader->root, "state", REQUIRED, states);
    record->at_ms = record->since_ms = member_instant(reader, reader->root, "at", REQUIRED, 0);
    record->scanner = member_label(reader, reader->root, "scanner", OPTIONAL, MEMBER_LABEL_MAX);
    record->host = member_label(reader, reader->root, "host", OPTIONAL, MEMBER_LABEL_MAX);
    record->machine_id = member_label(reader, reader->root, "machine_id", OPTIONAL, MEMBER_WORD_MAX);
    record->args_json = member_dump(reader, "args", "\001args", true);
    record->addresses_json = member_dump(reader, "addresses", "\001addresses", true);
    record->targets = (uint64_t)member_number(reader, reader->root, "targets", OPTIONAL, 0, MEMBER_COUNT_MAX, 0);
    record->ok = (uint64_t)member_number(reader, reader->root, "ok", OPTIONAL, 0, MEMBER_COUNT_MAX, 0);
    record->failed = (uint64_t)member_number(reader, reader->root, "failed", OPTIONAL, 0, MEMBER_COUNT_MAX, 0);
    record->interrupted = member_boolean(reader, reader->root, "interrupted", OPTIONAL);
    record_read_covered(reader);
}

static void read_stats(struct reader *reader)
{
    struct record *record = reader->record;
    record->run = member_uuid(reader, "run", REQUIRED);
    record->at_ms = record->since_ms = member_instant(reader, reader->root, "at", REQUIRED, 0);
    record->counters_json = member_dump(reader, "counters", "\001counters", false);
    if (!record->counters_json)
        member_wrong(reader, "a required member is missing", "counters");
}

static void read_certificate(struct reader *reader)
{
    struct record *record = reader->record;
    const char *claimed = member_text(reader, reader->root, "sha256", REQUIRED, MEMBER_WORD_MAX);
    const char *der = member_text(reader, reader->root, "der", REQUIRED, CM_LIMIT_RECORD_BYTES);
    uint8_t expected[CM_SHA256_SIZE];
    struct buf bytes;
    if (!der || !member_sha256(reader, claimed, "sha256", expected))
        return;
    buf_init(&bytes, CM_LIMIT_CERT_BYTES);
    int code = base64_read(der, strlen(der), &bytes);
    if (code == CM_ELIMIT || bytes.failed) {
        if (!reader->code)
            reader->code = error_set(reader->error, CM_ELIMIT, 0, "a certificate of more than 256 KiB");
    } else if (code || bytes.size == 0) {
        member_wrong(reader, "not base64 (RFC 4648, padded)", "der");
    } else {
        sha256_bytes(bytes.data, bytes.size, record->sha256);
        if (memcmp(record->sha256, expected, CM_SHA256_SIZE) != 0)
            member_wrong(reader, "the fingerprint is not that of the certificate", "sha256");
        else
            record->der = buf_take(&bytes, &record->der_size);
    }
    buf_done(&bytes);
}

static void read_asset(struct reader *reader)
{
    record_read_seen(reader, true, true);
    record_read_facts(reader);
}

static void read_endpoint_record(struct reader *reader)
{
    record_read_seen(reader, true, false);
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

static int parse(const char *line, size_t size, json_t **out, struct cm_error *error)
{
    json_error_t where;
    if (size > CM_LIMIT_RECORD_BYTES)
        return error_set(error, CM_ELIMIT, size, "a record of more than 2 MiB");
    int code = json_bounds(line, size, CM_LIMIT_RECORD_DEPTH, CM_LIMIT_RECORD_VALUES, error);
    if (code)
        return code;
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
    const char *type = member_text(reader, reader->root, "type", REQUIRED, MEMBER_WORD_MAX);
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
    if (member_number(&reader, reader.root, "v", REQUIRED, 0, INT64_MAX, 0) != 1 && !reader.code)
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
