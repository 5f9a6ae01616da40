/* Targets from operands, files and pipes.
 *
 * Owns the files while they are read. Lines are bounded; what comes from a file is hostile and is escaped when it is quoted. */
#include "scanner/scan/input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/buf.h"
#include "certmuster/log.h"

enum { READ_BYTES = 64 * 1024, LINE_BYTES_MAX = 4096 };

struct source {
    char *path; /* as named; "standard input" for "-" */
    int fd;
    uint64_t size, read; /* size 0: a pipe */
    uint64_t line, targets;
    bool ended;
    bool skipping; /* the rest of a line that was too long */
    struct buf bytes;
    size_t used; /* of bytes: lines already taken */
};

struct input {
    struct loop *loop;
    struct target *targets; /* operands and listeners */
    size_t target_count, target_capacity, target_at;
    struct source *sources;
    size_t source_count, source_at;
    struct watch watch; /* on the present source while it has nothing yet */
    uint64_t damaged;
};

struct input *input_new(struct loop *loop)
{
    struct input *input = cm_calloc(1, sizeof *input);
    input->loop = loop;
    input->watch.fd = -1;
    return input;
}

static void source_close(struct input *input, struct source *source)
{
    if (input->watch.fd == source->fd)
        loop_unwatch(input->loop, &input->watch);
    if (source->fd > STDIN_FILENO)
        close(source->fd);
    source->fd = -1;
    buf_done(&source->bytes);
    source->ended = true;
}

void input_free(struct input *input)
{
    if (!input)
        return;
    for (size_t i = input->target_at; i < input->target_count; i++)
        target_done(&input->targets[i]);
    for (size_t i = 0; i < input->source_count; i++) {
        if (!input->sources[i].ended)
            source_close(input, &input->sources[i]);
        free(input->sources[i].path);
    }
    free(input->targets);
    free(input->sources);
    free(input);
}

void input_add_target(struct input *input, struct target *target)
{
    if (input->target_count == input->target_capacity) {
        input->target_capacity = input->target_capacity ? input->target_capacity * 2 : 16;
        input->targets = cm_realloc(input->targets, input->target_capacity * sizeof *input->targets);
    }
    input->targets[input->target_count++] = *target;
    *target = (struct target){0};
}

int input_add_file(struct input *input, const char *path, struct cm_error *error)
{
    struct source source = {.fd = STDIN_FILENO};
    struct stat stat;
    if (strcmp(path, "-") != 0) /* non-blocking: opening a FIFO shall not wait for its writer */
        source.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (source.fd < 0 || fstat(source.fd, &stat) || S_ISDIR(stat.st_mode)) {
        int trouble = source.fd >= 0 && errno == 0 ? EISDIR : errno;
        if (source.fd >= 0 && S_ISDIR(stat.st_mode))
            trouble = EISDIR;
        if (source.fd > STDIN_FILENO)
            close(source.fd);
        input->damaged++;
        return error_setf(error, CM_EIO, 0, "cannot read targets", "%s: %s", path, strerror(trouble));
    }
    source.path = cm_strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    source.size = S_ISREG(stat.st_mode) ? (uint64_t)stat.st_size : 0;
    buf_init(&source.bytes, READ_BYTES + LINE_BYTES_MAX + 2);
    input->sources = cm_realloc(input->sources, (input->source_count + 1) * sizeof *input->sources);
    input->sources[input->source_count++] = source;
    return 0;
}

static void complain(struct input *input, const struct source *source, struct slice text, const struct cm_error *error)
{
    char shown[200];
    snprintf(shown, sizeof shown, "%.*s", (int)text.size, text.size ? (const char *)text.data : "");
    say_error("%s:%" PRIu64 ": %s: %s", source->path, source->line, log_quote(shown), error->reason);
    input->damaged++;
}

/* A line without its comment and the blanks around what is left. */
static struct slice trimmed(struct slice line)
{
    const uint8_t *hash = line.size ? memchr(line.data, '#', line.size) : NULL;
    if (hash)
        line.size = (size_t)(hash - line.data);
    while (line.size && strchr(" \t\r", line.data[line.size - 1]) && line.data[line.size - 1])
        line.size--;
    while (line.size && (line.data[0] == ' ' || line.data[0] == '\t')) {
        line.data++;
        line.size--;
    }
    return line;
}

