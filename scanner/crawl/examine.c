/* From a file's bytes to what they hold. Up to CM_LIMIT_FILE_BYTES a file is read whole, larger ones are searched for PEM window by window.
 *
 * Owns the buffers, which serve one file after the other. main.c calls it. It goes by content alone. What may have held a key is cleared
 * before the next file is read. */
#include "scanner/crawl/examine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "certmuster/limits.h"
#include "scanner/crawl/key.h"
#include "scanner/crawl/pem.h"
#include "scanner/crawl/sequence.h"
#include "scanner/crawl/sniff.h"

/* One file's PEM blocks, over all of its windows. */
struct pem_file {
    struct examine *examine;
    struct sequence certificates;
    size_t keys; /* ordinal of the last */
};

void examine_init(struct examine *examine, const struct pkcs12_options *pkcs12, const struct found_ops *ops)
{
    *examine = (struct examine){.pkcs12 = *pkcs12, .ops = *ops};
    buf_init(&examine->bytes, CM_LIMIT_FILE_BYTES + 1);
    buf_init(&examine->scratch, PEM_BLOCK_MAX);
    buf_init(&examine->decoded, PEM_BLOCK_MAX);
}

void examine_done(struct examine *examine)
{
    buf_done(&examine->bytes);
    buf_done(&examine->scratch);
    buf_done(&examine->decoded);
}

static void cleanse(struct buf *buf)
{
    OPENSSL_cleanse(buf->data, buf->capacity);
    buf_reset(buf);
}

static void tell_problem(struct examine *examine, const char *format, const char *entry, enum record_error error,
                         const char *detail)
{
    examine->ops.problem(examine->ops.context, &(struct found_problem){format, entry, error, detail});
}

static void tell_key(struct examine *examine, const char *format, size_t ordinal, const char *kind, bool encrypted,
                     struct slice der)
{
    char entry[24];
    struct found_key key = {.format = format, .entry = entry};
    snprintf(entry, sizeof entry, "key-%zu", ordinal);
    if (key_examine(kind, encrypted, der, &key))
        tell_problem(examine, format, entry, RECORD_ERROR_MALFORMED, "a private key that cannot be read");
    else
        examine->ops.key(examine->ops.context, &key);
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
    struct examine *examine = file->examine;
    int status = pem_decode(block, &examine->scratch, &examine->decoded);
    if (whole && !status) {
        if (too_small(&examine->decoded))
            return;
        /* What is not a certificate was told; the next block has its own fate. */
        (void)sequence_add(&file->certificates, buf_slice(&examine->decoded), NULL);
    } else if (!pem_is_placeholder(block)) {
        sequence_damaged(&file->certificates, status == CM_ELIMIT ? RECORD_ERROR_TOO_LARGE : RECORD_ERROR_MALFORMED,
                         !whole                ? "a PEM block without its END line"
                         : status == CM_ELIMIT ? "a PEM block of more than 1 MiB"
                                               : "a PEM block that is not base64");
    }
}

