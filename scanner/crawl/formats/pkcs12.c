/* The PKCS#12 reader: opens a PFX with OpenSSL's parser (BER included), tries passwords, walks its SafeBags.
 *
 * Owns the bags of the file being read and the loaded providers. format.c calls it. It never calls PKCS12_parse, which decrypts keys and takes the
 * first of everything, and never decrypts a key bag: certificates are in bags of their own, and the presence of a key is all that is told.
 * Certificates go through our own reader. How entries are put together is in pkcs12_entries.c. */
#include "scanner/crawl/formats/pkcs12.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

#include "certmuster/limits.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/pkcs12_entries.h"
#include "scanner/crawl/formats/pkcs12_kdf.h"
#include "scanner/crawl/formats/sniff.h"

static OSSL_PROVIDER *legacy, *standard;

/* RC2-40, the default of two decades, lives in the legacy provider; loading one explicitly unloads the default, so both. */
static void load_providers(void)
{
    if (standard)
        return;
    standard = OSSL_PROVIDER_load(NULL, "default");
    legacy = OSSL_PROVIDER_load(NULL, "legacy");
    ERR_clear_error();
}

void pkcs12_done(void)
{
    if (legacy)
        OSSL_PROVIDER_unload(legacy);
    if (standard)
        OSSL_PROVIDER_unload(standard);
    legacy = standard = NULL;
}

struct reading {
    struct job *job;
    struct entries entries;
    size_t right; /* index of the password that verified the MAC or opened a part; count of passwords when none did */
    bool has_mac, verified;
    bool interrupted;
    enum record_error error; /* the worst that stood in the way */
    const char *detail;
};

/* Says why not everything was read; the first reason stands. */
static void obstacle(struct reading *reading, enum record_error error, const char *detail)
{
    if (reading->error == RECORD_ERROR_NONE) {
        reading->error = error;
        reading->detail = detail;
    }
}

/* False when the derivation asks for more work than we give. */
static bool affordable(struct reading *reading, const X509_ALGOR *algorithm)
{
    unsigned char *der = NULL;
    int size = i2d_X509_ALGOR(algorithm, &der);
    bool fine =
        size > 0 && pkcs12_kdf_cost((struct slice){der, (size_t)size}) <= reading->job->options->limits.max_iterations;
    OPENSSL_free(der);
    if (!fine)
        obstacle(reading, RECORD_ERROR_TOO_LARGE, "the key derivation asks for too many iterations");
    return fine;
}

/* The password to try in turn i: the right one of before first, then all in order. */
static size_t candidate(const struct reading *reading, size_t i)
{
    size_t count = reading->job->options->passwords->count;
    if (reading->right == count)
        return i;
    return i == 0 ? reading->right : i <= reading->right ? i - 1 : i;
}

static bool give_up(struct reading *reading)
{
    if (!reading->interrupted && job_pulse(reading->job)) {
        reading->interrupted = true;
        obstacle(reading, RECORD_ERROR_TIMEOUT, "not all passwords could be tried in time");
    }
    return reading->interrupted;
}

static void verify_mac(struct reading *reading, PKCS12 *pfx)
{
    const ASN1_INTEGER *iterations = NULL;
    const X509_ALGOR *algorithm = NULL;
    const struct passwords *passwords = reading->job->options->passwords;
    reading->has_mac = PKCS12_mac_present(pfx);
    if (!reading->has_mac)
        return;
    PKCS12_get0_mac(NULL, &algorithm, NULL, &iterations, pfx);
    int64_t count = 1;
    if (iterations && (!ASN1_INTEGER_get_int64(&count, iterations) || count < 1 ||
                       (uint64_t)count > reading->job->options->limits.max_iterations)) {
        obstacle(reading, RECORD_ERROR_TOO_LARGE, "the integrity check asks for too many iterations");
        return;
    }
    if (algorithm && !affordable(reading, algorithm)) /* PBMAC1 carries its own count */
        return;
    for (size_t i = 0; i < passwords->count && !reading->verified && !give_up(reading); i++) {
        const char *password = passwords->list[i];
        reading->verified = PKCS12_verify_mac(pfx, password, password ? (int)strlen(password) : 0) == 1;
        if (reading->verified)
            reading->right = i;
    }
    ERR_clear_error();
}

static void walk_bags(struct reading *reading, const STACK_OF(PKCS12_SAFEBAG) * bags, unsigned depth)
{
    enum { DEPTH_MAX = 4 };
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags) && !entries_full(&reading->entries); i++) {
        PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
        switch (PKCS12_SAFEBAG_get_nid(bag)) {
        case NID_certBag:
            if (PKCS12_SAFEBAG_get_bag_nid(bag) == NID_x509Certificate)
                entries_add_certificate(&reading->entries, bag);
            break;
        case NID_keyBag:
        case NID_pkcs8ShroudedKeyBag:
            entries_add_key(&reading->entries, bag);
            break;
        case NID_safeContentsBag:
            if (depth < DEPTH_MAX)
                walk_bags(reading, PKCS12_SAFEBAG_get0_safes(bag), depth + 1);
            else
                obstacle(reading, RECORD_ERROR_TOO_LARGE, "bags are nested too deeply");
            break;
        default: /* secrets and CRLs */
            break;
        }
    }
    if (entries_full(&reading->entries))
        obstacle(reading, RECORD_ERROR_TOO_LARGE, "more entries than are read of one file");
}

