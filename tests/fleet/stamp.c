/* Certificates by template (see stamp.h). The template is issued once through OpenSSL with marks where the index goes; the marks are
 * then looked for in its DER, each of which must be there exactly as often as expected. */
#include "tests/fleet/stamp.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certmuster/cert.h"

enum { SIGNATURE_SIZE = 64, TIME_SIZE = 13, SPREAD_DAYS = 400 };

struct stamp {
    struct stamp_options options;
    int64_t birth;
    EVP_PKEY *signer; /* lends from the store */
    EVP_MD_CTX *context;
    uint8_t *der;
    size_t size, tbs_at, tbs_size;
    size_t serial_at, subject_at, san_at, address_at, from_at, until_at, signature_at;
};

void stamp_name(uint32_t index, char out[static STAMP_NAME_SIZE])
{
    snprintf(out, STAMP_NAME_SIZE, "ep-%07u.many.fleet.example", index % 10000000);
}

/* Where the mark stands for the nth time; it must stand there `times` times in all. */
static size_t find_mark(const struct stamp *stamp, const void *mark, size_t size, unsigned nth, unsigned times)
{
    size_t found = 0;
    unsigned seen = 0;
    for (size_t at = 0; at + size <= stamp->size; at++) {
        if (memcmp(stamp->der + at, mark, size) == 0 && ++seen == nth)
            found = at;
    }
    pki_must_be(seen == times, "the template's marks are not where they should be");
    return found;
}

static X509 *issue_template(struct store *store, const char *name)
{
    static const uint8_t address[4] = {127, 255, 255, 254};
    const struct pki_rdn subject[] = {{NID_organizationName, 0, "Fleet Example", 13},
                                      {NID_commonName, 0, name, strlen(name)}};
    const struct pki_name names[] = {{GEN_DNS, name, strlen(name)}, {GEN_IPADD, address, sizeof address}};
    const struct pki_plan plan = {
        .subject = subject,
        .subject_count = 2,
        .names = names,
        .name_count = 2,
        .key = store_key(store, KEY_P256),
        .issuer = store_intermediate(store, KEY_CA_BULK),
        .issuer_key = store_key(store, KEY_CA_BULK),
        .not_before = 981173106, /* 2001-02-03 04:05:06 */
        .not_after = 1037972695, /* 2002-11-22 13:44:55 */
        .serial = 0x5ac0ffee5ac0ffee,
    };
    return pki_issue(&plan);
}

struct stamp *stamp_new(struct store *store, const struct stamp_options *options)
{
    static const uint8_t serial[] = {0x02, 8, 0x5a, 0xc0, 0xff, 0xee, 0x5a, 0xc0, 0xff, 0xee};
    static const uint8_t address[] = {0x87, 4, 127, 255, 255, 254};
    struct stamp *stamp = cm_calloc(1, sizeof *stamp);
    struct cert cert;
    char name[STAMP_NAME_SIZE];
    stamp_name(9876543, name);
    X509 *template = issue_template(store, name);
    int size = i2d_X509(template, &stamp->der);
    pki_must_be(size > 0, "template");
    X509_free(template);
    stamp->size = (size_t)size;
    pki_must_be(cert_parse(stamp->der, stamp->size, &cert, NULL) == 0, "template");
    stamp->tbs_at = (size_t)(cert.tbs.data - stamp->der);
    stamp->tbs_size = cert.tbs.size;
    stamp->serial_at = find_mark(stamp, serial, sizeof serial, 1, 1) + 2;
    stamp->subject_at = find_mark(stamp, name, strlen(name), 1, 2);
    stamp->san_at = find_mark(stamp, name, strlen(name), 2, 2);
    stamp->address_at = find_mark(stamp, address, sizeof address, 1, 1) + 2;
    stamp->from_at = find_mark(stamp, "010203040506Z", TIME_SIZE, 1, 1);
    stamp->until_at = find_mark(stamp, "021122134455Z", TIME_SIZE, 1, 1);
    stamp->signature_at = stamp->size - SIGNATURE_SIZE;
    stamp->options = *options;
    stamp->birth = store->birth;
    stamp->signer = store_key(store, KEY_CA_BULK);
    stamp->context = pki_must(EVP_MD_CTX_new(), "template");
    return stamp;
}

void stamp_free(struct stamp *stamp)
{
    if (stamp == NULL)
        return;
    EVP_MD_CTX_free(stamp->context);
    OPENSSL_free(stamp->der);
    free(stamp);
}

size_t stamp_size(const struct stamp *stamp)
{
    return stamp->size;
}

static void put_be32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* UTCTime, right for years up to 2049 (RFC 5280 §4.1.2.5). */
static void put_time(uint8_t *at, int64_t seconds)
{
    time_t when = (time_t)seconds;
    struct tm tm;
    pki_must_be(gmtime_r(&when, &tm) != NULL && tm.tm_year >= 50 && tm.tm_year < 150, "validity");
    const int fields[] = {tm.tm_year % 100, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        at[2 * i] = (uint8_t)('0' + fields[i] / 10);
        at[2 * i + 1] = (uint8_t)('0' + fields[i] % 10);
    }
}

const uint8_t *stamp_make(struct stamp *stamp, uint32_t index)
{
    char name[STAMP_NAME_SIZE];
    bool spread = stamp->options.days == INT_MIN;
    int days = spread ? 1 + (int)(index % SPREAD_DAYS) : stamp->options.days;
    int life = days < SPREAD_DAYS ? SPREAD_DAYS + 1 : days + 1;
    int64_t not_after = stamp->birth + (int64_t)days * 86400;
    stamp_name(index, name);
    /* 0x46 is positive and never zero; the validity is in the serial too, so that no two certificates share one. */
    put_be32(stamp->der + stamp->serial_at, 0x46000000u | ((uint32_t)days & 0xffffff));
    put_be32(stamp->der + stamp->serial_at + 4, stamp->options.base + index);
    memcpy(stamp->der + stamp->subject_at, name, strlen(name));
    memcpy(stamp->der + stamp->san_at, name, strlen(name));
    put_be32(stamp->der + stamp->address_at, stamp->options.base + index);
    put_time(stamp->der + stamp->from_at, not_after - (int64_t)life * 86400);
    put_time(stamp->der + stamp->until_at, not_after);
    if (stamp->options.sign) {
        size_t size = SIGNATURE_SIZE;
        pki_must_be(EVP_DigestSignInit(stamp->context, NULL, NULL, NULL, stamp->signer) == 1 &&
                        EVP_DigestSign(stamp->context, stamp->der + stamp->signature_at, &size,
                                       stamp->der + stamp->tbs_at, stamp->tbs_size) == 1 &&
                        size == SIGNATURE_SIZE,
                    "signature");
    }
    return stamp->der;
}
