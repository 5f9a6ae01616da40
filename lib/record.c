/* The record stream's writer: fixed member order, compact, by hand. Its reader is record_read.c, its schema
 * contrib/schema/record-v1.schema.json; a member that changes here changes in all three.
 *
 * Called by scanners through emit.h. Writes into a buffer and nothing else; the caller looks at the buffer's `failed`. */
#include "certmuster/record.h"

#include "certmuster/timefmt.h"
#include "lib/record_out.h"

static const char *const error_names[RECORD_ERROR_COUNT_] = {
    [RECORD_ERROR_NONE] = "none",
    [RECORD_ERROR_NXDOMAIN] = "nxdomain",
    [RECORD_ERROR_NO_ADDRESS] = "no_address",
    [RECORD_ERROR_DNS_FAILURE] = "dns_failure",
    [RECORD_ERROR_TIMEOUT] = "timeout",
    [RECORD_ERROR_REFUSED] = "refused",
    [RECORD_ERROR_UNREACHABLE] = "unreachable",
    [RECORD_ERROR_RESET] = "reset",
    [RECORD_ERROR_CLOSED] = "closed",
    [RECORD_ERROR_NOT_TLS] = "not_tls",
    [RECORD_ERROR_ALERT] = "alert",
    [RECORD_ERROR_PROTOCOL] = "protocol",
    [RECORD_ERROR_STARTTLS_REFUSED] = "starttls_refused",
    [RECORD_ERROR_NO_CERTIFICATE] = "no_certificate",
    [RECORD_ERROR_TOO_LARGE] = "too_large",
    [RECORD_ERROR_LOCAL] = "local",
    [RECORD_ERROR_CANCELLED] = "cancelled",
    [RECORD_ERROR_NOT_FOUND] = "not_found",
    [RECORD_ERROR_PERMISSION] = "permission",
    [RECORD_ERROR_IO] = "io",
    [RECORD_ERROR_PASSWORD] = "password",
    [RECORD_ERROR_MALFORMED] = "malformed",
    [RECORD_ERROR_UNSUPPORTED] = "unsupported",
    [RECORD_ERROR_LIMIT] = "limit",
};

const char *record_error_name(enum record_error error)
{
    return (unsigned)error < RECORD_ERROR_COUNT_ ? error_names[error] : "none";
}

void record_begin(struct buf *out, const char *type)
{
    OUT_LITERAL(out, "{\"v\":1,\"type\":\"");
    buf_append_str(out, type);
    buf_append_char(out, '"');
}

void record_end(struct buf *out)
{
    OUT_LITERAL(out, "}\n");
}

/* Thousands of records share a second, so its text is made once. */
static void out_instant(struct buf *out, const char *key, int64_t at_ms)
{
    static _Thread_local int64_t second = INT64_MIN;
    static _Thread_local char text[TIMEFMT_SIZE];
    int64_t seconds = at_ms / 1000, ms = at_ms % 1000;
    if (ms < 0 || seconds <= 0) { /* before 1970: a broken clock, off the fast path */
        char whole[TIMEFMT_SIZE];
        timefmt_ms(whole, at_ms);
        buf_append_str(out, key);
        buf_append_str(out, whole);
        buf_append_char(out, '"');
        return;
    }
    if (seconds != second) {
        timefmt_ms(text, seconds * 1000);
        second = seconds;
    }
    buf_append_str(out, key);
    char *at = buf_extend(out, 24); /* 2026-11-21T03:00:00.000Z */
    if (at) {
        memcpy(at, text, 20);
        at[20] = (char)('0' + ms / 100);
        at[21] = (char)('0' + ms / 10 % 10);
        at[22] = (char)('0' + ms % 10);
        at[23] = 'Z';
    }
    buf_append_char(out, '"');
}

static void out_time(struct buf *out, int64_t at_ms)
{
    out_instant(out, ",\"at\":\"", at_ms);
}

static void out_endpoint(struct buf *out, const char *key, const struct record_endpoint *endpoint)
{
    buf_append_str(out, key);
    out_text(out, "{\"realm\":", endpoint->realm);
    out_text(out, ",\"transport\":", endpoint->transport ? endpoint->transport : "tcp");
    out_known(out, ",\"ip\":", endpoint->ip);
    out_number(out, ",\"port\":", endpoint->port);
    out_text(out, ",\"name\":", endpoint->name);
    out_known(out, ",\"starttls\":", endpoint->starttls);
    buf_append_char(out, '}');
}

