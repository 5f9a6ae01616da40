/* Odd servers written as words (see odd_script.c for the alphabet): what is wrong, late, early, too much or too little in a flight.
 *
 * The last columns say what a scanner should tell: result, pattern of the detail, members of tls, attempts. A server that says something wrong
 * before its ServerHello is readable says it to every rung of the ladder. */
#include "tests/fleet/odd.h"

#define OK                  .expect = "ok"
#define FAILS(error, why)   .expect = error, .detail = why
#define PLAYS(ver, s, word) .play = odd_script, .version = ver, .suite = s, .script = word
#define SSL3(word)          PLAYS(0x0300, 0x0005, word), .flags = ODD_RSA /* SSL_RSA_WITH_RC4_128_SHA */
#define TLS10(word)         PLAYS(0x0301, 0xc009, word)                   /* ECDHE-ECDSA-AES128-SHA */
#define TLS11(word)         PLAYS(0x0302, 0xc009, word)
#define TLS12(word)         PLAYS(0x0303, 0xc02b, word) /* ECDHE-ECDSA-AES128-GCM-SHA256 */
#define TLS13(word)         PLAYS(0x0304, 0x1301, word) /* AES-128-GCM-SHA256 */
#define RETRY(g, word)      TLS13(word), .group = g
#define TRIES(list)         .attempts = list
#define LADDER_WORDS        TRIES("tls1.2,tls1.0-plain,sslv2")
#define TOLD(members)       .told = members

