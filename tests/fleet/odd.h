/* The odd servers of `certmuster-fleet odd`: one table row each, one address each (see odd_rows*.c).
 *
 * Every connection has a thread of its own and blocking calls, so that a play reads from top to bottom like the conversation that it is.
 * Most rows are words of a small alphabet (odd_script.c: "<SCD" reads a ClientHello and answers ServerHello, Certificate, ServerHelloDone), the
 * others are OpenSSL behind memory BIOs whose output is cut anew on its way (odd_ssl.c), or plain text (odd_text.c). */
#ifndef CERTMUSTER_FLEET_ODD_H
#define CERTMUSTER_FLEET_ODD_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "certmuster/buf.h"
#include "certmuster/cursor.h"
#include "tests/fleet/pki.h"

enum odd_chain {
    ODD_CHAIN_PLAIN,       /* leaf, intermediate */
    ODD_CHAIN_NONE,        /* a Certificate message without certificates */
    ODD_CHAIN_GARBAGE,     /* leaf, bytes that are no DER */
    ODD_CHAIN_EMPTY_ENTRY, /* leaf, an entry of no bytes (RFC 5246 §7.4.2: at least one) */
    ODD_CHAIN_101,
    ODD_CHAIN_82K,
    ODD_CHAIN_164K,
    ODD_CHAIN_900K,
    ODD_CHAIN_OVER_1M,
    ODD_CHAIN_COUNT
};

enum odd_refuse { /* ClientHellos that a row does not bear; it plays `refusal` instead of `script` then */
                  REFUSE_NOTHING,
                  REFUSE_SUPPORTED_VERSIONS,
                  REFUSE_VERSION_12, /* legacy_version above TLS 1.1 */
                  REFUSE_EXTENSIONS,
                  REFUSE_STATUS_REQUEST,
                  REFUSE_ALPN,
                  REFUSE_OVER_255, /* a message above 255 bytes */
                  REFUSE_OTHER_NAME,
                  REFUSE_NO_GROUP, /* the row's group is not in supported_groups */
                  REFUSE_TLS,      /* all but a CLIENT-HELLO of SSL 2.0 */
};

enum odd_flag {
    ODD_SLOW = 1,            /* ends at the client's deadline; the manifest says "slow" */
    ODD_FLOOD = 2,           /* the manifest says "flood" */
    ODD_KNOWN_NAME = 4,      /* the manifest's last column has the host name, for --names */
    ODD_SEND_NAME = 8,       /* the manifest asks to send the host name as SNI */
    ODD_RSA = 16,            /* an RSA key; else P-256 */
    ODD_CLIENT_AUTH = 32,    /* ssl: a client certificate is required */
    ODD_COOKIE = 64,         /* ssl: HelloRetryRequest with a cookie, statelessly */
    ODD_OTHER_SESSION = 128, /* ServerHello: a session id that the client did not send */
    ODD_TRAILING = 256,      /* ServerHello: bytes behind the extensions */
    ODD_DUPLICATE = 512,     /* ServerHello: the first extension twice */
    ODD_LITERAL = 1024,      /* REFUSE_OTHER_NAME: the name is the server's own address */
    ODD_WRONG_NAME = 2048,   /* another name is known as well, and comes first */
};

enum odd_cut { /* how the bytes go out */
               CUT_NOT,
               CUT_BYTES,     /* each of the first 256 bytes a segment of its own, 1 ms apart */
               CUT_DRIP,      /* one byte per 150 ms */
               CUT_RECORDS_1, /* each record of handshake in clear as records of one byte */
               CUT_EMPTY,     /* an empty handshake record before each of handshake in clear */
};

struct odd_conn;
struct odd_row {
    const char *name;
    void (*play)(struct odd_conn *conn);
    const char *expect;   /* "ok", or the errors of a failure record, separated by "|" */
    const char *detail;   /* of the failure, a shell pattern; NULL: anything */
    const char *told;     /* members of tls, "version=TLSv1.2 scts=2"; NULL: nothing in particular */
    const char *attempts; /* the `what` of each, separated by commas; NULL: none */
    unsigned flags;
    enum odd_cut cut;
    /* script */
    const char *script, *refusal;
    enum odd_refuse refuse;
    uint16_t version, suite, group;
    uint8_t alert;
    enum odd_chain chain;
    size_t fragment; /* handshake bytes in a record; 0: as many as fit */
    size_t cookie;   /* bytes of cookie in a HelloRetryRequest */
    /* script and ssl */
    unsigned ca_names, scts;
    const char *alpn;
    const char *staple; /* "good", "malformed" */
    /* ssl */
    int min_version, max_version;
    const char *ciphers, *suites, *groups;
    /* text */
    const char *text;
    size_t text_size;
};
/* Every row has its number: an address is the base plus that, so rows are found by name, not by address. */
size_t odd_row_count(void);
const struct odd_row *odd_row(size_t number);
/* The tables: odd_rows.c (written as words), odd_rows_ssl.c, odd_rows_text.c (alerts, floods and what is no TLS). */
struct odd_table {
    const struct odd_row *rows;
    size_t count;
};
extern const struct odd_table odd_table_script, odd_table_ssl, odd_table_text;

