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
#include "scanner/crawl/formats/der_items.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/keystore.h"
#include "scanner/crawl/formats/pkcs12_entries.h"
#include "scanner/crawl/formats/pkcs12_kdf.h"
#include "scanner/crawl/formats/pkcs12_mac.h"
#include "scanner/crawl/formats/sniff.h"

static OSSL_PROVIDER *legacy, *standard;

/* RC2-40, the default of two decades, lives in the legacy provider; loading one explicitly unloads the default, so both. */
void pkcs12_start(void)
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

enum { WEAK_MAX = 8 };

struct reading {
    struct job *job;
    struct slice bytes; /* of the file */
    struct entries entries;
    /* The try that verified the MAC or opened a part; the count of tries when none did. Each password is tried as it is, then as old programs
     * misread it: tries are twice as many as passwords. */
    size_t right;
    struct buf misread; /* a password, misread */
    bool has_mac, mac_tried, verified, opened;
    const char *weak[WEAK_MAX];
    size_t weak_count;
    size_t crls; /* ordinal of the last */
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

static void weak(struct reading *reading, const char *word)
{
    for (size_t i = 0; i < reading->weak_count; i++)
        if (strcmp(reading->weak[i], word) == 0)
            return;
    if (reading->weak_count < WEAK_MAX)
        reading->weak[reading->weak_count++] = word;
}

/* What an encryption is worth: its cipher and how long a guess takes. */
static void note_weakness(struct reading *reading, const X509_ALGOR *algorithm, uint64_t cost)
{
    switch (OBJ_obj2nid(algorithm->algorithm)) {
    case NID_pbe_WithSHA1And40BitRC2_CBC:
        weak(reading, "rc2-40");
        break;
    case NID_pbe_WithSHA1And40BitRC4:
        weak(reading, "rc4-40");
        break;
    case NID_pbeWithMD2AndDES_CBC:
    case NID_pbeWithMD5AndDES_CBC:
    case NID_pbeWithSHA1AndDES_CBC:
        weak(reading, "des");
        break;
    default:
        break;
    }
    if (cost < KEYSTORE_LOW_ITERATIONS)
        weak(reading, "low-iterations");
}

static uint64_t cost_of(const X509_ALGOR *algorithm)
{
    unsigned char *der = NULL;
    int size = i2d_X509_ALGOR(algorithm, &der);
    uint64_t cost = size > 0 ? pkcs12_kdf_cost((struct slice){der, (size_t)size}) : UINT64_MAX;
    OPENSSL_free(der);
    return cost;
}

/* False when the derivation asks for more work than we give. */
static bool affordable(struct reading *reading, const X509_ALGOR *algorithm)
{
    uint64_t cost = cost_of(algorithm);
    bool fine = cost <= reading->job->options->limits.max_iterations;
    if (!fine)
        obstacle(reading, RECORD_ERROR_TOO_LARGE, "the key derivation asks for too many iterations");
    return fine;
}

static size_t tries(const struct reading *reading)
{
    return 2 * reading->job->options->passwords->count;
}

/* What to try in turn i: what was right before first, then all in order. */
static size_t candidate(const struct reading *reading, size_t i)
{
    if (reading->right == tries(reading))
        return i;
    return i == 0 ? reading->right : i <= reading->right ? i - 1 : i;
}

/* The password of a try: false when there is none, since misreading changes nothing. It lends until the next. */
static bool password_of(struct reading *reading, size_t index, const char **password)
{
    *password = reading->job->options->passwords->list[index / 2];
    if (index % 2 == 0)
        return true;
    if (!*password || !pkcs12_misread(*password, &reading->misread))
        return false;
    *password = reading->misread.data;
    return true;
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
    reading->has_mac = PKCS12_mac_present(pfx);
    if (!reading->has_mac) {
        weak(reading, "no-mac");
        return;
    }
    PKCS12_get0_mac(NULL, &algorithm, NULL, &iterations, pfx);
    int64_t count = 1;
    if (iterations && (!ASN1_INTEGER_get_int64(&count, iterations) ||
                       (count > 0 && (uint64_t)count > reading->job->options->limits.max_iterations))) {
        obstacle(reading, RECORD_ERROR_TOO_LARGE, "the integrity check asks for too many iterations");
        return;
    }
    if (algorithm && !affordable(reading, algorithm)) /* PBMAC1 carries its own count */
        return;
    uint64_t cost = algorithm ? cost_of(algorithm) : 0;
    if ((cost ? cost : count > 0 ? (uint64_t)count : 1) < KEYSTORE_LOW_ITERATIONS)
        weak(reading, "low-iterations");
    for (size_t i = 0; i < tries(reading) && !reading->verified && !give_up(reading); i++) {
        const char *password;
        if (!password_of(reading, i, &password))
            continue;
        reading->verified = pkcs12_mac_fits(pfx, reading->bytes, password);
        if (reading->verified)
            reading->right = i;
    }
    reading->mac_tried = !reading->interrupted;
    ERR_clear_error();
}

static void tell_crl(struct reading *reading, PKCS12_SAFEBAG *bag)
{
    const struct found_ops *ops = reading->job->ops;
    unsigned char *der = NULL;
    struct slice crl;
    char entry[32];
    int size = i2d_PKCS12_SAFEBAG(bag, &der);
    snprintf(entry, sizeof entry, "crl-%zu", ++reading->crls);
    if (size > 0 && !entries_bag_value((struct slice){der, (size_t)size}, &crl) && der_item_of(crl) == DER_ITEM_CRL)
        ops->crl(ops->context, &(struct found_der){"pkcs12", entry, crl});
    else
        job_problem(reading->job, "pkcs12", entry, RECORD_ERROR_MALFORMED, "no revocation list in a CRL bag");
    OPENSSL_free(der);
}

/* What protects a key bag, whose key stays shut. */
static void note_key(struct reading *reading, const PKCS12_SAFEBAG *bag)
{
    const X509_SIG *sealed = PKCS12_SAFEBAG_get0_pkcs8(bag);
    const X509_ALGOR *algorithm = NULL;
    if (PKCS12_SAFEBAG_get_nid(bag) == NID_keyBag)
        weak(reading, "plain-key");
    if (!sealed)
        return;
    X509_SIG_get0(sealed, &algorithm, NULL);
    if (algorithm)
        note_weakness(reading, algorithm, cost_of(algorithm));
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
            note_key(reading, bag);
            break;
        case NID_crlBag:
            tell_crl(reading, bag);
            break;
        case NID_secretBag: /* secret keys are nobody's business; some keep certificates there */
            entries_add_secret(&reading->entries, bag);
            break;
        case NID_safeContentsBag:
            if (depth < DEPTH_MAX)
                walk_bags(reading, PKCS12_SAFEBAG_get0_safes(bag), depth + 1);
            else
                obstacle(reading, RECORD_ERROR_TOO_LARGE, "bags are nested too deeply");
            break;
        default:
            break;
        }
    }
    if (entries_full(&reading->entries))
        obstacle(reading, RECORD_ERROR_TOO_LARGE, "more entries than are read of one file");
}

