/* What a record says of one observation, in a form that lasts: names made canonical, chains as fingerprints, hellos as JA3, JA3S and JA4. */
#ifndef SCANNER_WATCH_SUMMARY_H
#define SCANNER_WATCH_SUMMARY_H

#include "certmuster/emit.h"
#include "scanner/tls/digests.h"
#include "scanner/tls/fingerprint.h"
#include "scanner/tls/staple.h"
#include "scanner/watch/observed.h"

enum { SUMMARY_ALPN_MAX = 16 /* protocols offered that are kept */, SUMMARY_NAME_SIZE = 254 };

struct summary {
    size_t size; /* with what is behind it */
    enum observed_kind kind;
    enum observed_transport transport;
    struct place server, client;
    uint16_t version, suite, group;
    uint32_t quic_version;
    int client_auth, scts;
    struct staple staple;
    char ja3[JA3_SIZE], ja4[JA4_SIZE], ja3s[JA3_SIZE]; /* "": unknown */
    uint8_t alpn_count;
    size_t chain_count;
    /* Behind the struct, and no longer than it has to be: a network shows millions of places again. */
    const char **alpn;                      /* what the client offered */
    const uint8_t (*chain)[CM_SHA256_SIZE]; /* fingerprints */
    const char *alpn_chosen;                /* NULL: none */
    const char *name;                       /* "": none was sent, or it is no host name */
};

/* The SNI as an identity: lower case, no final dot. "" for what is no host name (bytes of any kind come here). */
void summary_name(struct slice name, char out[static SUMMARY_NAME_SIZE]);
/* free() it. chain: the fingerprints of observed->chain. */
struct summary *summary_new(const struct observed *observed, const uint8_t (*chain)[CM_SHA256_SIZE]);
/* Writes the record: a sighting, or an endpoint record. count 1: a single observation at at_us. */
CM_MUST_CHECK int summary_emit(const struct summary *summary, struct emit *emit, int64_t since_us, int64_t at_us,
                               uint64_t count, struct cm_error *error);
const char *summary_version(const struct summary *summary); /* "TLSv1.2", "DTLSv1.2", "QUICv1"; NULL unknown */

#endif
