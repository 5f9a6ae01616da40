/* Reads lists of ports. A pure reader: text in, list out. */
#include "certmuster/ports.h"

#include <stdbool.h>
#include <stdlib.h>

#include "certmuster/cursor.h"

enum { PORT_MAX = 65535 };

/* One number at the cursor: 1 to 65535, no sign, no leading zero. */
static int read_port(struct cursor *at, unsigned *port, struct cm_error *error)
{
    size_t offset = cursor_offset(at);
    unsigned value = 0;
    uint8_t digit;
    while (cursor_peek_u8(at, &digit) == 0 && digit >= '0' && digit <= '9') {
        value = value * 10 + (digit - '0');
        if (value > PORT_MAX || value == 0)
            return error_set(error, CM_EINVAL, offset, "a port is a number from 1 to 65535");
        if (cursor_skip(at, 1))
            break;
    }
    if (value == 0)
        return error_set(error, CM_EINVAL, offset, "a port is a number from 1 to 65535");
    *port = value;
    return 0;
}

static bool skip_char(struct cursor *at, char wanted)
{
    uint8_t c;
    return cursor_peek_u8(at, &c) == 0 && c == (uint8_t)wanted && cursor_skip(at, 1) == 0;
}

int ports_read(const char *text, size_t size, struct ports *out, struct cm_error *error)
{
    uint8_t seen[(PORT_MAX + 8) / 8] = {0};
    struct ports ports = {NULL, 0};
    struct cursor at;
    size_t capacity = 0;
    int code = 0;
    unsigned low, high;
    cursor_init(&at, text, size);
    do {
        size_t offset = cursor_offset(&at);
        if ((code = read_port(&at, &low, error)))
            break;
        high = low;
        if (skip_char(&at, '-') && (code = read_port(&at, &high, error)))
            break;
        if (high < low) {
            code = error_set(error, CM_EINVAL, offset, "a range of ports runs backwards");
            break;
        }
        if (ports.count + high - low + 1 > capacity) {
            capacity = 2 * capacity + high - low + 1;
            ports.list = cm_realloc(ports.list, capacity * sizeof *ports.list);
        }
        for (unsigned port = low; port <= high; port++) {
            if (seen[port / 8] & 1u << port % 8)
                continue;
            seen[port / 8] |= (uint8_t)(1u << port % 8);
            ports.list[ports.count++] = (uint16_t)port;
        }
    } while (skip_char(&at, ','));
    if (!code && !cursor_at_end(&at))
        code = error_set(error, CM_EINVAL, cursor_offset(&at), "ports are numbers and ranges joined by commas");
    if (code)
        free(ports.list);
    else
        *out = ports;
    return code;
}

void ports_done(struct ports *ports)
{
    free(ports->list);
    *ports = (struct ports){NULL, 0};
}
