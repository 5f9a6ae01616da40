/* The behaviours of the simulated fleet, as a table (see behaviour.h). Adding a row adds a place: its address is the base plus the
 * row's number, so new rows go to the end. Read by serve.c, store.c and the `list` command. */
#include "tests/fleet/behaviour.h"

#include <openssl/ssl.h>
#include <string.h>

#define HOURS(n) ((int64_t)(n)*3600)
#define DAYS(n)  ((int64_t)(n)*86400)
/* Half an hour more, so that "expires in 5 days" is still true when a test or a person looks. */
#define IN_DAYS(n) .from = DAYS(n) - DAYS(90), .until = DAYS(n) + HOURS(1) / 2

#define HOST(label)        .host = label ".fleet.example"
#define VERSIONS(from, to) .min_version = TLS1_##from##VERSION, .max_version = TLS1_##to##VERSION
#define OK                 .expect = "ok"
#define FAILS(error)       .expect = error

const struct behaviour behaviours[] = {
    {"tls10-only", HOST("legacy"), OK, .about = "TLS 1.0 and nothing else", VERSIONS(, )},
    {"tls11-only", HOST("terminal"), OK, .about = "TLS 1.1 and nothing else", VERSIONS(1_, 1_)},
    {"tls12-only", HOST("www"), OK, .about = "TLS 1.2 and nothing else", VERSIONS(2_, 2_)},
    {"tls13-only", HOST("api"), OK, .about = "TLS 1.3 and nothing else", VERSIONS(3_, 3_), .key = KEY_P256},
    {"tls10-to-13", HOST("shop"), OK, .about = "TLS 1.0 to 1.3", VERSIONS(, 3_)},
    {"rsa-2048", HOST("mail"), OK, .about = "RSA key of 2048 bits"},
    {"ecdsa-p256", HOST("pay"), OK, .about = "ECDSA key on P-256", .key = KEY_P256},
    {"ecdsa-p384", HOST("vpn"), OK, .about = "ECDSA key on P-384", .key = KEY_P384},
    {"ed25519", HOST("git"), OK, .about = "Ed25519 key", .key = KEY_ED25519},
    {"expired", HOST("intranet"), OK, .about = "expired 12 days ago", .key = KEY_P256, .from = -DAYS(102),
     .until = -DAYS(12)},
    {"expiring-1d", HOST("checkout"), OK, .about = "expires within a day", .key = KEY_P256, .flags = FLAG_RENEWS,
     .from = -DAYS(89), .until = HOURS(23) + HOURS(1) / 2},
    {"expiring-5d", HOST("login"), OK, .about = "expires in 5 days", .key = KEY_P256, .flags = FLAG_RENEWS, IN_DAYS(5)},
    {"expiring-20d", HOST("wiki"), OK, .about = "expires in 20 days", .flags = FLAG_RENEWS, IN_DAYS(20)},
    {"not-yet-valid", HOST("launch"), OK, .about = "valid from 10 days on", .key = KEY_P256, .from = DAYS(10),
     .until = DAYS(100)},
    {"self-signed", HOST("printer"), OK, .about = "signed with its own key", .chain = CHAIN_SELF_SIGNED},
    {"missing-intermediate", HOST("crm"), OK, .about = "the leaf alone", .chain = CHAIN_LEAF},
    {"wrong-order", HOST("erp"), OK, .about = "leaf, root, intermediate", .chain = CHAIN_WRONG_ORDER},
    {"root-included", HOST("hr"), OK, .about = "leaf, intermediate, root", .key = KEY_P256, .chain = CHAIN_WITH_ROOT},
    {"sha1-signed", HOST("archive"), OK, .about = "signed with SHA-1", .flags = FLAG_SHA1},
    {"rsa-1024", HOST("badge"), OK, .about = "RSA key of 1024 bits", .key = KEY_RSA_1024},
    {"wildcard", HOST("apps"), OK, .about = "*.apps.fleet.example", .key = KEY_P256, .names = NAMES_WILDCARD},
    {"san-200", HOST("cdn"), OK, .about = "200 subjectAltNames", .key = KEY_P256, .names = NAMES_MANY},
    {"san-ip", HOST("router"), OK, .about = "its address as iPAddress, no name", .key = KEY_P256, .names = NAMES_IP,
     .flags = FLAG_SEND_NO_NAME},
    {"san-none", HOST("camera"), OK, .about = "commonName only", .names = NAMES_NONE},
    {"client-cert-12", HOST("partner"), OK, .about = "TLS 1.2, demands a client certificate", VERSIONS(2_, 2_),
     .flags = FLAG_CLIENT_AUTH},
    {"client-cert-13", HOST("bank"), OK, .about = "TLS 1.3, demands a client certificate", VERSIONS(3_, 3_),
     .key = KEY_P256, .flags = FLAG_CLIENT_AUTH},
    {"sni-required", HOST("tenant"), OK, .about = "answers to its name only", .key = KEY_P256, .flags = FLAG_NEED_SNI},
    {"sni-missing", HOST("tenant2"), FAILS("alert"),
     .about = "as sni-required, asked without a name: unrecognized_name", .key = KEY_P256,
     .flags = FLAG_NEED_SNI | FLAG_SEND_NO_NAME},
    {"balancer", HOST("balancer"), OK, .about = "RSA and ECDSA certificates in turn", .flags = FLAG_BALANCED},
    {"hostile-names", HOST("hostile"), OK, .about = "names that attack terminals, pages and spreadsheets",
     .key = KEY_P256, .names = NAMES_HOSTILE},
    {"starttls-smtp", HOST("mx"), OK, .about = "SMTP with STARTTLS (RFC 3207)", .play = PLAY_SMTP},
    {"starttls-imap", HOST("imap"), OK, .about = "IMAP with STARTTLS (RFC 9051)", .play = PLAY_IMAP},
    {"starttls-pop3", HOST("pop"), OK, .about = "POP3 with STLS (RFC 2595)", .play = PLAY_POP3},
    {"starttls-ldap", HOST("ldap"), OK, .about = "LDAP with StartTLS (RFC 4511)", .play = PLAY_LDAP, .key = KEY_P256},
    {"starttls-postgres", HOST("db"), OK, .about = "PostgreSQL with SSLRequest", .play = PLAY_POSTGRES,
     .key = KEY_P256},
    {"silent", HOST("scada"), FAILS("timeout"), .about = "accepts, never says a word", .play = PLAY_SILENT},
    {"dripping", HOST("modem"), FAILS("timeout"), .about = "a real handshake, one byte every 150 ms", .play = PLAY_DRIP,
     .key = KEY_P256},
    {"refusing", HOST("old"), FAILS("refused"), .about = "nothing listens", .play = PLAY_REFUSE},
    {"http", HOST("proxy"), FAILS("not_tls"), .about = "an HTTP/1.1 400", .play = PLAY_HTTP},
    {"ssh", HOST("bastion"), FAILS("not_tls"), .about = "an SSH banner", .play = PLAY_SSH},
    {"noise", HOST("lab"), FAILS("not_tls"), .about = "16 KiB of noise", .play = PLAY_NOISE},
    {"reset-after-hello", HOST("firewall"), FAILS("reset"), .about = "RST after the ClientHello", .play = PLAY_RESET},
    {"close-on-accept", HOST("standby"), FAILS("closed"), .about = "FIN at once", .play = PLAY_CLOSE},
    {"alert-handshake", HOST("mainframe"), FAILS("alert"), .about = "fatal alert handshake_failure",
     .play = PLAY_ALERT},
};
const size_t behaviour_count = sizeof behaviours / sizeof *behaviours;

