/* JA3, JA3S and JA4: lists of numbers, written as text, hashed while they are written.
 *
 * Owns the two hash algorithms, fetched once per process. A text may be long (a hello holds 32,767 suites), so it passes through
 * a small buffer on the stack and is never kept. */
#include "scanner/tls/fingerprint.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "certmuster/error.h"
#include "scanner/tls/extensions.h"

enum { JA4_HASH_DIGITS = 12, JA4_COUNT_MAX = 99 };

static EVP_MD *md5, *sha256;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* --- text that is hashed as it is written --------------------------------------------------------------------------- */

struct hashed_text {
    EVP_MD_CTX *context;
    bool ok;
    size_t size, total;
    char text[512];
};

static void text_start(struct hashed_text *text, const EVP_MD *algorithm)
{
    text->context = EVP_MD_CTX_new();
    text->ok = algorithm && text->context && EVP_DigestInit_ex2(text->context, algorithm, NULL) == 1;
    text->size = text->total = 0;
}

static void text_flush(struct hashed_text *text)
{
    text->ok = text->ok && EVP_DigestUpdate(text->context, text->text, text->size) == 1;
    text->size = 0;
}

static void text_char(struct hashed_text *text, char c)
{
    if (text->size == sizeof text->text)
        text_flush(text);
    text->text[text->size++] = c;
    text->total++;
}

static void text_decimal(struct hashed_text *text, unsigned value)
{
    if (value >= 10)
        text_decimal(text, value / 10);
    text_char(text, (char)('0' + value % 10));
}

static void text_hex4(struct hashed_text *text, unsigned value)
{
    for (int shift = 12; shift >= 0; shift -= 4)
        text_char(text, "0123456789abcdef"[value >> shift & 0xf]);
}

/* Writes the first count hex digits of the hash and a NUL; nothing where OpenSSL has no such algorithm. */
static void text_end(struct hashed_text *text, size_t digits, char *out)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    text_flush(text);
    text->ok = text->ok && EVP_DigestFinal_ex(text->context, hash, NULL) == 1;
    EVP_MD_CTX_free(text->context);
    size_t i = 0;
    for (; text->ok && i < digits; i++)
        out[i] = "0123456789abcdef"[hash[i / 2] >> (i % 2 ? 0 : 4) & 0xf];
    out[i] = '\0';
}

/* --- lists of numbers ----------------------------------------------------------------------------------------------- */

/* The next of a list of uint16 that is not GREASE. */
static bool next_number(struct cursor *list, uint16_t *value)
{
    while (cursor_u16(list, value) == 0) {
        if (!tls_is_grease(*value))
            return true;
    }
    return false;
}

/* The type of the next extension that is not GREASE. */
static bool next_type(struct cursor *list, uint16_t *type)
{
    struct cursor data;
    while (tls_next_extension(list, type, &data) == 1) {
        if (!tls_is_grease(*type))
            return true;
    }
    return false;
}

typedef bool next_fn(struct cursor *list, uint16_t *value);

static unsigned count_list(struct slice bytes, next_fn *next)
{
    struct cursor list;
    uint16_t value;
    unsigned count = 0;
    cursor_init_slice(&list, bytes);
    while (next(&list, &value))
        count++;
    return count;
}

/* --- JA3 ------------------------------------------------------------------------------------------------------------ */

static void ja3_list(struct hashed_text *text, struct slice bytes, next_fn *next)
{
    struct cursor list;
    uint16_t value;
    bool first = true;
    cursor_init_slice(&list, bytes);
    text_char(text, ',');
    while (next(&list, &value)) {
        if (!first)
            text_char(text, '-');
        text_decimal(text, value);
        first = false;
    }
}

static bool next_byte(struct cursor *list, uint16_t *value)
{
    uint8_t byte;
    if (cursor_u8(list, &byte))
        return false;
    *value = byte;
    return true;
}

/* The reference implementation leaves GREASE out of client hellos only. */
static bool next_server_type(struct cursor *list, uint16_t *type)
{
    struct cursor data;
    return tls_next_extension(list, type, &data) == 1;
}

void ja3_write(const struct tls_client_hello *hello, char out[static JA3_SIZE])
{
    struct hashed_text text;
    pthread_once(&fetched, fetch);
    text_start(&text, md5);
    text_decimal(&text, hello->legacy_version);
    ja3_list(&text, hello->suites, next_number);
    ja3_list(&text, hello->extensions, next_type);
    ja3_list(&text, hello->groups, next_number);
    ja3_list(&text, hello->point_formats, next_byte);
    text_end(&text, JA3_SIZE - 1, out);
}

void ja3s_write(const struct tls_server_hello *hello, char out[static JA3_SIZE])
{
    struct hashed_text text;
    pthread_once(&fetched, fetch);
    text_start(&text, md5);
    text_decimal(&text, hello->legacy_version);
    text_char(&text, ',');
    text_decimal(&text, hello->cipher);
    ja3_list(&text, hello->extensions, next_server_type);
    text_end(&text, JA3_SIZE - 1, out);
}