static void out_file(struct buf *out, const struct record_file *file)
{
    out_text(out, ",\"file\":{\"realm\":", file->realm);
    out_text(out, ",\"host\":", file->host);
    out_text(out, ",\"path\":", file->path);
    out_known(out, ",\"inner\":", file->inner);
    out_known(out, ",\"entry\":", file->entry);
    out_known(out, ",\"format\":", file->format);
    if (file->has_stat) {
        out_number(out, ",\"mode\":", file->mode);
        out_number(out, ",\"uid\":", file->uid);
        out_number(out, ",\"gid\":", file->gid);
        out_number(out, ",\"size\":", file->size_bytes);
        out_seconds(out, ",\"mtime\":", file->mtime);
        if (file->inode <= INT64_MAX) /* JSON readers hold 63 bits; a truncated number would name another file */
            out_number(out, ",\"inode\":", file->inode);
    }
    out_known(out, ",\"layer\":", file->layer);
    buf_append_char(out, '}');
}

void record_out_seen(struct buf *out, const struct record_seen *seen)
{
    out_text(out, ",\"source\":", seen->source);
    out_time(out, seen->at_ms);
    out_known(out, ",\"scanner\":", seen->scanner);
    out_known(out, ",\"run\":", seen->run);
    if (seen->count > 1) {
        out_instant(out, ",\"since\":\"", seen->since_ms);
        out_number(out, ",\"count\":", seen->count);
    }
    if (seen->endpoint)
        out_endpoint(out, ",\"endpoint\":", seen->endpoint);
    else
        out_file(out, seen->file);
}

static void out_strings(struct buf *out, const char *key, const char *const *texts, size_t count)
{
    buf_append_str(out, key);
    for (size_t i = 0; i < count; i++) {
        buf_append_char(out, i ? ',' : '[');
        out_string(out, texts[i], strlen(texts[i]));
    }
    buf_append_str(out, count ? "]" : "[]");
}

static void out_staple(struct buf *out, const struct record_tls *tls)
{
    static const int64_t absent = INT64_MIN;
    out_text(out, ",\"staple\":{\"status\":", tls->staple_status);
    if (tls->staple_this_update != absent)
        out_seconds(out, ",\"this_update\":", tls->staple_this_update);
    if (tls->staple_next_update != absent)
        out_seconds(out, ",\"next_update\":", tls->staple_next_update);
    buf_append_char(out, '}');
}

/* Members are collected behind `,"tls":{,`; the comma after the brace is then dropped by starting with the brace itself. */
static void out_tls(struct buf *out, const struct record_tls *tls)
{
    if (!tls)
        return;
    size_t before = out->size;
    OUT_LITERAL(out, ",\"tls\":");
    size_t start = out->size;
    out_known(out, ",\"version\":", tls->version);
    out_known(out, ",\"cipher\":", tls->cipher);
    out_known(out, ",\"group\":", tls->group);
    out_known(out, ",\"alpn\":", tls->alpn);
    if (tls->client_auth >= 0)
        buf_append_str(out, tls->client_auth ? ",\"client_auth\":true" : ",\"client_auth\":false");
    if (tls->client_ca_count)
        out_strings(out, ",\"client_ca\":", tls->client_ca, tls->client_ca_count);
    if (tls->staple_status)
        out_staple(out, tls);
    if (tls->scts_known)
        out_number(out, ",\"scts\":", tls->scts);
    out_known(out, ",\"ja3s\":", tls->ja3s);
    out_known(out, ",\"proof\":", tls->proof);
    if (out->size == start) { /* nothing is known: no member at all */
        if (!out->failed && out->capacity)
            out->data[out->size = before] = '\0';
        return;
    }
    out->data[start] = '{';
    buf_append_char(out, '}');
}

static void out_client_hello(struct buf *out, const struct record_client_hello *hello)
{
    if (!hello || !(hello->ja3 || hello->ja4 || hello->alpn_count))
        return;
    OUT_LITERAL(out, ",\"client_hello\":");
    size_t start = out->size;
    out_known(out, ",\"ja3\":", hello->ja3);
    out_known(out, ",\"ja4\":", hello->ja4);
    if (hello->alpn_count)
        out_strings(out, ",\"alpn\":", hello->alpn, hello->alpn_count);
    if (out->size > start)
        out->data[start] = '{';
    buf_append_char(out, '}');
}

static void out_attempts(struct buf *out, const struct record_attempt *attempts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_append_str(out, i ? ",{" : ",\"attempts\":[{");
        out_text(out, "\"what\":", attempts[i].what);
        if (attempts[i].error)
            out_text(out, ",\"error\":", record_error_name(attempts[i].error));
        out_known(out, ",\"detail\":", attempts[i].detail);
        buf_append_char(out, '}');
    }
    if (count)
        buf_append_char(out, ']');
}

static void out_sha256(struct buf *out, const char *key, const uint8_t *sha256)
{
    buf_append_str(out, key);
    hex_append(out, sha256, CM_SHA256_SIZE);
    buf_append_char(out, '"');
}

