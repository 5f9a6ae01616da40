/* The search for PEM: blocks one after the other, over the whole or window by window, wherever they stand.
 *
 * Owns the chains and the counting of one content's blocks. format.c calls it for whatever no other reader takes alone. What may have held a key is
 * cleared before the next content is read. */
#include "scanner/crawl/formats/search.h"

#include <stdio.h>

#include <openssl/crypto.h>

#include "certmuster/limits.h"
#include "scanner/crawl/formats/key.h"
#include "scanner/crawl/formats/pem.h"
#include "scanner/crawl/formats/sequence.h"

/* One content's PEM blocks, over all of its windows. */
struct pem_file {
    struct job *job;
    struct sequence certificates;
    size_t keys; /* ordinal of the last */
};

static void cleanse(struct buf *buf)
{
    OPENSSL_cleanse(buf->data, buf->capacity);
    buf_reset(buf);
}

static bool is_certificate(const struct pem_block *block)
{
    return pem_label_is(block, "CERTIFICATE") || pem_label_is(block, "X509 CERTIFICATE") ||
           pem_label_is(block, "TRUSTED CERTIFICATE");
}

/* Fewer bytes than any certificate or key has: "XXXX" in a manual. */
static bool too_small(const struct buf *decoded)
{
    enum { SMALLEST = 40 };
    return decoded->size < SMALLEST;
}

static void take_certificate(struct pem_file *file, const struct pem_block *block, bool whole)
{
    struct job *job = file->job;
    int status = pem_decode(block, &job->scratch, &job->decoded);
    if (whole && !status) {
        if (too_small(&job->decoded))
            return;
        /* What is not a certificate was told; the next block has its own fate. */
        (void)sequence_add(&file->certificates, buf_slice(&job->decoded), NULL);
    } else if (!pem_is_placeholder(block)) {
        sequence_damaged(&file->certificates, status == CM_ELIMIT ? RECORD_ERROR_TOO_LARGE : RECORD_ERROR_MALFORMED,
                         !whole                ? "a PEM block without its END line"
                         : status == CM_ELIMIT ? "a PEM block of more than 1 MiB"
                                               : "a PEM block that is not base64");
    }
}

static void take_key(struct pem_file *file, const struct pem_block *block, const char *kind, bool whole)
{
    struct job *job = file->job;
    bool encrypted = pem_label_is(block, "ENCRYPTED PRIVATE KEY") || pem_says_encrypted(block);
    if (whole && pem_decode(block, &job->scratch, &job->decoded) == 0) {
        if (!too_small(&job->decoded))
            key_tell(job, "pem", ++file->keys, kind, encrypted, buf_slice(&job->decoded));
    } else if (!pem_is_placeholder(block)) {
        char entry[24];
        snprintf(entry, sizeof entry, "key-%zu", ++file->keys);
        job_problem(job, "pem", entry, RECORD_ERROR_MALFORMED, "a private key block that is damaged");
    }
    cleanse(&job->scratch);
    cleanse(&job->decoded);
}

/* Tells the blocks of one window; returns how many of its bytes are done with. */
static size_t take_blocks(struct pem_file *file, char *bytes, size_t size, bool last)
{
    struct pem_scan scan;
    struct pem_block block;
    enum pem_result result;
    pem_scan_init(&scan, bytes, size, last);
    while ((result = pem_next(&scan, &block)) == PEM_BLOCK || result == PEM_CUT) {
        const char *kind = key_kind_of_label(block.label);
        if (is_certificate(&block))
            take_certificate(file, &block, result == PEM_BLOCK);
        else if (kind)
            take_key(file, &block, kind, result == PEM_BLOCK);
        if (kind) /* the scan is past it */
            OPENSSL_cleanse(bytes + block.offset, scan.at - block.offset);
        if (job_pulse(file->job))
            return size;
    }
    return scan.at;
}

/* UTF-16 with a byte order mark, as Windows tools write it: the ASCII in it, in place. */
static size_t fold_utf16(uint8_t *bytes, size_t size)
{
    bool little = size >= 2 && bytes[0] == 0xFF && bytes[1] == 0xFE;
    bool big = size >= 2 && bytes[0] == 0xFE && bytes[1] == 0xFF;
    if (!little && !big)
        return size;
    for (size_t i = 2; i + 1 < size; i += 2) {
        uint8_t high = bytes[little ? i + 1 : i], low = bytes[little ? i : i + 1];
        bytes[i / 2 - 1] = high ? '?' : low;
    }
    return size / 2 - 1;
}

static void search_whole(struct pem_file *file, uint8_t *bytes, size_t size)
{
    size = fold_utf16(bytes, size);
    take_blocks(file, (char *)bytes, size, true);
}

/* What is too large to hold. Holes are jumped over: they are zeros, and no block goes across one. */
static void search_windows(struct pem_file *file, struct content *content)
{
    struct buf window;
    ssize_t got = 0;
    bool stopped = false;
    buf_init(&window, SEARCH_WINDOW_BYTES);
    do {
        if (content_skip_hole(content)) {
            take_blocks(file, window.data, window.size, true);
            buf_reset(&window);
        }
        size_t before = window.size;
        char *at = buf_extend(&window, SEARCH_WINDOW_BYTES - before);
        window.size = before;
        while (window.size < SEARCH_WINDOW_BYTES &&
               (got = content_read(content, at + (window.size - before), SEARCH_WINDOW_BYTES - window.size)) > 0)
            window.size += (size_t)got;
        buf_consume(&window, take_blocks(file, window.data, window.size, got <= 0));
        stopped = got > 0 && job_pulse(file->job);
    } while (got > 0 && !stopped);
    cleanse(&window);
    buf_done(&window);
    if (stopped)
        job_problem(file->job, NULL, NULL, RECORD_ERROR_TIMEOUT, "only the beginning was searched");
}

void search_text(struct job *job, struct content *content)
{
    struct pem_file file = {.job = job};
    uint8_t *bytes;
    size_t size;
    sequence_init(&file.certificates, "pem", job->ops);
    int status = content_whole(content, &bytes, &size);
    if (!status)
        search_whole(&file, bytes, size);
    else if (status == CM_ELIMIT)
        search_windows(&file, content);
    sequence_done(&file.certificates);
}