/* --- JA4 ------------------------------------------------------------------------------------------------------------ */

static const char *ja4_version(uint16_t version)
{
    switch (version) {
    case 0x0304:
        return "13";
    case 0x0303:
        return "12";
    case 0x0302:
        return "11";
    case 0x0301:
        return "10";
    case 0x0300:
        return "s3";
    case 0x0002:
        return "s2";
    case 0xfeff:
        return "d1";
    case 0xfefd:
        return "d2";
    case 0xfefc:
        return "d3";
    default:
        return "00";
    }
}

/* The newest of supported_versions, else the legacy one. DTLS counts downwards. */
static uint16_t newest_version(const struct tls_client_hello *hello, bool dtls)
{
    struct cursor list;
    uint16_t version, newest;
    cursor_init_slice(&list, hello->supported_versions);
    if (!next_number(&list, &newest))
        return hello->legacy_version;
    while (next_number(&list, &version)) {
        if (dtls ? version < newest : version > newest)
            newest = version;
    }
    return newest;
}

static bool has_extension(struct slice extensions, uint16_t wanted)
{
    struct cursor list;
    uint16_t type;
    cursor_init_slice(&list, extensions);
    while (next_type(&list, &type)) {
        if (type == wanted)
            return true;
    }
    return false;
}

static bool is_alphanumeric(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* First and last character of the first protocol; of its hex form when one of them is not alphanumeric; "00" without. */
static void ja4_alpn(struct slice alpn, char out[static 2])
{
    struct cursor list, name;
    out[0] = out[1] = '0';
    cursor_init_slice(&list, alpn);
    if (cursor_vector8(&list, &name) || cursor_at_end(&name))
        return;
    uint8_t first = *name.at, last = name.end[-1];
    bool plain = is_alphanumeric(first) && is_alphanumeric(last);
    out[0] = plain ? (char)first : "0123456789abcdef"[first >> 4];
    out[1] = plain ? (char)last : "0123456789abcdef"[last & 0xf];
}

static int compare_numbers(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* The numbers of a list in order, as "0005,000a,…"; without server_name and ALPN where they are extensions. */
static void ja4_sorted(struct hashed_text *text, struct slice bytes, next_fn *next)
{
    struct cursor list;
    uint16_t value;
    size_t count = 0;
    uint16_t *numbers = cm_malloc(bytes.size + sizeof *numbers); /* each took two bytes or more; a list has 64 KiB */
    cursor_init_slice(&list, bytes);
    while (next(&list, &value)) {
        if (next != next_type || (value != TLS_EXT_SERVER_NAME && value != TLS_EXT_ALPN))
            numbers[count++] = value;
    }
    qsort(numbers, count, sizeof *numbers, compare_numbers);
    for (size_t i = 0; i < count; i++) {
        if (i)
            text_char(text, ',');
        text_hex4(text, numbers[i]);
    }
    free(numbers);
}

/* Signature algorithms stand in the order sent, behind an underscore that is not there without them. */
static void ja4_signatures(struct hashed_text *text, struct slice algorithms)
{
    struct cursor list;
    uint16_t value;
    char before = '_';
    cursor_init_slice(&list, algorithms);
    while (next_number(&list, &value)) {
        text_char(text, before);
        text_hex4(text, value);
        before = ',';
    }
}

/* An empty list is twelve zeros and not the hash of nothing. */
static void ja4_hash(struct hashed_text *text, char *out)
{
    bool empty = text->total == 0;
    text_end(text, JA4_HASH_DIGITS, out);
    if (empty)
        snprintf(out, JA4_HASH_DIGITS + 1, "000000000000");
}

static unsigned at_most_99(unsigned count)
{
    return count < JA4_COUNT_MAX ? count : JA4_COUNT_MAX;
}

void ja4_write(const struct tls_client_hello *hello, char transport, char out[static JA4_SIZE])
{
    struct hashed_text text;
    char alpn[2], suites[JA4_HASH_DIGITS + 1], extensions[JA4_HASH_DIGITS + 1];
    pthread_once(&fetched, fetch);
    ja4_alpn(hello->alpn, alpn);
    text_start(&text, sha256);
    ja4_sorted(&text, hello->suites, next_number);
    ja4_hash(&text, suites);
    text_start(&text, sha256);
    ja4_sorted(&text, hello->extensions, next_type);
    ja4_signatures(&text, hello->signature_algorithms);
    ja4_hash(&text, extensions);
    snprintf(out, JA4_SIZE, "%c%s%c%02u%02u%c%c_%s_%s", transport, ja4_version(newest_version(hello, transport == 'd')),
             has_extension(hello->extensions, TLS_EXT_SERVER_NAME) ? 'd' : 'i',
             at_most_99(count_list(hello->suites, next_number)), at_most_99(count_list(hello->extensions, next_type)),
             alpn[0], alpn[1], suites, extensions);
}
