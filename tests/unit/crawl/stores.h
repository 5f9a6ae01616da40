/* For tests of containers: a few certificates, and any bytes read through the table of formats as a file of the disk. */
#ifndef TESTS_UNIT_CRAWL_STORES_H
#define TESTS_UNIT_CRAWL_STORES_H

#include <stdlib.h>

#include "scanner/crawl/formats/format.h"
#include "tests/unit/crawl/collect.h"
#include "tests/unit/lib/make_cert.h"

static struct passwords stores_passwords;
static struct job_options stores_options = {.passwords = &stores_passwords,
                                            .limits = {.depth = 8,
                                                       .unpacked_bytes = 1 << 26,
                                                       .entries = 10000,
                                                       .ratio = 1000,
                                                       .memory_bytes = 1 << 26,
                                                       .max_iterations = 10000}};

/* A certificate in DER, named CN. To be freed with OPENSSL_free. */
struct stores_certificate {
    unsigned char *der;
    size_t size;
    char print[9]; /* as collect.h writes it */
};

static struct stores_certificate stores_make(EVP_PKEY *key, const char *subject, const char *issuer)
{
    struct stores_certificate made = {0};
    struct recipe recipe = {.key = key,
                            .subject = make_name(subject),
                            .issuer = make_name(issuer),
                            .version = 2,
                            .not_before = "20260101000000Z",
                            .not_after = "20270101000000Z",
                            .extensions = {{"basicConstraints", strcmp(subject, issuer) ? "CA:FALSE" : "CA:TRUE"}}};
    X509 *x = make_cert(&recipe);
    int size = i2d_X509(x, &made.der);
    assert_true(size > 0);
    made.size = (size_t)size;
    collect_print(made.der, made.size, made.print);
    X509_free(x);
    X509_NAME_free(recipe.subject);
    X509_NAME_free(recipe.issuer);
    return made;
}

/* What reading these bytes tells; they are copied, so that a read beyond them shows. pulses: how many until the time is over, -1 for none. */
static void stores_read(const void *bytes, size_t size, const char *beside, int pulses, struct collected *all)
{
    struct found_ops ops = collect_ops(all);
    uint8_t *copy = malloc(size ? size : 1);
    struct job job;
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    all->beside = beside;
    all->pulses_left = pulses;
    job_init(&job, &stores_options, &ops);
    job_memory(&job, copy, size);
    job_done(&job);
    free(copy);
}

static inline void stores_expect(const void *bytes, size_t size, const char *beside, const char *expected)
{
    struct collected all;
    stores_read(bytes, size, beside, -1, &all);
    assert_string_equal(all.text.data, expected);
    buf_done(&all.text);
}

/* What a damaged store says of roles may be less than what the whole one says. */
static inline void stores_forget_roles(char *text)
{
    static const char *const roles[] = {" stored:", " trust:", " signer:"};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        for (char *at = text; (at = strstr(at, roles[i]));)
            memmove(at, at + strlen(roles[i]), strlen(at + strlen(roles[i])) + 1);
}

/* Cuts the bytes at every step-th byte; none of it may tell more certificates than the whole, nor another than it. */
static inline void stores_cut(const void *bytes, size_t size, size_t step)
{
    struct collected whole, part;
    stores_read(bytes, size, NULL, -1, &whole);
    stores_forget_roles(whole.text.data);
    for (size_t cut = 0; cut < size; cut += step) {
        stores_read(bytes, cut, NULL, -1, &part);
        stores_forget_roles(part.text.data);
        assert_true(part.certificates <= whole.certificates);
        for (const char *line = strstr(part.text.data, "chain "); line; line = strstr(line + 1, "\nchain ")) {
            line += *line == '\n';
            const char *end = strchr(line, '\n');
            char told[256];
            snprintf(told, sizeof told, "%.*s\n", (int)(end - line), line);
            assert_non_null(strstr(whole.text.data, told));
        }
        buf_done(&part.text);
    }
    buf_done(&whole.text);
}

#endif
