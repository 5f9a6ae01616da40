/* Bytes behind one interface: a buffer that begins as the head and may grow to the whole, in front of a source.
 *
 * Owns the buffer and its share of the memory. job.c opens contents, readers read them. The source stands where the buffer ends, or
 * behind it once content_read() has gone on; so a stream can be made whole only before that. */
#include "scanner/crawl/content.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "certmuster/limits.h"

static void init(struct content *content, uint64_t size_bytes, size_t *memory_left)
{
    *content = (struct content){.size_bytes = size_bytes, .fd = -1, .memory_left = memory_left};
    buf_init(&content->bytes, CM_LIMIT_FILE_BYTES + 1);
}

void content_from_fd(struct content *content, int fd, uint64_t size_bytes, size_t *memory_left)
{
    init(content, size_bytes, memory_left);
    content->fd = fd;
}

void content_from_memory(struct content *content, uint8_t *bytes, size_t size)
{
    init(content, size, NULL);
    content->lent = bytes;
    content->head = (struct slice){bytes, size};
    content->complete = true;
}

void content_from_stream(struct content *content, content_source *source, void *context, uint64_t size_bytes,
                         size_t *memory_left)
{
    init(content, size_bytes, memory_left);
    content->source = source;
    content->context = context;
}

ssize_t content_fail(struct content *content, enum record_error error, const char *detail)
{
    if (!content->failed) { /* the first trouble is the one to tell */
        content->error = error;
        content->detail = detail;
    }
    content->failed = true;
    return -1;
}

static ssize_t fail_errno(struct content *content)
{
    return content_fail(content, errno == EACCES || errno == EPERM ? RECORD_ERROR_PERMISSION : RECORD_ERROR_IO,
                        strerrordesc_np(errno));
}

static ssize_t pull_zeros(struct content *content, void *out, size_t size)
{
    size_t count = content->hole < size ? (size_t)content->hole : size;
    memset(out, 0, count);
    content->hole -= count;
    content->source_at += count;
    return (ssize_t)count;
}

/* The next bytes of the source; it stands at source_at. */
static ssize_t pull(struct content *content, void *out, size_t size)
{
    ssize_t got;
    if (content->failed)
        return -1;
    if (content->hole)
        return pull_zeros(content, out, size);
    if (content->fd < 0) {
        got = content->source(content->context, content, out, size);
        if (got == 0 && content->hole)
            return pull_zeros(content, out, size);
    } else {
        do
            got = pread(content->fd, out, size, (off_t)content->source_at);
        while (got < 0 && errno == EINTR);
        if (got < 0)
            return fail_errno(content);
    }
    if (got > 0)
        content->source_at += (uint64_t)got;
    return got;
}

/* Fills the buffer up to `until` bytes or the end, which makes the content complete. */
static int fill(struct content *content, size_t until)
{
    struct buf *bytes = &content->bytes;
    while (!content->complete && bytes->size < until) {
        size_t before = bytes->size, step = before + CONTENT_HEAD_BYTES + 1; /* sizes that others tell may be lies */
        if (step > until - before)
            step = until - before;
        char *at = buf_extend(bytes, step);
        ssize_t got = at ? pull(content, at, step) : -1;
        bytes->size = before + (got > 0 ? (size_t)got : 0);
        bytes->data[bytes->size] = '\0';
        content->complete = got <= 0;
    }
    content->head = buf_slice(bytes);
    return content->failed && !bytes->size ? CM_EIO : 0;
}

int content_open(struct content *content)
{
    if (content->lent || content->complete)
        return 0;
    /* One byte more than it should have, as far as that is at hand: a read of the exact size does not show the end. */
    size_t until = content->size_bytes < CONTENT_HEAD_BYTES ? (size_t)content->size_bytes + 1 : CONTENT_HEAD_BYTES;
    int status = fill(content, until);
    if (!status && !content->complete && content->bytes.size > content->size_bytes)
        content->size_bytes =
            CONTENT_SIZE_UNKNOWN; /* what was said is not so: /sys, a file that grows, a lying archive */
    return status ? status : fill(content, CONTENT_HEAD_BYTES);
}

void content_done(struct content *content)
{
    if (content->bytes.size) /* what lies behind was never written to */
        OPENSSL_cleanse(content->bytes.data, content->bytes.size);
    buf_done(&content->bytes);
    if (content->memory_left)
        *content->memory_left += content->taken;
    content->taken = 0;
}

ssize_t content_read(struct content *content, void *out, size_t size)
{
    if (content->at < content->head.size) {
        size_t left = content->head.size - (size_t)content->at, count = left < size ? left : size;
        memcpy(out, content->head.data + content->at, count);
        content->at += count;
        return (ssize_t)count;
    }
    if (content->complete)
        return 0;
    ssize_t got = pull(content, out, size);
    if (got > 0)
        content->at += (uint64_t)got;
    return got;
}

bool content_skip_hole(struct content *content)
{
    if (content->complete || content->at != content->source_at)
        return false;
    if (content->hole) {
        content->at = content->source_at += content->hole;
        content->hole = 0;
        return true;
    }
    if (content->fd < 0)
        return false;
    off_t here = (off_t)content->at, data = lseek(content->fd, here, SEEK_DATA);
    if (data < 0 && errno == ENXIO) /* nothing but a hole is left: the next read finds the end */
        data = lseek(content->fd, 0, SEEK_END);
    if (data <= here) /* also where the file system has no SEEK_DATA */
        return false;
    content->at = content->source_at = (uint64_t)data;
    return true;
}

bool content_seekable(const struct content *content)
{
    return content->complete || content->fd >= 0;
}

ssize_t content_read_at(struct content *content, uint64_t offset, void *out, size_t size)
{
    if (content->complete) {
        size_t left = offset < content->head.size ? content->head.size - (size_t)offset : 0;
        size_t count = left < size ? left : size;
        if (count)
            memcpy(out, content->head.data + offset, count);
        return (ssize_t)count;
    }
    if (content->fd < 0)
        return content_fail(content, RECORD_ERROR_UNSUPPORTED, "a stream cannot be read at an offset");
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(content->fd, (char *)out + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(content);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

uint64_t content_end(const struct content *content)
{
    struct stat stat;
    if (content->complete)
        return content->head.size;
    return content->fd >= 0 && fstat(content->fd, &stat) == 0 ? (uint64_t)stat.st_size : 0;
}

int content_whole(struct content *content, uint8_t **bytes, size_t *size)
{
    if (!content->complete) {
        size_t want = CM_LIMIT_FILE_BYTES;
        if (content->source_at != content->bytes.size || content->at > content->bytes.size)
            return CM_ELIMIT; /* the stream has gone on */
        if (content->size_bytes != CONTENT_SIZE_UNKNOWN && content->size_bytes > want)
            return CM_ELIMIT;
        if (content->size_bytes < want)
            want = (size_t)content->size_bytes;
        if (content->memory_left && !content->taken) {
            if (*content->memory_left < want)
                return CM_ELIMIT;
            *content->memory_left -= want;
            content->taken = want;
        }
        content->bytes.max = want + 1; /* not twice of it, as growing by doubling would end */
        int status = fill(content, want + 1);
        if (!status && !content->complete)
            status = CM_ELIMIT; /* also of a file that grows meanwhile */
        if (status)
            return status;
        if (content->taken > content->bytes.size) { /* nobody knew the size */
            *content->memory_left += content->taken - content->bytes.size;
            content->taken = content->bytes.size;
        }
    }
    *bytes = content->lent ? content->lent : (uint8_t *)content->bytes.data;
    *size = content->head.size;
    return 0;
}