void record_write_sighting(struct buf *out, const struct record_sighting *sighting)
{
    record_begin(out, "sighting");
    record_out_seen(out, &sighting->seen);
    out_text(out, ",\"role\":", sighting->role);
    for (size_t i = 0; i < sighting->chain_count; i++)
        out_sha256(out, i ? ",\"" : ",\"chain\":[\"", sighting->chain[i]);
    buf_append_char(out, ']');
    out_tls(out, sighting->tls);
    out_client_hello(out, sighting->client_hello);
    if (sighting->peer)
        out_endpoint(out, ",\"peer\":", sighting->peer);
    if (sighting->connect_ms >= 0)
        out_number(out, ",\"ms\":{\"connect\":", (uint64_t)sighting->connect_ms);
    if (sighting->handshake_ms >= 0)
        out_number(out, sighting->connect_ms >= 0 ? ",\"handshake\":" : ",\"ms\":{\"handshake\":",
                   (uint64_t)sighting->handshake_ms);
    if (sighting->connect_ms >= 0 || sighting->handshake_ms >= 0)
        buf_append_char(out, '}');
    out_attempts(out, sighting->attempts, sighting->attempt_count);
    record_end(out);
}

void record_write_hidden(struct buf *out, const struct record_hidden *hidden)
{
    record_begin(out, "endpoint");
    record_out_seen(out, &hidden->seen);
    out_tls(out, hidden->tls);
    out_client_hello(out, hidden->client_hello);
    record_end(out);
}

void record_write_failure(struct buf *out, const struct record_failure *failure)
{
    record_begin(out, "failure");
    record_out_seen(out, &failure->seen);
    out_text(out, ",\"stage\":", failure->stage);
    out_text(out, ",\"error\":", record_error_name(failure->error));
    out_known(out, ",\"detail\":", failure->detail);
    out_tls(out, failure->tls);
    out_attempts(out, failure->attempts, failure->attempt_count);
    record_end(out);
}

void record_write_key(struct buf *out, const struct record_key *key)
{
    record_begin(out, "key");
    record_out_seen(out, &key->seen);
    out_text(out, ",\"kind\":", key->kind);
    buf_append_str(out, key->encrypted ? ",\"encrypted\":true" : ",\"encrypted\":false");
    if (key->spki_sha256)
        out_sha256(out, ",\"spki_sha256\":\"", key->spki_sha256);
    if (key->key_alg) {
        out_text(out, ",\"key\":{\"alg\":", key->key_alg);
        if (key->key_bits)
            out_number(out, ",\"bits\":", key->key_bits);
        buf_append_char(out, '}');
    }
    record_end(out);
}

void record_write_store(struct buf *out, const struct record_store *store)
{
    record_begin(out, "store");
    record_out_seen(out, &store->seen);
    out_text(out, ",\"format\":", store->format);
    out_text(out, ",\"integrity\":", store->integrity);
    if (store->weak_count)
        out_strings(out, ",\"weak\":", store->weak, store->weak_count);
    out_number(out, ",\"entries\":", store->entries);
    record_end(out);
}

static void out_covered(struct buf *out, const struct record_covered *covered)
{
    OUT_LITERAL(out, ",\"covered\":{");
    out_text(out, "\"realm\":", covered->realm);
    out_text(out, ",\"host\":", covered->host);
    out_strings(out, ",\"roots\":", covered->roots, covered->root_count);
    if (covered->except_count)
        out_strings(out, ",\"except\":", covered->except, covered->except_count);
    if (covered->mount_count)
        out_strings(out, ",\"mounts\":", covered->mounts, covered->mount_count);
    out_number(out, ",\"assets\":", covered->assets);
    buf_append_char(out, '}');
}

void record_write_run(struct buf *out, const struct record_run *run)
{
    record_begin(out, "run");
    out_text(out, ",\"run\":", run->run);
    out_text(out, ",\"source\":", run->source);
    out_text(out, ",\"state\":", run->state);
    out_time(out, run->at_ms);
    out_known(out, ",\"host\":", run->host);
    out_known(out, ",\"machine_id\":", run->machine_id);
    if (run->address_count)
        out_strings(out, ",\"addresses\":", run->addresses, run->address_count);
    out_known(out, ",\"scanner\":", run->scanner);
    if (run->arg_count)
        out_strings(out, ",\"args\":", run->args, run->arg_count);
    if (run->has_counts) {
        out_number(out, ",\"targets\":", run->targets);
        out_number(out, ",\"ok\":", run->ok);
        out_number(out, ",\"failed\":", run->failed);
    }
    if (run->interrupted)
        OUT_LITERAL(out, ",\"interrupted\":true");
    if (run->covered)
        out_covered(out, run->covered);
    record_end(out);
}

void record_write_stats(struct buf *out, const char *run, int64_t at_ms, const char *const *names,
                        const uint64_t *values, size_t count)
{
    record_begin(out, "stats");
    out_text(out, ",\"run\":", run);
    out_time(out, at_ms);
    OUT_LITERAL(out, ",\"counters\":{");
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_append_char(out, ',');
        out_string(out, names[i], strlen(names[i]));
        out_number(out, ":", values[i]);
    }
    OUT_LITERAL(out, "}");
    record_end(out);
}
