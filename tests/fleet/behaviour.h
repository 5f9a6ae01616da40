/* The behaviours of `certmuster-fleet serve`, one table row each: what is served, how, and what a scanner should say. */
#ifndef CERTMUSTER_FLEET_BEHAVIOUR_H
#define CERTMUSTER_FLEET_BEHAVIOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/fleet/pki.h"

enum play { /* what happens on the wire; see play.c */
            PLAY_TLS,
            PLAY_DRIP,
            PLAY_SILENT,
            PLAY_REFUSE,
            PLAY_HTTP,
            PLAY_SSH,
            PLAY_NOISE,
            PLAY_RESET,
            PLAY_CLOSE,
            PLAY_ALERT,
            PLAY_SMTP,
            PLAY_IMAP,
            PLAY_POP3,
            PLAY_LDAP,
            PLAY_POSTGRES,
            PLAY_COUNT
};

enum chain_shape { CHAIN_FULL, CHAIN_LEAF, CHAIN_WRONG_ORDER, CHAIN_WITH_ROOT, CHAIN_SELF_SIGNED };
enum name_shape { NAMES_HOST, NAMES_WILDCARD, NAMES_MANY, NAMES_IP, NAMES_NONE, NAMES_HOSTILE };

enum behaviour_flag {
    FLAG_SHA1 = 1,         /* sha1WithRSAEncryption */
    FLAG_CLIENT_AUTH = 2,  /* a client certificate is demanded */
    FLAG_NEED_SNI = 4,     /* any other server name, or none: fatal alert unrecognized_name */
    FLAG_SEND_NO_NAME = 8, /* the manifest tells scanners to send no SNI */
    FLAG_RENEWS = 16,      /* generation 2 has a newer certificate */
    FLAG_BALANCED = 32,    /* an ECDSA certificate on every second connection */
};

struct behaviour {
    const char *name;
    const char *host;   /* its DNS name, and the SNI that the manifest tells */
    const char *expect; /* "ok", or the error of a failure record */
    const char *about;  /* for `list` */
    enum play play;
    enum fleet_key key;
    int min_version, max_version; /* TLS1_VERSION …; 0: 1.2 to 1.3 */
    enum chain_shape chain;
    enum name_shape names;
    unsigned flags;
    int64_t from, until; /* validity in seconds relative to the birth of the directory; both 0: chosen by row */
};

extern const struct behaviour behaviours[];
extern const size_t behaviour_count;

enum { FLEET_SAN_COUNT = 200 };

/* True when a chain is served at all. */
bool behaviour_has_chain(const struct behaviour *behaviour);
/* Validity of a row's certificate of generation 1 or 2. */
void behaviour_validity(const struct behaviour *behaviour, int generation, int64_t birth, int64_t *not_before,
                        int64_t *not_after);
/* The names that are attacks: CN, O, OU and SANs that would run, redraw or break something when shown unescaped. */
extern const struct pki_rdn hostile_subject[];
extern const size_t hostile_subject_count;
extern const struct pki_name hostile_names[];
extern const size_t hostile_name_count;

#endif