/* An encrypted part, with each password until one fits. Wrong ones are told apart from right ones by the padding and the inner structure. */
static void open_encrypted(struct reading *reading, PKCS7 *part)
{
    if (!part->d.encrypted || !part->d.encrypted->enc_data || !part->d.encrypted->enc_data->algorithm) {
        obstacle(reading, RECORD_ERROR_MALFORMED, "an encrypted part is damaged");
        return;
    }
    const X509_ALGOR *algorithm = part->d.encrypted->enc_data->algorithm;
    note_weakness(reading, algorithm, cost_of(algorithm));
    if (!affordable(reading, algorithm))
        return;
    for (size_t i = 0; i < tries(reading) && !give_up(reading); i++) {
        size_t index = candidate(reading, i);
        const char *password;
        if (!password_of(reading, index, &password))
            continue;
        STACK_OF(PKCS12_SAFEBAG) *bags = PKCS12_unpack_p7encdata(part, password, password ? (int)strlen(password) : 0);
        if (bags) {
            reading->right = index;
            reading->opened = true;
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
    size_t right = reading->right / 2;
    entries_tell(&reading->entries, ops);
    if (entries_has_keys(&reading->entries) && (reading->verified || reading->opened) && right < passwords_always())
        weak(reading, "default-password");
    /* A password that opens a part and does not fit to the MAC: something was changed. */
    bool bad = !reading->verified && reading->opened && reading->mac_tried;
    struct found_store store = {.format = "pkcs12",
                                .integrity = reading->verified ? "ok"
                                             : bad             ? "bad"
                                                               : "unchecked",
                                .entries = entries_count(&reading->entries),
                                .weak = reading->weak,
                                .weak_count = reading->weak_count};
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
    pkcs12_start();
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
    struct reading reading = {.job = job, .bytes = bytes};
    reading.right = tries(&reading);
    entries_init(&reading.entries);
    buf_init(&reading.misread, 2 * PASSWORD_BYTES_MAX + 1);
    verify_mac(&reading, pfx);
    walk_parts(&reading, parts);
    tell(&reading);
    entries_done(&reading.entries);
    if (reading.misread.data)
        OPENSSL_cleanse(reading.misread.data, reading.misread.capacity);
    buf_done(&reading.misread);
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
