/* The tries of a probe that are not its result, in order. */
#ifndef SCANNER_SCAN_ATTEMPTS_H
#define SCANNER_SCAN_ATTEMPTS_H

#include "certmuster/record.h"
#include "scanner/scan/starttls.h"

enum { ATTEMPTS_MAX = 8 /* auto makes at most five */ };

struct attempt {
    char what[24]; /* "tls", "starttls-smtp" */
    enum record_error error;
    char *detail; /* owned; may be NULL */
};

struct attempts {
    struct attempt *list; /* allocated with the first; most probes have none */
    size_t count;
};

/* Past ATTEMPTS_MAX nothing is kept. STARTTLS_AUTO counts as plain TLS. */
void attempts_add(struct attempts *attempts, enum starttls protocol, enum record_error error, const char *detail);
/* Takes one out: the caller frees its detail. */
struct attempt attempts_take(struct attempts *attempts, size_t index);
void attempts_done(struct attempts *attempts);

#endif
