/* Error codes and the detail that travels beside them.
 *
 * Fallible calls return 0 or a negative CM_E… code and are marked CM_MUST_CHECK. Detail goes into a struct cm_error that
 * the caller owns; passing NULL for it is always allowed. Library code neither prints nor exits. */
#ifndef CERTMUSTER_ERROR_H
#define CERTMUSTER_ERROR_H

#include <stddef.h>

#define CM_MUST_CHECK                           __attribute__((warn_unused_result))
#define CM_PRINTF(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))

enum cm_code {
    CM_OK = 0,
    CM_EINVAL = -1,       /* the caller or the user asked for something that makes no sense */
    CM_ETRUNCATED = -2,   /* input ended inside an element; more bytes could make it whole */
    CM_EMALFORMED = -3,   /* input can never become valid */
    CM_ELIMIT = -4,       /* a ceiling of limits.h or of the configuration was hit */
    CM_EIO = -5,          /* the operating system said no; detail holds strerror */
    CM_ENOTFOUND = -6,    /* the thing named is not there */
    CM_EUNSUPPORTED = -7, /* valid, but not something that we read */
    CM_ECONFLICT = -8,    /* the state on the other side does not allow it */
    CM_ETIMEOUT = -9,     /* a deadline passed */
    CM_EAUTH = -10,       /* wrong password, refused identity or missing right */
    CM_EVERSION = -11,    /* the inventory is of another version than the program */
};

enum { CM_ERROR_DETAIL_SIZE = 256 };

/* Process exit statuses, the same for every program. */
enum cm_exit {
    CM_EXIT_OK = 0,
    CM_EXIT_PARTIAL = 1, /* input was damaged, unreadable or missing, or --fail-on matched */
    CM_EXIT_USAGE = 2,
    CM_EXIT_FAILED = 3, /* could not do it at all */
};

struct cm_error {
    int code;           /* enum cm_code */
    size_t offset;      /* byte or line offset into the input where it went wrong, 0 when meaningless */
    const char *reason; /* static, lower case, no final dot: "length runs past the end" */
    char detail
        [CM_ERROR_DETAIL_SIZE]; /* optional: a path, strerror, a server's message; hostile, escape before showing */
};

/* Fills *error (when not NULL) and returns code, so that a worker can say `return error_set(error, CM_E…, at, "…")`. */
int error_set(struct cm_error *error, int code, size_t offset, const char *reason);
/* The same with a formatted detail, cut at CM_ERROR_DETAIL_SIZE - 1. */
int error_setf(struct cm_error *error, int code, size_t offset, const char *reason, const char *format, ...)
    CM_PRINTF(5, 6);
/* "malformed", "truncated", … for logs and records. Never NULL. */
const char *error_name(int code);

/* Ends the process when pointer is NULL. Only right because every size is capped before it is asked for. */
void *cm_malloc(size_t size);
void *cm_calloc(size_t count, size_t size);
void *cm_realloc(void *pointer, size_t size);
char *cm_strdup(const char *text);
char *cm_strndup(const char *text, size_t size);

#endif
