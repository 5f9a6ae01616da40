/* libarchive's callbacks over a content, and its entries as contents.
 *
 * Owns the handle and the blocks that libarchive got last. archive.c and packed.c drive it. Whatever libarchive calls back is no place to tell
 * anything: time and memory are only noticed there, and told when its call has returned. */
#include "scanner/crawl/formats/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

/* --- what libarchive calls ------------------------------------------------------------------------------------------------ */

/* The next block of a content that is a stream; 0 at its end, -1. */
static ssize_t pull_block(struct unpack *unpack)
{
    size_t older = (unpack->newer + 1) % UNPACK_BLOCKS;
    struct unpack_block *block = &unpack->blocks[older];
    ssize_t got = content_read(unpack->content, block->bytes, UNPACK_BLOCK_BYTES);
    if (got > 0) {
        block->size = (size_t)got;
        unpack->newer = older;
        unpack->filled += (uint64_t)got;
    }
    return got;
}

/* What is at hand from an offset on: bytes that lend until the next call; 0 at the end, -1. */
static ssize_t lend(struct unpack *unpack, uint64_t offset, const uint8_t **bytes)
{
    if (content_seekable(unpack->content)) {
        *bytes = unpack->blocks[0].bytes;
        return content_read_at(unpack->content, offset, unpack->blocks[0].bytes, UNPACK_BLOCK_BYTES);
    }
    while (offset >= unpack->filled) {
        ssize_t got = pull_block(unpack);
        if (got <= 0)
            return got;
    }
    uint64_t end = unpack->filled;
    for (size_t i = 0; i < UNPACK_BLOCKS; i++) {
        const struct unpack_block *block = &unpack->blocks[(unpack->newer + i) % UNPACK_BLOCKS];
        if (offset >= end - block->size) {
            *bytes = block->bytes + (offset - (end - block->size));
            return (ssize_t)(end - offset);
        }
        end -= block->size;
    }
    return content_fail(unpack->content, RECORD_ERROR_UNSUPPORTED, "what follows an archive's end was read already");
}

static la_ssize_t on_read(struct archive *archive, void *context, const void **out)
{
    struct unpack *unpack = context;
    const uint8_t *bytes = NULL;
    unsigned fenced = memory_pause(&unpack->job->memory);
    unpack->no_room = unpack->no_room || !memory_left(&unpack->job->memory);
    ssize_t got = unpack->no_room || job_late(unpack->job) ? -1 : lend(unpack, unpack->at, &bytes);
    memory_resume(&unpack->job->memory, fenced);
    errno = 0; /* see enter() */
    if (got < 0) {
        archive_set_error(archive, EIO, "reading was given up");
        return -1;
    }
    unpack->at += (uint64_t)got;
    *out = bytes;
    return got;
}

static la_int64_t on_skip(struct archive *archive, void *context, la_int64_t request)
{
    struct unpack *unpack = context;
    (void)archive;
    if (!content_seekable(unpack->content))
        return 0;
    uint64_t end = content_end(unpack->content), left = end > unpack->at ? end - unpack->at : 0;
    uint64_t step = request < 0 ? 0 : (uint64_t)request < left ? (uint64_t)request : left;
    unpack->at += step;
    return (la_int64_t)step;
}

static la_int64_t on_seek(struct archive *archive, void *context, la_int64_t offset, int whence)
{
    struct unpack *unpack = context;
    int64_t base = whence == SEEK_SET   ? (int64_t)unpack->from
                   : whence == SEEK_CUR ? (int64_t)unpack->at
                                        : (int64_t)content_end(unpack->content);
    int64_t target;
    if (__builtin_add_overflow(base, offset, &target) || target < (int64_t)unpack->from) {
        archive_set_error(archive, EINVAL, "an offset before the archive's beginning");
        return ARCHIVE_FATAL;
    }
    unpack->at = (uint64_t)target;
    return target - (int64_t)unpack->from;
}

/* --- calling it ----------------------------------------------------------------------------------------------------------- */

/* Names in archives are bytes or UTF-16; in the locale "C" libarchive would drop what is not ASCII. Made once, for the life of the process. */
static locale_t utf8_locale(void)
{
    static locale_t locale;
    if (!locale)
        locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return locale ? locale : LC_GLOBAL_LOCALE;
}

/* errno: where a name cannot be converted, libarchive ends the process (!) if errno is ENOMEM, which an allocation that the fence refused long ago may
 * have left there. */
static locale_t enter(struct unpack *unpack)
{
    locale_t before = uselocale(utf8_locale());
    memory_fence(&unpack->job->memory);
    errno = 0;
    return before;
}

static void leave(struct unpack *unpack, locale_t before)
{
    memory_unfence(&unpack->job->memory);
    uselocale(before);
}

static bool says(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcasestr(text, *words))
            return true;
    return false;
}

