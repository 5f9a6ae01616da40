/* What fits into a table's cell. */
#include "certmuster/cert_short.h"

void cert_short_name(struct slice name, struct buf *out)
{
    buf_reset(out);
    if (name_common_name(name, out) == 0 && out->size)
        return;
    buf_reset(out);
    name_rfc4514(name, out);
}

void cert_short_subject(const struct cert *cert, struct buf *out)
{
    struct san_walk walk;
    enum san_kind kind;
    cert_short_name(cert->subject, out);
    if (out->size)
        return;
    san_walk_init(&walk, cert);
    if (san_walk_next(&walk, &kind, out) != 1)
        buf_reset(out);
}