static const struct odd_row rows[] = {
    /* Old protocols, canned: up to Certificate nothing needs cryptography. */
    {"canned-tls12", OK, TLS12("<S,C,K,D~"),
     TOLD("version=TLSv1.2 group=secp256r1 cipher=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")},
    {"canned-tls13", OK, TLS13("<SVECYF~"), TOLD("version=TLSv1.3 group=x25519 cipher=TLS_AES_128_GCM_SHA256")},
    {"ssl3-only", OK, SSL3("<SCD~"), TOLD("version=SSLv3")},
    {"ssl3-refuses-others", OK, SSL3("<SCD~"), .refuse = REFUSE_EXTENSIONS, .refusal = "!", TOLD("version=SSLv3"),
     TRIES("tls,tls1.2")},
    {"tls10-canned", OK, TLS10("<SCKD~"), TOLD("version=TLSv1.0")},
    {"tls11-canned", OK, TLS11("<SCKD~"), TOLD("version=TLSv1.1")},
    {"rc4-suite", OK, PLAYS(0x0303, 0x0005, "<SCD~"), TOLD("cipher=TLS_RSA_WITH_RC4_128_SHA")},
    {"3des-suite", OK, PLAYS(0x0303, 0x000a, "<SCD~"), TOLD("cipher=TLS_RSA_WITH_3DES_EDE_CBC_SHA")},
    {"export-suite", OK, PLAYS(0x0301, 0x0003, "<SCD~"), TOLD("cipher=TLS_RSA_EXPORT_WITH_RC4_40_MD5")},
    {"sslv2-only-closes", OK, PLAYS(2, 0, "<2~"), .refuse = REFUSE_TLS, .refusal = ".", TOLD("version=SSLv2"),
     TRIES("tls,tls1.2,tls1.0-plain")},
    {"sslv2-only-resets", OK, PLAYS(2, 0, "<2~"), .refuse = REFUSE_TLS, .refusal = "!", TOLD("version=SSLv2"),
     TRIES("tls,tls1.2,tls1.0-plain")},
    {"sslv2-only-error", OK, PLAYS(2, 0, "<2~"), .refuse = REFUSE_TLS, .refusal = "3.", TOLD("version=SSLv2"),
     TRIES("tls")},
    {"sslv2-byte-by-byte", OK, PLAYS(2, 0, "<2~"), .refuse = REFUSE_TLS, .refusal = "3.", .cut = CUT_BYTES,
     TOLD("version=SSLv2"), TRIES("tls")},
    {"sslv2-error-to-all", FAILS("not_tls", "SSLv2: *"), PLAYS(2, 0, "<3."), TRIES("sslv2")},

    /* Cuts: the same flight in other portions. */
    {"bytes-apart-tls12", OK, TLS12("<SCKD~"), .cut = CUT_BYTES, TOLD("version=TLSv1.2")},
    {"bytes-apart-tls13", OK, TLS13("<SVECYF~"), .cut = CUT_BYTES, TOLD("version=TLSv1.3")},
    {"one-byte-records-tls12", OK, TLS12("<SCKD~"), .fragment = 1, TOLD("version=TLSv1.2")},
    {"one-byte-records-tls13", OK, TLS13("<SVECYF~"), .fragment = 1, TOLD("version=TLSv1.3")},
    {"seven-byte-records", OK, TLS12("<SCKD~"), .fragment = 7},
    {"one-record", OK, TLS12("<SCKD~")},
    {"hello-and-certificate-share-a-record", OK, TLS12("<SC,KD~")},
    {"drip-tls12", FAILS("timeout", NULL), TLS12("<SCKD~"), .cut = CUT_DRIP, .flags = ODD_SLOW},
    {"drip-tls13", FAILS("timeout", NULL), TLS13("<SVECYF~"), .cut = CUT_DRIP, .flags = ODD_SLOW},
    {"empty-records-tls12", OK, TLS12("<ZS,ZC,ZZK,ZD~")},
    {"empty-record-first-tls13", OK, TLS13("<ZSVECYF~")},
    {"empty-application-data", OK, TLS12("<S,zC,D~")},
    {"ccs-before-hello", OK, TLS12("<VS,C,D~")},
    /* What a resumed session looks like. */
    {"ccs-after-hello", FAILS("protocol", "ChangeCipherSpec*"), TLS12("<S,VC,D~"), TOLD("version=TLSv1.2")},
    {"ccs-many-tls13", OK, TLS13("<SVVVECYF~")},
    {"ccs-before-hello-tls13", OK, TLS13("<VSVECYF~")},

    /* Sizes. */
    {"chain-82k-tls12", OK, TLS12("<SCKD~"), .chain = ODD_CHAIN_82K},
    {"chain-82k-tls13", OK, TLS13("<SVECYF~"), .chain = ODD_CHAIN_82K},
    {"chain-164k-tls12", OK, TLS12("<SCKD~"), .chain = ODD_CHAIN_164K},
    {"chain-164k-tls13", OK, TLS13("<SVECYF~"), .chain = ODD_CHAIN_164K},
    {"chain-900k-tls12", OK, TLS12("<SCKD~"), .chain = ODD_CHAIN_900K},
    {"chain-900k-tls13", OK, TLS13("<SVECYF~"), .chain = ODD_CHAIN_900K},
    {"chain-over-1m-tls12", FAILS("too_large", "*1048576*"), TLS12("<SCKD~"), .chain = ODD_CHAIN_OVER_1M,
     TOLD("version=TLSv1.2")},
    {"chain-over-1m-tls13", FAILS("too_large", "*1048576*"), TLS13("<SVECYF~"), .chain = ODD_CHAIN_OVER_1M,
     TOLD("version=TLSv1.3")},
    {"chain-of-101", FAILS("too_large", "*100*"), TLS12("<SCKD~"), .chain = ODD_CHAIN_101},
    {"certificate-16m-announced", FAILS("too_large", "*1048576*"), TLS12("<S,B0~"), TOLD("version=TLSv1.2")},
    {"ca-names-1000-tls12", OK, TLS12("<S,C,K,RD~"), .ca_names = 1000,
     TOLD("version=TLSv1.2 client_auth=True client_ca=100")},
    {"ca-names-1000-tls13", OK, TLS13("<SVERCYF~"), .ca_names = 1000,
     TOLD("version=TLSv1.3 client_auth=True client_ca=100")},

    /* Certificates that are none, or stop short. */
    {"certificate-empty-tls12", FAILS("no_certificate", NULL), TLS12("<S,C,D~"), .chain = ODD_CHAIN_NONE},
    {"certificate-empty-tls13", FAILS("no_certificate", NULL), TLS13("<SVECYF~"), .chain = ODD_CHAIN_NONE},
    {"certificate-missing", FAILS("no_certificate|protocol", NULL), TLS12("<S,D~")},
    {"certificate-garbage", OK, TLS12("<S,C,D~"), .chain = ODD_CHAIN_GARBAGE},
    {"certificate-garbage-tls13", OK, TLS13("<SVECYF~"), .chain = ODD_CHAIN_GARBAGE},
    {"certificate-empty-entry", FAILS("protocol", NULL), TLS12("<S,C,D~"), .chain = ODD_CHAIN_EMPTY_ENTRY},
    {"certificate-then-silence", OK, TLS12("<SC~"), TOLD("version=TLSv1.2")},
    {"certificate-then-silence-tls13", OK, TLS13("<SVEC~"), TOLD("version=TLSv1.3 client_auth=False")},
    {"certificate-then-reset", OK, TLS12("<SC-!")},
    {"certificate-then-close", OK, TLS12("<SC.")},
    {"certificate-then-alert", OK, TLS12("<SCKRDA."), .alert = 40, .ca_names = 3, TOLD("client_auth=True client_ca=3")},
    {"certificate-then-drip", OK, TLS12("<SC,@Q-")},
    {"hello-then-silence", FAILS("timeout", NULL), TLS12("<S~"), .flags = ODD_SLOW, TOLD("version=TLSv1.2")},
    {"hello-then-reset", FAILS("reset", NULL), TLS12("<S-!"), TOLD("version=TLSv1.2")},
    {"hello-then-close", FAILS("closed", NULL), TLS12("<S."), TOLD("version=TLSv1.2")},
    {"hello-then-close-tls13", FAILS("closed", NULL), TLS13("<SV."), TOLD("version=TLSv1.3")},
    {"half-a-hello-then-reset", FAILS("reset", NULL), TLS12("<h-!"), LADDER_WORDS},
    {"half-a-hello-then-close", FAILS("closed", NULL), TLS12("<h."), LADDER_WORDS},
    {"half-a-certificate-then-close", FAILS("closed", NULL), TLS12("<S,b0."), TOLD("version=TLSv1.2")},
    {"reset-at-once", FAILS("reset", NULL), TLS12("!"), TRIES("*")},
    {"close-at-once", FAILS("closed", NULL), TLS12("."), LADDER_WORDS},
    {"reset-after-hello", FAILS("reset", NULL), TLS12("<!"), LADDER_WORDS},
    {"close-after-hello", FAILS("closed", NULL), TLS12("<."), LADDER_WORDS},

    /* HelloRetryRequest, those that are not by the book (the others are in odd_rows_ssl.c). */
    {"retry-twice", FAILS("protocol", NULL), RETRY(23, "<H<H~"), LADDER_WORDS},
    {"retry-group-not-offered", FAILS("protocol", NULL), RETRY(0x4a4a, "<H<SVECYF~"), LADDER_WORDS},
    {"retry-group-already-shared", FAILS("protocol", NULL), RETRY(29, "<H<SVECYF~"), LADDER_WORDS},
    {"retry-for-nothing", FAILS("protocol", NULL), RETRY(0, "<H<SVECYF~"), LADDER_WORDS},
    {"retry-then-silence", FAILS("timeout", NULL), RETRY(24, "<H<~"), .flags = ODD_SLOW},
    {"retry-then-close", FAILS("closed", NULL), RETRY(24, "<H<."), TRIES("*")},
    {"retry-cookie-4k", OK, RETRY(0, "<H<SVECYF~"), .cookie = 4000, TOLD("version=TLSv1.3 group=x25519")},
    {"retry-cookie-60k", OK, RETRY(0, "<H<SVECYF~"), .cookie = 60000, TOLD("version=TLSv1.3")},
    {"retry-byte-by-byte", OK, RETRY(0, "<H,<SVECYF~"), .cookie = 32, .cut = CUT_BYTES, TOLD("version=TLSv1.3")},
    {"mlkem-p256-only", FAILS("unsupported", "*SecP256r1MLKEM768*"), RETRY(0x11eb, "<H<~"), .refuse = REFUSE_NO_GROUP,
     .refusal = "A.", .alert = 40, TOLD("version=TLSv1.3 group=SecP256r1MLKEM768"), TRIES("tls,tls1.2,tls1.0-plain")},
    {"mlkem-p384-only", FAILS("unsupported", "*SecP384r1MLKEM1024*"), RETRY(0x11ed, "<H<~"), .refuse = REFUSE_NO_GROUP,
     .refusal = "A.", .alert = 71, TOLD("version=TLSv1.3 group=SecP384r1MLKEM1024"), TRIES("tls,tls1.2,tls1.0-plain")},
    {"mlkem-only", FAILS("unsupported", "*X25519MLKEM768*"), RETRY(0x11ec, "<H<~"), .refuse = REFUSE_NO_GROUP,
     .refusal = "A.", .alert = 40, TOLD("version=TLSv1.3 group=X25519MLKEM768"), TRIES("tls,tls1.2,tls1.0-plain")},

    /* ServerHellos that make no sense. */
    {"version-not-offered", FAILS("protocol", NULL), PLAYS(0x0305, 0x1301, "<S~"), LADDER_WORDS},
    {"version-99", FAILS("protocol", NULL), PLAYS(0x6363, 0xc02b, "<SCD~"), LADDER_WORDS},
    {"suite-not-offered", OK, PLAYS(0x0303, 0x1a1a, "<SCD~")},
    {"suite-not-offered-tls13", FAILS("protocol", NULL), PLAYS(0x0304, 0x13ff, "<SVECYF~")},
    {"session-id-wrong-tls13", OK, TLS13("<SVECYF~"), .flags = ODD_OTHER_SESSION},
    {"session-id-long-tls12", OK, TLS12("<SCD~"), .flags = ODD_OTHER_SESSION},
    {"hello-trailing-bytes", FAILS("protocol", NULL), TLS12("<SCD~"), .flags = ODD_TRAILING, LADDER_WORDS},
    {"hello-duplicate-extension", OK, TLS12("<SCD~"), .flags = ODD_DUPLICATE},
    {"hello-duplicate-extension-tls13", FAILS("protocol", NULL), TLS13("<SVECYF~"), .flags = ODD_DUPLICATE,
     LADDER_WORDS},
    {"hello-twice", FAILS("protocol", NULL), TLS12("<S,SC,D~")},
    {"unknown-message-first", OK, TLS12("<US,C,D~")},
    {"certificate-first", FAILS("protocol", NULL), TLS12("<C,S,D~"), LADDER_WORDS},
    {"record-too-long", FAILS("protocol", NULL), TLS12("<O~"), LADDER_WORDS},
    {"hello-request-first", OK, TLS12("<QS,C,D~")},
    {"garbage-data-first", FAILS("protocol", NULL), TLS12("<gS,C,D~"), LADDER_WORDS},
    {"renewed-certificate", OK, TLS12("<S,C,C,D~")},

    /* TLS 1.3 under its keys. */
    {"record-not-decrypting", FAILS("protocol", NULL), TLS13("<SVX~"), TOLD("version=TLSv1.3")},
    {"record-of-padding-only", FAILS("protocol", NULL), TLS13("<SVP~"), TOLD("version=TLSv1.3")},
    {"garbage-under-keys", FAILS("protocol", NULL), TLS13("<SVg~"), TOLD("version=TLSv1.3")},
    {"alert-encrypted", FAILS("alert", "access_denied"), TLS13("<SVa~"), .alert = 49, TOLD("version=TLSv1.3")},
    {"alert-encrypted-after-extensions", FAILS("alert", "internal_error"), TLS13("<SVEa~"), .alert = 80},
    {"alert-in-clear-after-hello", FAILS("alert", "access_denied"), TLS13("<SVA~"), .alert = 49,
     TOLD("version=TLSv1.3")},
    {"certificate-before-extensions", OK, TLS13("<SVCEF~")},
    {"handshake-in-clear-after-hello", FAILS("protocol", NULL), TLS13("<S,VZ~")},

    /* What the flight shows. */
    {"staple-good-tls12", OK, TLS12("<S,C,T,K,D~"), .staple = "good", TOLD("staple=good")},
    {"staple-malformed-tls12", OK, TLS12("<S,C,T,K,D~"), .staple = "malformed", TOLD("staple=malformed")},
    {"staple-promised-not-sent", OK, TLS12("<S,C,K,D~"), .staple = "good"},
    {"staple-good-tls13", OK, TLS13("<SVECYF~"), .staple = "good", TOLD("staple=good")},
    {"staple-malformed-tls13", OK, TLS13("<SVECYF~"), .staple = "malformed", TOLD("staple=malformed")},
    {"scts-tls12", OK, TLS12("<SCKD~"), .scts = 3, TOLD("scts=3")},
    {"scts-tls13", OK, TLS13("<SVECYF~"), .scts = 2, TOLD("scts=2")},
    {"alpn-tls12", OK, TLS12("<SCKD~"), .alpn = "h2", TOLD("alpn=h2")},
    {"alpn-tls13", OK, TLS13("<SVECYF~"), .alpn = "http/1.1", TOLD("alpn=http/1.1")},
    {"alpn-hostile", OK, TLS13("<SVECYF~"), .alpn = "\x1b[2J\"<&>"},

    /* --prove: the signature is another key's. */
    {"false-key-tls12", OK, TLS12("<S,C,k,D~"), TOLD("proof=bad")},
    {"false-key-tls13", OK, TLS13("<SVECyF~"), TOLD("proof=bad")},
    {"true-key-tls12", OK, TLS12("<S,C,K,D~"), TOLD("proof=good")},
    {"true-key-tls13", OK, TLS13("<SVECYF~"), TOLD("proof=good")},
    {"no-proof-tls12", OK, PLAYS(0x0303, 0x009c, "<S,C,D~"), TOLD("proof=unavailable")},
    {"no-proof-silence-tls13", OK, TLS13("<SVEC~"), TOLD("proof=unavailable")},

    /* Versions and extensions that are not borne. */
    {"intolerant-tls13-closes", OK, TLS12("<SCKD~"), .refuse = REFUSE_SUPPORTED_VERSIONS, .refusal = ".",
     TOLD("version=TLSv1.2"), TRIES("tls")},
    {"intolerant-tls13-alerts", OK, TLS12("<SCKD~"), .refuse = REFUSE_SUPPORTED_VERSIONS, .refusal = "A.", .alert = 70,
     TRIES("tls")},
    {"intolerant-tls13-hangs", FAILS("timeout", NULL), TLS12("<SCKD~"), .refuse = REFUSE_SUPPORTED_VERSIONS,
     .refusal = "~", .flags = ODD_SLOW},
    {"intolerant-tls12-resets", OK, TLS10("<SCKD~"), .refuse = REFUSE_VERSION_12, .refusal = "!",
     TOLD("version=TLSv1.0"), TRIES("tls,tls1.2")},
    {"intolerant-tls12-alerts", OK, TLS10("<SCKD~"), .refuse = REFUSE_VERSION_12, .refusal = "A.", .alert = 70,
     TRIES("tls,tls1.2")},
    {"intolerant-tls12-closes", OK, TLS10("<SCKD~"), .refuse = REFUSE_VERSION_12, .refusal = ".", TRIES("tls,tls1.2")},
    {"intolerant-extensions-alerts", OK, TLS10("<SCKD~"), .refuse = REFUSE_EXTENSIONS, .refusal = "A.", .alert = 50,
     TRIES("tls,tls1.2")},
    {"intolerant-extensions-closes", OK, TLS10("<SCKD~"), .refuse = REFUSE_EXTENSIONS, .refusal = ".",
     TRIES("tls,tls1.2")},
    {"intolerant-extensions-resets", OK, TLS10("<SCKD~"), .refuse = REFUSE_EXTENSIONS, .refusal = "!",
     TRIES("tls,tls1.2")},
    {"intolerant-status-request", OK, TLS12("<SCKD~"), .refuse = REFUSE_STATUS_REQUEST, .refusal = "A.", .alert = 80,
     TRIES("tls")},
    {"intolerant-status-request-closes", OK, TLS12("<SCKD~"), .refuse = REFUSE_STATUS_REQUEST, .refusal = ".",
     TRIES("tls")},
    {"intolerant-alpn", OK, TLS12("<SCKD~"), .refuse = REFUSE_ALPN, .refusal = "A.", .alert = 120, TRIES("tls")},
    {"intolerant-over-255-bytes", OK, TLS10("<SCKD~"), .refuse = REFUSE_OVER_255, .refusal = "!", TRIES("*")},

    /* Names. The address is all that is known of the target, but for rows with a known name. */
    {"sni-alert", FAILS("alert", "unrecognized_name"), TLS12("<SCKD~"), .refuse = REFUSE_OTHER_NAME, .refusal = "A.",
     .alert = 112},
    {"sni-warning-then-close", FAILS("alert", "unrecognized_name"), TLS12("<W."), .alert = 112},
    {"sni-alert-known", OK, TLS12("<SCKD~"), .refuse = REFUSE_OTHER_NAME, .refusal = "A.", .alert = 112,
     .flags = ODD_KNOWN_NAME, TRIES("sni-none")},
    {"sni-alert-known-tls13", OK, TLS13("<SVECYF~"), .refuse = REFUSE_OTHER_NAME, .refusal = "A.", .alert = 112,
     .flags = ODD_KNOWN_NAME, TRIES("sni-none")},
    {"sni-failure-known", OK, TLS12("<SCKD~"), .refuse = REFUSE_OTHER_NAME, .refusal = "A.", .alert = 40,
     .flags = ODD_KNOWN_NAME, TRIES("sni-none")},
    {"sni-denied-known", OK, TLS12("<SCKD~"), .refuse = REFUSE_OTHER_NAME, .refusal = "A.", .alert = 49,
     .flags = ODD_KNOWN_NAME, TRIES("sni-none")},
    {"sni-close-known", OK, TLS12("<SCKD~"), .refuse = REFUSE_OTHER_NAME, .refusal = ".", .flags = ODD_KNOWN_NAME,
     TRIES("sni-none")},
    {"sni-reset-known", OK, TLS12("<SCKD~"), .refuse = REFUSE_OTHER_NAME, .refusal = "!", .flags = ODD_KNOWN_NAME,
     TRIES("sni-none")},
    {"sni-second-known", OK, TLS12("<SCKD~"), .refuse = REFUSE_OTHER_NAME, .refusal = "A.", .alert = 112,
     .flags = ODD_KNOWN_NAME | ODD_WRONG_NAME, TRIES("sni-none,sni")},
    {"sni-given", OK, TLS12("<SCKD~"), .refuse = REFUSE_OTHER_NAME, .refusal = "A.", .alert = 112,
     .flags = ODD_SEND_NAME},
    {"sni-literal-wanted", FAILS("alert", "unrecognized_name"), TLS12("<SCKD~"), .refuse = REFUSE_OTHER_NAME,
     .refusal = "A.", .alert = 112, .flags = ODD_LITERAL},
    {"sni-warning-then-good", OK, TLS12("<WS,C,K,D~"), .alert = 112, .flags = ODD_SEND_NAME},
    {"sni-warning-then-good-no-name", OK, TLS12("<WS,C,K,D~"), .alert = 112},
};
const struct odd_table odd_table_script = {rows, sizeof rows / sizeof *rows};
