/* Names of versions, groups, alerts and cipher suites: against what OpenSSL knows, and what no library knows any more. */
#include "tests/unit/lib/cmocka_first.h"

#include <openssl/ssl.h>
#include <string.h>

#include "scanner/tls/names.h"

/* The rows of suites.c, as its file has them: one that stands out of order is not found by halving. */
enum { SUITES_IN_THE_TABLE = 374 };

/* Every suite that OpenSSL can name: those of TLS 1.3, and all of the others at security level 0. */
static void test_suites_as_openssl_names_them(void **state)
{
    (void)state;
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    SSL_CTX_set_security_level(context, 0);
    assert_int_equal(SSL_CTX_set_cipher_list(context, "ALL:COMPLEMENTOFALL:eNULL:@SECLEVEL=0"), 1);
    assert_int_equal(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                                       "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:"
                                                       "TLS_AES_128_CCM_8_SHA256"),
                     1);
    STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(context);
    assert_true(sk_SSL_CIPHER_num(ciphers) > 140);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
        const char *name = tls_suite_name(SSL_CIPHER_get_protocol_id(cipher));
        if (!name || strcmp(name, SSL_CIPHER_standard_name(cipher)) != 0)
            fail_msg("%04x is %s, not %s", SSL_CIPHER_get_protocol_id(cipher), SSL_CIPHER_standard_name(cipher), name);
    }
    SSL_CTX_free(context);
}

/* What OpenSSL says of who agrees and who signs is what the name says. */
static void test_key_exchange_as_openssl_has_it(void **state)
{
    static const struct {
        int openssl, authentication; /* 0: any */
        enum tls_key_exchange ours;
    } rows[] = {
        {NID_kx_any, 0, TLS_KX_TLS13},
        {NID_kx_rsa, NID_auth_rsa, TLS_KX_RSA},
        {NID_kx_dhe, NID_auth_null, TLS_KX_ANON},
        {NID_kx_ecdhe, NID_auth_null, TLS_KX_ANON},
        {NID_kx_dhe, 0, TLS_KX_DHE},
        {NID_kx_ecdhe, 0, TLS_KX_ECDHE},
        {NID_kx_psk, 0, TLS_KX_PSK},
        {NID_kx_dhe_psk, 0, TLS_KX_PSK},
        {NID_kx_ecdhe_psk, 0, TLS_KX_PSK},
        {NID_kx_rsa_psk, 0, TLS_KX_RSA_PSK},
        {NID_kx_srp, NID_auth_srp, TLS_KX_PSK},
        {NID_kx_srp, 0, TLS_KX_SRP},
    };
    (void)state;
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    SSL_CTX_set_security_level(context, 0);
    assert_int_equal(SSL_CTX_set_cipher_list(context, "ALL:eNULL:@SECLEVEL=0"), 1);
    STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(context);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
        size_t row = 0;
        while (row < sizeof rows / sizeof *rows &&
               (rows[row].openssl != SSL_CIPHER_get_kx_nid(cipher) ||
                (rows[row].authentication && rows[row].authentication != SSL_CIPHER_get_auth_nid(cipher))))
            row++;
        if (row == sizeof rows / sizeof *rows)
            fail_msg("%s: no row", SSL_CIPHER_standard_name(cipher));
        if (tls_suite_key_exchange(SSL_CIPHER_get_protocol_id(cipher)) != rows[row].ours)
            fail_msg("%s: %d", SSL_CIPHER_standard_name(cipher),
                     tls_suite_key_exchange(SSL_CIPHER_get_protocol_id(cipher)));
    }
    SSL_CTX_free(context);
}

