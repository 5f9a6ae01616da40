/* Host names to A-labels. libidn2 does what is not ASCII; the rules of DNS are checked here either way. */
#include "certmuster/hostname.h"

#include <idn2.h>
#include <stdbool.h>
#include <string.h>

enum { INPUT_MAX = 1024, LABEL_MAX = 63 };

static bool is_ascii(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One character of a label, made lower case in place. Underscores are no host names (RFC 952), but they are in DNS. */
static bool label_char(char *c)
{
    if (*c >= 'A' && *c <= 'Z')
        *c = (char)(*c | 0x20);
    return (*c >= 'a' && *c <= 'z') || is_digit(*c) || *c == '-' || *c == '_';
}

static int check_labels(char *name, struct cm_error *error)
{
    size_t label = 0;
    bool digits_only = true; /* of the last label */
    for (char *c = name; *c; c++) {
        size_t at = (size_t)(c - name);
        if (*c == '.') {
            if (label == 0)
                return error_set(error, CM_EINVAL, at, "an empty label in a host name");
            label = 0;
            digits_only = true;
            continue;
        }
        if (*c == '*')
            return error_set(error, CM_EINVAL, at, "a wildcard is no host: name the hosts themselves");
        if (!label_char(c))
            return error_set(error, CM_EINVAL, at, "a character that no host name has");
        if (++label > LABEL_MAX)
            return error_set(error, CM_EINVAL, at, "a label of a host name is longer than 63 characters");
        digits_only = digits_only && is_digit(*c);
    }
    if (label == 0)
        return error_set(error, CM_EINVAL, strlen(name), "an empty label in a host name");
    if (digits_only) /* no top-level domain is a number: this is an address gone wrong (WHATWG URL, RFC 1123 §2.1) */
        return error_set(error, CM_EINVAL, 0, "neither an IP address nor a host name");
    return 0;
}

int hostname_read(const char *text, size_t size, char out[static HOSTNAME_SIZE], struct cm_error *error)
{
    char input[INPUT_MAX];
    char *converted = NULL;
    if (size == 0 || size >= sizeof input)
        return error_set(error, CM_EINVAL, 0,
                         size ? "a host name is longer than 253 characters" : "an empty host name");
    memcpy(input, text, size);
    input[size] = '\0';
    if (strlen(input) != size)
        return error_set(error, CM_EINVAL, strlen(input), "a character that no host name has");
    if (!is_ascii(input)) {
        int code = idn2_to_ascii_8z(input, &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
        if (code != IDN2_OK)
            return error_setf(error, CM_EINVAL, 0, "not a valid internationalised host name", "%s",
                              idn2_strerror(code));
        size = strlen(converted);
        if (size >= sizeof input)
            size = sizeof input - 1;
        memcpy(input, converted, size);
        input[size] = '\0';
        idn2_free(converted);
    }
    if (size > 1 && input[size - 1] == '.')
        input[--size] = '\0';
    int code = check_labels(input, error);
    if (code)
        return code;
    if (size >= HOSTNAME_SIZE)
        return error_set(error, CM_EINVAL, 0, "a host name is longer than 253 characters");
    memcpy(out, input, size + 1);
    return 0;
}
