/* Odd servers with OpenSSL's own handshakes (see odd_ssl.c): every version, suite and group alone, client certificates, cookies, cuts. */
#include "tests/fleet/odd.h"

#define OK                .expect = "ok"
#define FAILS(error, why) .expect = error, .detail = why
#define SERVES(from, to)  .play = odd_ssl, .min_version = from, .max_version = to
#define TLS10             SERVES(0x0301, 0x0301)
#define TLS11             SERVES(0x0302, 0x0302)
#define TLS12             SERVES(0x0303, 0x0303)
#define TLS13             SERVES(0x0304, 0x0304)
#define BOTH              SERVES(0x0303, 0x0304)
#define CIPHERS(list)     .ciphers = list ":@SECLEVEL=0"
#define RSA               .flags = ODD_RSA
#define RSA_SUITE(label, list, suite)                                                                                  \
    {                                                                                                                  \
        label, OK, TLS12, CIPHERS(list), RSA, .told = "version=TLSv1.2 cipher=" suite                                  \
    }
#define SUITE13(label, suite)                                                                                          \
    {                                                                                                                  \
        label, OK, TLS13, .suites = suite, .told = "version=TLSv1.3 group=x25519 cipher=" suite                        \
    }
#define GROUP(label, list, group)                                                                                      \
    {                                                                                                                  \
        label, OK, TLS13, .groups = list, .told = "version=TLSv1.3 group=" group                                       \
    }
#define WIDE .attempts = "tls" /* the first hello offers none of these */

