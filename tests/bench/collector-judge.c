/* collector-judge FILE.der ROOT.pem ROUNDS MOST THREADS: what it costs to decode and judge certificates that nobody has seen, made by
 * collector-certificates; MOST: how many of them at most.
 *
 *   least   d2i_X509() of each, one check of its signature with its issuer's key, and X509_free(); whoever verifies certificates with OpenSSL does as much
 *   read    their records, as they come: JSON, base64, SHA-256
 *   decode  what ingest does with a new certificate between its record and COPY
 *   judge   what the judge does with its chain between the docket and the verdict: out of the hex that PostgreSQL tells, one trust store, intermediates served along
 *
 * Functions of the collector itself, over the same bytes, in one process, taking turns; PostgreSQL and the ways to it are not in it.
 * Prints a line for each round: microseconds of CPU per certificate of each, then, of decode and judge shared out among THREADS, CPU of
 * them all and the wall clock. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certmuster/ids.h"
#include "certmuster/limits.h"
#include "collector/ingest/rows.h"
#include "collector/judge/paths.h"
#include "collector/judge/rulings.h"

enum { ISSUERS = 3, THREADS_MAX = 64, BATCH = 1000, ROUND = 500 /* chains, as the docket takes them */ };

struct item {
    const uint8_t *der;
    uint32_t size, issuer;
    uint8_t sha256[CM_SHA256_SIZE];
    char *hex;
};

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "collector-judge: %s\n", what);
    exit(3);
}

static int64_t ns_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "r");
    must(file && fseek(file, 0, SEEK_END) == 0, path);
    *size = (size_t)ftell(file);
    uint8_t *bytes = malloc(*size + 1);
    rewind(file);
    must(bytes && fread(bytes, 1, *size, file) == *size, path);
    fclose(file);
    return bytes;
}

/* --- The least ----------------------------------------------------------------------------------------------------------------------------- */

static X509 *decode_openssl(const struct item *item)
{
    const unsigned char *at = item->der;
    X509 *certificate = d2i_X509(NULL, &at, (long)item->size);
    must(certificate != NULL, "d2i_X509");
    return certificate;
}

static void least(const struct item *items, size_t count)
{
    X509 *issuers[ISSUERS];
    for (size_t i = 0; i < ISSUERS; i++)
        issuers[i] = decode_openssl(&items[i]);
    for (size_t i = ISSUERS; i < count; i++) {
        X509 *certificate = decode_openssl(&items[i]);
        must(X509_verify(certificate, X509_get0_pubkey(issuers[items[i].issuer])) == 1, "X509_verify");
        X509_free(certificate);
    }
    for (size_t i = 0; i < ISSUERS; i++)
        X509_free(issuers[i]);
}

/* --- The collector's -------------------------------------------------------------------------------------------------------------------- */

/* Bodies of records, written beforehand. */
static struct buf *write_records(const struct item *items, size_t count, size_t *bodies)
{
    struct buf *list = cm_calloc(count / BATCH + 1, sizeof *list);
    *bodies = 0;
    for (size_t i = ISSUERS; i < count; i++) {
        char hex[CM_SHA256_HEX_SIZE];
        if ((i - ISSUERS) % BATCH == 0)
            buf_init(&list[(*bodies)++], CM_LIMIT_BATCH_BYTES);
        struct buf *body = &list[*bodies - 1];
        hex_write(hex, items[i].sha256, CM_SHA256_SIZE);
        buf_appendf(body, "{\"v\":1,\"type\":\"certificate\",\"sha256\":\"%s\",\"der\":\"", hex);
        base64_append(body, items[i].der, items[i].size);
        buf_append_str(body, "\"}\n");
        must(!body->failed, "a body is too large");
    }
    return list;
}

static void read_records(const struct buf *list, size_t bodies, size_t count)
{
    static const uint8_t run[CM_UUID_SIZE];
    const struct batch_options options = {.scanner = "bench", .run = run, .now_ms = 1};
    size_t stored = 0;
    for (size_t i = 0; i < bodies; i++) {
        struct batch batch = {.lines = 0};
        struct cm_error error;
        must(batch_read(list[i].data, list[i].size, &options, &batch, &error) == 0, "batch_read");
        stored += batch.certificate_count;
        batch_done(&batch);
    }
    must(stored == count - ISSUERS, "a certificate is not read");
}

