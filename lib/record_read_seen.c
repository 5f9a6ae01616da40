/* The part of a record that every observation has: who saw it and when, the place in its canonical form, and what TLS said there.
 * Called by record_read.c; its writer is record.c. */
#include <string.h>

#include "certmuster/ids.h"
#include "certmuster/ipaddr.h"
#include "certmuster/timefmt.h"
#include "lib/record_member.h"

enum { NAME_MAX_BYTES = 253, JA3S_DIGITS = 32 };

/* The SNI: A-labels, lower case, no final dot. */
static bool is_host_name(const char *name)
{
    size_t size = strlen(name);
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == size && (size == 0 || name[size - 1] != '.') &&
           name[0] != '.';
}

/* A time that somebody else wrote down, of a file or an OCSP responder: any year is possible. */
static int64_t read_seconds(struct reader *reader, const json_t *object, const char *member)
{
    int64_t ms = 0;
    const char *value = member_text(reader, object, member, OPTIONAL, MEMBER_WORD_MAX);
    if (value && timefmt_read_ms(value, &ms) != CM_OK)
        member_wrong(reader, "not a time in RFC 3339", member);
    return ms / 1000;
}

void record_read_endpoint(struct reader *reader, const json_t *object, struct record_endpoint *out)
{
    static const char *const transports[] = {"tcp", "udp", NULL};
    out->realm = member_label(reader, object, "realm", REQUIRED, MEMBER_LABEL_MAX);
    out->transport = member_word(reader, object, "transport", REQUIRED, transports);
    out->ip = member_text(reader, object, "ip", OPTIONAL, MEMBER_WORD_MAX);
    out->port = (unsigned)member_number(reader, object, "port", REQUIRED, 0, 65535, 0);
    out->name = member_text(reader, object, "name", REQUIRED, NAME_MAX_BYTES);
    out->starttls = member_label(reader, object, "starttls", OPTIONAL, MEMBER_WORD_MAX);
    if (out->ip) {
        struct ipaddr ip;
        char canonical[IPADDR_TEXT_SIZE];
        bool valid = ipaddr_read(out->ip, &ip) == CM_OK;
        if (valid)
            ipaddr_write(canonical, &ip);
        if (!valid || strcmp(canonical, out->ip) != 0)
            member_wrong(reader, "not an address in canonical form (RFC 5952)", "ip");
    }
    if (out->name && !is_host_name(out->name))
        member_wrong(reader, "not a name of lower-case A-labels without final dot", "name");
    if (!out->ip && out->name && !*out->name)
        member_wrong(reader, "an endpoint without address has a name", "name");
}

static void read_file(struct reader *reader, const json_t *object, struct record_file *out)
{
    out->realm = member_label(reader, object, "realm", REQUIRED, MEMBER_LABEL_MAX);
    out->host = member_label(reader, object, "host", REQUIRED, MEMBER_LABEL_MAX);
    out->path = member_text(reader, object, "path", REQUIRED, MEMBER_PATH_MAX);
    out->inner = member_text(reader, object, "inner", OPTIONAL, MEMBER_PATH_MAX);
    out->entry = member_text(reader, object, "entry", OPTIONAL, MEMBER_PATH_MAX);
    out->format = member_label(reader, object, "format", OPTIONAL, MEMBER_WORD_MAX);
    if (out->path && out->path[0] != '/')
        member_wrong(reader, "not an absolute path", "path");
    out->has_stat = json_object_get(object, "mode") || json_object_get(object, "size");
    out->mode = (unsigned)member_number(reader, object, "mode", OPTIONAL, 0, 0177777, 0);
    out->uid = (unsigned)member_number(reader, object, "uid", OPTIONAL, 0, UINT32_MAX, 0);
    out->gid = (unsigned)member_number(reader, object, "gid", OPTIONAL, 0, UINT32_MAX, 0);
    out->size_bytes = (uint64_t)member_number(reader, object, "size", OPTIONAL, 0, INT64_MAX, 0);
    out->inode = (uint64_t)member_number(reader, object, "inode", OPTIONAL, INT64_MIN, INT64_MAX, 0);
    out->mtime = read_seconds(reader, object, "mtime");
}

