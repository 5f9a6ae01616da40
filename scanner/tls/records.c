/* The record layer and the handshake messages on it, as records.h says: two readers of one shape, one above the other.
 *
 * Each lends from its input while an element lies whole in it, and otherwise collects the element in `partial`. What is in `partial`
 * is either the beginning of an element or, after it was lent, all of it: the length in its own header tells the two apart, so a reader
 * needs no state of its own. Every byte is copied once at most, so the cost is linear however the stream is cut. */
#include "scanner/tls/records.h"

#include <assert.h>
#include <string.h>

enum {
    MESSAGE_HEADER_SIZE = 4,
    KEEP_BYTES =
        1024, /* memory that a reader keeps while nothing is in it; what a large element needed is given back */
};

/* Moves bytes from the input to partial until that holds `want` of them. False when the input ends before. */
static bool collect(struct buf *partial, struct slice *input, size_t want)
{
    size_t missing = want > partial->size ? want - partial->size : 0;
    size_t size = missing < input->size ? missing : input->size;
    if (size) {
        buf_append(partial, input->data, size);
        input->data += size;
        input->size -= size;
    }
    return size == missing;
}

static struct slice take(struct slice *input, size_t size)
{
    struct slice taken = {input->data, size};
    input->data += size;
    input->size -= size;
    return taken;
}

/* The element in partial was lent and is done with. */
static void release(struct buf *partial)
{
    if (partial->capacity > KEEP_BYTES)
        buf_done(partial);
    else
        buf_reset(partial);
}

static const uint8_t *bytes_of(const struct buf *partial)
{
    return (const uint8_t *)partial->data;
}

/* --- records ---------------------------------------------------------------------------------------------------------- */

static size_t record_size(const uint8_t *header)
{
    return TLS_RECORD_HEADER_SIZE + ((size_t)header[3] << 8 | header[4]);
}

/* Whether these bytes can begin a record: as many of the five as are there. One byte is enough to say no to another protocol. */
static bool may_be_record(struct slice bytes)
{
    const uint8_t *header = bytes.data;
    if (bytes.size > 0 && (header[0] < TLS_CHANGE_CIPHER_SPEC || header[0] > TLS_APPLICATION_DATA))
        return false;
    if (bytes.size > 1 && header[1] != 3)
        return false;
    return bytes.size < TLS_RECORD_HEADER_SIZE || record_size(header) <= TLS_RECORD_HEADER_SIZE + TLS_CIPHERTEXT_MAX;
}

static bool record_was_lent(const struct buf *partial)
{
    return partial->size >= TLS_RECORD_HEADER_SIZE && partial->size == record_size(bytes_of(partial));
}

static void lend_record(struct slice whole, struct tls_record *out)
{
    out->type = whole.data[0];
    out->version = (uint16_t)(whole.data[1] << 8 | whole.data[2]);
    out->header = (struct slice){whole.data, TLS_RECORD_HEADER_SIZE};
    out->fragment = (struct slice){whole.data + TLS_RECORD_HEADER_SIZE, whole.size - TLS_RECORD_HEADER_SIZE};
}

void tls_records_init(struct record_reader *reader)
{
    *reader = (struct record_reader){0};
    buf_init(&reader->partial, TLS_RECORD_HEADER_SIZE + TLS_CIPHERTEXT_MAX);
}

void tls_records_done(struct record_reader *reader)
{
    buf_done(&reader->partial);
    reader->input = (struct slice){0};
}

void tls_records_feed(struct record_reader *reader, const void *bytes, size_t size)
{
    assert(reader->input.size == 0);
    reader->input = (struct slice){bytes, size};
}

static int break_off(struct record_reader *reader)
{
    buf_done(&reader->partial);
    reader->input = (struct slice){0};
    reader->broken = true;
    return CM_EMALFORMED;
}

/* The record lies whole in the input, or what there is of it goes to partial. */
static int next_in_place(struct record_reader *reader, struct tls_record *out)
{
    struct slice *input = &reader->input;
    if (!may_be_record(*input))
        return break_off(reader);
    if (input->size >= TLS_RECORD_HEADER_SIZE && input->size >= record_size(input->data)) {
        lend_record(take(input, record_size(input->data)), out);
        return 0;
    }
    (void)collect(&reader->partial, input, input->size);
    return CM_ETRUNCATED;
}

bool tls_records_inside_handshake(const struct record_reader *reader)
{
    const struct buf *partial = &reader->partial;
    return partial->size && bytes_of(partial)[0] == TLS_HANDSHAKE && !record_was_lent(partial);
}

int tls_records_next(struct record_reader *reader, struct tls_record *out)
{
    struct buf *partial = &reader->partial;
    if (reader->broken) {
        reader->input = (struct slice){0};
        return CM_EMALFORMED;
    }
    if (record_was_lent(partial))
        release(partial);
    if (partial->size == 0)
        return next_in_place(reader, out);
    bool have_header = collect(partial, &reader->input, TLS_RECORD_HEADER_SIZE);
    if (!may_be_record(buf_slice(partial)))
        return break_off(reader);
    if (!have_header || !collect(partial, &reader->input, record_size(bytes_of(partial))))
        return CM_ETRUNCATED;
    lend_record(buf_slice(partial), out);
    return 0;
}

/* --- messages --------------------------------------------------------------------------------------------------------- */

static size_t message_size(const uint8_t *header)
{
    return MESSAGE_HEADER_SIZE + ((size_t)header[1] << 16 | (size_t)header[2] << 8 | header[3]);
}

static bool message_was_lent(const struct buf *partial)
{
    return partial->size >= MESSAGE_HEADER_SIZE && partial->size == message_size(bytes_of(partial));
}

static void lend_message(struct slice whole, struct tls_message *out)
{
    out->type = whole.data[0];
    out->body = (struct slice){whole.data + MESSAGE_HEADER_SIZE, whole.size - MESSAGE_HEADER_SIZE};
    out->whole = whole;
}

void tls_messages_init(struct message_reader *reader, size_t message_max)
{
    *reader = (struct message_reader){.message_max = message_max};
    buf_init(&reader->partial, MESSAGE_HEADER_SIZE + message_max);
}

void tls_messages_done(struct message_reader *reader)
{
    buf_done(&reader->partial);
    reader->input = (struct slice){0};
}

void tls_messages_feed(struct message_reader *reader, struct slice fragment)
{
    assert(reader->input.size == 0);
    reader->input = fragment;
}

int tls_messages_next(struct message_reader *reader, struct tls_message *out)
{
    struct buf *partial = &reader->partial;
    struct slice *input = &reader->input;
    size_t size_max = MESSAGE_HEADER_SIZE + reader->message_max;
    if (message_was_lent(partial))
        release(partial);
    if (partial->size == 0 && input->size >= MESSAGE_HEADER_SIZE) {
        size_t size = message_size(input->data);
        if (size <= size_max && size <= input->size) {
            lend_message(take(input, size), out);
            return 0;
        }
    }
    if (!collect(partial, input, MESSAGE_HEADER_SIZE))
        return CM_ETRUNCATED;
    if (message_size(bytes_of(partial)) > size_max) {
        *input = (struct slice){0}; /* the header stays, so that it is refused for ever */
        return CM_ELIMIT;
    }
    if (!collect(partial, input, message_size(bytes_of(partial))))
        return CM_ETRUNCATED;
    lend_message(buf_slice(partial), out);
    return 0;
}

bool tls_messages_at_boundary(const struct message_reader *reader)
{
    return reader->input.size == 0 && (reader->partial.size == 0 || message_was_lent(&reader->partial));
}