static void take_key(struct pem_file *file, const struct pem_block *block, const char *kind, bool whole)
{
    struct examine *examine = file->examine;
    bool encrypted = pem_label_is(block, "ENCRYPTED PRIVATE KEY") || pem_says_encrypted(block);
    if (whole && pem_decode(block, &examine->scratch, &examine->decoded) == 0) {
        if (!too_small(&examine->decoded))
            tell_key(examine, "pem", ++file->keys, kind, encrypted, buf_slice(&examine->decoded));
    } else if (!pem_is_placeholder(block)) {
        char entry[24];
        snprintf(entry, sizeof entry, "key-%zu", ++file->keys);
        tell_problem(examine, "pem", entry, RECORD_ERROR_MALFORMED, "a private key block that is damaged");
    }
    cleanse(&examine->scratch);
    cleanse(&examine->decoded);
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
        if (file->examine->ops.pulse(file->examine->ops.context))
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

static void examine_pem(struct examine *examine, uint8_t *bytes, size_t size)
{
    struct pem_file file = {.examine = examine};
    sequence_init(&file.certificates, "pem", &examine->ops);
    take_blocks(&file, (char *)bytes, size, true);
    sequence_done(&file.certificates);
}

/* One certificate behind the other; what follows the last and is none is ignored (signatures, padding). */
static void examine_certificates(struct examine *examine, const uint8_t *bytes, size_t size)
{
    struct sequence sequence;
    size_t length = 0;
    sequence_init(&sequence, "der", &examine->ops);
    for (size_t at = 0; at < size && sniff(bytes + at, size - at) == SNIFF_CERTIFICATE; at += length)
        if (sequence_add(&sequence, (struct slice){bytes + at, size - at}, &length))
            break;
    sequence_done(&sequence);
}

void examine_bytes(struct examine *examine, uint8_t *bytes, size_t size)
{
    struct slice whole = {bytes, size};
    bool encrypted = false;
    const char *kind;
    switch (sniff(bytes, size)) {
    case SNIFF_CERTIFICATE:
        examine_certificates(examine, bytes, size);
        break;
    case SNIFF_PKCS12:
        (void)pkcs12_read(whole, &examine->pkcs12, &examine->ops); /* it told what was wrong */
        OPENSSL_cleanse(bytes, size);
        return;
    case SNIFF_DER:
        kind = key_kind_of_der(whole, &encrypted);
        if (kind) {
            tell_key(examine, "der", 1, kind, encrypted, whole);
            OPENSSL_cleanse(bytes, size);
        }
        break;
    case SNIFF_JAVA:
        tell_problem(examine, "jks", NULL, RECORD_ERROR_UNSUPPORTED, "a Java keystore; its certificates are not read");
        return;
    case SNIFF_TEXT:
        size = fold_utf16(bytes, size);
        break;
    }
    examine_pem(examine, bytes, size);
}

/* Fills the buffer up to `until` bytes; -1 on an error, with errno; *ended at the end of the file. */
static int fill(struct buf *buf, int fd, size_t until, bool *ended)
{
    while (buf->size < until) {
        size_t before = buf->size;
        char *at = buf_extend(buf, until - before);
        ssize_t got = at ? read(fd, at, until - before) : -1;
        buf->size = before + (got > 0 ? (size_t)got : 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0) {
            *ended = true;
            break;
        }
    }
    buf->data[buf->size] = '\0';
    return 0;
}

/* A file too large to hold, of which the buffer has the beginning: PEM only. Holes are jumped over. */
static void examine_windows(struct examine *examine, int fd)
{
    struct pem_file file = {.examine = examine};
    struct buf *window = &examine->bytes;
    uint64_t scanned = window->size;
    bool ended = false, stopped = false;
    int failure = 0;
    sequence_init(&file.certificates, "pem", &examine->ops);
    while (!failure && !stopped) {
        size_t done = take_blocks(&file, window->data, window->size, ended);
        if (ended)
            break;
        buf_consume(window, done);
        off_t here = lseek(fd, 0, SEEK_CUR), data = lseek(fd, here, SEEK_DATA);
        if (data < 0 && errno == ENXIO) {
            ended = true; /* nothing but a hole is left */
            continue;
        }
        if (data < 0) /* a file system without SEEK_DATA */
            data = here;
        if (data > here) { /* a hole is zeros: no block goes across it */
            take_blocks(&file, window->data, window->size, true);
            buf_reset(window);
        }
        lseek(fd, data, SEEK_SET);
        size_t before = window->size;
        failure = fill(window, fd, EXAMINE_WINDOW_BYTES, &ended) ? errno : 0;
        scanned += window->size - before;
        stopped = !ended && (scanned >= EXAMINE_SCAN_BYTES || examine->ops.pulse(examine->ops.context));
    }
    sequence_done(&file.certificates);
    if (failure)
        tell_problem(examine, NULL, NULL, RECORD_ERROR_IO, strerrordesc_np(failure));
    else if (stopped)
        tell_problem(examine, NULL, NULL, RECORD_ERROR_TOO_LARGE, "only the beginning was searched");
}

void examine_fd(struct examine *examine, int fd, uint64_t size_bytes)
{
    bool ended = false;
    uint64_t hint = size_bytes < CM_LIMIT_FILE_BYTES ? size_bytes + 1 : CM_LIMIT_FILE_BYTES + 1;
    buf_reset(&examine->bytes);
    /* One byte more than it should have: a read of the exact size does not show the end. A file that grows is read on. */
    int status = fill(&examine->bytes, fd, (size_t)hint, &ended);
    if (!status && !ended)
        status = fill(&examine->bytes, fd, CM_LIMIT_FILE_BYTES + 1, &ended);
    if (status)
        tell_problem(examine, NULL, NULL, errno == EACCES || errno == EPERM ? RECORD_ERROR_PERMISSION : RECORD_ERROR_IO,
                     strerrordesc_np(errno));
    else if (ended)
        examine_bytes(examine, (uint8_t *)examine->bytes.data, examine->bytes.size);
    else
        examine_windows(examine, fd);
}
