/* The ceilings on everything that comes from outside, together, each with its reason. */
#ifndef CERTMUSTER_LIMITS_H
#define CERTMUSTER_LIMITS_H

enum {
    CM_LIMIT_CERT_BYTES = 256 * 1024,    /* the largest DER we keep; real ones with thousands of SANs reach 100 KiB */
    CM_LIMIT_CHAIN_CERTS = 100,          /* certificates of one chain; OpenSSL's own default depth is 100 */
    CM_LIMIT_FLIGHT_BYTES = 1024 * 1024, /* handshake bytes read from one server before giving up */
    CM_LIMIT_SAN_NAMES = 20000,          /* names kept of one certificate */
    CM_LIMIT_NAME_BYTES = 8 * 1024,      /* one distinguished name in RFC 4514 form */
    CM_LIMIT_RECORD_BYTES = 2 * 1024 * 1024, /* one NDJSON line: a largest certificate in base64 with its names */
    CM_LIMIT_RECORD_DEPTH = 8,               /* nesting of a record; real ones use 4 */
    CM_LIMIT_RECORD_VALUES = 65536, /* members and elements: a request has up to 20,000 names; 300 bytes each at most */
    CM_LIMIT_SEGMENT_BYTES = 4 * 1024 * 1024,        /* a spool segment is closed at this size … */
    CM_LIMIT_SEGMENT_SECONDS = 5,                    /* … or this age */
    CM_LIMIT_SPOOL_RESERVE_BYTES = 64 * 1024 * 1024, /* past a full spool, for work that was under way when it filled */
    CM_LIMIT_BATCH_BYTES = 16 * 1024 * 1024, /* a batch after decompression: a segment and the certificates of a 409 */
    CM_LIMIT_FILE_BYTES = 32 * 1024 * 1024,  /* a file that crawl reads whole; larger ones are scanned in windows */
    CM_LIMIT_PASSWORDS = 1000,               /* lines of a password list: each costs a key derivation */
    CM_LIMIT_FILTER_BYTES = 4096,            /* a filter that somebody typed */
    CM_LIMIT_COVERED_PATHS = 1024, /* that one run says it has looked at: each is compared with all places of a host */
    CM_LIMIT_FILTER_TERMS = 32,    /* each is a condition that the database looks at per row */
    CM_LIMIT_TARGETS_PER_CIDR = 1 << 24, /* an IPv4 /8; IPv6 prefixes shorter than /104 are refused */
};

#endif