static void test_suites_that_no_library_has(void **state)
{
    static const struct {
        uint16_t suite;
        const char *name;
        enum tls_key_exchange exchange;
    } rows[] = {
        {0x0000, "TLS_NULL_WITH_NULL_NULL", TLS_KX_UNKNOWN},
        {0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5", TLS_KX_RSA},
        {0x000D, "TLS_DH_DSS_WITH_3DES_EDE_CBC_SHA", TLS_KX_DH},
        {0x0014, "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA", TLS_KX_DHE},
        {0x0017, "TLS_DH_anon_EXPORT_WITH_RC4_40_MD5", TLS_KX_ANON},
        {0x001D, "SSL_FORTEZZA_DMS_WITH_FORTEZZA_CBC_SHA", TLS_KX_UNKNOWN},
        {0x001F, "TLS_KRB5_WITH_3DES_EDE_CBC_SHA", TLS_KX_PSK},
        {0x0062, "TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA", TLS_KX_RSA},
        {0x0066, "TLS_DHE_DSS_WITH_RC4_128_SHA", TLS_KX_DHE},
        {0x0081, "TLS_GOSTR341001_WITH_28147_CNT_IMIT", TLS_KX_RSA},
        {0x00C6, "TLS_SM4_GCM_SM3", TLS_KX_TLS13},
        {0x00FF, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", TLS_KX_UNKNOWN},
        {0x1307, "TLS_AEGIS_128L_SHA256", TLS_KX_TLS13},
        {0x5600, "TLS_FALLBACK_SCSV", TLS_KX_UNKNOWN},
        {0xC001, "TLS_ECDH_ECDSA_WITH_NULL_SHA", TLS_KX_DH},
        {0xC01B, "TLS_SRP_SHA_RSA_WITH_3DES_EDE_CBC_SHA", TLS_KX_SRP},
        {0xC0AA, "TLS_PSK_DHE_WITH_AES_128_CCM_8", TLS_KX_PSK},
        {0xC0B0, "TLS_ECCPWD_WITH_AES_128_GCM_SHA256", TLS_KX_PSK},
        {0xC0B4, "TLS_SHA256_SHA256", TLS_KX_TLS13},
        {0xC100, "TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC", TLS_KX_RSA},
        {0xC103, "TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_L", TLS_KX_TLS13},
        {0xCC13, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_OLD_SHA256", TLS_KX_ECDHE},
        {0xD005, "TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256", TLS_KX_PSK},
        {0xFEFF, "SSL_RSA_FIPS_WITH_3DES_EDE_CBC_SHA", TLS_KX_RSA},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_non_null(tls_suite_name(rows[i].suite));
        assert_string_equal(tls_suite_name(rows[i].suite), rows[i].name);
        assert_int_equal(tls_suite_key_exchange(rows[i].suite), rows[i].exchange);
    }
    assert_null(tls_suite_name(0x0a0a));
    assert_null(tls_suite_name(0xd004));
    assert_null(tls_suite_name(0xffff));
    assert_int_equal(tls_suite_key_exchange(0x0a0a), TLS_KX_UNKNOWN);
}

/* Every number is looked up. */
static void test_the_whole_table(void **state)
{
    unsigned named = 0, unknown = 0;
    (void)state;
    for (unsigned suite = 0; suite <= 0xffff; suite++) {
        const char *name = tls_suite_name((uint16_t)suite);
        if (!name)
            continue;
        named++;
        assert_true(strncmp(name, "TLS_", 4) == 0 || strncmp(name, "SSL_", 4) == 0);
        unknown += tls_suite_key_exchange((uint16_t)suite) == TLS_KX_UNKNOWN;
    }
    assert_int_equal(named, SUITES_IN_THE_TABLE);
    assert_int_equal(unknown, 5); /* NULL_WITH_NULL_NULL, two of FORTEZZA, two signalling values */
}

static void test_versions_groups_alerts(void **state)
{
    static const uint8_t alerts[] = {0,  10, 20, 21, 22, 30, 40,  41,  42,  43,  44,  45,  46,  47,  48,  49,  50, 51,
                                     60, 70, 71, 80, 86, 90, 100, 109, 110, 111, 112, 113, 114, 115, 116, 120, 121};
    (void)state;
    for (size_t i = 0; i < sizeof alerts; i++)
        assert_non_null(tls_alert_name(alerts[i]));
    assert_string_equal(tls_alert_name(41), "no_certificate_RESERVED");
    assert_string_equal(tls_alert_name(112), "unrecognized_name");
    assert_string_equal(tls_alert_name(120), "no_application_protocol");
    assert_null(tls_alert_name(255));
    assert_string_equal(tls_version_name(0x0002), "SSLv2");
    assert_string_equal(tls_version_name(0x0304), "TLSv1.3");
    assert_null(tls_version_name(0x7f1c));
    assert_string_equal(tls_group_name(23), "secp256r1");
    assert_string_equal(tls_group_name(40), "GC512C");
    assert_string_equal(tls_group_name(0x0202), "MLKEM1024");
    assert_string_equal(tls_group_name(0x11ec), "X25519MLKEM768");
    assert_string_equal(tls_group_name(0x6399), "X25519Kyber768Draft00");
    assert_null(tls_group_name(0x0a0a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suites_as_openssl_names_them), cmocka_unit_test(test_key_exchange_as_openssl_has_it),
        cmocka_unit_test(test_suites_that_no_library_has),   cmocka_unit_test(test_the_whole_table),
        cmocka_unit_test(test_versions_groups_alerts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