bool behaviour_has_chain(const struct behaviour *behaviour)
{
    return behaviour->play == PLAY_TLS || behaviour->play == PLAY_DRIP || behaviour->play >= PLAY_SMTP;
}

void behaviour_validity(const struct behaviour *behaviour, int generation, int64_t birth, int64_t *not_before,
                        int64_t *not_after)
{
    size_t row = (size_t)(behaviour - behaviours);
    if (generation > 1 && (behaviour->flags & FLAG_RENEWS)) {
        *not_before = birth - HOURS(1);
        *not_after = birth + DAYS(90);
    } else if (behaviour->from != 0 || behaviour->until != 0) {
        *not_before = birth + behaviour->from;
        *not_after = birth + behaviour->until;
    } else { /* healthy: 40 to 297 days left of 398 */
        *not_after = birth + DAYS(40 + (int64_t)(row * 37 % 258));
        *not_before = *not_after - DAYS(398);
    }
}

#define BYTES(text) text, sizeof(text) - 1

const struct pki_rdn hostile_subject[] = {
    {NID_countryName, 0, BYTES("XX")},
    {NID_organizationName, 0, BYTES("<script>alert(1)</script><img src=x onerror=alert(2)>\" onmouseover=\"alert(3)")},
    {NID_organizationalUnitName, 0, BYTES("=cmd|' /C calc'!A0\n@SUM(1+1)*cmd\r\n+1,\"quoted\",'single'")},
    {NID_localityName, V_ASN1_T61STRING,
     BYTES("\xff\xfe\xc3\x28 \xed\xa0\x80 \xf8\x88\x80\x80\x80 invalid UTF-8 \x00 and a NUL")},
    {NID_stateOrProvinceName, 0, BYTES("back\\slash, comma; semi+plus=#hash $(id) `id` %s%n {{7*7}} ${jndi:ldap://x}")},
    {NID_commonName, 0,
     BYTES("\x1b[2J\x1b[31m\x1b]0;owned\x07\xe2\x80\xae"
           "elpmaxe.teelf\xe2\x80\xac\xc2\x9b"
           "31m\x08\x08 \x7f\n")},
};
const size_t hostile_subject_count = sizeof hostile_subject / sizeof *hostile_subject;

const struct pki_name hostile_names[] = {
    {GEN_DNS, BYTES("hostile.fleet.example")},
    {GEN_DNS, BYTES("<script>alert(1)</script>.fleet.example")},
    {GEN_DNS, BYTES("=cmd().fleet.example")},
    {GEN_DNS, BYTES("\x1b[1;31mred\x1b[0m.fleet.example")},
    {GEN_DNS, BYTES("two\nlines.fleet.example\r\n{\"v\":1,\"type\":\"run\"}")},
    {GEN_DNS, BYTES("www.fleet.example\0.evil.example")},
    {GEN_DNS, BYTES("\"quoted\",'single',back\\slash\t.fleet.example")},
    {GEN_DNS, BYTES("\xe2\x80\xae"
                    "elpmaxe.teelf.gnp\xe2\x80\x8b\xe2\x80\xa8.fleet.example")},
    {GEN_DNS, BYTES("\xc0\xaf\xff\x80.fleet.example")},
    {GEN_EMAIL, BYTES("'; DROP TABLE certificate; --@fleet.example")},
    {GEN_URI, BYTES("javascript:alert(document.domain)//fleet.example")},
};
const size_t hostile_name_count = sizeof hostile_names / sizeof *hostile_names;
