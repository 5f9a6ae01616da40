/* From an observation to a summary, and from there to a record. Everything that a client or server chose freely is made harmless here: names are host names or
 * nothing, other texts are escaped by the writer of records. */
#include "scanner/watch/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/ipaddr.h"
#include "scanner/tls/names.h"
#include "scanner/watch/hello_cache.h"
#include "scanner/watch/quic_crypt.h"

enum { NUMBER_SIZE = 8, TEXT_MAX = 4096, DTLS_1_0 = 0xfeff, DTLS_1_2 = 0xfefd };

void summary_name(struct slice name, char out[static SUMMARY_NAME_SIZE])
{
    size_t size = name.size;
    out[0] = '\0';
    if (size > 0 && name.data[size - 1] == '.')
        size--;
    if (size == 0 || size >= SUMMARY_NAME_SIZE)
        return;
    for (size_t i = 0; i < size; i++) {
        uint8_t c = name.data[i];
        c = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
        bool letter = (c >= 'a' && c <= 'z') || c == '-' || c == '_', digit = c >= '0' && c <= '9';
        bool dot = c == '.' && i > 0 && i + 1 < size && out[i - 1] != '.';
        if (!letter && !digit && !dot) {
            out[0] = '\0';
            return;
        }
        out[i] = (char)c;
    }
    out[size] = '\0';
}

/* --- making one ------------------------------------------------------------------------------------------------------ */

/* Puts a NUL-terminated copy of what is printable at *at. */
static const char *keep_text(char **at, struct slice text)
{
    char *start = *at;
    if (text.size == 0 || memchr(text.data, 0, text.size))
        return NULL;
    memcpy(start, text.data, text.size);
    start[text.size] = '\0';
    *at += text.size + 1;
    return start;
}

/* The names that are kept of what the client offered; a hello has room for thousands. */
static size_t offered(const struct observed *observed, struct slice names[static SUMMARY_ALPN_MAX])
{
    struct cursor list, one;
    size_t count = 0;
    if (!observed->client_hello)
        return 0;
    cursor_init_slice(&list, observed->client_hello->alpn);
    while (count < SUMMARY_ALPN_MAX && cursor_vector8(&list, &one) == 0)
        names[count++] = (struct slice){one.at, cursor_left(&one)};
    return count;
}

static void keep_hellos(struct summary *summary, const struct observed *observed)
{
    if (observed->client_hello)
        hello_cache_client(observed->client_hello, observed->transport, summary->ja3, summary->ja4);
    if (observed->server_hello && observed->transport != OBSERVED_QUIC)
        hello_cache_server(observed->server_hello, summary->ja3s);
    if (observed->ocsp.size)
        staple_read(observed->ocsp, &summary->staple);
}

struct summary *summary_new(const struct observed *observed, const uint8_t (*chain)[CM_SHA256_SIZE])
{
    struct slice names[SUMMARY_ALPN_MAX];
    char name[SUMMARY_NAME_SIZE] = "";
    if (observed->client_hello)
        summary_name(observed->client_hello->name, name);
    size_t count = offered(observed, names), name_size = strlen(name) + 1;
    size_t chain_bytes = observed->chain_count * CM_SHA256_SIZE, alpn_bytes = count * sizeof(char *);
    size_t size = sizeof(struct summary) + alpn_bytes + chain_bytes + name_size + observed->alpn.size + 1;
    for (size_t i = 0; i < count; i++)
        size += names[i].size + 1;
    struct summary *summary = cm_malloc(size);
    uint8_t *rest = (uint8_t *)(summary + 1);
    *summary = (struct summary){
        .size = size,
        .kind = observed->kind,
        .transport = observed->transport,
        .server = observed->server,
        .client = observed->client,
        .version = observed->version,
        .suite = observed->suite,
        .group = observed->group,
        .quic_version = observed->quic_version,
        .client_auth = observed->client_auth,
        .scts = observed->scts,
        .chain_count = observed->chain_count,
        .alpn = (const char **)(void *)rest,
        .chain = (const uint8_t(*)[CM_SHA256_SIZE])(rest + alpn_bytes),
        .name = (const char *)rest + alpn_bytes + chain_bytes,
    };
    rest += alpn_bytes;
    if (chain_bytes)
        memcpy(rest, chain, chain_bytes);
    memcpy(rest + chain_bytes, name, name_size);
    char *text = (char *)rest + chain_bytes + name_size;
    summary->alpn_chosen = keep_text(&text, observed->alpn);
    for (size_t i = 0; i < count; i++) {
        const char *kept = keep_text(&text, names[i]);
        if (kept)
            summary->alpn[summary->alpn_count++] = kept;
    }
    keep_hellos(summary, observed);
    return summary;
}