struct odd_cert {
    uint8_t *der;
    size_t size;
};
struct odd_place { /* one row, ready to be played */
    const struct odd_row *row;
    char host[64];                /* "sni-alert.odd.example" */
    EVP_PKEY *key;                /* lends */
    EVP_PKEY *false_key;          /* one that is not the leaf's; lends */
    X509 *leaf, *intermediate;    /* the second lends */
    const struct odd_cert *certs; /* as sent */
    size_t cert_count;
    struct buf staple;
    SSL_CTX *context;
};

struct odd_hello { /* a ClientHello; lends from conn->hello_bytes */
    bool sslv2;
    uint16_t version;
    unsigned extensions;
    bool status_request, alpn;
    struct slice message, random, session_id, name, groups, versions, shares;
};

enum odd_end { ODD_CLOSE, ODD_RESET };
struct odd_conn {
    struct odd_conn *before, *after;
    int fd;
    const struct odd_place *place;
    char ip[16]; /* the address that was asked */
    struct buf in, hello_bytes;
    struct odd_hello hello;
    enum odd_end end;
};

/* --- odd_wire.c: the connection. false: the peer is gone, or nothing came for long: the play returns then. ------------------------ */
bool odd_fill(struct odd_conn *conn);       /* more bytes into conn->in */
bool odd_read_hello(struct odd_conn *conn); /* the next ClientHello, of whatever kind, into conn->hello */
bool odd_send(struct odd_conn *conn, const void *bytes, size_t size);
bool odd_send_cut(struct odd_conn *conn, const struct buf *records, enum odd_cut cut);
bool odd_pause(struct odd_conn *conn, int ms);
void odd_hold(struct odd_conn *conn); /* until the peer ends */
void odd_put(struct buf *out, uint64_t value, unsigned octets);
/* Opens a vector with a length of that many octets; odd_close_vector fills it in. */
size_t odd_open_vector(struct buf *out, unsigned octets);
void odd_close_vector(struct buf *out, size_t at, unsigned octets);
void odd_put_record(struct buf *out, uint8_t type, uint16_t version, struct slice fragment);

/* --- odd_messages.c: handshake messages with their headers ------------------------------------------------------------------------- */
void odd_put_server_hello(struct buf *out, const struct odd_conn *conn, bool retry, struct slice share);
void odd_put_certificate(struct buf *out, const struct odd_place *place);
void odd_put_status(struct buf *out, const struct odd_place *place);
void odd_put_request(struct buf *out, const struct odd_row *row);
void odd_put_encrypted_extensions(struct buf *out, const struct odd_row *row);
/* ServerKeyExchange of ECDHE, signed by key, or (key NULL) of anonymous DH. */
void odd_put_key_exchange(struct buf *out, const struct odd_conn *conn, EVP_PKEY *key);
void odd_put_sslv2_hello(struct buf *out, const struct odd_place *place);
extern const uint8_t odd_random[32]; /* of every ServerHello */

/* --- odd_tls13.c: the key schedule of TLS_AES_128_GCM_SHA256 with x25519 ---------------------------------------------------------------- */
struct odd_keys {
    bool ready;
    uint64_t sequence;
    uint8_t key[16], iv[12];
};
/* Our share, and the secret with the peer's. false: the hello has no x25519 share. */
bool odd_agree(const struct odd_hello *hello, uint8_t share[static 32], uint8_t secret[static 32]);
void odd_derive(struct odd_keys *keys, const uint8_t secret[static 32], const struct buf *transcript);
/* One TLSCiphertext; broken: its tag does not fit. */
void odd_seal(struct odd_keys *keys, uint8_t type, struct slice plain, bool broken, struct buf *out);
void odd_put_certificate_verify(struct buf *out, const struct buf *transcript, EVP_PKEY *key);
void odd_hash(struct slice bytes, uint8_t out[static 32]);

/* --- plays ------------------------------------------------------------------------------------------------------------------------- */
void odd_script(struct odd_conn *conn);
void odd_ssl(struct odd_conn *conn);
void odd_text_first(struct odd_conn *conn); /* speaks before it is spoken to */
void odd_text_after(struct odd_conn *conn); /* answers whatever comes */
void odd_noise(struct odd_conn *conn);      /* 16 KB of it, first */
void odd_noise_flood(struct odd_conn *conn);
void odd_text_flood(struct odd_conn *conn); /* the text again and again, first */
SSL_CTX *odd_context(const struct odd_place *place);

/* --- odd_pki.c --------------------------------------------------------------------------------------------------------------------- */
struct store;
struct odd_fillers; /* large certificates that several rows share */
void odd_fill_place(struct store *store, struct odd_fillers **fillers, const struct odd_row *row,
                    struct odd_place *out);
void odd_free_place(struct odd_place *place);
void odd_free_fillers(struct odd_fillers *fillers);

#endif
