/* Java keystores written field by field, good and bad, and what the crawler tells of them. */
#ifndef TESTS_UNIT_CRAWL_JAVA_STORES_H
#define TESTS_UNIT_CRAWL_JAVA_STORES_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "scanner/crawl/job.h"
#include "tests/unit/crawl/collect.h"
#include "tests/unit/lib/make_cert.h"

static char *const usual_words[] = {NULL, (char *)"", (char *)"changeit"};
static const struct passwords passwords = {(char **)usual_words, 3}; /* few: each costs a key derivation */
static struct job_options options = {
    .passwords = &passwords,
    .limits = {.depth = 16, .memory_bytes = 64 << 20, .max_iterations = 100000, .entries = 100000}};

struct sample {
    uint8_t *der;
    size_t size;
    char print[9];
};

static inline struct sample make_sample(const char *name)
{
    struct sample sample;
    struct recipe recipe = {.key = make_key("EC", "P-256"),
                            .subject = make_name(name),
                            .version = 2,
                            .not_before = "20260101000000Z",
                            .not_after = "20270101000000Z"};
    X509 *x = make_cert(&recipe);
    unsigned char *der = NULL;
    int size = i2d_X509(x, &der);
    sample = (struct sample){.der = der, .size = (size_t)size};
    collect_print(der, sample.size, sample.print);
    X509_free(x);
    X509_NAME_free(recipe.subject);
    EVP_PKEY_free(recipe.key);
    return sample;
}

static inline void put_u32(struct buf *out, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_append_char(out, (char)(value >> shift));
}

static inline void put_utf_bytes(struct buf *out, const void *text, size_t size)
{
    buf_append_char(out, (char)(size >> 8));
    buf_append_char(out, (char)size);
    buf_append(out, text, size);
}

static inline void put_utf(struct buf *out, const char *text)
{
    put_utf_bytes(out, text, strlen(text));
}

static inline void put_date(struct buf *out)
{
    put_u32(out, 0x19B);
    put_u32(out, 0x12345678);
}

static inline void put_data(struct buf *out, const void *bytes, size_t size)
{
    put_u32(out, (uint32_t)size);
    buf_append(out, bytes, size);
}

/* utf type, data: as every format of the family writes a certificate. */
static inline void put_certificate(struct buf *out, const struct sample *sample)
{
    put_utf(out, "X.509");
    put_data(out, sample->der, sample->size);
}

/* What the crawler tells of these bytes; to be freed. */
static char *told(const void *bytes, size_t size)
{
    struct collected all;
    struct found_ops ops = collect_ops(&all);
    struct job job;
    uint8_t *copy = malloc(size + 1);
    memcpy(copy, bytes, size);
    job_init(&job, &options, &ops);
    job_memory(&job, copy, size);
    job_done(&job);
    free(copy);
    char *text = strdup(all.text.data);
    buf_done(&all.text);
    return text;
}

CM_PRINTF(2, 3) static void expect(const struct buf *store, const char *format, ...)
{
    char expected[8192];
    va_list list;
    va_start(list, format);
    vsnprintf(expected, sizeof expected, format, list);
    va_end(list);
    char *text = told(store->data, store->size);
    assert_string_equal(text, expected);
    free(text);
}

/* The same words on end of a line; how often they stand in text. */
static inline unsigned occurrences(const char *text, const char *words)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, words)); at += strlen(words))
        count++;
    return count;
}

#endif
