/* A client of the collector that costs little beside it: records packed beforehand as certmuster-submit packs them, sent over TLS by
 * several connections at once.
 *
 *   collector-load pack DIR <STREAM               segments of 4 MiB, zstd, one file each: DIR/000001.zst …; prints how many
 *   collector-load send URL CA CERT KEY CONNECTIONS PREFIX DIR
 *                                                 each file is a batch with the key PREFIX/NAME; prints what was answered: batches, stored, rejected,
 *                                                 refused (no 200), compressed bytes, seconds, own CPU seconds
 *
 * tests/bench/collector_tools.py calls it. */
#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zstd.h>

#include "certmuster/buf.h"
#include "certmuster/delivery.h"
#include "certmuster/limits.h"
#include "certmuster/timefmt.h"

enum { LEVEL = 3, CONNECTIONS_MAX = 64, ANSWER_MAX = 1 << 20, PATH_SIZE = 512 };

static void die(const char *what)
{
    fprintf(stderr, "collector-load: %s: %s\n", what, strerror(errno));
    exit(3);
}

/* --- Packing ----------------------------------------------------------------------------------------------------------------------- */

static void write_segment(const char *directory, unsigned number, const struct buf *lines)
{
    char path[PATH_SIZE];
    size_t bound = ZSTD_compressBound(lines->size);
    void *packed = cm_malloc(bound);
    size_t size = ZSTD_compress(packed, bound, lines->data, lines->size, LEVEL);
    snprintf(path, sizeof path, "%s/%06u.zst", directory, number);
    FILE *file = fopen(path, "wb");
    if (ZSTD_isError(size) || !file || fwrite(packed, 1, size, file) != size || fclose(file) != 0)
        die(path);
    free(packed);
}

static int pack(const char *directory)
{
    struct buf lines;
    char *line = NULL;
    size_t room = 0;
    unsigned count = 0;
    buf_init(&lines, CM_LIMIT_SEGMENT_BYTES + CM_LIMIT_RECORD_BYTES);
    for (ssize_t size; (size = getline(&line, &room, stdin)) > 0;) {
        buf_append(&lines, line, (size_t)size);
        if (lines.size >= CM_LIMIT_SEGMENT_BYTES) {
            write_segment(directory, ++count, &lines);
            buf_reset(&lines);
        }
    }
    if (lines.size)
        write_segment(directory, ++count, &lines);
    free(line);
    buf_done(&lines);
    printf("%u\n", count);
    return 0;
}

/* --- Sending ----------------------------------------------------------------------------------------------------------------------- */

struct load {
    const char *url, *ca, *certificate, *key, *prefix, *directory;
    struct dirent **files;
    unsigned count;
    pthread_mutex_t lock; /* of what follows */
    unsigned next, batches, refused;
    unsigned long long stored, rejected, bytes;
};

static size_t take_answer(char *bytes, size_t one, size_t size, void *context)
{
    buf_append(context, bytes, size);
    return one * size;
}

static struct buf read_file(const char *directory, const char *name)
{
    char path[PATH_SIZE];
    struct buf content;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        die(path);
    size_t size = (size_t)ftell(file);
    rewind(file);
    buf_init(&content, size + 1);
    char *at = buf_extend(&content, size);
    if (!at || fread(at, 1, size, file) != size)
        die(path);
    fclose(file);
    return content;
}

static CURL *open_client(const struct load *load, struct buf *answer)
{
    char url[PATH_SIZE];
    CURL *curl = curl_easy_init();
    if (!curl)
        die("libcurl");
    snprintf(url, sizeof url, "%s%s", load->url, DELIVERY_BATCHES);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CAINFO, load->ca);
    curl_easy_setopt(curl, CURLOPT_SSLCERT, load->certificate);
    curl_easy_setopt(curl, CURLOPT_SSLKEY, load->key);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    return curl;
}

