/* The parts of a probe: its life (probe.c), its bytes (probe_io.c), what comes after a failure (tries.c). Private to these. */
#ifndef SCANNER_SCAN_PROBE_PRIVATE_H
#define SCANNER_SCAN_PROBE_PRIVATE_H

#include "scanner/scan/ladder.h"
#include "scanner/scan/probe.h"
#include "scanner/tls/sniff.h"

enum { PROBE_DETAIL_SIZE = 256 };

enum probe_state { PROBE_WAITING, PROBE_CONNECTING, PROBE_LISTENING, PROBE_DIALOGUE, PROBE_HANDSHAKE };

struct tries;

/* Tens of thousands of these wait for an answer at once: what only failures need stands in struct tries. */
struct probe {
    const struct probe_shared *shared;
    struct probe_ask ask;
    struct probe_links links;
    struct watch watch;
    struct timer timer; /* the deadline, or the pause that ends before it */
    int64_t deadline_ms, connect_began_ms, connected_ms, handshake_began_ms;
    struct dialogue *dialogue;
    struct handshake *handshake;
    struct tries *tries;    /* NULL until something has failed */
    const char *known_name; /* asked for in place of the target's; NULL: that one */
    uint32_t connection;    /* counts them, so that a callback sees when one is gone */
    struct ladder ladder;
    uint8_t state;    /* enum probe_state */
    uint8_t protocol; /* enum starttls of the present try; STARTTLS_AUTO while listening */
    uint8_t tried;    /* bits 1 << enum starttls */
    uint8_t greeting; /* enum sniffed: what the server's first bytes look like */
    bool known_port, heard, guessing;
    bool broken;   /* sending met a reset: the end that reading meets is not the server's close */
    bool lacked;   /* it had to wait for something that this host lacks */
    bool pausing;  /* the timer is a pause's: for a greeting, for a descriptor, for the rest of a flight */
    bool in_call;  /* of ready(): the probe's memory stays until it is over */
    bool finished; /* told; nothing but the memory is left */
};

/* A try's failure, until it becomes the result or an attempt. */
struct probe_failure {
    const char *stage;
    enum record_error error;
    const char *detail;
};

/* --- probe.c --- */
const char *probe_name(const struct probe *probe); /* SNI of the present try */
/* Opens the connection of a try, or waits for what this host lacks. */
void probe_begin_try(struct probe *probe);
void probe_drop_try(struct probe *probe); /* closes it */
/* Drops the try for want of something (errno) and begins it again later. */
void probe_wait(struct probe *probe, int trouble);
void probe_end_pause(struct probe *probe);
void probe_begin_dialogue(struct probe *probe);
void probe_begin_handshake(struct probe *probe);
/* What the state of the handshake asks for: send, wait, or end. */
void probe_go_on(struct probe *probe, enum handshake_state state);
/* The connection stands, or listens: what comes first. */
void probe_connected(struct probe *probe);
/* The connection ended under us, or the time did. final: no further try. */
void probe_connection_ended(struct probe *probe, enum handshake_end end, bool final);
void probe_tell(struct probe *probe, struct probe_result *result); /* the end of it */
void probe_free(struct probe *probe);                              /* one that was told */

/* --- probe_io.c --- */
void probe_ready(struct watch *watch, unsigned events);
void probe_flush(struct probe *probe); /* sends what there is to send */

/* --- tries.c --- */
/* Ends the present try: the result, unless another one is worth it. final: whatever is left, this is the end. */
void probe_fail(struct probe *probe, const struct probe_failure *failure, bool final);
/* Something was tried on this connection and left; it goes on differently. */
void tries_keep(struct probe *probe, const struct probe_failure *failure);
const struct attempts *tries_attempts(const struct probe *probe);
/* The dialogue that was a guess has worked: what failed before it is not the result any more. */
void tries_guess_was_right(struct probe *probe);
void tries_free(struct tries *tries);

#endif
