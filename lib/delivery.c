/* What an address of a collector looks like: scanners ask before they begin, submit before it connects. Pure; nothing is resolved. */
#include "certmuster/delivery.h"

#include <stdbool.h>
#include <string.h>

#include "certmuster/error.h"

enum { HOST_MAX = 253, PORT_DIGITS_MAX = 5, PORT_MAX = 65535, UNIX_PATH_MAX = 107 };

/* The size of "HOST" or "[v6]" at its beginning; 0: neither. */
static size_t host_size(const char *text)
{
    size_t size = text[0] == '[' ? 1 + strspn(text + 1, "0123456789abcdefABCDEF:.") : strcspn(text, ":/");
    if (text[0] == '[')
        return size > 1 && text[size] == ']' ? size + 1 : 0;
    return size <= HOST_MAX ? size : 0;
}

/* HOST, HOST:PORT, and a path where one stands behind it. */
static bool is_place(const char *text)
{
    const char *end = text + host_size(text);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c <= 0x20 || *c == 0x7F || strchr("@?#\\", *c))
            return false;
    if (end == text)
        return false;
    if (*end == ':') {
        unsigned port = 0;
        size_t digits = strspn(end + 1, "0123456789");
        for (size_t i = 1; i <= digits && i <= PORT_DIGITS_MAX; i++)
            port = port * 10 + (unsigned)(end[i] - '0');
        if (digits > PORT_DIGITS_MAX || port < 1 || port > PORT_MAX)
            return false;
        end += 1 + digits;
    }
    return *end == 0 || *end == '/';
}

int delivery_url_check(const char *url, struct cm_error *error)
{
    if (strncmp(url, "unix:/", 6) == 0) {
        if (strlen(url + 5) > UNIX_PATH_MAX)
            return error_setf(error, CM_EINVAL, 0, "a unix socket's path has at most 107 bytes", "%.200s", url);
        return CM_OK;
    }
    if (strncmp(url, "https://", 8) == 0 && strlen(url) < DELIVERY_URL_SIZE && is_place(url + 8))
        return CM_OK;
    return error_setf(error, CM_EINVAL, 0, "a collector is unix:PATH or https://HOST:PORT", "%.200s", url);
}