/* An encrypted part, with each password until one fits. Wrong ones are told apart from right ones by the padding and the inner structure. */
static void open_encrypted(struct reading *reading, PKCS7 *part)
{
    const struct passwords *passwords = reading->job->options->passwords;
    if (!part->d.encrypted || !part->d.encrypted->enc_data || !part->d.encrypted->enc_data->algorithm) {
        obstacle(reading, RECORD_ERROR_MALFORMED, "an encrypted part is damaged");
        return;
    }
    if (!affordable(reading, part->d.encrypted->enc_data->algorithm))
        return;
    for (size_t i = 0; i < passwords->count && !give_up(reading); i++) {
        size_t index = candidate(reading, i);
        const char *password = passwords->list[index];
        STACK_OF(PKCS12_SAFEBAG) *bags = PKCS12_unpack_p7encdata(part, password, password ? (int)strlen(password) : 0);
        if (bags) {
            reading->right = index;
            walk_bags(reading, bags, 0);
            sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
            return;
        }
    }
    if (reading->verified)
        obstacle(reading, RECORD_ERROR_UNSUPPORTED, "the password is right, the encryption is not one that we read");
    else
        obstacle(reading, RECORD_ERROR_PASSWORD, "no password of the list opens it");
}

static void walk_parts(struct reading *reading, const STACK_OF(PKCS7) * parts)
{
    for (int i = 0; i < sk_PKCS7_num(parts) && !reading->interrupted; i++) {
        PKCS7 *part = sk_PKCS7_value(parts, i);
        if (PKCS7_type_is_data(part)) {
            STACK_OF(PKCS12_SAFEBAG) *bags = PKCS12_unpack_p7data(part);
            if (bags)
                walk_bags(reading, bags, 0);
            else
                obstacle(reading, RECORD_ERROR_MALFORMED, "a part is damaged");
            sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
        } else if (PKCS7_type_is_encrypted(part)) {
            open_encrypted(reading, part);
        } else {
            obstacle(reading, RECORD_ERROR_UNSUPPORTED, "a part is encrypted for a public key");
        }
        ERR_clear_error();
    }
}

static void tell(struct reading *reading)
{
    const struct found_ops *ops = reading->job->ops;
    entries_tell(&reading->entries, ops);
    struct found_store store = {.format = "pkcs12",
                                .integrity = reading->verified ? "ok" : "unchecked",
                                .entries = entries_count(&reading->entries)};
    ops->store(ops->context, &store);
    if (reading->error != RECORD_ERROR_NONE)
        job_problem(reading->job, "pkcs12", NULL, reading->error, reading->detail);
}

static int not_a_pfx(struct job *job, const char *detail)
{
    job_problem(job, "pkcs12", NULL, RECORD_ERROR_MALFORMED, detail);
    return CM_EMALFORMED;
}

int pkcs12_read(struct job *job, struct slice bytes)
{
    load_providers();
    const unsigned char *at = bytes.data;
    PKCS12 *pfx = bytes.size <= CM_LIMIT_FILE_BYTES ? d2i_PKCS12(NULL, &at, (long)bytes.size) : NULL;
    ERR_clear_error();
    if (!pfx)
        return not_a_pfx(job, "not a whole PKCS#12 file");
    STACK_OF(PKCS7) *parts = PKCS12_unpack_authsafes(pfx);
    ERR_clear_error();
    if (!parts) {
        PKCS12_free(pfx);
        return not_a_pfx(job, "its contents are damaged or signed instead of sealed");
    }
    struct reading reading = {.job = job, .right = job->options->passwords->count};
    entries_init(&reading.entries);
    verify_mac(&reading, pfx);
    walk_parts(&reading, parts);
    tell(&reading);
    entries_done(&reading.entries);
    sk_PKCS7_pop_free(parts, PKCS7_free);
    PKCS12_free(pfx);
    return 0;
}

static bool identify(struct slice head)
{
    return sniff(head.data, head.size) == SNIFF_PKCS12;
}

static enum format_result read_pkcs12(struct job *job, struct content *content)
{
    uint8_t *bytes;
    size_t size;
    if (content_whole(content, &bytes, &size))
        return FORMAT_NOT_MINE;
    (void)pkcs12_read(job, (struct slice){bytes, size}); /* it told what was wrong */
    OPENSSL_cleanse(bytes, size);
    return FORMAT_TAKEN;
}

const struct format format_pkcs12 = {"pkcs12", identify, read_pkcs12, .search = false};