static void set_problem(struct unpack *unpack, enum record_error error, const char *detail)
{
    unpack->error = error;
    snprintf(unpack->detail, sizeof unpack->detail, "%s", detail);
}

/* What went wrong, in our words as far as we have some. */
static void explain(struct unpack *unpack)
{
    static const char *const locked[] = {"passphrase", "encrypt", "crypto", NULL};
    static const char *const unknown[] = {"unsupported", "not supported", "can't support", "not implemented", NULL};
    static const char *const large[] = {"memory", NULL};
    struct job *job = unpack->job;
    const char *text = archive_error_string(unpack->archive);
    text = text ? text : "it is damaged";
    if (job->stopped || job_pulse(job))
        set_problem(unpack, RECORD_ERROR_NONE, "");
    else if (unpack->no_room)
        set_problem(unpack, job_memory_left(job) ? RECORD_ERROR_LIMIT : RECORD_ERROR_NONE,
                    "unpacking it takes too much memory");
    else if (unpack->content->failed)
        set_problem(unpack, RECORD_ERROR_NONE, "");
    else if (archive_errno(unpack->archive) == ENOMEM || says(text, large))
        snprintf(unpack->detail, sizeof unpack->detail,
                 "unpacking it takes more memory than is given to one file (%d bytes)", (int)MEMORY_FENCE_BYTES),
            unpack->error = RECORD_ERROR_LIMIT;
    else if (says(text, locked))
        set_problem(unpack, RECORD_ERROR_PASSWORD, text);
    else
        set_problem(unpack, says(text, unknown) ? RECORD_ERROR_UNSUPPORTED : RECORD_ERROR_MALFORMED, text);
}

void unpack_init(struct unpack *unpack, struct job *job, struct content *content)
{
    *unpack = (struct unpack){.job = job, .content = content};
    unpack->blocks = cm_calloc(UNPACK_BLOCKS, sizeof *unpack->blocks);
}

static void close_archive(struct unpack *unpack)
{
    if (unpack->archive)
        archive_read_free(unpack->archive);
    unpack->archive = NULL;
    unpack->entry = NULL;
}

void unpack_done(struct unpack *unpack)
{
    close_archive(unpack);
    OPENSSL_cleanse(unpack->blocks, UNPACK_BLOCKS * sizeof *unpack->blocks); /* a stored entry's key stood in them */
    free(unpack->blocks);
}

static void add_passwords(struct archive *archive, const struct passwords *passwords)
{
    for (size_t i = 0; passwords && i < passwords->count; i++)
        if (passwords->list[i] && passwords->list[i][0])
            (void)archive_read_add_passphrase(archive, passwords->list[i]);
}

bool unpack_open(struct unpack *unpack, const struct unpack_kind *kind, uint64_t from)
{
    bool seekable = content_seekable(unpack->content);
    close_archive(unpack);
    unpack->kind = kind;
    unpack->from = unpack->at = from;
    unpack->error = RECORD_ERROR_NONE;
    unpack->entries = 0;
    unpack->broken = false;
    locale_t before = enter(unpack);
    struct archive *archive = unpack->archive = archive_read_new();
    int code = archive ? kind->support(archive) : ARCHIVE_FATAL;
    if (code >= ARCHIVE_WARN) {
        archive_read_set_callback_data(archive, unpack);
        archive_read_set_read_callback(archive, on_read);
        archive_read_set_skip_callback(archive, on_skip);
        if (seekable)
            archive_read_set_seek_callback(archive, on_seek);
        if (kind->traits & UNPACK_PASSWORDS)
            add_passwords(archive, unpack->job->options->passwords);
        code = archive_read_open1(archive);
    }
    leave(unpack, before);
    if (code >= ARCHIVE_WARN)
        return true;
    if (archive)
        explain(unpack);
    else
        set_problem(unpack, RECORD_ERROR_LIMIT, "unpacking it takes too much memory");
    return false;
}

static void describe(struct unpack *unpack, struct unpack_entry *out)
{
    struct archive_entry *entry = unpack->entry;
    mode_t type = archive_entry_filetype(entry);
    bool sized = archive_entry_size_is_set(entry) && archive_entry_size(entry) >= 0;
    const char *name = archive_entry_pathname(entry);
    if (!name || !*name) {
        snprintf(unpack->ordinal, sizeof unpack->ordinal, "#%" PRIu64, unpack->entries);
        name = unpack->ordinal;
    }
    *out = (struct unpack_entry){.name = name,
                                 .encrypted = archive_entry_is_encrypted(entry) > 0,
                                 .size_bytes = sized ? (uint64_t)archive_entry_size(entry) : CONTENT_SIZE_UNKNOWN};
    bool link = archive_entry_hardlink(entry) && (!sized || !out->size_bytes); /* some carry their bytes */
    bool piped = type == AE_IFIFO && sized && out->size_bytes; /* 7z keeps what came out of a pipe as one */
    out->file = (type == AE_IFREG || type == 0 || piped) && !link;
}

