/* What the ClientHellos offer.
 *
 * Owns the lists and the reasons for their order; client_hello.c writes them out. Limits met in the field that they respect:
 * IIS 6 reads no more than 64 suites; Cisco's load balancers refuse more than 128, the signalling one included (testssl.sh #806); wolfSSL
 * refuses more than 150; NSS looks at no more than the first 18 signature algorithms. */
#include "scanner/tls/hello_tables.h"

#define U16(number) (uint8_t)((number) >> 8), (uint8_t)((number)&0xff)
#define LIST(bytes)                                                                                                    \
    {                                                                                                                  \
        (bytes), sizeof(bytes)                                                                                         \
    }

/* clang-format off */

/* --- suites ----------------------------------------------------------------------------------------------------------- */

/* The first 64: all of TLS 1.3 that key_schedule.h opens (the cheapest first, for servers that follow our order), then what a server that is
 * alive today chooses, then what an old one can. Modern ones lead, so that the suite recorded is one that a browser would have got. */
static const uint8_t suites_common[] = {
    U16(0x1301), /* TLS_AES_128_GCM_SHA256 */
    U16(0x1303), /* TLS_CHACHA20_POLY1305_SHA256 */
    U16(0x1302), /* TLS_AES_256_GCM_SHA384 */
    U16(0x1304), /* TLS_AES_128_CCM_SHA256 */
    U16(0x1305), /* TLS_AES_128_CCM_8_SHA256 */
    /* ECDHE with AES-GCM and ChaCha20-Poly1305 */
    U16(0xc02b), U16(0xc02f), U16(0xcca9), U16(0xcca8), U16(0xc02c), U16(0xc030),
    /* ECDHE with AES-CBC */
    U16(0xc009), U16(0xc013), U16(0xc00a), U16(0xc014), U16(0xc023), U16(0xc027), U16(0xc024), U16(0xc028),
    /* DHE_RSA */
    U16(0x009e), U16(0x009f), U16(0xccaa), U16(0x0033), U16(0x0039), U16(0x0067), U16(0x006b),
    /* RSA */
    U16(0x009c), U16(0x009d), U16(0x002f), U16(0x0035), U16(0x003c), U16(0x003d),
    /* TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746): instead of the extension, which SSL 3.0 does not have */
    U16(0x00ff),
    /* 3DES and RC4 */
    U16(0xc008), U16(0xc012), U16(0x0016), U16(0x000a), U16(0xc007), U16(0xc011), U16(0x0005), U16(0x0004),
    /* DHE_DSS */
    U16(0x0040), U16(0x006a), U16(0x00a2), U16(0x00a3), U16(0x0032), U16(0x0038), U16(0x0013), U16(0x0066),
    /* single DES, then export: RC4, RC2 and DES of 40 bits, those of 56 */
    U16(0x0009), U16(0x0015), U16(0x0012), U16(0x0064), U16(0x0062), U16(0x0063), U16(0x0003), U16(0x0006),
    U16(0x0008), U16(0x0014),
    /* NULL */
    U16(0x003b), U16(0x0002), U16(0x0001), U16(0xc006), U16(0xc010),
};
enum { COMMON_COUNT = 64 };
_Static_assert(sizeof suites_common == 2 * COMMON_COUNT, "IIS 6 reads 64 suites");

/* Behind them: what somebody's server insists on somewhere. RSA_PSK last: it shows a certificate, but asks for a key that nobody has. */
static const uint8_t suites_rare[] = {
    /* AES-CCM: ECDHE_ECDSA, DHE_RSA, RSA */
    U16(0xc0ac), U16(0xc0ad), U16(0xc0ae), U16(0xc0af), U16(0xc09e), U16(0xc09f), U16(0xc0a2), U16(0xc0a3),
    U16(0xc09c), U16(0xc09d), U16(0xc0a0), U16(0xc0a1),
    /* Camellia: ECDHE, DHE_RSA, RSA */
    U16(0xc086), U16(0xc087), U16(0xc08a), U16(0xc08b), U16(0xc072), U16(0xc073), U16(0xc076), U16(0xc077),
    U16(0x0045), U16(0x0088), U16(0x0041), U16(0x0084), U16(0x00ba), U16(0x00c0),
    /* ARIA-GCM: ECDHE, DHE_RSA, RSA */
    U16(0xc05c), U16(0xc05d), U16(0xc060), U16(0xc061), U16(0xc052), U16(0xc053), U16(0xc050), U16(0xc051),
    /* SEED, IDEA */
    U16(0x009a), U16(0x0096), U16(0x0007),
    /* GOST of 2001 and 2012 (RFC 9189), and the one of old CryptoPro */
    U16(0xc100), U16(0xc101), U16(0xc102), U16(0x0081), U16(0xff85),
    /* static ECDH */
    U16(0xc02d), U16(0xc031), U16(0xc004), U16(0xc00e), U16(0xc005), U16(0xc00f), U16(0xc003), U16(0xc00d),
    U16(0xc002), U16(0xc00c),
    /* static DH */
    U16(0x0031), U16(0x0037), U16(0x0030), U16(0x0036), U16(0x0010), U16(0x000d),
    /* ChaCha20-Poly1305 as Google's servers had it before RFC 7905; what Netscape's called FIPS */
    U16(0xcc13), U16(0xcc14), U16(0xcc15), U16(0xfeff),
    /* RSA_PSK */
    U16(0x00ac), U16(0x0094),
};
enum { SUITES_MAX = 128 };
_Static_assert(sizeof suites_common + sizeof suites_rare <= 2 * SUITES_MAX, "Cisco ACE takes 128 suites");

