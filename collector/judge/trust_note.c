/* Writes down which anchors a trust store has: trust_store_note() of sql/0018_proof.sql compares them with those of before, puts every
 * chain on the docket when they are others, and leaves a row in the audit log. However many collectors find the same new file, the first
 * one notes it. */
#include <openssl/crypto.h>
#include <openssl/x509_vfy.h>

#include "certmuster/cert.h"
#include "certmuster/limits.h"
#include "collector/ingest/rows.h"
#include "collector/judge/trust.h"
#include "collector/transaction.h"

enum {
    ANCHORS_MAX = 4096,
    ANCHOR_BYTES_MAX = 8 << 20, /* of all together; the system's are 150 with 200 KiB */
    ARRAY_MAX = 2 * ANCHOR_BYTES_MAX + ANCHORS_MAX * (CM_LIMIT_NAME_BYTES + 8),
};

/* As PostgreSQL arrays. */
struct anchors {
    struct buf subjects, ders;
    size_t bytes, count;
    bool too_many;
};

static void add_subject(struct anchors *anchors, X509 *certificate)
{
    const unsigned char *der = NULL;
    size_t size = 0;
    struct buf subject;
    buf_init(&subject, CM_LIMIT_NAME_BYTES);
    buf_append_str(&subject, "");
    if (X509_NAME_get0_der(X509_get_subject_name(certificate), &der, &size) == 1)
        (void)name_rfc4514((struct slice){der, size}, &subject); /* what could be read of it will do */
    array_add_text(&anchors->subjects, subject.data ? subject.data : "");
    buf_done(&subject);
}

static void add_anchor(struct anchors *anchors, X509 *certificate)
{
    unsigned char *der = NULL;
    int size = i2d_X509(certificate, &der);
    anchors->bytes += size > 0 ? (size_t)size : 0;
    anchors->too_many = anchors->too_many || ++anchors->count > ANCHORS_MAX || anchors->bytes > ANCHOR_BYTES_MAX;
    if (size > 0 && !anchors->too_many) {
        add_subject(anchors, certificate);
        buf_append_str(&anchors->ders, anchors->count > 1 ? "," : "");
        hex_append(&anchors->ders, der, (size_t)size);
    }
    OPENSSL_free(der);
}

static void collect(const struct trust *trust, struct anchors *out)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(trust_anchors(trust));
    array_begin(&out->subjects);
    array_begin(&out->ders);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (certificate) /* a file may hold CRLs as well */
            add_anchor(out, certificate);
    }
    array_end(&out->subjects);
    array_end(&out->ders);
    out->too_many = out->too_many || out->subjects.failed || out->ders.failed;
}

int trust_note(const struct trust *trust, struct db *db, int64_t *chains, struct cm_error *error)
{
    struct anchors anchors = {.count = 0};
    struct db_result *rows = NULL;
    buf_init(&anchors.subjects, ARRAY_MAX);
    buf_init(&anchors.ders, ARRAY_MAX);
    collect(trust, &anchors);
    const char *params[] = {trust_name(trust), trust_digest(trust), anchors.too_many ? NULL : anchors.subjects.data,
                            anchors.too_many ? NULL : anchors.ders.data};
    int code =
        transaction_query(db, "SELECT trust_store_note($1, $2, $3::text[], $4::text[])", params, 4, &rows, error);
    if (!code)
        *chains = db_rows(rows) && !db_is_null(rows, 0, 0) ? db_integer(rows, 0, 0) : -1;
    db_result_free(rows);
    buf_done(&anchors.subjects);
    buf_done(&anchors.ders);
    return code;
}
