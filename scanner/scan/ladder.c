/* The ladder as a table: what each way to fail hints at, and the rungs. */
#include "scanner/scan/ladder.h"

#include <stddef.h>

enum hint {
    HINT_NAME = 1,    /* it wants another name than it got */
    HINT_NO_NAME = 2, /* it wants a name, perhaps, if it got none */
    HINT_OFFER = 4,   /* nothing that we offered will do */
    HINT_WORDS = 8,   /* it does not understand what we say */
    HINT_ALPN = 16,
};

/* RFC 8446 §6.2, and what servers do besides: strict virtual hosts answer a missing name with any of five alerts, and old servers an
 * unknown version or extension with nearly all. */
static const struct {
    int alert;
    unsigned hints;
} alerts[] = {
    {0 /* close_notify */, HINT_NO_NAME | HINT_WORDS},
    {10 /* unexpected_message */, HINT_WORDS},
    {20 /* bad_record_mac */, HINT_WORDS},
    {22 /* record_overflow */, HINT_WORDS},
    {40 /* handshake_failure */, HINT_NO_NAME | HINT_OFFER},
    {47 /* illegal_parameter */, HINT_WORDS},
    {49 /* access_denied */, HINT_NO_NAME},
    {50 /* decode_error */, HINT_WORDS},
    {70 /* protocol_version */, HINT_WORDS},
    {71 /* insufficient_security */, HINT_OFFER},
    {80 /* internal_error */, HINT_NO_NAME | HINT_WORDS},
    {109 /* missing_extension */, HINT_NO_NAME | HINT_WORDS},
    {110 /* unsupported_extension */, HINT_WORDS},
    {112 /* unrecognized_name */, HINT_NAME},
    {120 /* no_application_protocol */, HINT_ALPN},
};

static unsigned hints_of(const struct ladder_failure *failure)
{
    switch (failure->error) {
    case RECORD_ERROR_CLOSED:
    case RECORD_ERROR_RESET:
        return failure->at_hello ? HINT_NO_NAME | HINT_WORDS : 0;
    case RECORD_ERROR_PROTOCOL:
        return failure->at_hello ? HINT_WORDS : 0;
    case RECORD_ERROR_UNSUPPORTED: /* its group of TLS 1.3 is named; below that it may need none */
        return HINT_WORDS;
    case RECORD_ERROR_ALERT:
        for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++) {
            if (alerts[i].alert == failure->alert)
                return failure->at_hello ? alerts[i].hints : alerts[i].hints & (HINT_NAME | HINT_ALPN);
        }
        return 0;
    default:
        return 0;
    }
}

static const enum hello_kind none = HELLO_KIND_COUNT;

/* The rung below; none at the foot. A refused offer is made wider once, then simpler. */
static enum hello_kind rung_below(enum hello_kind hello, unsigned hints)
{
    switch (hello) {
    case HELLO_FULL:
        return hints & HINT_OFFER ? HELLO_WIDE : HELLO_TLS12;
    case HELLO_WIDE:
        return HELLO_TLS12;
    case HELLO_TLS12:
        return HELLO_PLAIN;
    case HELLO_PLAIN:
        return HELLO_SSLV2;
    default:
        return none;
    }
}

static bool carries_name(enum hello_kind hello)
{
    return hello == HELLO_FULL || hello == HELLO_WIDE || hello == HELLO_TLS12;
}

bool ladder_wants_name(const struct ladder *past, const struct ladder_failure *failure)
{
    unsigned hints = hints_of(failure);
    return past->further < LADDER_FURTHER_MAX && carries_name((enum hello_kind)past->hello) &&
           (hints & HINT_NAME || (hints & HINT_NO_NAME && !past->named));
}

enum ladder_step ladder_next(const struct ladder *past, const struct ladder_failure *failure, bool name_left,
                             struct ladder *next)
{
    unsigned hints = hints_of(failure);
    struct ladder further = *past;
    enum hello_kind below = none;
    enum ladder_step step = LADDER_END;
    if (past->further >= LADDER_FURTHER_MAX)
        return LADDER_END;
    further.further++;
    if (failure->sslv2)
        below = past->hello == HELLO_SSLV2 ? none : HELLO_SSLV2;
    else if (hints & (HINT_OFFER | HINT_WORDS))
        below = rung_below((enum hello_kind)past->hello, hints);
    if (hints & HINT_ALPN && !past->without_alpn) {
        further.without_alpn = true;
        step = LADDER_NO_ALPN;
    } else if (name_left && ladder_wants_name(past, failure)) {
        further.named = true;
        further.names++;
        step = LADDER_NAME;
    } else if (below != none) {
        further.hello = (uint8_t)below;
        step = LADDER_HELLO;
    }
    if (step != LADDER_END)
        *next = further;
    return step;
}
