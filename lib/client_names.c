/* The names of a client certificate. Its own walk is bounded: what a CA signs for somebody may hold any number of names. */
#include "certmuster/client_names.h"

#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/utf8.h"

struct names {
    char (*list)[CLIENT_NAME_SIZE];
    size_t count;
};

/* Nothing that is not seen, and no character that is none. */
static bool is_plain(const struct buf *name)
{
    uint32_t code;
    for (size_t i = 0; i < name->size;) {
        unsigned bytes = utf8_decode(name->data + i, name->size - i, &code);
        if (!bytes || code <= 0x20 || code == 0x7F || code == UTF8_REPLACEMENT || utf8_is_hidden(code))
            return false;
        i += bytes;
    }
    return true;
}

static void add_name(struct names *names, const struct buf *name)
{
    if (name->size == 0 || name->size >= CLIENT_NAME_SIZE || names->count == CLIENT_NAMES_MAX)
        return;
    if (is_plain(name))
        memcpy(names->list[names->count++], name->data, name->size + 1);
}

size_t client_names_read(const struct cert *cert, char out[static CLIENT_NAMES_MAX][CLIENT_NAME_SIZE])
{
    struct names names = {.list = out};
    struct san_walk walk;
    enum san_kind kind;
    struct buf name;
    buf_init(&name, CLIENT_NAME_SIZE);
    san_walk_init(&walk, cert);
    for (int i = 0; i < 4 * CLIENT_NAMES_MAX && san_walk_next(&walk, &kind, &name) == 1; i++)
        if (kind == SAN_DNS || kind == SAN_URI)
            add_name(&names, &name);
    buf_reset(&name);
    if (name_common_name(cert->subject, &name) == 0)
        add_name(&names, &name);
    buf_done(&name);
    return names.count;
}
