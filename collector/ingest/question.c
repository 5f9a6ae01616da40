/* Questions are asked for every segment of every sweep, and nearly all are written by submit: {"sha256":["<hex>",…]} without white
 * space, sorted. Those are read as they lie, at the speed of the hex digits; whatever else is JSON is left to jansson, which means the
 * same by it. */
#include "collector/ingest/question.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/delivery.h"
#include "certmuster/json_bounds.h"

enum { DEPTH = 2, VALUES_MAX = DELIVERY_MISSING_MAX + 64 }; /* of a list in an object */
enum { HEX = 2 * CM_SHA256_SIZE, ELEMENT = HEX + 3 /* quotes, and what follows */ };

static const char head[] = "{\"sha256\":[";

/* "<hex>", and the comma behind it, or the bracket behind the last. */
static bool read_element(const char *at, char behind, sha256_value out)
{
    return at[0] == '"' && at[HEX + 1] == '"' && at[HEX + 2] == behind &&
           hex_read(at + 1, HEX, out, CM_SHA256_SIZE) == 0;
}

/* False: not of that form, or too many. */
static bool read_plain(const char *body, size_t size, sha256_value **list, size_t *count)
{
    size_t start = sizeof head - 1;
    while (size && body[size - 1] == '\n')
        size--;
    if (size < start + ELEMENT + 1 || memcmp(body, head, start) != 0 || body[size - 1] != '}' ||
        (size - start - 1) % ELEMENT != 0 || (size - start - 1) / ELEMENT > DELIVERY_MISSING_MAX)
        return false;
    size_t elements = (size - start - 1) / ELEMENT;
    sha256_value *read = cm_calloc(elements, sizeof *read);
    for (size_t i = 0; i < elements; i++)
        if (!read_element(body + start + i * ELEMENT, i + 1 < elements ? ',' : ']', read[i])) {
            free(read);
            return false;
        }
    *list = read;
    *count = elements;
    return true;
}

static int read_array(const json_t *array, sha256_value *list, struct cm_error *error)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (!text || hex_read(text, strlen(text), list[i], CM_SHA256_SIZE) != 0)
            return error_set(error, CM_EMALFORMED, i, "not a SHA-256 in hex");
    }
    return 0;
}

static int read_json(const char *body, size_t size, sha256_value **list, size_t *count, struct cm_error *error)
{
    json_error_t where;
    int code = json_bounds(body, size, DEPTH, VALUES_MAX, error);
    json_t *root = code ? NULL : json_loadb(body, size, JSON_REJECT_DUPLICATES, &where);
    const json_t *array = json_object_get(root, "sha256");
    sha256_value *read = NULL;
    if (code)
        return code;
    if (!root)
        code = error_setf(error, CM_EMALFORMED, 0, "not valid JSON", "%s", where.text);
    else if (!json_is_array(array))
        code = error_set(error, CM_EMALFORMED, 0, "\"sha256\" must be a list of fingerprints");
    else if (json_array_size(array) > DELIVERY_MISSING_MAX)
        code = error_set(error, CM_ELIMIT, 0, "more than 65,536 fingerprints in one question");
    if (!code) {
        read = cm_calloc(json_array_size(array) + 1, sizeof *read);
        code = read_array(array, read, error);
    }
    if (code) {
        free(read);
    } else {
        *list = read;
        *count = json_array_size(array);
    }
    json_decref(root);
    return code;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, CM_SHA256_SIZE);
}

static void sort(sha256_value *list, size_t *count)
{
    size_t kept = *count > 0, ahead = 1;
    while (ahead < *count && compare(list[ahead - 1], list[ahead]) < 0)
        ahead++;
    if (ahead >= *count) /* as it came */
        return;
    qsort(list, *count, sizeof *list, compare);
    for (size_t i = 1; i < *count; i++)
        if (compare(list[i], list[kept - 1]) != 0)
            memmove(list[kept++], list[i], CM_SHA256_SIZE);
    *count = kept;
}

int question_read(const char *body, size_t size, sha256_value **list, size_t *count, struct cm_error *error)
{
    int code = read_plain(body, size, list, count) ? 0 : read_json(body, size, list, count, error);
    if (!code)
        sort(*list, count);
    return code;
}
