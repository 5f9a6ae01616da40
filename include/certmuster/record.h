/* Writing the record stream (DESIGN, contrib/schema/record-v1.schema.json): one compact JSON object and a line feed per call,
 * by hand and in a fixed member order, `"v":1` and `"type"` first. NULL, "" (where "" has no meaning) and zero mean
 * unknown and are left out. Strings need not be UTF-8; they are escaped here and nowhere else. */
#ifndef CERTMUSTER_RECORD_H
#define CERTMUSTER_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/encode.h"

/* Errors of a failure record; the complete list, as in the schema. record_error_name() gives the text. */
enum record_error {
    RECORD_ERROR_NONE = 0,
    RECORD_ERROR_NXDOMAIN,         /* resolve: the name does not exist */
    RECORD_ERROR_NO_ADDRESS,       /* resolve: it exists without A or AAAA */
    RECORD_ERROR_DNS_FAILURE,      /* resolve: SERVFAIL, REFUSED, malformed answer */
    RECORD_ERROR_TIMEOUT,          /* any stage: the absolute deadline passed there */
    RECORD_ERROR_REFUSED,          /* connect: RST or ICMP port unreachable */
    RECORD_ERROR_UNREACHABLE,      /* connect: no route, host or network unreachable, administratively prohibited */
    RECORD_ERROR_RESET,            /* any: connection reset by the peer */
    RECORD_ERROR_CLOSED,           /* any: the peer closed before it said what we need */
    RECORD_ERROR_NOT_TLS,          /* hello: other bytes came; detail shows the first */
    RECORD_ERROR_ALERT,            /* hello: a fatal alert; detail is its RFC 8446 name */
    RECORD_ERROR_PROTOCOL,         /* hello: TLS that makes no sense */
    RECORD_ERROR_STARTTLS_REFUSED, /* starttls: the server said no or does not offer it */
    RECORD_ERROR_NO_CERTIFICATE,   /* certificate: TLS without one (anonymous DH, PSK) */
    RECORD_ERROR_TOO_LARGE,        /* any: a ceiling was hit; detail names it */
    RECORD_ERROR_LOCAL,      /* any: our own limit or the local system (descriptors, memory, ports); detail says */
    RECORD_ERROR_CANCELLED,  /* the run was interrupted before this probe ended */
    RECORD_ERROR_NOT_FOUND,  /* open: no such file */
    RECORD_ERROR_PERMISSION, /* open */
    RECORD_ERROR_IO,         /* open: any other errno */
    RECORD_ERROR_PASSWORD,   /* decode: no password of the list opens it */
    RECORD_ERROR_MALFORMED,  /* decode: damaged */
    RECORD_ERROR_UNSUPPORTED, /* certificate: a key agreement that we cannot compute; decode: a form that we do not read */
    RECORD_ERROR_LIMIT, /* decode: a ceiling on what is unpacked or looked into; what was read before it is told */
    RECORD_ERROR_COUNT_
};
const char *record_error_name(enum record_error error); /* "nxdomain", … */

struct record_endpoint {
    const char *realm;     /* required */
    const char *transport; /* "tcp" or "udp" */
    const char *ip;        /* RFC 5952 text; NULL when the name did not resolve */
    unsigned port;
    const char *name;     /* SNI: A-label, lower case, no final dot; "" when none was sent */
    const char *starttls; /* "smtp", …; NULL for TLS from the first byte */
};

struct record_file {
    const char *realm;                  /* required */
    const char *host;                   /* required */
    const char *path;                   /* required, absolute */
    const char *inner, *entry, *format; /* NULL when they do not apply; format: pem, der, pkcs12, … */
    const char *layer;                  /* of a container image: "sha256:…"; NULL elsewhere */
    bool has_stat;                      /* the next five are known */
    unsigned mode, uid, gid;
    uint64_t size_bytes, inode;
    int64_t mtime; /* seconds */
};

struct record_tls {
    const char *version, *cipher, *group, *alpn; /* NULL when unknown */
    int client_auth;                             /* 1 asked for, 0 not, -1 unknown */
    const char *const *client_ca;                /* RFC 4514 names, client_ca_count of them */
    size_t client_ca_count;
    const char *staple_status; /* NULL: no staple. "good", "revoked", "unknown", "malformed", an OCSPResponseStatus */
    int64_t staple_this_update, staple_next_update; /* seconds; INT64_MIN: absent. Read only with a status */
    bool scts_known;
    unsigned scts;     /* how many SCTs came in the handshake */
    const char *ja3s;  /* 32 hex digits; NULL when unknown */
    const char *proof; /* "good", "bad", "unavailable": was the key shown to be there (--prove)? NULL: not asked */
};

struct record_attempt { /* a try before the last one, in order */
    const char *what;   /* "sni-none", "starttls-smtp", "tls1.2-only", … */
    enum record_error error;
    const char *detail;
};