/* The place: exactly one of endpoint and file. */
static void read_place(struct reader *reader, bool may_be_endpoint, bool may_be_file)
{
    struct record *record = reader->record;
    const json_t *endpoint = member_object(reader, reader->root, "endpoint");
    const json_t *file = member_object(reader, reader->root, "file");
    if (!endpoint == !file || (endpoint && !may_be_endpoint) || (file && !may_be_file)) {
        member_wrong(reader, "the place must be exactly one of endpoint and file, as the type has it",
                     "endpoint, file");
        return;
    }
    if (endpoint)
        record_read_endpoint(reader, endpoint, &record->endpoint);
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

/* What TLS said is kept as it came, unknown members included; those that we know are what the schema says. */
static void read_staple(struct reader *reader, const json_t *staple)
{
    if (!staple)
        return;
    member_label(reader, staple, "status", REQUIRED, MEMBER_WORD_MAX);
    (void)read_seconds(reader, staple, "this_update");
    (void)read_seconds(reader, staple, "next_update");
}

static void read_client_ca(struct reader *reader, const json_t *names)
{
    if (names && !json_is_array(names))
        member_wrong(reader, "not a list", "client_ca");
    for (size_t i = 0; i < json_array_size(names); i++)
        if (!json_is_string(json_array_get(names, i)))
            member_wrong(reader, "not a text", "client_ca");
}

static void read_tls(struct reader *reader)
{
    static const char *const versions[] = {"SSLv2",    "SSLv3",    "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3",
                                           "DTLSv1.0", "DTLSv1.2", "QUICv1",  "QUICv2",  NULL};
    static const char *const proofs[] = {"good", "bad", "unavailable", NULL};
    const json_t *tls = member_object(reader, reader->root, "tls");
    if (!tls)
        return;
    member_word(reader, tls, "version", OPTIONAL, versions);
    member_label(reader, tls, "cipher", OPTIONAL, MEMBER_DETAIL_MAX);
    member_label(reader, tls, "group", OPTIONAL, MEMBER_DETAIL_MAX);
    member_label(reader, tls, "alpn", OPTIONAL, MEMBER_DETAIL_MAX);
    member_boolean(reader, tls, "client_auth", OPTIONAL);
    read_client_ca(reader, json_object_get(tls, "client_ca"));
    read_staple(reader, member_object(reader, tls, "staple"));
    member_number(reader, tls, "scts", OPTIONAL, 0, MEMBER_COUNT_MAX, 0);
    member_hex(reader, tls, "ja3s", OPTIONAL, JA3S_DIGITS);
    member_word(reader, tls, "proof", OPTIONAL, proofs);
    reader->record->tls_json = member_dump(reader, "tls", "\001tls", false);
}

void record_read_seen(struct reader *reader, bool may_be_endpoint, bool may_be_file)
{
    struct record *record = reader->record;
    record->source = member_label(reader, reader->root, "source", REQUIRED, MEMBER_WORD_MAX);
    record->at_ms = member_instant(reader, reader->root, "at", REQUIRED, 0);
    record->since_ms = member_instant(reader, reader->root, "since", OPTIONAL, record->at_ms);
    if (record->since_ms > record->at_ms)
        member_wrong(reader, "since is after at", "since");
    record->count = (uint64_t)member_number(reader, reader->root, "count", OPTIONAL, 1, MEMBER_COUNT_MAX, 1);
    record->scanner = member_label(reader, reader->root, "scanner", OPTIONAL, MEMBER_LABEL_MAX);
    record->run = member_uuid(reader, "run", OPTIONAL);
    read_place(reader, may_be_endpoint, may_be_file);
    read_tls(reader);
    record->peer_json = member_dump(reader, "peer", "\001peer", false);
    record->client_hello_json = member_dump(reader, "client_hello", "\001client_hello", false);
    record->attempts_json = member_dump(reader, "attempts", "\001attempts", true);
}
