/* The collector's JSON answers, with jansson, and the one question that is asked. Pure. */
#include "scanner/submit/answer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REASON_MAX = 1000 };

static json_t *load(const struct buf *body)
{
    json_t *root = json_loadb(body->data, body->size, JSON_REJECT_DUPLICATES, NULL);
    if (root && !json_is_object(root)) {
        json_decref(root);
        return NULL;
    }
    return root;
}

static int malformed(struct cm_error *error, const struct buf *body)
{
    return error_setf(error, CM_EMALFORMED, 0, "not the answer of a collector", "%.100s", body->data);
}

int answer_read_batch(const struct buf *body, struct answer *out, struct cm_error *error)
{
    struct answer answer = {0, NULL, 0};
    json_t *root = load(body);
    const json_t *stored = json_object_get(root, "stored"), *rejected = json_object_get(root, "rejected");
    if (!json_is_integer(stored) || json_integer_value(stored) < 0 || (rejected && !json_is_array(rejected))) {
        json_decref(root);
        return malformed(error, body);
    }
    answer.stored = (uint64_t)json_integer_value(stored);
    size_t count = json_array_size(rejected);
    answer.rejected = cm_calloc(count ? count : 1, sizeof *answer.rejected);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rejected, i);
        const json_t *line = json_object_get(row, "line"), *reason = json_object_get(row, "reason");
        if (!json_is_integer(line) || json_integer_value(line) < 1)
            continue;
        struct rejection *rejection = &answer.rejected[answer.rejected_count++];
        rejection->line = (size_t)json_integer_value(line);
        rejection->reason =
            cm_strndup(json_is_string(reason) ? json_string_value(reason) : "no reason given", REASON_MAX);
    }
    json_decref(root);
    *out = answer;
    return CM_OK;
}

void answer_done(struct answer *answer)
{
    for (size_t i = 0; i < answer->rejected_count; i++)
        free(answer->rejected[i].reason);
    free(answer->rejected);
    *answer = (struct answer){0, NULL, 0};
}

int answer_read_missing(const struct buf *body, struct digests *out, struct cm_error *error)
{
    json_t *root = load(body);
    const json_t *missing = json_object_get(root, "missing");
    struct digests digests = {.list = NULL};
    int code = json_is_array(missing) ? CM_OK : malformed(error, body);
    for (size_t i = 0; !code && i < json_array_size(missing); i++) {
        uint8_t sha256[CM_SHA256_SIZE];
        const char *text = json_string_value(json_array_get(missing, i));
        if (!text || hex_read(text, strlen(text), sha256, sizeof sha256) != CM_OK)
            code = malformed(error, body);
        else
            digests_add(&digests, sha256);
    }
    json_decref(root);
    if (code) {
        digests_done(&digests);
        return code;
    }
    digests_sort(&digests);
    *out = digests;
    return CM_OK;
}

void answer_read_error(const struct buf *body, long status, char *out, size_t size)
{
    json_t *root = load(body);
    const char *text = json_string_value(json_object_get(root, "error"));
    if (!text)
        text = body->data;
    snprintf(out, size, "%ld%s%.*s", status, *text ? ": " : "", (int)strcspn(text, "\r\n"), text);
    json_decref(root);
}

void answer_write_question(const struct digests *digests, struct buf *out)
{
    buf_append_str(out, "{\"sha256\":[");
    for (size_t i = 0; i < digests->count; i++) {
        buf_append_str(out, i ? ",\"" : "\"");
        hex_append(out, digests->list[i], CM_SHA256_SIZE);
        buf_append_char(out, '"');
    }
    buf_append_str(out, "]}");
}