static const struct odd_row rows[] = {
    {"tls10-only", OK, TLS10, RSA, .told = "version=TLSv1.0"},
    {"tls11-only", OK, TLS11, RSA, .told = "version=TLSv1.1"},
    {"tls12-only", OK, TLS12, RSA, .told = "version=TLSv1.2"},
    {"tls13-only", OK, TLS13, .told = "version=TLSv1.3 group=x25519 client_auth=False"},
    {"tls10-to-13", OK, SERVES(0x0301, 0x0304), .told = "version=TLSv1.3"},

    SUITE13("tls13-aes128-gcm", "TLS_AES_128_GCM_SHA256"),
    SUITE13("tls13-aes256-gcm", "TLS_AES_256_GCM_SHA384"),
    SUITE13("tls13-chacha20", "TLS_CHACHA20_POLY1305_SHA256"),
    SUITE13("tls13-aes128-ccm", "TLS_AES_128_CCM_SHA256"),
    SUITE13("tls13-aes128-ccm-8", "TLS_AES_128_CCM_8_SHA256"),

    GROUP("retry-p256", "P-256", "secp256r1"),
    GROUP("retry-p384", "P-384", "secp384r1"),
    GROUP("retry-p521", "P-521", "secp521r1"),
    GROUP("retry-x448", "X448", "x448"),
    GROUP("retry-ffdhe2048", "ffdhe2048", "ffdhe2048"),
    GROUP("retry-ffdhe3072", "ffdhe3072", "ffdhe3072"),
    GROUP("retry-ffdhe4096", "ffdhe4096", "ffdhe4096"),
    GROUP("retry-ffdhe6144", "ffdhe6144", "ffdhe6144"),
    GROUP("retry-ffdhe8192", "ffdhe8192", "ffdhe8192"),
    {"retry-aes256", OK, TLS13, .groups = "P-384", .suites = "TLS_AES_256_GCM_SHA384",
     .told = "group=secp384r1 cipher=TLS_AES_256_GCM_SHA384"},
    {"retry-cookie-only", OK, TLS13, .flags = ODD_COOKIE, .told = "version=TLSv1.3 group=x25519"},
    {"retry-cookie-and-group", OK, TLS13, .flags = ODD_COOKIE, .groups = "P-256",
     .told = "version=TLSv1.3 group=secp256r1"},
    {"retry-bytes-apart", OK, TLS13, .groups = "P-521", .cut = CUT_BYTES, .told = "group=secp521r1"},
    {"retry-one-byte-records", OK, TLS13, .groups = "P-521", .cut = CUT_RECORDS_1, .told = "group=secp521r1"},
    {"retry-client-certificate", OK, TLS13, .groups = "P-384", .flags = ODD_CLIENT_AUTH, .ca_names = 2,
     .told = "client_auth=True client_ca=2"},

    {"real-bytes-apart", OK, BOTH, .cut = CUT_BYTES, .told = "version=TLSv1.3"},
    {"real-one-byte-records-tls12", OK, TLS12, .cut = CUT_RECORDS_1, .told = "version=TLSv1.2"},
    {"real-one-byte-records-tls13", OK, TLS13, .cut = CUT_RECORDS_1, .told = "version=TLSv1.3"},
    {"real-empty-records-tls12", OK, TLS12, .cut = CUT_EMPTY},
    {"real-empty-records-tls13", OK, TLS13, .cut = CUT_EMPTY},
    {"real-drip", FAILS("timeout", NULL), BOTH, .cut = CUT_DRIP, .flags = ODD_SLOW},

    {"client-certificate-tls12", OK, TLS12, .flags = ODD_CLIENT_AUTH, .ca_names = 5,
     .told = "version=TLSv1.2 client_auth=True client_ca=5"},
    {"client-certificate-tls13", OK, TLS13, .flags = ODD_CLIENT_AUTH, .ca_names = 5,
     .told = "version=TLSv1.3 client_auth=True client_ca=5"},
    {"client-certificate-any-ca", OK, TLS12, .flags = ODD_CLIENT_AUTH, .told = "client_auth=True client_ca=0"},
    {"client-certificate-not", OK, TLS12, .told = "client_auth=False"},
    {"real-staple-tls12", OK, TLS12, .staple = "good", .told = "staple=good"},
    {"real-staple-tls13", OK, TLS13, .staple = "good", .told = "staple=good"},
    {"real-staple-malformed", OK, TLS13, .staple = "malformed", .told = "staple=malformed"},
    {"real-scts-tls12", OK, TLS12, .scts = 4, .told = "scts=4"},
    {"real-scts-tls13", OK, TLS13, .scts = 4, .told = "scts=4"},
    {"real-alpn-tls12", OK, TLS12, .alpn = "h2", .told = "alpn=h2"},
    {"real-alpn-tls13", OK, TLS13, .alpn = "http/1.1", .told = "alpn=http/1.1"},
    {"real-alpn-other", OK, BOTH, .alpn = "imap", .attempts = "tls"},
    {"real-chain-164k", OK, TLS13, .chain = ODD_CHAIN_164K},

    RSA_SUITE("suite-rsa-aes128-cbc", "AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"),
    RSA_SUITE("suite-rsa-aes256-ccm-8", "AES256-CCM8", "TLS_RSA_WITH_AES_256_CCM_8"),
    RSA_SUITE("suite-rsa-camellia", "CAMELLIA256-SHA", "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA"),
    RSA_SUITE("suite-dhe-camellia", "DHE-RSA-CAMELLIA256-SHA", "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA"),
    RSA_SUITE("suite-ecdhe-camellia", "ECDHE-RSA-CAMELLIA256-SHA384", "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384"),
    RSA_SUITE("suite-dhe-aes256-gcm", "DHE-RSA-AES256-GCM-SHA384", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    RSA_SUITE("suite-aria-gcm", "ECDHE-ARIA256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384"),
    RSA_SUITE("suite-rsa-aria", "ARIA128-GCM-SHA256", "TLS_RSA_WITH_ARIA_128_GCM_SHA256"),
    RSA_SUITE("suite-null-sha256", "NULL-SHA256", "TLS_RSA_WITH_NULL_SHA256"),
    RSA_SUITE("suite-null-md5", "NULL-MD5", "TLS_RSA_WITH_NULL_MD5"),
    RSA_SUITE("suite-ecdhe-null", "ECDHE-RSA-NULL-SHA", "TLS_ECDHE_RSA_WITH_NULL_SHA"),
    RSA_SUITE("suite-chacha20", "ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),

    {"anonymous-dh", FAILS("no_certificate", NULL), TLS12, CIPHERS("ADH-AES128-SHA"), RSA,
     .told = "cipher=TLS_DH_anon_WITH_AES_128_CBC_SHA", WIDE},
    {"anonymous-ecdh", FAILS("no_certificate", NULL), TLS12, CIPHERS("AECDH-AES128-SHA"),
     .told = "cipher=TLS_ECDH_anon_WITH_AES_128_CBC_SHA", WIDE},
    {"psk-only", FAILS("no_certificate", NULL), TLS12, CIPHERS("PSK-AES128-CBC-SHA"),
     .told = "cipher=TLS_PSK_WITH_AES_128_CBC_SHA", WIDE},
    {"psk-ecdhe-only", FAILS("no_certificate", NULL), TLS12, CIPHERS("ECDHE-PSK-AES128-CBC-SHA"), WIDE},
};
const struct odd_table odd_table_ssl = {rows, sizeof rows / sizeof *rows};
