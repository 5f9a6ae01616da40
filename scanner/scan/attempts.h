/* The tries of a probe that are not its result, in order. */
#ifndef SCANNER_SCAN_ATTEMPTS_H
#define SCANNER_SCAN_ATTEMPTS_H

#include <stddef.h>

#include "certmuster/record.h"

enum {
    ATTEMPTS_MAX = 10 /* of --starttls auto at most five, of the ladder three further ones */,
    ATTEMPT_WHAT_SIZE = 40
};

struct attempt {
    char what[ATTEMPT_WHAT_SIZE]; /* "tls", "starttls-smtp", "tls1.2", "sni-none" */
    enum record_error error;
    char *detail; /* owned; may be NULL */
};

struct attempts {
    struct attempt *list; /* allocated with the first; most probes have none */
    size_t count;
};

/* The new one's place, counted from 1; 0 when there are ATTEMPTS_MAX: it is not kept. */
size_t attempts_add(struct attempts *attempts, const char *what, enum record_error error, const char *detail);
/* Takes one out, counted from 1: the caller frees its detail. */
struct attempt attempts_take(struct attempts *attempts, size_t place);
void attempts_done(struct attempts *attempts);

#endif
