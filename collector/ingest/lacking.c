/* Which certificates the inventory lacks: of a batch before it is stored, and as the answer to the question before it is sent. */
#include <stdlib.h>
#include <string.h>

#include "certmuster/json_bounds.h"
#include "collector/ingest/identity.h"
#include "collector/ingest/question.h"
#include "collector/ingest/work.h"

/* Those of the sorted list that the inventory lacks are moved to its front; *count becomes how many. */
static int keep_lacking(struct db *db, sha256_value *list, size_t *count, struct cm_error *error)
{
    struct db_result *rows = NULL;
    if (*count == 0)
        return 0;
    int code = db_query_bytes(db,
                              "SELECT o.rank - 1 FROM unnest($1::bytea[]) WITH ORDINALITY AS o(sha256, rank)"
                              " WHERE NOT EXISTS (SELECT FROM certificate c WHERE c.sha256 = o.sha256) ORDER BY 1",
                              list, CM_SHA256_SIZE, *count, &rows, error);
    if (!code) {
        size_t kept = db_rows(rows);
        for (size_t row = 0; row < kept; row++)
            memmove(list[row], list[db_integer(rows, row, 0)], CM_SHA256_SIZE);
        *count = kept;
    }
    db_result_free(rows);
    return code;
}

int work_look_up_certificates(struct work *work, struct delivery_answer *answer, struct cm_error *error)
{
    struct batch *batch = work->batch;
    size_t count = 0, lacking = 0;
    sha256_value *list = batch_references(batch, &work->places, &count);
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

int store_missing(struct session *session, const struct delivery_request *request, struct delivery_answer *answer,
                  struct cm_error *error)
{
    sha256_value *list = NULL;
    size_t count = 0;
    char name[PEER_NAME_SIZE];
    int code = question_read(request->body, request->size, &list, &count, error);
    if (code) {
        answer_error(answer, code == CM_ELIMIT ? 413 : 400, error);
        return 0;
    }
    code = session_ready(session, error);
    if (!code)
        code = identity_of(session->db, session->settings->config, &request->peer, name, error);
    if (!code)
        code = keep_lacking(session->db, list, &count, error);
    if (!code)
        answer_missing(answer, 200, (const uint8_t(*)[CM_SHA256_SIZE])list, count);
    free(list);
    if (code == CM_EAUTH && !db_right_lacks(code, error)) {
        answer_error(answer, 403, error);
        code = 0;
    }
    return code;
}
