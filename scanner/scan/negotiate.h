/* Which tries a probe makes, in which order, when it is not told: --starttls auto. Pure decisions, no I/O.
 *
 * A well-known port settles the first try. On any other port we listen for a moment: a server that greets is asked by its greeting,
 * a silent one gets TLS. What fails in a way that another protocol would explain is tried again, each protocol once. */
#ifndef SCANNER_SCAN_NEGOTIATE_H
#define SCANNER_SCAN_NEGOTIATE_H

#include "scanner/scan/starttls.h"
#include "scanner/tls/sniff.h"

enum {
    NEGOTIATE_GREETING_MS = 1000, /* how long an unknown port may take to greet … */
    NEGOTIATE_GREETING_SHARE = 5, /* … but at most this part of the time */
    NEGOTIATE_GUESS_MS = 2000, /* how long a guess may take: who waits for TLS may wait for ever for the rest of it … */
    NEGOTIATE_GUESS_SHARE = 4, /* … but at most this part of what is left */
};

/* What to begin with on this port: a dialogue, STARTTLS_NONE (TLS at once), or STARTTLS_AUTO (listen first). */
enum starttls negotiate_by_port(uint16_t port);
/* The dialogue that fits a greeting; STARTTLS_NONE when it fits none of ours. */
enum starttls negotiate_by_greeting(enum sniffed greeting);

struct negotiate_past {
    unsigned tried;     /* bits 1 << enum starttls of the tries made */
    enum starttls last; /* the latest */
    enum record_error error;
    enum sniffed greeting; /* what a not_tls server seemed to be */
    bool known_port;       /* negotiate_by_port knew what to begin with */
};
/* The next try after a failure in auto mode: true with *next; *guess is set when nothing but hope speaks for it, so that its failure shall
 * not become the probe's. */
bool negotiate_next(const struct negotiate_past *past, enum starttls *next, bool *guess);

#endif
