/* One probe: connect to one address and port, ask for TLS if need be, read the certificates, close. Everything it does it does on
 * the loop, and it ends by itself at its deadline at the latest, with exactly one call of done.
 *
 *     WAITING ──┐ (no descriptor for a further try)
 *        ▲      ▼
 *        └─ CONNECTING → LISTENING → DIALOGUE → HANDSHAKE → done          a further try begins at CONNECTING again
 *                  └────────┴───────────┴──────────┴──→ failed → done or a further try
 *
 * Further tries are of two kinds: another protocol (negotiate.h, --starttls auto) and another offer in the same one (ladder.h). When all
 * fail, the failure told is that of the try that got furthest, the earliest of equals; the others are its attempts. */
#ifndef SCANNER_SCAN_PROBE_H
#define SCANNER_SCAN_PROBE_H

#include "certmuster/ipaddr.h"
#include "certmuster/record.h"
#include "scanner/scan/attempts.h"
#include "scanner/scan/farewell.h"
#include "scanner/scan/loop.h"
#include "scanner/scan/names.h"
#include "scanner/scan/starttls.h"
#include "scanner/tls/handshake.h"

struct probe;

struct probe_ask {
    const char *name;  /* SNI; "": none. Lends until done */
    int64_t budget_ms; /* the absolute deadline, from now */
    uint32_t scope;    /* interface index of a link-local address; 0: none */
    uint16_t port;
    uint8_t mode; /* enum starttls */
    struct ipaddr ip;
};

struct probe_result {  /* lends during the call of done */
    bool ok;           /* a chain is there */
    const char *stage; /* of a failure */
    enum record_error error;
    const char *detail;
    const char *name;                         /* SNI of the try that this is the result of; "": none was sent */
    enum starttls starttls;                   /* the dialogue that came before TLS; STARTTLS_NONE for none */
    const struct handshake_result *handshake; /* NULL when it did not come to that */
    int64_t connect_ms, handshake_ms;         /* -1: did not come to that */
    const struct attempts *attempts;          /* NULL: none */
};

/* What all probes of a thread share. */
struct probe_shared {
    struct loop *loop;
    struct handshake_engine *engine;
    struct names *names;         /* for servers that insist on one */
    struct farewells *farewells; /* NULL: connections end by a reset */
    const char *client_name;     /* for EHLO */
    bool prove;
    size_t flight_max;
    void (*done)(struct probe *probe, const struct probe_ask *ask, const struct probe_result *result, void *context);
    /* A probe that is under way must wait for something that this host lacks (errno). */
    void (*shortage)(int trouble, void *context);
    void *context;
};

/* 0 with *out; done may have been called already, and *out is NULL then. CM_ELIMIT: the machine has no descriptor, port or memory to spare
 * (*shortage is the errno): nothing was started and nothing will be told. */
CM_MUST_CHECK int probe_start(const struct probe_shared *shared, const struct probe_ask *ask, struct probe **out,
                              int *shortage);
/* Ends it now as cancelled, by way of done. */
void probe_cancel(struct probe *probe);
/* For the owner's list of probes under way; set and read by the owner alone. */
struct probe_links {
    struct probe *before, *after;
    void *owner;
};
struct probe_links *probe_get_links(struct probe *probe);

#endif
