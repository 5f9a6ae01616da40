/* Reading an order, with jansson, and writing what is asked and reported. Pure.
 *
 * A collector is trusted to say what is looked at, not to run commands here: targets of a scan go through its standard input as lines, so that none is taken for a flag; paths of a crawl
 * are absolute; flags are those of lib/shard.c. */
#include "scanner/submit/order.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/escape.h"
#include "certmuster/shard.h"

enum { NAME_MAX_BYTES = 255, LEASE_MIN_MS = 100, LEASE_MAX_S = 7 * 86400 };

static int read_targets(const json_t *root, const char *kind, struct order *out, struct cm_error *error)
{
    const json_t *array = json_object_get(root, "targets");
    size_t count = json_array_size(array), bytes = 0;
    if (count == 0 || count > SHARD_TARGETS_MAX)
        return error_set(error, CM_EMALFORMED, 0, "an order without targets, or with too many");
    out->targets = cm_calloc(count, sizeof *out->targets);
    for (size_t i = 0; i < count; i++) {
        const char *target = json_string_value(json_array_get(array, i));
        if (!target || shard_target_wrong(kind, target))
            return error_setf(error, CM_EMALFORMED, i, "an order with a target that is none", "%.100s",
                              target ? target : "");
        bytes += shard_path_bytes(target);
        out->targets[out->target_count++] = cm_strdup(target);
    }
    if (strcmp(kind, "crawl") == 0 && bytes > SHARD_PATHS_BYTES_MAX)
        return error_set(error, CM_EMALFORMED, 0, "an order with more paths than a command line holds");
    return 0;
}

static int read_arguments(const json_t *root, const char *kind, struct order *out, struct cm_error *error)
{
    const json_t *array = json_object_get(root, "arguments");
    size_t count = json_array_size(array);
    if (count > SHARD_ARGUMENTS_MAX)
        return error_set(error, CM_EMALFORMED, 0, "an order with too many flags");
    for (size_t i = 0; i < count; i++) {
        const char *argument = json_string_value(json_array_get(array, i));
        if (!argument || shard_argument_check(kind, argument, NULL))
            return error_setf(error, CM_EMALFORMED, i, "an order with a flag that is not for others to say", "%.100s",
                              argument ? argument : "");
        out->arguments[out->argument_count++] = cm_strdup(argument);
    }
    return 0;
}

/* The member "seconds" in ms; 0: there is none that makes sense. */
static int64_t read_lease(const json_t *root)
{
    double seconds = json_number_value(json_object_get(root, "seconds"));
    if (!isfinite(seconds) || seconds <= 0 || seconds > LEASE_MAX_S)
        return 0;
    return (int64_t)(seconds * 1000) > LEASE_MIN_MS ? (int64_t)(seconds * 1000) : LEASE_MIN_MS;
}

int64_t order_read_lease(const struct buf *body)
{
    json_t *root = json_loadb(body->data, body->size, JSON_REJECT_DUPLICATES, NULL);
    int64_t ms = read_lease(root);
    json_decref(root);
    return ms;
}

static int read_root(const json_t *root, const char *kind, struct order *out, struct cm_error *error)
{
    uint8_t id[CM_UUID_SIZE];
    const char *lease = json_string_value(json_object_get(root, "lease")),
               *plan = json_string_value(json_object_get(root, "plan")),
               *told = json_string_value(json_object_get(root, "kind"));
    if (!lease || uuid_read(lease, id) != 0)
        return error_set(error, CM_EMALFORMED, 0, "not an order of a collector");
    uuid_write(out->lease, id);
    out->lease_ms = read_lease(root);
    if (!plan || !told || strcmp(told, kind) != 0 || !out->lease_ms)
        return error_set(error, CM_EMALFORMED, 0, "not an order of the kind that was asked for");
    out->plan = cm_strndup(plan, NAME_MAX_BYTES);
    out->number = json_integer_value(json_object_get(root, "number"));
    out->rate = json_integer_value(json_object_get(root, "rate"));
    out->rate = out->rate > 0 ? out->rate : 0;
    int code = read_targets(root, kind, out, error);
    return code ? code : read_arguments(root, kind, out, error);
}

int order_read(const struct buf *body, const char *kind, struct order *out, struct cm_error *error)
{
    json_t *root = json_loadb(body->data, body->size, JSON_REJECT_DUPLICATES, NULL);
    *out = (struct order){.lease = ""};
    int code = read_root(root, kind, out, error);
    json_decref(root);
    return code;
}

void order_done(struct order *order)
{
    for (size_t i = 0; i < order->target_count; i++)
        free(order->targets[i]);
    for (size_t i = 0; i < order->argument_count; i++)
        free(order->arguments[i]);
    free(order->targets);
    free(order->plan);
    *order = (struct order){.lease = ""};
}

static void member(struct buf *out, const char *before, const char *name, const char *value)
{
    buf_appendf(out, "%s\"%s\":\"", before, name);
    escape_json(out, value, strlen(value));
    buf_append_char(out, '"');
}

void order_write_question(struct buf *out, const char *kind, const char *scanner, const char *realm)
{
    member(out, "{", "kind", kind);
    member(out, ",", "scanner", scanner);
    member(out, ",", "realm", realm);
    buf_append_char(out, '}');
}

void order_write_report(struct buf *out, const char *scanner, const char *state)
{
    member(out, "{", "state", state);
    member(out, ",", "scanner", scanner);
    buf_append_char(out, '}');
}
