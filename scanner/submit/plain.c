/* Plain files. Each line is checked as the collector will check it, so that damage is told with the line's number before anything
 * is sent; what is good is delivered. The file itself is never changed. */
#include "scanner/submit/plain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/delivery.h"
#include "certmuster/ids.h"
#include "certmuster/limits.h"
#include "certmuster/log.h"
#include "certmuster/record_read.h"

enum { SAY_MAX = 10, READ_BYTES = 256 * 1024 };

/* Lines of a stream, bounded: a longer one is skipped to its end. */
struct line_reader {
    FILE *file;
    struct buf line;
    uint64_t number;
};

enum read_result { READ_LINE, READ_TOO_LONG, READ_END };

static enum read_result next_line(struct line_reader *reader)
{
    buf_reset(&reader->line);
    int c = getc_unlocked(reader->file);
    if (c == EOF)
        return READ_END;
    for (; c != EOF && c != '\n'; c = getc_unlocked(reader->file))
        buf_append_char(&reader->line, (char)c);
    reader->number++;
    if (reader->line.size && reader->line.data[reader->line.size - 1] == '\r')
        reader->line.data[--reader->line.size] = 0;
    return reader->line.failed ? READ_TOO_LONG : READ_LINE;
}

static void reader_open(struct line_reader *reader, FILE *file)
{
    *reader = (struct line_reader){.file = file};
    buf_init(&reader->line, CM_LIMIT_RECORD_BYTES);
}

struct plain {
    const char *path;
    struct delivery *delivery;
    struct submit_totals *totals;
    uint64_t said;
    struct lines lines;
};

static void say_line(struct plain *plain, uint64_t line, const char *what, const char *detail)
{
    if (plain->said++ < SAY_MAX)
        say_error("%s:%llu: %s%s%s", plain->path, (unsigned long long)line, what, detail && *detail ? ": " : "",
                  detail ? detail : "");
    else if (plain->said == SAY_MAX + 1)
        say_error("%s: further lines are only counted", plain->path);
}

/* Certificates that a 409 asks for may stand in an earlier part: the file is read again from its start. */
static void find_in_file(const struct digests *missing, struct lines *lines, void *context)
{
    const struct plain *plain = context;
    struct line_reader reader;
    struct digests found = {.list = NULL};
    FILE *file = strcmp(plain->path, "-") == 0 ? NULL : fopen(plain->path, "re");
    if (!file)
        return;
    reader_open(&reader, file);
    for (enum read_result got; found.count < missing->count && (got = next_line(&reader)) != READ_END;) {
        uint8_t sha256[CM_SHA256_SIZE];
        if (got != READ_LINE || !lines_certificate(reader.line.data, reader.line.size, sha256) ||
            !digests_have(missing, sha256) || digests_have(&found, sha256))
            continue;
        if (!lines_add(lines, reader.line.data, reader.line.size, 0))
            break;
        digests_add(&found, sha256);
        digests_sort(&found);
    }
    digests_done(&found);
    buf_done(&reader.line);
    fclose(file);
}

static void say_rejected(struct plain *plain, const struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->answer.rejected_count; i++) {
        const struct rejection *rejection = &outcome->answer.rejected[i];
        uint64_t number = 0;
        if (rejection->line <= outcome->map_count)
            number = plain->lines.list[outcome->map[rejection->line - 1]].number;
        say_line(plain, number, "refused by the collector", rejection->reason);
    }
}

static void send_part(struct plain *plain)
{
    char key[sizeof "file/" + CM_SHA256_HEX_SIZE] = "file/";
    uint8_t sha256[CM_SHA256_SIZE];
    struct submit_totals *totals = plain->totals;
    struct outcome outcome;
    if (plain->lines.count == 0)
        return;
    uint64_t first = plain->lines.list[0].number, last = plain->lines.list[plain->lines.count - 1].number;
    sha256_bytes(plain->lines.bytes.data, plain->lines.bytes.size, sha256);
    hex_write(key + 5, sha256, sizeof sha256);
    deliver(plain->delivery, &plain->lines, key, find_in_file, plain, &outcome);
    switch (outcome.what) {
    case DELIVER_TAKEN:
        totals->batches++;
        totals->stored += outcome.answer.stored;
        totals->rejected += outcome.answer.rejected_count;
        say_rejected(plain, &outcome);
        break;
    case DELIVER_REFUSED:
    case DELIVER_LACKING:
        totals->refused++;
        say_error("%s: the collector refused lines %llu to %llu: %s", plain->path, (unsigned long long)first,
                  (unsigned long long)last, outcome.reason);
        break;
    case DELIVER_DENIED:
    case DELIVER_LATER:
        totals->undelivered++;
        totals->stop = totals->away = true;
        totals->retry_after_ms = outcome.retry_after_ms;
        snprintf(totals->reason, sizeof totals->reason, "%s", outcome.reason);
        break;
    }
    outcome_done(&outcome);
    lines_reset(&plain->lines);
}

static void take_line(struct plain *plain, const struct line_reader *reader)
{
    struct record record;
    struct cm_error error;
    const struct buf *line = &reader->line;
    if (line->size == 0)
        return; /* an empty line is nothing */
    if (record_read(line->data, line->size, &record, &error) != CM_OK) {
        plain->totals->damaged++;
        say_line(plain, reader->number, error.reason, error.detail);
        return;
    }
    record_done(&record);
    if (plain->lines.bytes.size + line->size > CM_LIMIT_SEGMENT_BYTES)
        send_part(plain);
    if (!lines_add(&plain->lines, line->data, line->size, reader->number))
        say_line(plain, reader->number, "does not fit into a batch", NULL);
}

void plain_deliver(const char *path, struct delivery *delivery, struct submit_totals *totals)
{
    struct plain plain = {.path = path, .delivery = delivery, .totals = totals};
    struct line_reader reader;
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    if (!file) {
        say_error("cannot read %s: %s", path, strerror(errno));
        totals->unreadable++;
        return;
    }
    setvbuf(file, NULL, _IOFBF, READ_BYTES);
    reader_open(&reader, file);
    lines_init(&plain.lines, CM_LIMIT_BATCH_BYTES - CM_LIMIT_BATCH_BYTES / 16);
    for (enum read_result got; !totals->stop && (got = next_line(&reader)) != READ_END;) {
        if (got == READ_LINE) {
            take_line(&plain, &reader);
            continue;
        }
        totals->damaged++;
        say_line(&plain, reader.number, "a line of more than 2 MiB", NULL);
    }
    if (ferror(file)) {
        say_error("cannot read %s: %s", path, strerror(errno));
        totals->unreadable++;
    }
    if (!totals->stop)
        send_part(&plain);
    lines_done(&plain.lines);
    buf_done(&reader.line);
    if (!standard)
        fclose(file);
}