/* Of HELLO_WIDE, which comes when all of the above were refused: first what else shows a certificate and somebody has programmed, then what has
 * none (to say so is better than "handshake_failure"). Last among the former what asks for more than we have, RSA_PSK. */
static const uint8_t suites_wide[] = {
    U16(0x00ff),
    /* Camellia: DHE_RSA with SHA-256, GCM for RSA and DHE_RSA; ARIA-CBC: RSA, DHE_RSA, ECDHE */
    U16(0x00be), U16(0x00c4), U16(0xc07a), U16(0xc07b), U16(0xc07c), U16(0xc07d),
    U16(0xc03c), U16(0xc03d), U16(0xc044), U16(0xc045), U16(0xc048), U16(0xc049), U16(0xc04c), U16(0xc04d),
    /* DHE_DSS: Camellia, ARIA, SEED; RC4 and export */
    U16(0x0044), U16(0x0087), U16(0x00bd), U16(0x00c3), U16(0xc080), U16(0xc081),
    U16(0xc042), U16(0xc043), U16(0xc056), U16(0xc057), U16(0x0099), U16(0x0065), U16(0x0011),
    /* RSA: export of 56 bits, what Netscape's called FIPS; GOST of 1994, and without encryption */
    U16(0x0060), U16(0x0061), U16(0xfefe), U16(0xffe0), U16(0xffe1), U16(0x0080), U16(0x0082), U16(0x0083), U16(0xff87),
    /* static ECDH: AES, NULL, ARIA, Camellia */
    U16(0xc025), U16(0xc026), U16(0xc029), U16(0xc02a), U16(0xc02e), U16(0xc032), U16(0xc001), U16(0xc00b),
    U16(0xc04a), U16(0xc04b), U16(0xc04e), U16(0xc04f), U16(0xc05e), U16(0xc05f), U16(0xc062), U16(0xc063),
    U16(0xc074), U16(0xc075), U16(0xc078), U16(0xc079), U16(0xc088), U16(0xc089), U16(0xc08c), U16(0xc08d),
    /* static DH: AES, Camellia, SEED, DES and export */
    U16(0x00a0), U16(0x00a1), U16(0x00a4), U16(0x00a5), U16(0x003e), U16(0x003f), U16(0x0068), U16(0x0069),
    U16(0x0042), U16(0x0043), U16(0x0085), U16(0x0086), U16(0x0097), U16(0x0098), U16(0x000c), U16(0x000f),
    U16(0x000b), U16(0x000e), U16(0x00bb), U16(0x00bc), U16(0x00c1), U16(0x00c2),
    /* RSA_PSK */
    U16(0x00ad), U16(0x0095), U16(0x00b6), U16(0x00b7), U16(0xccae), U16(0x0092), U16(0x0093), U16(0x002e),
    U16(0x00b8), U16(0x00b9),
    /* DH_anon, ECDH_anon */
    U16(0x00a6), U16(0x00a7), U16(0x0034), U16(0x003a), U16(0x006c), U16(0x006d), U16(0x001b), U16(0x0018),
    U16(0x0046), U16(0x0089), U16(0x009b), U16(0x001a), U16(0x0017), U16(0x0019), U16(0xc018), U16(0xc019),
    U16(0xc017), U16(0xc016), U16(0xc015),
    /* ECDHE_PSK, DHE_PSK, PSK */
    U16(0xd001), U16(0xd002), U16(0xccac), U16(0xc037), U16(0xc038), U16(0xc035), U16(0xc036), U16(0x00aa),
    U16(0x00ab), U16(0xccad), U16(0x00b2), U16(0x00b3), U16(0x0090), U16(0x0091), U16(0xc0a6), U16(0xc0a7),
    U16(0x00a8), U16(0x00a9), U16(0xccab), U16(0x00ae), U16(0x00af), U16(0x008c), U16(0x008d), U16(0xc0a4),
    U16(0xc0a5), U16(0xc0a8), U16(0xc0a9), U16(0x008b), U16(0x008a), U16(0x00b0), U16(0x00b1), U16(0x002c),
};
enum { TLS13_SUITES_SIZE = 2 * 5, WIDE_MAX = 150 };
_Static_assert(TLS13_SUITES_SIZE + sizeof suites_wide <= 2 * WIDE_MAX, "wolfSSL takes 150 suites");