/* --- writing it ------------------------------------------------------------------------------------------------------ */

const char *summary_version(const struct summary *summary)
{
    if (summary->transport == OBSERVED_QUIC)
        return summary->quic_version == QUIC_VERSION_1   ? "QUICv1"
               : summary->quic_version == QUIC_VERSION_2 ? "QUICv2"
                                                         : NULL;
    if (summary->version == DTLS_1_0 || summary->version == DTLS_1_2)
        return summary->version == DTLS_1_0 ? "DTLSv1.0" : "DTLSv1.2";
    return tls_version_name(summary->version);
}

struct written_endpoint {
    char ip[IPADDR_TEXT_SIZE], name[SUMMARY_NAME_SIZE];
    struct record_endpoint endpoint;
};

static void write_endpoint(struct written_endpoint *out, const struct summary *summary, const struct emit *emit,
                           const struct place *place, bool server)
{
    struct ipaddr ip = {.family = place->family};
    if (place->family ==
        0) { /* EAPOL knows hardware addresses only: a name that no DNS will ever hold (RFC 6761 §6.4) */
        const uint8_t *mac = place->ip;
        snprintf(out->name, sizeof out->name, "%02x-%02x-%02x-%02x-%02x-%02x.eapol.invalid", mac[0], mac[1], mac[2],
                 mac[3], mac[4], mac[5]);
        out->endpoint =
            (struct record_endpoint){.realm = emit_realm(emit, NULL), .transport = "udp", .name = out->name};
        return;
    }
    bool udp = summary->transport != OBSERVED_TCP;
    memcpy(ip.bytes, place->ip, sizeof ip.bytes);
    ipaddr_write(out->ip, &ip);
    /* A client's port is chosen anew for each connection and names no place. */
    out->endpoint = (struct record_endpoint){
        .realm = emit_realm(emit, &ip),
        .transport = udp ? "udp" : "tcp",
        .ip = out->ip,
        .port = server ? place->port : 0,
        .name = server ? summary->name : "",
    };
}

static const char *known_or_number(const char *name, uint16_t number, char text[static NUMBER_SIZE])
{
    if (name || number == 0)
        return name;
    snprintf(text, NUMBER_SIZE, "0x%04x", number);
    return text;
}

static const char *text_or_null(const char *text)
{
    return *text ? text : NULL;
}

int summary_emit(const struct summary *summary, struct emit *emit, int64_t since_us, int64_t at_us, uint64_t count,
                 struct cm_error *error)
{
    char suite[NUMBER_SIZE], group[NUMBER_SIZE];
    bool client = summary->kind == OBSERVED_CLIENT_CHAIN;
    struct written_endpoint server, peer;
    write_endpoint(&server, summary, emit, &summary->server, true);
    if (client)
        write_endpoint(&peer, summary, emit, &summary->client, false);
    struct record_tls tls = {
        .version = summary_version(summary),
        /* Suite 0 is never agreed upon: no ServerHello was seen. */
        .cipher = summary->suite ? known_or_number(tls_suite_name(summary->suite), summary->suite, suite) : NULL,
        .group = known_or_number(tls_group_name(summary->group), summary->group, group),
        .alpn = summary->alpn_chosen,
        .client_auth = client ? 1 : summary->client_auth,
        .staple_status = client ? NULL : summary->staple.status,
        .staple_this_update = summary->staple.this_update,
        .staple_next_update = summary->staple.next_update,
        .scts_known = summary->scts >= 0 && !client,
        .scts = summary->scts >= 0 ? (unsigned)summary->scts : 0,
        .ja3s = text_or_null(summary->ja3s),
    };
    struct record_client_hello hello = {
        .ja3 = text_or_null(summary->ja3),
        .ja4 = text_or_null(summary->ja4),
        .alpn = summary->alpn,
        .alpn_count = summary->alpn_count,
    };
    struct record_seen seen = {
        .at_ms = at_us / 1000,
        .since_ms = since_us / 1000,
        .count = count,
        .endpoint = client ? &peer.endpoint : &server.endpoint,
    };
    if (summary->kind == OBSERVED_HIDDEN) {
        struct record_hidden hidden = {.seen = seen, .tls = &tls, .client_hello = &hello};
        return emit_hidden(emit, &hidden, error);
    }
    struct record_sighting sighting = {
        .seen = seen,
        .role = client ? "client" : "server",
        .chain = summary->chain,
        .chain_count = summary->chain_count,
        .tls = &tls,
        .client_hello = &hello,
        .peer = client ? &server.endpoint : NULL,
        .connect_ms = -1,
        .handshake_ms = -1,
    };
    return emit_sighting(emit, &sighting, error);
}