struct record_seen {     /* what every observation carries */
    const char *source;  /* "scan", "watch", "crawl" */
    const char *scanner; /* configured name */
    const char *run;     /* UUID text */
    int64_t at_ms;
    int64_t since_ms; /* with count: the first of that many, at_ms the last. Left out when count is below 2 */
    uint64_t count;
    const struct record_endpoint *endpoint; /* exactly one of these two */
    const struct record_file *file;
};

struct record_client_hello { /* what was read of it along the way; all may be NULL */
    const char *ja3, *ja4;
    const char *const *alpn; /* offered, in order */
    size_t alpn_count;
};

struct record_sighting {
    struct record_seen seen;
    const char *role; /* server, client, stored, trust, signer */
    const uint8_t (*chain)[CM_SHA256_SIZE];
    size_t chain_count;                             /* at least 1 */
    const struct record_tls *tls;                   /* NULL for files */
    const struct record_client_hello *client_hello; /* NULL: not known */
    const struct record_endpoint *peer;             /* of role client: the server; else NULL */
    int64_t connect_ms, handshake_ms;               /* -1 unknown */
    const struct record_attempt *attempts;
    size_t attempt_count;
};

struct record_hidden { /* TLS was there, its certificate cannot be seen: type endpoint */
    struct record_seen seen;
    const struct record_tls *tls;
    const struct record_client_hello *client_hello;
};

struct record_failure {
    struct record_seen seen;
    const char *stage; /* resolve, connect, proxy, starttls, hello, certificate, open, decode */
    enum record_error error;
    const char *detail;
    const struct record_tls *tls;
    const struct record_attempt *attempts;
    size_t attempt_count;
};

struct record_key {
    struct record_seen seen; /* file */
    const char *kind;        /* pkcs1, pkcs8, sec1, dsa, openssh, putty, jwk */
    bool encrypted;
    const uint8_t *spki_sha256; /* NULL where the public half cannot be read without the password */
    const char *key_alg;        /* NULL then, too */
    unsigned key_bits;
};

struct record_store {
    struct record_seen seen; /* file */
    const char *format;
    const char *integrity; /* ok, bad, unchecked */
    size_t entries;
    const char *const *weak; /* words that the schema explains: "bks-v1", "rc2-40", "plain-key", "stash", … */
    size_t weak_count;
};

/* What a crawl has looked at: a file that lay there before and of which it told nothing is there no more. */
struct record_covered {
    const char *realm, *host;  /* of its files */
    const char *const *roots;  /* canonical paths of files and trees */
    const char *const *except; /* files and trees below them that were left out without a failure record */
    const char *const *mounts; /* where file systems were mounted: from / to each root, and below it */
    size_t root_count, except_count, mount_count; /* at most CM_LIMIT_COVERED_PATHS each */
    uint64_t assets;                              /* key, store, csr, crl and ssh_certificate records of the run */
};

struct record_run {
    const char *run, *source, *state, *scanner, *host, *machine_id; /* state: started, finished */
    int64_t at_ms;
    const char *const *addresses;
    size_t address_count;
    const char *const *args;
    size_t arg_count;
    bool has_counts;              /* finished */
    uint64_t targets, ok, failed; /* targets = ok + failed */
    bool interrupted;
    const struct record_covered *covered; /* finished, and not interrupted; NULL: not known */
};

/* certificate: decodes what it can with cert_parse; an undecodable one is told with its reason. sha256 is that of der: who tells it has
 * hashed it already, to know whether to tell it. */
void record_write_certificate(struct buf *out, const void *der, size_t size,
                              const uint8_t sha256[static CM_SHA256_SIZE]);
void record_write_sighting(struct buf *out, const struct record_sighting *sighting);
void record_write_hidden(struct buf *out, const struct record_hidden *hidden);
void record_write_failure(struct buf *out, const struct record_failure *failure);
void record_write_key(struct buf *out, const struct record_key *key);
void record_write_store(struct buf *out, const struct record_store *store);
/* csr, crl, ssh_certificate: the bytes are decoded here, by csr_parse, crl_parse and ssh_certificate_parse; what cannot be is told by its
 * hash with the reason. blob: what stands in base64 in a .pub file. */
void record_write_csr(struct buf *out, const struct record_seen *seen, const void *der, size_t size);
void record_write_crl(struct buf *out, const struct record_seen *seen, const void *der, size_t size);
void record_write_ssh_certificate(struct buf *out, const struct record_seen *seen, const void *blob, size_t size);
void record_write_run(struct buf *out, const struct record_run *run);
void record_write_stats(struct buf *out, const char *run, int64_t at_ms, const char *const *names,
                        const uint64_t *values, size_t count);

#endif
