/* Walks lists of extensions for the readers of messages. Owns nothing; knows no extension's meaning. */
#include "scanner/tls/extensions.h"

int tls_next_extension(struct cursor *list, uint16_t *type, struct cursor *data)
{
    if (cursor_at_end(list))
        return 0;
    if (cursor_u16(list, type) || cursor_vector16(list, data))
        return CM_EMALFORMED;
    return 1;
}

int tls_pick_extensions(struct cursor list, struct picked_extension *wanted, size_t count)
{
    struct cursor data;
    uint16_t type;
    int more;
    for (size_t i = 0; i < count; i++) {
        wanted[i].present = false;
        cursor_init(&wanted[i].data, NULL, 0);
    }
    while ((more = tls_next_extension(&list, &type, &data)) == 1) {
        for (size_t i = 0; i < count; i++) {
            if (wanted[i].type != type)
                continue;
            if (wanted[i].present)
                return CM_EMALFORMED;
            wanted[i].present = true;
            wanted[i].data = data;
        }
    }
    return more;
}

struct slice tls_rest(const struct cursor *cursor)
{
    return (struct slice){cursor->at, cursor_left(cursor)};
}

int tls_whole_vector8(struct cursor data, struct cursor *out)
{
    return cursor_vector8(&data, out) || !cursor_at_end(&data) ? CM_EMALFORMED : 0;
}

int tls_whole_vector16(struct cursor data, struct cursor *out)
{
    return cursor_vector16(&data, out) || !cursor_at_end(&data) ? CM_EMALFORMED : 0;
}