/* The status; 0: no answer. What the collector puts off comes again. */
static long post(CURL *curl, const struct load *load, const char *name, const struct buf *body, struct buf *answer)
{
    char key[PATH_SIZE], sent[TIMEFMT_SIZE], clock[TIMEFMT_SIZE + 32];
    long status = 0;
    for (int tries = 0; tries < 1000 && (status == 0 || status == 429 || status == 503); tries++) {
        struct curl_slist *headers = curl_slist_append(NULL, "Content-Encoding: zstd");
        if (tries)
            usleep(20000);
        snprintf(key, sizeof key, "%s: %s/%.6s", DELIVERY_KEY_HEADER, load->prefix, name);
        timefmt_ms(sent, clock_wall_ms());
        snprintf(clock, sizeof clock, "%s: %s", DELIVERY_SENT_HEADER, sent);
        headers = curl_slist_append(headers, key);
        headers = curl_slist_append(headers, clock);
        headers = curl_slist_append(headers, "Expect:");
        buf_reset(answer);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data);
        status = 0;
        if (curl_easy_perform(curl) == CURLE_OK)
            curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        curl_slist_free_all(headers);
    }
    return status;
}

/* {"stored":N,"rejected":[{…},…]} */
static void count_answer(struct load *load, long status, size_t size, const struct buf *answer)
{
    unsigned long long stored = 0, rejected = 0;
    for (const char *at = answer->data; status == 200 && (at = strstr(at, "{\"line\":")); at++)
        rejected++;
    bool good = status == 200 && sscanf(answer->data, "{\"stored\":%llu", &stored) == 1;
    pthread_mutex_lock(&load->lock);
    load->batches++;
    load->refused += !good;
    load->stored += stored;
    load->rejected += rejected;
    load->bytes += size;
    if (!good)
        fprintf(stderr, "collector-load: status %ld: %.300s\n", status, answer->data);
    pthread_mutex_unlock(&load->lock);
}

static void *deliver(void *context)
{
    struct load *load = context;
    struct buf answer;
    buf_init(&answer, ANSWER_MAX);
    CURL *curl = open_client(load, &answer);
    for (;;) {
        pthread_mutex_lock(&load->lock);
        const char *name = load->next < load->count ? load->files[load->next++]->d_name : NULL;
        pthread_mutex_unlock(&load->lock);
        if (!name)
            break;
        struct buf body = read_file(load->directory, name);
        long status = post(curl, load, name, &body, &answer);
        count_answer(load, status, body.size, &answer);
        buf_done(&body);
    }
    curl_easy_cleanup(curl);
    buf_done(&answer);
    return NULL;
}

static int is_packed(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return size == 10 && strcmp(entry->d_name + 6, ".zst") == 0;
}

static int send_all(struct load *load, unsigned connections)
{
    pthread_t threads[CONNECTIONS_MAX];
    struct rusage used;
    int count = scandir(load->directory, &load->files, is_packed, alphasort);
    if (count < 0)
        die(load->directory);
    load->count = (unsigned)count;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int64_t began = clock_monotonic_ms();
    for (unsigned i = 0; i < connections; i++)
        if (pthread_create(&threads[i], NULL, deliver, load) != 0)
            die("pthread_create");
    for (unsigned i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("%u %llu %llu %u %llu %.3f %.3f\n", load->batches, load->stored, load->rejected, load->refused, load->bytes,
           (double)(clock_monotonic_ms() - began) / 1000, cpu);
    for (int i = 0; i < count; i++)
        free(load->files[i]);
    free(load->files);
    curl_global_cleanup();
    return load->refused ? 1 : 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "pack") == 0)
        return pack(argv[2]);
    unsigned long connections = argc == 9 ? strtoul(argv[6], NULL, 10) : 0;
    if (connections < 1 || connections > CONNECTIONS_MAX || strcmp(argv[1], "send") != 0) {
        fprintf(stderr, "collector-load pack DIR | send URL CA CERT KEY CONNECTIONS PREFIX DIR\n");
        return 2;
    }
    struct load load = {.url = argv[2],
                        .ca = argv[3],
                        .certificate = argv[4],
                        .key = argv[5],
                        .prefix = argv[7],
                        .directory = argv[8],
                        .lock = PTHREAD_MUTEX_INITIALIZER};
    return send_all(&load, (unsigned)connections);
}