/* Of HELLO_PLAIN, for servers that were finished before extensions existed. */
static const uint8_t suites_plain[] = {
    U16(0x002f), U16(0x0035), U16(0x000a), U16(0x0005), U16(0x0004), U16(0x0033), U16(0x0039), U16(0x0016),
    U16(0x0032), U16(0x0038), U16(0x0013), U16(0x0009), U16(0x0015), U16(0x0012), U16(0x0062), U16(0x0064),
    U16(0x0003), U16(0x0006), U16(0x0008), U16(0x0041), U16(0x0084), U16(0x0002), U16(0x00ff),
};

/* --- groups ----------------------------------------------------------------------------------------------------------- */

/* First those that key_share.h computes. */
static const uint8_t groups_known[] = {
    U16(29), U16(23), U16(24), U16(25), U16(30), U16(256), U16(257), U16(258), U16(259), U16(260),
};

/* Curves of TLS 1.2 and before, where nothing need be computed: secp256k1, brainpool, secp224r1, secp192r1 and sect*. TLS 1.3 has none of them
 * (RFC 8446 §4.2.7), so a server that does 1.3 cannot ask for one. */
static const uint8_t groups_legacy[] = {
    U16(22), U16(26), U16(27), U16(28), U16(21), U16(19), U16(20), U16(18), U16(14), U16(13),
    U16(12), U16(11), U16(10), U16(9),  U16(8),  U16(7),  U16(6),  U16(3),  U16(1),
};

/* Of HELLO_WIDE: SecP256r1MLKEM768, X25519MLKEM768, SecP384r1MLKEM1024, and the brainpool curves and SM2 of TLS 1.3 (RFC 8734, RFC 8998). A server that
 * asks for one of them by HelloRetryRequest has named what it insists on. */
static const uint8_t groups_named_only[] = {
    U16(0x11ec), U16(0x11eb), U16(0x11ed), U16(31), U16(32), U16(33), U16(41),
};

/* --- signature algorithms --------------------------------------------------------------------------------------------- */

static const uint8_t signature_algorithms[] = {
    U16(0x0403), U16(0x0804), U16(0x0401), /* ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256, rsa_pkcs1_sha256 */
    U16(0x0503), U16(0x0805), U16(0x0501), /* … sha384 */
    U16(0x0603), U16(0x0806), U16(0x0601), /* … sha512 */
    U16(0x0807), U16(0x0808),              /* ed25519, ed448 */
    U16(0x0809), U16(0x080a), U16(0x080b), /* rsa_pss_pss */
    U16(0x0203), U16(0x0201),              /* SHA-1: ECDSA, RSA */
    U16(0x0402), U16(0x0202),              /* DSA: SHA-256, SHA-1; these are 18 */
    U16(0x0905), U16(0x0904), U16(0x0906), /* ML-DSA-65, 44, 87 */
    U16(0x081a), U16(0x081b), U16(0x081c), /* brainpool in TLS 1.3 (RFC 8734) */
    U16(0x0303), U16(0x0301), U16(0x0302),
    U16(0x0502), U16(0x0602), /* SHA-224; DSA with SHA-384, SHA-512 */
    U16(0x0840), U16(0x0841), U16(0xeeee),
    U16(0xefef), U16(0xeded), /* GOST (RFC 9189), and before its numbers were assigned */
    U16(0x0708),              /* sm2sig_sm3 */
    U16(0x0101),              /* rsa_md5: schannel asks for what a chain was signed with */
};

/* clang-format on */

/* --- by kind ---------------------------------------------------------------------------------------------------------- */

enum { TLS12_SUITES_SIZE = 2 * 41, TLS12_GROUPS_SIZE = 2 * 5, TLS12_ALGORITHMS_SIZE = 2 * 16 };

static const struct hello_tables tables[HELLO_KIND_COUNT] = {
    [HELLO_FULL] = {.suites = {LIST(suites_common), LIST(suites_rare)},
                    .groups = {LIST(groups_known), LIST(groups_legacy)},
                    .signature_algorithms = LIST(signature_algorithms)},
    [HELLO_WIDE] = {.suites = {{suites_common, TLS13_SUITES_SIZE}, LIST(suites_wide)},
                    .groups = {LIST(groups_known), LIST(groups_named_only)},
                    .signature_algorithms = LIST(signature_algorithms)},
    /* As far as RC4 and no further: with a name of usual length the whole hello stays below 256 bytes. */
    [HELLO_TLS12] = {.suites = {{suites_common + TLS13_SUITES_SIZE, TLS12_SUITES_SIZE - TLS13_SUITES_SIZE}},
                     .groups = {{groups_known, TLS12_GROUPS_SIZE}},
                     .signature_algorithms = {signature_algorithms, TLS12_ALGORITHMS_SIZE}},
    [HELLO_PLAIN] = {.suites = {LIST(suites_plain)}},
};

const struct hello_tables *hello_tables_get(enum hello_kind kind)
{
    return &tables[kind];
}
