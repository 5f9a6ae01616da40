/* The TLS handshake messages that a reader of certificates needs (RFC 8446 §4, RFC 5246 §7.4): bytes in, struct out.
 *
 * Each reader takes the message's body, without the four bytes of type and length. Slices lend from those bytes. On failure
 * *out is untouched. Nothing here knows where the bytes come from: a live connection or a capture. */
#ifndef SCANNER_TLS_MESSAGES_H
#define SCANNER_TLS_MESSAGES_H

#include <stdbool.h>

#include "certmuster/cursor.h"
#include "certmuster/limits.h"

enum tls_handshake_type {
    TLS_HELLO_REQUEST = 0,
    TLS_CLIENT_HELLO = 1,
    TLS_SERVER_HELLO = 2,
    TLS_NEW_SESSION_TICKET = 4,
    TLS_ENCRYPTED_EXTENSIONS = 8,
    TLS_CERTIFICATE = 11,
    TLS_SERVER_KEY_EXCHANGE = 12,
    TLS_CERTIFICATE_REQUEST = 13,
    TLS_SERVER_HELLO_DONE = 14,
    TLS_CERTIFICATE_VERIFY = 15,
    TLS_CLIENT_KEY_EXCHANGE = 16,
    TLS_CERTIFICATE_STATUS = 22,
    TLS_FINISHED = 20,
    TLS_COMPRESSED_CERTIFICATE = 25, /* RFC 8879 */
};

enum {
    TLS_VERSION_SSL3 = 0x0300,
    TLS_VERSION_1_0 = 0x0301,
    TLS_VERSION_1_1 = 0x0302,
    TLS_VERSION_1_2 = 0x0303,
    TLS_VERSION_1_3 = 0x0304,
};

struct tls_server_hello {
    uint16_t legacy_version; /* of the field itself, for JA3S */
    uint16_t version;        /* the negotiated one: supported_versions where it stands (RFC 8446 §4.2.1) */
    uint16_t cipher;
    uint16_t group;          /* of key_share; 0 without */
    bool retry;              /* a HelloRetryRequest (RFC 8446 §4.1.3) */
    struct slice random;     /* 32 bytes */
    struct slice session_id; /* echoed in 1.3 */
    struct slice share;      /* key_exchange of key_share; empty in a HelloRetryRequest and before 1.3 */
    struct slice cookie;     /* of a HelloRetryRequest (RFC 8446 §4.2.2) */
    struct slice alpn;       /* the protocol chosen; empty without; in 1.3 it is in EncryptedExtensions instead */
    struct slice scts;       /* SignedCertificateTimestampList; before 1.3 */
    struct slice extensions; /* the whole list, for JA3S */
};
CM_MUST_CHECK int tls_read_server_hello(struct slice body, struct tls_server_hello *out);

/* ClientHello (RFC 8446 §4.1.2), for whoever reads along; SSLv2-framed ones are not read here. Slices lend. Lists are raw: two bytes an
 * entry. */
struct tls_client_hello {
    uint16_t legacy_version;
    struct slice random, session_id;
    struct slice suites;        /* uint16 each */
    struct slice extensions;    /* the whole list */
    struct slice name;          /* the host_name of server_name; empty without. Hostile: any bytes */
    struct slice alpn;          /* ProtocolNameList without its length; each name behind one byte of length */
    struct slice groups;        /* supported_groups, uint16 each */
    struct slice point_formats; /* one byte each */
    struct slice signature_algorithms, supported_versions; /* uint16 each */
};
CM_MUST_CHECK int tls_read_client_hello(struct slice body, struct tls_client_hello *out);
/* RFC 8701: values that clients mix in to keep servers tolerant. */
bool tls_is_grease(uint16_t value);

/* The protocol chosen in EncryptedExtensions; empty without. */
CM_MUST_CHECK int tls_read_encrypted_extensions(struct slice body, struct slice *alpn);

struct tls_chain { /* as sent: order, duplicates and bytes that are no certificate included */
    struct slice certs[CM_LIMIT_CHAIN_CERTS];
    size_t count;
    struct slice staple, scts; /* of the leaf's entry, from 1.3 on: OCSPResponse, SignedCertificateTimestampList; empty
                                  without. A CertificateStatus that cannot be read is lent whole: a malformed staple */
};
/* Certificate of any version; version chooses the form (RFC 8446 §4.4.2 from 1.3 on). CM_ELIMIT past
 * CM_LIMIT_CHAIN_CERTS certificates, or for one above CM_LIMIT_CERT_BYTES. *out is only whole after 0. */
CM_MUST_CHECK int tls_read_certificate(struct slice body, uint16_t version, struct tls_chain *out);

/* Calls name for every DistinguishedName of a CertificateRequest, whole Name elements in DER as the server sent them, unread; for
 * none of a request that is damaged. */
typedef void (*tls_ca_name_fn)(struct slice name, void *context);
CM_MUST_CHECK int tls_read_certificate_request(struct slice body, uint16_t version, tls_ca_name_fn name, void *context);

/* CertificateStatus (RFC 6066 §8): the OCSPResponse; status_type ocsp_multi (RFC 6961) gives the leaf's, empty when it has none.
 * CM_EUNSUPPORTED for another type. */
CM_MUST_CHECK int tls_read_certificate_status(struct slice body, struct slice *ocsp);

/* CertificateVerify (RFC 8446 §4.4.3, and of TLS 1.2). */
CM_MUST_CHECK int tls_read_certificate_verify(struct slice body, uint16_t *scheme, struct slice *signature);

/* The named curve of a ServerKeyExchange (RFC 8422 §5.4), for suites that do ECDHE; 0 when it is explicit or old. */
CM_MUST_CHECK int tls_read_ecdhe_group(struct slice body, uint16_t *group);

#endif
