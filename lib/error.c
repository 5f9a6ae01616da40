/* Error values and the allocation calls that cannot fail.
 *
 * Owns nothing. Everybody calls it. It never prints, except for the one line before a failed allocation ends the process. */
#include "certmuster/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int error_set(struct cm_error *error, int code, size_t offset, const char *reason)
{
    if (error) {
        error->code = code;
        error->offset = offset;
        error->reason = reason;
        error->detail[0] = '\0';
    }
    return code;
}

int error_setf(struct cm_error *error, int code, size_t offset, const char *reason, const char *format, ...)
{
    error_set(error, code, offset, reason);
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        if (vsnprintf(error->detail, sizeof error->detail, format, arguments) < 0)
            error->detail[0] = '\0';
        va_end(arguments);
    }
    return code;
}

const char *error_name(int code)
{
    static const char *const names[] = {
        [-CM_OK] = "ok",
        [-CM_EINVAL] = "invalid",
        [-CM_ETRUNCATED] = "truncated",
        [-CM_EMALFORMED] = "malformed",
        [-CM_ELIMIT] = "limit",
        [-CM_EIO] = "io",
        [-CM_ENOTFOUND] = "not_found",
        [-CM_EUNSUPPORTED] = "unsupported",
        [-CM_ECONFLICT] = "conflict",
        [-CM_ETIMEOUT] = "timeout",
        [-CM_EAUTH] = "auth",
        [-CM_EVERSION] = "version",
    };
    if (code > 0 || code < -(int)(sizeof names / sizeof *names) + 1)
        return "unknown";
    return names[-code];
}

/* Nothing committed is lost by ending here: records are on disk before they are counted, and the collector answers after commit. */
static _Noreturn void out_of_memory(void)
{
    static const char line[] = "certmuster: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, line, sizeof line - 1);
    (void)ignored;
    _exit(CM_EXIT_FAILED);
}

void *cm_malloc(size_t size)
{
    void *pointer = malloc(size ? size : 1);
    if (!pointer)
        out_of_memory();
    return pointer;
}

void *cm_calloc(size_t count, size_t size)
{
    void *pointer = calloc(count ? count : 1, size ? size : 1);
    if (!pointer)
        out_of_memory();
    return pointer;
}

void *cm_realloc(void *pointer, size_t size)
{
    void *moved = realloc(pointer, size ? size : 1);
    if (!moved)
        out_of_memory();
    return moved;
}

char *cm_strdup(const char *text)
{
    return cm_strndup(text, SIZE_MAX);
}

char *cm_strndup(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    char *copy = cm_malloc(length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}
