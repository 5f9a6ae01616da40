/* Certificate, CertificateStatus, CertificateRequest, CertificateVerify and ServerKeyExchange: pure readers over the cursor; the
 * hellos are in hello_messages.c.
 *
 * Each function reads like the presentation language of its section. Refuses: bytes left over where the RFC leaves none,
 * because a reader that skips them can be told two stories at once. */
#include "scanner/tls/messages.h"

#include "scanner/tls/extensions.h"

enum { CURVE_TYPE_NAMED = 3, STATUS_TYPE_OCSP = 1, STATUS_TYPE_OCSP_MULTI = 2 };

/* --- CertificateStatus ---------------------------------------------------------------------------------------------- */

static int read_status(struct cursor at, struct slice *ocsp)
{
    struct cursor response, list;
    uint8_t type;
    if (cursor_u8(&at, &type))
        return CM_EMALFORMED;
    if (type != STATUS_TYPE_OCSP && type != STATUS_TYPE_OCSP_MULTI)
        return CM_EUNSUPPORTED;
    if (cursor_vector24(&at, &response) || !cursor_at_end(&at))
        return CM_EMALFORMED;
    if (type == STATUS_TYPE_OCSP_MULTI) { /* one response per certificate, empty where there is none (RFC 6961 §2.2) */
        list = response;
        if (cursor_vector24(&list, &response))
            return CM_EMALFORMED;
    } else if (cursor_at_end(&response))
        return CM_EMALFORMED;
    *ocsp = tls_rest(&response);
    return 0;
}

int tls_read_certificate_status(struct slice body, struct slice *ocsp)
{
    struct cursor at;
    cursor_init_slice(&at, body);
    return read_status(at, ocsp);
}

/* --- Certificate ---------------------------------------------------------------------------------------------------- */

/* The extensions of the leaf's CertificateEntry. A CertificateStatus that cannot be read is lent as it stands: the chain is
 * unambiguous without it, and staple_read will call it malformed. */
static int read_leaf_extensions(struct cursor list, struct tls_chain *out)
{
    enum { STATUS, SCT, COUNT };
    struct picked_extension found[COUNT] = {[STATUS] = {.type = TLS_EXT_STATUS_REQUEST}, [SCT] = {.type = TLS_EXT_SCT}};
    if (tls_pick_extensions(list, found, COUNT))
        return CM_EMALFORMED;
    if (read_status(found[STATUS].data, &out->staple))
        out->staple = tls_rest(&found[STATUS].data);
    out->scts = tls_rest(&found[SCT].data);
    return 0;
}

int tls_read_certificate(struct slice body, uint16_t version, struct tls_chain *out)
{
    struct cursor at, context, list, cert, extensions;
    bool entries = version >= TLS_VERSION_1_3; /* CertificateEntry, not just ASN.1Cert */
    cursor_init_slice(&at, body);
    out->count = 0;
    out->staple = out->scts = (struct slice){NULL, 0};
    if ((entries && cursor_vector8(&at, &context)) || cursor_vector24(&at, &list) || !cursor_at_end(&at))
        return CM_EMALFORMED;
    while (!cursor_at_end(&list)) {
        if (cursor_vector24(&list, &cert) || cursor_at_end(&cert))
            return CM_EMALFORMED;
        if (entries && cursor_vector16(&list, &extensions))
            return CM_EMALFORMED;
        if (out->count == CM_LIMIT_CHAIN_CERTS || cursor_left(&cert) > CM_LIMIT_CERT_BYTES)
            return CM_ELIMIT;
        if (entries && out->count == 0 && read_leaf_extensions(extensions, out))
            return CM_EMALFORMED;
        out->certs[out->count++] = tls_rest(&cert);
    }
    return 0;
}

/* --- CertificateRequest --------------------------------------------------------------------------------------------- */

/* Walks DistinguishedName certificate_authorities<0..2^16-1> without its length; name may be NULL. An empty name names nobody. */
static int walk_ca_names(struct cursor list, tls_ca_name_fn name, void *context)
{
    struct cursor one;
    while (!cursor_at_end(&list)) {
        if (cursor_vector16(&list, &one))
            return CM_EMALFORMED;
        if (name && !cursor_at_end(&one))
            name(tls_rest(&one), context);
    }
    return 0;
}

/* certificate_types, from 1.2 on supported_signature_algorithms, certificate_authorities (RFC 5246 §7.4.4, RFC 6101 §5.6.4). A
 * server that asks for nobody in particular may leave the last list out. */
static int find_ca_list(struct cursor at, uint16_t version, struct cursor *list)
{
    struct cursor skipped;
    if (cursor_vector8(&at, &skipped) || (version >= TLS_VERSION_1_2 && cursor_vector16(&at, &skipped)))
        return CM_EMALFORMED;
    if (!cursor_at_end(&at))
        return tls_whole_vector16(at, list);
    cursor_init(list, NULL, 0);
    return 0;
}

/* RFC 8446 §4.3.2 and §4.2.4. */
static int find_ca_extension(struct cursor at, struct cursor *list)
{
    struct picked_extension found = {.type = TLS_EXT_CERTIFICATE_AUTHORITIES};
    struct cursor request_context, extensions;
    if (cursor_vector8(&at, &request_context) || tls_whole_vector16(at, &extensions) ||
        tls_pick_extensions(extensions, &found, 1))
        return CM_EMALFORMED;
    *list = found.data;
    return found.present ? tls_whole_vector16(found.data, list) : 0;
}

int tls_read_certificate_request(struct slice body, uint16_t version, tls_ca_name_fn name, void *context)
{
    struct cursor at, list;
    cursor_init_slice(&at, body);
    if (version >= TLS_VERSION_1_3 ? find_ca_extension(at, &list) : find_ca_list(at, version, &list))
        return CM_EMALFORMED;
    if (walk_ca_names(list, NULL, NULL)) /* nobody is told of a damaged list's first half */
        return CM_EMALFORMED;
    return walk_ca_names(list, name, context);
}

/* --- the key's proofs ----------------------------------------------------------------------------------------------- */

int tls_read_certificate_verify(struct slice body, uint16_t *scheme, struct slice *signature)
{
    struct cursor at, bytes;
    uint16_t algorithm;
    cursor_init_slice(&at, body);
    if (cursor_u16(&at, &algorithm) || tls_whole_vector16(at, &bytes))
        return CM_EMALFORMED;
    *scheme = algorithm;
    *signature = tls_rest(&bytes);
    return 0;
}

int tls_read_ecdhe_group(struct slice body, uint16_t *group)
{
    struct cursor at;
    uint8_t curve_type;
    uint16_t named;
    cursor_init_slice(&at, body);
    if (cursor_u8(&at, &curve_type))
        return CM_EMALFORMED;
    if (curve_type != CURVE_TYPE_NAMED) {
        *group = 0;
        return 0;
    }
    if (cursor_u16(&at, &named))
        return CM_EMALFORMED;
    *group = named;
    return 0;
}
