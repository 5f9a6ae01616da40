/* Reading the record stream, with jansson. Input is hostile: size, nesting, UTF-8, types, ranges and canonical forms are
 * checked here, so that what comes out can be stored. Unknown members are ignored. */
#ifndef CERTMUSTER_RECORD_READ_H
#define CERTMUSTER_RECORD_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/encode.h"
#include "certmuster/ids.h"
#include "certmuster/record.h"

enum record_type {
    RECORD_UNKNOWN, /* valid JSON with an unknown type: count and skip */
    RECORD_CERTIFICATE,
    RECORD_SIGHTING,
    RECORD_ENDPOINT,
    RECORD_FAILURE,
    RECORD_KEY,
    RECORD_CSR,
    RECORD_CRL,
    RECORD_SSH_CERTIFICATE,
    RECORD_STORE,
    RECORD_RUN,
    RECORD_STATS,
};

struct record {
    enum record_type type;
    void *json; /* the parsed object; owns every string below */

    /* certificate */
    uint8_t sha256[CM_SHA256_SIZE]; /* computed over der and compared with the member: a mismatch is CM_EMALFORMED */
    char *der;                      /* owned; NULL unless certificate */
    size_t der_size;

    /* sighting, endpoint, failure, key, store, csr, crl, ssh_certificate */
    bool has_endpoint, has_file;
    struct record_endpoint endpoint; /* realm never NULL */
    struct record_file file;
    uint8_t location_id[CM_UUID_SIZE]; /* of endpoint or file */
    const char *source, *scanner, *run, *role, *stage, *error, *detail;
    int64_t at_ms;
    int64_t since_ms;                 /* = at_ms when absent */
    uint64_t count;                   /* 1 when absent */
    uint8_t (*chain)[CM_SHA256_SIZE]; /* owned */
    size_t chain_count;
    const char *tls_json; /* the tls member as compact JSON with sorted keys, owned by json; NULL when absent */
    const char *peer_json, *client_hello_json, *attempts_json;

    /* key, store */
    const char *kind, *integrity, *key_alg;
    const char *format; /* store: of the keystore */
    bool encrypted, has_spki;
    uint8_t spki_sha256[CM_SHA256_SIZE];
    uint64_t entries, key_bits;
    const char *weak_json; /* store: a list of words, as compact JSON; NULL when absent */

    /* csr, crl, ssh_certificate: their own members, each checked, as one compact JSON object; owned by json */
    const char *facts_json;

    /* run */
    const char *state, *host, *machine_id, *args_json, *addresses_json;
    uint64_t targets, ok, failed;
    bool interrupted;
    const char *covered_json, *covered_realm; /* NULL when absent */
    const char *counters_json;                /* stats */
};

/* One line without its line feed. Members must be in their canonical form (IP as RFC 5952, lower-case names and hex): it is what ids are
 * made of. On failure *out is empty and error says what and where (offset = byte in the line). */
CM_MUST_CHECK int record_read(const char *line, size_t size, struct record *out, struct cm_error *error);
void record_done(struct record *record);

#endif
