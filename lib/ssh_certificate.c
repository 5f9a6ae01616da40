/* OpenSSH certificates: PROTOCOL.certkeys "New public key formats" as cursor calls.
 *
 * Owns nothing. The record writer calls it. It does not check the CA's signature: that needs the CA's key from a place that can be trusted. */
#include "certmuster/ssh_certificate.h"

/* Packed strings must be whole, or whoever walks them later would tell half a name. */
static bool packed(struct slice strings, unsigned group)
{
    struct cursor cursor;
    struct slice one;
    unsigned count = 0;
    cursor_init_slice(&cursor, strings);
    for (; !cursor_at_end(&cursor); count++)
        if (ssh_string(&cursor, &one))
            return false;
    return count % group == 0;
}

static int first_string(struct slice blob, struct slice *out)
{
    struct cursor cursor;
    cursor_init_slice(&cursor, blob);
    return ssh_string(&cursor, out);
}

/* NULL, or what is wrong. */
static const char *read_fields(struct cursor *cursor, struct ssh_certificate *out)
{
    struct slice reserved, signature;
    uint32_t role;
    if (cursor_u64(cursor, &out->serial) || cursor_u32(cursor, &role))
        return "serial or role is cut";
    out->role = role;
    if (ssh_string(cursor, &out->key_id) || ssh_string(cursor, &out->principals) || !packed(out->principals, 1))
        return "names are not readable";
    if (cursor_u64(cursor, &out->valid_after) || cursor_u64(cursor, &out->valid_before))
        return "validity is cut";
    if (ssh_string(cursor, &out->critical) || ssh_string(cursor, &out->extensions) || !packed(out->critical, 2) ||
        !packed(out->extensions, 2))
        return "options are not readable";
    if (ssh_string(cursor, &reserved) || ssh_string(cursor, &out->ca) || first_string(out->ca, &out->ca_type))
        return "the CA's key is not readable";
    if (ssh_string(cursor, &signature) || first_string(signature, &out->signature_type))
        return "signature is not readable";
    return cursor_at_end(cursor) ? NULL : "more than a certificate";
}

int ssh_certificate_parse(struct slice blob, struct ssh_certificate *out, struct cm_error *error)
{
    struct ssh_certificate certificate = {0};
    struct cursor cursor;
    struct slice nonce;
    cursor_init_slice(&cursor, blob);
    if (ssh_string(&cursor, &certificate.type) || ssh_string(&cursor, &nonce))
        return error_set(error, CM_ETRUNCATED, 0, "type or nonce is cut");
    int status = ssh_key_fields(&cursor, certificate.type, &certificate.key);
    if (status == CM_EUNSUPPORTED || slice_equal(certificate.type, certificate.key.name))
        return error_set(error, CM_EUNSUPPORTED, 0, "not a type of certificate that is known");
    if (status)
        return error_set(error, CM_EMALFORMED, cursor_offset(&cursor), "public key is not readable");
    const char *wrong = read_fields(&cursor, &certificate);
    if (wrong)
        return error_set(error, CM_EMALFORMED, cursor_offset(&cursor), wrong);
    *out = certificate;
    return 0;
}