/* One line: true with a target, false for a blank, a comment or a line that makes no sense. */
static bool take_line(struct input *input, struct source *source, struct slice line, struct target *out)
{
    struct cm_error error;
    source->line++;
    if (source->line == 1 && line.size >= 3 && memcmp(line.data, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        line.data += 3;
        line.size -= 3;
    }
    struct slice text = trimmed(line);
    if (text.size == 0)
        return false;
    if (target_read((const char *)text.data, text.size, out, &error)) {
        complain(input, source, text, &error);
        return false;
    }
    source->targets++;
    return true;
}

enum line_state { LINE_NONE, LINE_WHOLE, LINE_LONG };

/* The next line that is whole; the rest of the file counts as one at its end. LINE_LONG comes once for a line above the ceiling, whose
 * bytes are dropped as they come. */
static enum line_state next_line(struct source *source, struct slice *line)
{
    for (;;) {
        const uint8_t *from = (const uint8_t *)source->bytes.data + source->used;
        size_t left = source->bytes.size - source->used;
        const uint8_t *feed = left ? memchr(from, '\n', left) : NULL;
        size_t size = feed ? (size_t)(feed - from) : left;
        bool was_skipping = source->skipping;
        if (left == 0 || (!feed && size <= LINE_BYTES_MAX && !was_skipping && !source->ended))
            return LINE_NONE;
        source->used += size + (feed ? 1 : 0);
        source->skipping = !feed && (was_skipping || size > LINE_BYTES_MAX);
        if (was_skipping)
            continue;
        *line = (struct slice){from, size};
        return size > LINE_BYTES_MAX ? LINE_LONG : LINE_WHOLE;
    }
}

/* 0 with more bytes or at the end; CM_ETIMEOUT when a pipe has nothing yet. */
static int fill(struct input *input, struct source *source)
{
    struct pollfd ready = {.fd = source->fd, .events = POLLIN};
    char chunk[READ_BYTES];
    buf_consume(&source->bytes, source->used);
    source->used = 0;
    if (source->size == 0 && poll(&ready, 1, 0) == 0)
        return CM_ETIMEOUT;
    ssize_t size = read(source->fd, chunk, sizeof chunk);
    if (size < 0 && (errno == EINTR || errno == EAGAIN))
        return CM_ETIMEOUT;
    if (size < 0) {
        say_error("cannot read %s: %s", source->path, strerror(errno));
        input->damaged++;
    }
    if (size <= 0)
        source->ended = true;
    else
        buf_append(&source->bytes, chunk, (size_t)size);
    source->read += size > 0 ? (uint64_t)size : 0;
    return 0;
}

static void woken(struct watch *watch, unsigned events)
{
    struct input *input = watch->owner;
    (void)events;
    loop_unwatch(input->loop, watch); /* the turn of the loop ends, and its owner asks again */
}

static void complain_long(struct input *input, struct source *source, struct slice line)
{
    struct cm_error error;
    line.size = 40;
    source->line++;
    error_set(&error, CM_ELIMIT, 0, "a line longer than 4096 bytes");
    complain(input, source, line, &error);
}

static enum input_state source_next(struct input *input, struct source *source, struct target *out)
{
    struct slice line;
    enum line_state state;
    for (;;) {
        while ((state = next_line(source, &line)) != LINE_NONE) {
            if (state == LINE_LONG)
                complain_long(input, source, line);
            else if (take_line(input, source, line, out))
                return INPUT_TARGET;
        }
        if (source->ended)
            return INPUT_END;
        if (fill(input, source) == CM_ETIMEOUT) {
            if (input->watch.slot == 0)
                input->watch = (struct watch){.fd = source->fd, .ready = woken, .owner = input};
            if (loop_watch(input->loop, &input->watch, LOOP_READ))
                return INPUT_LATER; /* nothing that can be waited for: asked again at the next turn */
            return INPUT_LATER;
        }
    }
}

enum input_state input_next(struct input *input, struct target *out)
{
    if (input->target_at < input->target_count) {
        *out = input->targets[input->target_at];
        input->targets[input->target_at++] = (struct target){0};
        return INPUT_TARGET;
    }
    while (input->source_at < input->source_count) {
        enum input_state state = source_next(input, &input->sources[input->source_at], out);
        if (state != INPUT_END)
            return state;
        source_close(input, &input->sources[input->source_at]);
        input->source_at++;
    }
    return INPUT_END;
}

uint64_t input_damaged(const struct input *input)
{
    return input->damaged;
}

bool input_estimate(const struct input *input, uint64_t *targets)
{
    uint64_t left = 0;
    for (size_t i = input->target_at; i < input->target_count; i++)
        left +=
            target_addresses(&input->targets[i]) * (input->targets[i].ports.count ? input->targets[i].ports.count : 1);
    for (size_t i = input->source_at; i < input->source_count; i++) {
        const struct source *source = &input->sources[i];
        uint64_t taken = source->read - (source->bytes.size - source->used);
        if (source->size == 0 || taken == 0)
            return false;
        if (source->size > taken)
            left += (uint64_t)((double)(source->size - taken) * (double)source->targets / (double)taken);
    }
    *targets = left;
    return true;
}
