/* One thread's chain of stages, from packets to observations: decoder, fragments, flows. Owns them and their share of the memory. */
#ifndef SCANNER_WATCH_WORKER_H
#define SCANNER_WATCH_WORKER_H

#include "scanner/watch/decode.h"
#include "scanner/watch/flows.h"

struct worker_options {
    size_t memory_max;
    struct keylog *keylog; /* NULL: none */
    observed_fn observed;
    void *context;
};

struct worker_counts {
    struct decode_counts decode;
    struct fragments_counts fragments;
    struct flows_counts flows;
    struct session_counts sessions;
    int64_t packet_now_us; /* of the latest packet */
};

struct worker;
struct worker *worker_new(const struct worker_options *options);
void worker_free(struct worker *worker);
void worker_packet(const struct packet *packet, void *worker); /* a packet_fn */
/* Nothing came for a while; of a live capture, whose packets have the time of this machine. */
void worker_idle(struct worker *worker, int64_t now_us);
void worker_flush(struct worker *worker); /* the capture ends */
struct worker_counts worker_get_counts(const struct worker *worker);

#endif
