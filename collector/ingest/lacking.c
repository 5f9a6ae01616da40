/* Which certificates the inventory lacks: of a batch before it is stored, and as the answer to the question before it is sent. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/delivery.h"
#include "certmuster/json_bounds.h"
#include "collector/ingest/identity.h"
#include "collector/ingest/rows.h"
#include "collector/ingest/work.h"

typedef uint8_t sha256_value[CM_SHA256_SIZE];

/* Those of the sorted list that the inventory lacks are moved to its front; *count becomes how many. */
static int keep_lacking(struct db *db, sha256_value *list, size_t *count, struct cm_error *error)
{
    struct buf array;
    struct db_result *rows = NULL;
    if (*count == 0)
        return 0;
    buf_init(&array, WORK_PARAM_MAX);
    array_begin(&array);
    for (size_t i = 0; i < *count; i++)
        array_add_sha256(&array, list[i]);
    array_end(&array);
    const char *params[] = {array.data};
    int code = array.failed
                   ? error_set(error, CM_ELIMIT, 0, "too many fingerprints")
                   : db_query(db,
                              "SELECT o.rank - 1 FROM unnest($1::bytea[]) WITH ORDINALITY AS o(sha256, rank)"
                              " WHERE NOT EXISTS (SELECT FROM certificate c WHERE c.sha256 = o.sha256) ORDER BY 1",
                              params, 1, &rows, error);
    if (!code) {
        size_t kept = db_rows(rows);
        for (size_t row = 0; row < kept; row++)
            memmove(list[row], list[db_integer(rows, row, 0)], CM_SHA256_SIZE);
        *count = kept;
    }
    db_result_free(rows);
    buf_done(&array);
    return code;
}

int work_look_up_certificates(struct work *work, struct delivery_answer *answer, struct cm_error *error)
{
    struct batch *batch = work->batch;
    size_t count = 0, lacking = 0;
    sha256_value *list = batch_references(batch, &count);
    int code = keep_lacking(work->db, list, &count, error);
    size_t at = 0;
    for (size_t i = 0; !code && i < batch->certificate_count; i++)
        batch->certificates[i].known = true;
    for (size_t i = 0; !code && i < count; i++) { /* both sorted */
        while (at < batch->certificate_count && memcmp(batch->certificates[at].sha256, list[i], CM_SHA256_SIZE) < 0)
            at++;
        if (at < batch->certificate_count && memcmp(batch->certificates[at].sha256, list[i], CM_SHA256_SIZE) == 0)
            batch->certificates[at].known = false;
        else
            memmove(list[lacking++], list[i], CM_SHA256_SIZE);
    }
    if (!code && lacking)
        answer_missing(answer, 409, (const uint8_t(*)[CM_SHA256_SIZE])list, lacking);
    free(list);
    return code;
}

/* --- The question what is missing ----------------------------------------------------------------------------------------------------- */

static int compare_values(const void *a, const void *b)
{
    return memcmp(a, b, CM_SHA256_SIZE);
}

/* Of a list of fingerprints in an object. */
enum { QUESTION_DEPTH = 2, QUESTION_VALUES_MAX = DELIVERY_MISSING_MAX + 64 };

static int read_question(const struct delivery_request *request, sha256_value **list, size_t *count,
                         struct cm_error *error)
{
    json_error_t where;
    int code = json_bounds(request->body, request->size, QUESTION_DEPTH, QUESTION_VALUES_MAX, error);
    json_t *root = code ? NULL : json_loadb(request->body, request->size, JSON_REJECT_DUPLICATES, &where);
    const json_t *array = json_object_get(root, "sha256");
    if (!root && !code)
        code = error_setf(error, CM_EMALFORMED, 0, "not valid JSON", "%s", where.text);
    else if (!code && !json_is_array(array))
        code = error_set(error, CM_EMALFORMED, 0, "\"sha256\" must be a list of fingerprints");
    else if (!code && json_array_size(array) > DELIVERY_MISSING_MAX)
        code = error_set(error, CM_ELIMIT, 0, "more than 65,536 fingerprints in one question");
    size_t size = code ? 0 : json_array_size(array);
    *list = cm_calloc(size + 1, sizeof **list);
    for (size_t i = 0; !code && i < size; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (!text || hex_read(text, strlen(text), (*list)[i], CM_SHA256_SIZE) != 0)
            code = error_set(error, CM_EMALFORMED, i, "not a SHA-256 in hex");
    }
    json_decref(root);
    *count = size;
    return code;
}

int store_missing(struct session *session, const struct delivery_request *request, struct delivery_answer *answer,
                  struct cm_error *error)
{
    sha256_value *list = NULL;
    size_t count = 0, kept = 0;
    char name[PEER_NAME_SIZE];
    int code = read_question(request, &list, &count, error);
    if (code) {
        free(list);
        answer_error(answer, code == CM_ELIMIT ? 413 : 400, error);
        return 0;
    }
    qsort(list, count, sizeof *list, compare_values);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || memcmp(list[i], list[kept - 1], CM_SHA256_SIZE) != 0)
            memmove(list[kept++], list[i], CM_SHA256_SIZE);
    code = session_ready(session, error);
    if (!code)
        code = identity_of(session->db, session->settings->config, &request->peer, name, error);
    if (!code)
        code = keep_lacking(session->db, list, &kept, error);
    if (!code)
        answer_missing(answer, 200, (const uint8_t(*)[CM_SHA256_SIZE])list, kept);
    free(list);
    if (code == CM_EAUTH && !strstr(error->detail, "42501")) {
        answer_error(answer, 403, error);
        code = 0;
    }
    return code;
}