static void decode(const struct item *items, size_t first, size_t end)
{
    struct buf rows, names;
    struct batch batch = {.lines = 0};
    buf_init(&rows, ROWS_MAX);
    buf_init(&names, ROWS_MAX);
    buf_init(&batch.ders, CM_LIMIT_CERT_BYTES);
    for (size_t i = first; i < end; i++) {
        struct batch_certificate certificate = {.der_size = items[i].size, .first_ms = 1, .last_ms = 1};
        memcpy(certificate.sha256, items[i].sha256, CM_SHA256_SIZE);
        buf_reset(&batch.ders);
        buf_append(&batch.ders, items[i].der, items[i].size);
        row_certificate(&rows, &batch, &certificate, 1);
        rows_names(&names, &batch, &certificate);
        if (rows.size > ROWS_CHUNK_BYTES)
            buf_reset(&rows), buf_reset(&names);
    }
    buf_done(&rows);
    buf_done(&names);
    buf_done(&batch.ders);
}

static int find_der(const uint8_t sha256[CM_SHA256_SIZE], struct buf *der, void *context)
{
    const struct item *items = context;
    for (size_t i = 0; i < ISSUERS; i++)
        if (memcmp(items[i].sha256, sha256, CM_SHA256_SIZE) == 0) {
            buf_append(der, items[i].der, items[i].size);
            return 0;
        }
    return CM_ENOTFOUND;
}

static int find_nobody(const uint8_t sha256[CM_SHA256_SIZE], struct issuers_name *out, void *context)
{
    (void)sha256, (void)out, (void)context;
    return CM_ENOTFOUND;
}

/* As docket.c takes a row. True: the verdict is "ok". */
static bool judge_one(struct item *items, const struct item *item, struct shelf *shelf, struct bench *bench,
                      const struct trust *trust, struct rulings *rulings)
{
    struct served served = {.count = 2};
    struct verdict verdict;
    struct shape shape;
    uint8_t id[CM_UUID_SIZE];
    struct buf der;
    memcpy(served.sha256[0], item->sha256, CM_SHA256_SIZE);
    memcpy(served.sha256[1], items[item->issuer].sha256, CM_SHA256_SIZE);
    chain_id((const uint8_t(*)[CM_SHA256_SIZE])served.sha256, served.count, id);
    buf_init(&der, CM_LIMIT_CERT_BYTES + 1);
    must(hex_read(item->hex, 2 * (size_t)item->size, (uint8_t *)buf_extend(&der, item->size), item->size) == 0, "hex");
    served.member[0] = shelf_decode(der.data, der.size);
    buf_done(&der);
    must(served_get(&served, 1, shelf, find_der, items) == 0, "intermediate");
    must(verify_chain(trust, &served, bench, &verdict) == 0, "verify");
    rulings_add(rulings, id, "system", &verdict);
    shape_of(&served, &shape);
    rulings_add_shape(rulings, id, &shape);
    rulings_take(rulings, id, "");
    served_done(&served);
    return strcmp(verdict.name, "ok") == 0;
}

static void judge(struct item *items, size_t first, size_t end, const struct trust *trust)
{
    struct shelf *shelf = shelf_new();
    struct bench bench = {.issuers = issuers_new(), .paths = paths_new(), .now = time(NULL)};
    struct rulings rulings;
    size_t good = 0;
    rulings_init(&rulings, "{system}", 1);
    for (size_t i = first; i < end; i++) {
        if ((i - first) % ROUND == 0) {
            issuers_begin(bench.issuers, find_nobody, NULL);
            paths_begin_round(bench.paths);
            rulings_done(&rulings);
            rulings_init(&rulings, "{system}", 1);
        }
        good += judge_one(items, &items[i], shelf, &bench, trust, &rulings);
    }
    must(good == end - first, "a chain is not ok");
    rulings_done(&rulings);
    shelf_free(shelf);
    issuers_free(bench.issuers);
    paths_free(bench.paths);
}

