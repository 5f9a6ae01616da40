/* Decides the tries of --starttls auto. */
#include "scanner/scan/negotiate.h"

#include <stddef.h>

static const struct {
    uint16_t port;
    enum starttls first;
} well_known[] = {
    {25, STARTTLS_SMTP},   {587, STARTTLS_SMTP},  {2525, STARTTLS_SMTP},     {143, STARTTLS_IMAP},
    {110, STARTTLS_POP3},  {389, STARTTLS_LDAP},  {3268, STARTTLS_LDAP},     {443, STARTTLS_NONE},
    {465, STARTTLS_NONE},  {636, STARTTLS_NONE},  {5432, STARTTLS_POSTGRES}, {853, STARTTLS_NONE},
    {989, STARTTLS_NONE},  {990, STARTTLS_NONE},  {992, STARTTLS_NONE},      {993, STARTTLS_NONE},
    {994, STARTTLS_NONE},  {995, STARTTLS_NONE},  {3269, STARTTLS_NONE},     {5061, STARTTLS_NONE},
    {5671, STARTTLS_NONE}, {6443, STARTTLS_NONE}, {8443, STARTTLS_NONE},     {8883, STARTTLS_NONE},
    {9443, STARTTLS_NONE},
};

enum starttls negotiate_by_port(uint16_t port)
{
    for (size_t i = 0; i < sizeof well_known / sizeof *well_known; i++) {
        if (well_known[i].port == port)
            return well_known[i].first;
    }
    return STARTTLS_AUTO;
}

enum starttls negotiate_by_greeting(enum sniffed greeting)
{
    switch (greeting) {
    case SNIFFED_SMTP:
        return STARTTLS_SMTP;
    case SNIFFED_IMAP:
        return STARTTLS_IMAP;
    case SNIFFED_POP3:
        return STARTTLS_POP3;
    case SNIFFED_LDAP:
        return STARTTLS_LDAP;
    case SNIFFED_POSTGRES:
        return STARTTLS_POSTGRES;
    default:
        return STARTTLS_NONE;
    }
}

/* The dialogues in which the client speaks first, so that no greeting tells of them. */
static const enum starttls silent[] = {STARTTLS_POSTGRES, STARTTLS_LDAP};

static bool hung_up(enum record_error error)
{
    return error == RECORD_ERROR_CLOSED || error == RECORD_ERROR_RESET;
}

bool negotiate_next(const struct negotiate_past *past, enum starttls *next, bool *guess)
{
    *guess = false;
    if (past->last == STARTTLS_NONE && past->error == RECORD_ERROR_NOT_TLS) {
        *next = negotiate_by_greeting(past->greeting);
        return *next != STARTTLS_NONE && !(past->tried & 1u << *next);
    }
    /* A dialogue by port number that meets something else: the port may carry TLS from the first byte. */
    if (past->last != STARTTLS_NONE && !(past->tried & 1u << STARTTLS_NONE)) {
        *next = STARTTLS_NONE;
        return hung_up(past->error) || past->error == RECORD_ERROR_PROTOCOL;
    }
    /* A server that hung up on a ClientHello may wait for a protocol in which the client speaks first. */
    bool guessing = past->last == STARTTLS_POSTGRES || past->last == STARTTLS_LDAP;
    if (!past->known_port && (guessing || hung_up(past->error))) {
        for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
            if (!(past->tried & 1u << silent[i])) {
                *next = silent[i];
                *guess = true;
                return true;
            }
        }
    }
    return false;
}
