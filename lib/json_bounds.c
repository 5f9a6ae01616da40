/* Depth and number of values of a JSON text, in one pass and without memory. Called before jansson sees what a stranger sent. */
#include "certmuster/json_bounds.h"

#include <string.h>

/* The offset of the quote that ends the string whose first character is at at; size: none does. */
static size_t end_of_string(const char *text, size_t size, size_t at)
{
    while (at < size) {
        const char *quote = memchr(text + at, '"', size - at);
        size_t end = quote ? (size_t)(quote - text) : size, slashes = 0;
        while (quote && end - slashes > at && text[end - slashes - 1] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            return end;
        at = end + 1;
    }
    return size;
}

int json_bounds(const char *text, size_t size, unsigned depth_max, size_t values_max, struct cm_error *error)
{
    unsigned depth = 0;
    size_t values = 1;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '"') {
            i = end_of_string(text, size, i + 1);
        } else if (c == '{' || c == '[') {
            values++;
            if (++depth > depth_max)
                return error_set(error, CM_ELIMIT, i, "nested too deeply");
        } else if (c == ',') {
            values++;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
        if (values > values_max)
            return error_set(error, CM_ELIMIT, i, "too many members and elements");
    }
    return 0;
}
