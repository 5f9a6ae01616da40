/* How fast contents are told apart and searched, beside memmem(3) looking for one needle in the same bytes.
 *
 *     formats-scan KIND BYTES PIECE ROUNDS      KIND: random, text, base64; contents of PIECE bytes, BYTES in all
 *
 * Prints the nanoseconds that each round of each took: "memmem 1 2 3", "identify …", "search …", "both …". Rounds take turns, so that what changes on
 * the machine meets all alike. Nothing is found in these bytes: that is what nearly all bytes of a disk are like. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/search.h"

static void nothing_chain(void *context, const struct found_chain *chain)
{
    (void)chain;
    ++*(size_t *)context;
}

static void nothing_key(void *context, const struct found_key *key)
{
    (void)key;
    ++*(size_t *)context;
}

static void nothing_der(void *context, const struct found_der *der)
{
    (void)der;
    ++*(size_t *)context;
}

static void nothing_ssh(void *context, const struct found_ssh_certificate *certificate)
{
    (void)certificate;
    ++*(size_t *)context;
}

static void nothing_store(void *context, const struct found_store *store)
{
    (void)store;
    ++*(size_t *)context;
}

static void nothing_problem(void *context, const struct found_problem *problem)
{
    (void)problem;
    ++*(size_t *)context;
}

static void nothing_enter(void *context, const char *name, const char *layer)
{
    (void)context;
    (void)name;
    (void)layer;
}

static void nothing_leave(void *context)
{
    (void)context;
}

static bool nothing_beside(void *context, const char *name)
{
    (void)context;
    (void)name;
    return false;
}

static bool nothing_pulse(void *context)
{
    (void)context;
    return false;
}

static uint64_t state = 0x9E3779B97F4A7C15;

static uint64_t next_random(void) /* xorshift64* */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1D;
}

static void fill_random(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(next_random() >> 56);
}

/* Words of a manual and of code, in lines. */
static void fill_text(uint8_t *bytes, size_t size)
{
    static const char words[][12] = {"the ",    "of ",  "server ", "-- ",    "key: ",        "path/",
                                     "value, ", "int ", "x = 1; ", "BEGIN ", "certificate ", "a ",
                                     "return ", "\n",   "    ",    "is ",    "not ",         "\n\n"};
    for (size_t i = 0; i < size;) {
        const char *word = words[next_random() % (sizeof words / sizeof *words)];
        for (; *word && i < size; i++)
            bytes[i] = (uint8_t)*word++;
    }
}

static void fill_base64(uint8_t *bytes, size_t size)
{
    enum { LINE = 76 };
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i++)
        bytes[i] = i % (LINE + 1) == LINE ? '\n' : (uint8_t)digits[next_random() >> 58];
}

struct bench {
    uint8_t *bytes;
    size_t size, piece;
    struct job job;
    size_t folded; /* so that nothing is optimised away */
};

static void run_memmem(struct bench *bench)
{
    static const char needle[] = "-----BEGIN ";
    for (size_t at = 0; at < bench->size; at += bench->piece)
        bench->folded += memmem(bench->bytes + at, bench->piece, needle, sizeof needle - 1) != NULL;
}

static void run_identify(struct bench *bench)
{
    for (size_t at = 0; at < bench->size; at += bench->piece) {
        size_t row = 0;
        while (format_identify((struct slice){bench->bytes + at, bench->piece}, &row))
            bench->folded++;
    }
}

static void run_search(struct bench *bench)
{
    for (size_t at = 0; at < bench->size; at += bench->piece) {
        struct content content;
        content_from_memory(&content, bench->bytes + at, bench->piece);
        if (!content_open(&content))
            search_text(&bench->job, &content);
        content_done(&content);
    }
}

static void run_both(struct bench *bench)
{
    for (size_t at = 0; at < bench->size; at += bench->piece)
        job_memory(&bench->job, bench->bytes + at, bench->piece);
}

static const struct {
    const char *name;
    void (*run)(struct bench *bench);
} runs[] = {{"memmem", run_memmem}, {"identify", run_identify}, {"search", run_search}, {"both", run_both}};
enum { RUNS = sizeof runs / sizeof *runs, ROUNDS_MAX = 100 };

static long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void measure(struct bench *bench, unsigned rounds)
{
    static long took[RUNS][ROUNDS_MAX];
    for (size_t i = 0; i < RUNS; i++) /* once for the caches */
        runs[i].run(bench);
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < RUNS; i++) {
            long began = now_ns();
            runs[i].run(bench);
            took[i][round] = now_ns() - began;
        }
    }
    for (size_t i = 0; i < RUNS; i++) {
        printf("%s", runs[i].name);
        for (unsigned round = 0; round < rounds; round++)
            printf(" %ld", took[i][round]);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    size_t found = 0;
    struct found_ops ops = {.chain = nothing_chain,
                            .key = nothing_key,
                            .request = nothing_der,
                            .crl = nothing_der,
                            .ssh_certificate = nothing_ssh,
                            .store = nothing_store,
                            .problem = nothing_problem,
                            .enter = nothing_enter,
                            .leave = nothing_leave,
                            .beside = nothing_beside,
                            .pulse = nothing_pulse,
                            .context = &found};
    struct passwords passwords;
    struct job_options options = {.passwords = &passwords, .limits = job_default_limits};
    struct bench bench = {.size = argc == 5 ? strtoul(argv[2], NULL, 10) : 0};
    bench.piece = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;
    unsigned rounds = argc == 5 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
    if (!bench.piece || bench.size < bench.piece || !rounds || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: formats-scan random|text|base64 BYTES PIECE ROUNDS\n");
        return 2;
    }
    bench.size -= bench.size % bench.piece;
    bench.bytes = cm_malloc(bench.size);
    if (strcmp(argv[1], "random") == 0)
        fill_random(bench.bytes, bench.size);
    else if (strcmp(argv[1], "text") == 0)
        fill_text(bench.bytes, bench.size);
    else
        fill_base64(bench.bytes, bench.size);
    passwords_init(&passwords);
    job_init(&bench.job, &options, &ops);
    measure(&bench, rounds);
    fprintf(stderr, "%zu found, %zu folded\n", found, bench.folded);
    job_done(&bench.job);
    passwords_done(&passwords);
    free(bench.bytes);
    return 0;
}