/* --- Shared out ---------------------------------------------------------------------------------------------------------------------------- */

struct share {
    struct item *items;
    size_t first, end;
    const struct trust *trust;
    OSSL_LIB_CTX *crypto;
    pthread_t thread;
};

static void *work(void *context)
{
    struct share *share = context;
    OSSL_LIB_CTX_set0_default(share->crypto);
    decode(share->items, share->first, share->end);
    judge(share->items, share->first, share->end, share->trust);
    return NULL;
}

static void share_out(struct item *items, size_t count, const struct trust *trust, size_t threads)
{
    static OSSL_LIB_CTX *contexts[THREADS_MAX]; /* as panel.c has them: each but the first its own */
    struct share shares[THREADS_MAX];
    size_t all = count - ISSUERS;
    for (size_t i = 0; i < threads; i++) {
        if (i > 0 && !contexts[i])
            contexts[i] = OSSL_LIB_CTX_new();
        shares[i] = (struct share){.items = items,
                                   .crypto = contexts[i],
                                   .first = ISSUERS + all * i / threads,
                                   .end = ISSUERS + all * (i + 1) / threads,
                                   .trust = trust};
        must(pthread_create(&shares[i].thread, NULL, work, &shares[i]) == 0, "threads");
    }
    for (size_t i = 0; i < threads; i++)
        pthread_join(shares[i].thread, NULL);
}

static struct item *read_items(const char *path, size_t most, size_t *count)
{
    size_t size;
    uint8_t *bytes = read_file(path, &size);
    struct item *items = cm_calloc(most + ISSUERS, sizeof *items);
    *count = 0;
    for (size_t at = 0; at + 8 <= size && *count < most + ISSUERS; at += 8 + items[(*count)++].size) {
        struct item *item = &items[*count];
        memcpy(&item->size, bytes + at, 4);
        memcpy(&item->issuer, bytes + at + 4, 4);
        item->der = bytes + at + 8;
        sha256_bytes(item->der, item->size, item->sha256);
        item->hex = cm_malloc(2 * (size_t)item->size + 1);
        hex_write(item->hex, item->der, item->size);
    }
    must(*count > ISSUERS, path);
    return items;
}

int main(int argc, char **argv)
{
    must(argc == 6, "FILE ROOT ROUNDS MOST THREADS");
    size_t count, bodies, threads = (size_t)atoi(argv[5]);
    struct item *items = read_items(argv[1], (size_t)atol(argv[4]), &count);
    struct buf *records = write_records(items, count, &bodies);
    struct trust *trust = trust_new("system", argv[2]);
    struct cm_error error = {0};
    double each = 1e3 * (double)(count - ISSUERS);
    must(threads > 0 && threads <= THREADS_MAX && trust_refresh(trust, &error) == 0, "trust store");
    for (int round = 0; round < atoi(argv[3]); round++) {
        int64_t begin = ns_of(CLOCK_PROCESS_CPUTIME_ID);
        least(items, count);
        int64_t a = ns_of(CLOCK_PROCESS_CPUTIME_ID);
        read_records(records, bodies, count);
        int64_t b = ns_of(CLOCK_PROCESS_CPUTIME_ID);
        decode(items, ISSUERS, count);
        int64_t c = ns_of(CLOCK_PROCESS_CPUTIME_ID);
        judge(items, ISSUERS, count, trust);
        int64_t d = ns_of(CLOCK_PROCESS_CPUTIME_ID), wall = ns_of(CLOCK_MONOTONIC);
        share_out(items, count, trust, threads);
        wall = ns_of(CLOCK_MONOTONIC) - wall;
        printf("least %.2f read %.2f decode %.2f judge %.2f cpu %.2f wall %.2f\n", (double)(a - begin) / each,
               (double)(b - a) / each, (double)(c - b) / each, (double)(d - c) / each,
               (double)(ns_of(CLOCK_PROCESS_CPUTIME_ID) - d) / each, (double)wall / each);
    }
    return 0;
}
