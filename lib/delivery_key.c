/* The name of a batch. It travels in a header, which takes printable ASCII alone, and a scanner may be called anything: what a header does not take is escaped as in a URL
 * (RFC 3986 §2.1). A '%' stands for itself unless it would be read as such an escape, so that keys which were sent before there were any mean what they meant. */
#include <stdio.h>
#include <string.h>

#include "certmuster/delivery.h"
#include "certmuster/utf8.h"

/* The value of the two digits; -1: they are none. */
static int hex_pair(const char *text)
{
    int value = 0;
    for (int i = 0; i < 2; i++) {
        char c = text[i];
        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (c >= 'A' && c <= 'F')
            value = value * 16 + (c - 'A' + 10);
        else if (c >= 'a' && c <= 'f')
            value = value * 16 + (c - 'a' + 10);
        else
            return -1;
    }
    return value;
}

bool delivery_key_write(char out[static DELIVERY_KEY_MAX + 1], const char *scanner, const char *run, unsigned number)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t size = 0;
    for (const char *c = scanner; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (size + 3 > DELIVERY_KEY_MAX)
            return false;
        if (byte > 0x20 && byte < 0x7F && (byte != '%' || hex_pair(c + 1) < 0)) {
            out[size++] = *c;
            continue;
        }
        out[size++] = '%';
        out[size++] = digits[byte >> 4];
        out[size++] = digits[byte & 15];
    }
    size_t left = DELIVERY_KEY_MAX + 1 - size;
    int rest = snprintf(out + size, left, "/%s/%u", run, number);
    return rest > 0 && (size_t)rest < left;
}

static bool is_utf8(const char *text)
{
    uint32_t code;
    for (size_t size = strlen(text); size;) {
        unsigned bytes = utf8_decode(text, size, &code);
        if (!bytes)
            return false;
        text += bytes;
        size -= bytes;
    }
    return true;
}

bool delivery_key_read(const char *key, char out[static DELIVERY_KEY_MAX + 1])
{
    size_t size = 0;
    for (; *key; size++) {
        int escaped = *key == '%' ? hex_pair(key + 1) : -1;
        if (size == DELIVERY_KEY_MAX || escaped == 0)
            return false;
        out[size] = escaped > 0 ? (char)escaped : *key;
        key += escaped > 0 ? 3 : 1;
    }
    out[size] = 0;
    return is_utf8(out);
}