enum unpack_result unpack_next(struct unpack *unpack, struct unpack_entry *out)
{
    if (unpack->broken)
        return UNPACK_BROKEN;
    if (!job_entry(unpack->job) || job_pulse(unpack->job)) {
        set_problem(unpack, RECORD_ERROR_NONE, "");
        return UNPACK_BROKEN;
    }
    unpack->data_size = 0;
    unpack->data_at = unpack->came_out = 0;
    unpack->ended = unpack->too_much = false;
    locale_t before = enter(unpack);
    int code = archive_read_next_header(unpack->archive, &unpack->entry);
    if (code == ARCHIVE_OK || code == ARCHIVE_WARN) {
        unpack->entries++;
        describe(unpack, out);
    }
    leave(unpack, before);
    if (code == ARCHIVE_EOF)
        return UNPACK_END;
    if (code == ARCHIVE_OK || code == ARCHIVE_WARN)
        return UNPACK_ENTRY;
    explain(unpack);
    unpack->broken = code == ARCHIVE_FATAL;
    return unpack->broken ? UNPACK_BROKEN : UNPACK_DAMAGED;
}

/* --- the bytes of an entry --------------------------------------------------------------------------------------------------- */

/* The next block of data, if there is one. */
static int next_block(struct unpack *unpack, struct content *content)
{
    la_int64_t offset = 0;
    if (job_pulse(unpack->job) || !job_memory_left(unpack->job))
        return (int)content_fail(content, RECORD_ERROR_NONE, NULL);
    locale_t before = enter(unpack);
    int code = archive_read_data_block(unpack->archive, &unpack->data, &unpack->data_size, &offset);
    leave(unpack, before);
    unpack->ended = code != ARCHIVE_OK && code != ARCHIVE_WARN && code != ARCHIVE_RETRY;
    if (code == ARCHIVE_EOF) {
        unpack->data_size = 0;
        return 0;
    }
    if (unpack->ended) {
        unpack->data_size = 0;
        unpack->broken = code == ARCHIVE_FATAL;
        explain(unpack);
        return (int)content_fail(content, unpack->error, unpack->detail);
    }
    if (offset > 0 && (uint64_t)offset > unpack->data_at) { /* of a sparse file */
        content->hole += (uint64_t)offset - unpack->data_at;
        unpack->data_at = (uint64_t)offset;
    }
    unpack->came_out += unpack->data_size;
    if (!job_unpacked(unpack->job, unpack->data_size)) {
        unpack->too_much = unpack->ended = true;
        unpack->data_size = 0;
        return (int)content_fail(content, RECORD_ERROR_NONE, NULL);
    }
    return 0;
}

ssize_t unpack_source(void *context, struct content *content, void *out, size_t size)
{
    struct unpack *unpack = context;
    while (!unpack->data_size) {
        if (unpack->ended)
            return content->failed ? -1 : 0;
        if (next_block(unpack, content))
            return -1;
        if (content->hole)
            return 0; /* the zeros first */
    }
    size_t count = unpack->data_size < size ? unpack->data_size : size;
    memcpy(out, unpack->data, count);
    unpack->data = (const uint8_t *)unpack->data + count;
    unpack->data_size -= count;
    unpack->data_at += count;
    return (ssize_t)count;
}

/* --- what stands behind the end ------------------------------------------------------------------------------------------------ */

bool unpack_rest(struct unpack *unpack, uint64_t *from)
{
    const uint8_t *bytes;
    ssize_t got;
    uint64_t at = unpack->from + (uint64_t)archive_filter_bytes(unpack->archive, -1);
    while (!job_pulse(unpack->job) && (got = lend(unpack, at, &bytes)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            if (bytes[i]) {
                *from = unpack->at = at + (uint64_t)i;
                return true;
            }
        }
        at += (uint64_t)got;
    }
    return false;
}

ssize_t unpack_rest_source(void *context, struct content *content, void *out, size_t size)
{
    struct unpack *unpack = context;
    const uint8_t *bytes;
    ssize_t got = lend(unpack, unpack->at, &bytes);
    if (got < 0)
        return content_fail(content, RECORD_ERROR_NONE, NULL); /* the outer content tells */
    if ((size_t)got > size)
        got = (ssize_t)size;
    if (got)
        memcpy(out, bytes, (size_t)got);
    unpack->at += (uint64_t)got;
    return got;
}

ssize_t unpack_rest_peek(struct unpack *unpack, void *out, size_t size)
{
    const uint8_t *bytes;
    ssize_t got = lend(unpack, unpack->at, &bytes);
    if (got <= 0)
        return got;
    if ((size_t)got > size)
        got = (ssize_t)size;
    memcpy(out, bytes, (size_t)got);
    return got;
}
