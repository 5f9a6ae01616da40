/* Collects what the readers of formats tell, as lines of text: "chain pem 1 2 <sha256>,<sha256>", "key pem key-1 pkcs8 plain", … */
#ifndef TESTS_UNIT_CRAWL_COLLECT_H
#define TESTS_UNIT_CRAWL_COLLECT_H

#include <string.h>

#include "certmuster/ids.h"
#include "scanner/crawl/found.h"
#include "tests/unit/lib/cmocka_first.h"

struct collected {
    struct buf text;
    unsigned chains, certificates, keys, stores, problems;
    int pulses_left;    /* negative: for ever */
    const char *beside; /* the ending of the one file that lies beside */
};

static void collect_chain(void *context, const struct found_chain *chain)
{
    struct collected *all = context;
    buf_appendf(&all->text, "chain %s %s", chain->format, chain->entry);
    if (chain->role)
        buf_appendf(&all->text, " %s:", chain->role);
    for (size_t i = 0; i < chain->count; i++) {
        uint8_t digest[CM_SHA256_SIZE];
        sha256_bytes(chain->der[i].data, chain->der[i].size, digest);
        buf_append_char(&all->text, ' ');
        hex_append(&all->text, digest, 4);
    }
    buf_append_char(&all->text, '\n');
    all->chains++;
    all->certificates += (unsigned)chain->count;
}

static void collect_key(void *context, const struct found_key *key)
{
    struct collected *all = context;
    buf_appendf(&all->text, "key %s %s %s %s %s %u", key->format, key->entry, key->kind,
                key->encrypted ? "encrypted" : "plain", key->has_spki ? key->alg : "-", key->has_spki ? key->bits : 0);
    buf_append_char(&all->text, ' ');
    if (key->has_spki)
        hex_append(&all->text, key->spki_sha256, 4);
    buf_append_char(&all->text, '\n');
    all->keys++;
}

static void collect_der(struct collected *all, const char *what, const char *format, const char *entry,
                        struct slice der)
{
    uint8_t digest[CM_SHA256_SIZE];
    sha256_bytes(der.data, der.size, digest);
    buf_appendf(&all->text, "%s %s %s ", what, format, entry);
    hex_append(&all->text, digest, 4);
    buf_append_char(&all->text, '\n');
}
static void collect_request(void *context, const struct found_der *request)
{
    collect_der(context, "request", request->format, request->entry, request->der);
}
static void collect_crl(void *context, const struct found_der *crl)
{
    collect_der(context, "crl", crl->format, crl->entry, crl->der);
}
static void collect_ssh_certificate(void *context, const struct found_ssh_certificate *certificate)
{
    collect_der(context, "ssh", certificate->format, certificate->entry, certificate->blob);
}

static void collect_store(void *context, const struct found_store *store)
{
    struct collected *all = context;
    buf_appendf(&all->text, "store %s %s %zu", store->format, store->integrity, store->entries);
    for (size_t i = 0; i < store->weak_count; i++)
        buf_appendf(&all->text, " %s", store->weak[i]);
    buf_append_char(&all->text, '\n');
    all->stores++;
}

static void collect_problem(void *context, const struct found_problem *problem)
{
    struct collected *all = context;
    buf_appendf(&all->text, "problem %s %s %s\n", problem->format ? problem->format : "-",
                problem->entry ? problem->entry : "-", record_error_name(problem->error));
    all->problems++;
}

static void collect_enter(void *context, const char *name, const char *layer)
{
    struct collected *all = context;
    buf_appendf(&all->text, "enter %s%s%s\n", name ? name : "-", layer ? " " : "", layer ? layer : "");
}

static void collect_leave(void *context)
{
    struct collected *all = context;
    buf_append_str(&all->text, "leave\n");
}

static bool collect_beside(void *context, const char *ending)
{
    const struct collected *all = context;
    return all->beside && strcmp(ending, all->beside) == 0;
}

static bool collect_pulse(void *context)
{
    struct collected *all = context;
    return all->pulses_left >= 0 && all->pulses_left-- == 0;
}

static struct found_ops collect_ops(struct collected *all)
{
    *all = (struct collected){.pulses_left = -1};
    buf_init(&all->text, 1 << 20);
    return (struct found_ops){.chain = collect_chain,
                              .key = collect_key,
                              .request = collect_request,
                              .crl = collect_crl,
                              .ssh_certificate = collect_ssh_certificate,
                              .store = collect_store,
                              .problem = collect_problem,
                              .enter = collect_enter,
                              .leave = collect_leave,
                              .beside = collect_beside,
                              .pulse = collect_pulse,
                              .context = all};
}

/* The first eight hex digits of a certificate's fingerprint, as collect_chain writes them. */
static void collect_print(const void *der, size_t size, char out[static 9])
{
    uint8_t digest[CM_SHA256_SIZE];
    sha256_bytes(der, size, digest);
    hex_write(out, digest, 4);
}

#endif
