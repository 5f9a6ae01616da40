/* Stages put together. */
#include "scanner/watch/worker.h"

#include <stdlib.h>

#include "scanner/watch/eap.h"

enum { FRAGMENTS_SHARE = 16, EAPS_SHARE = 32 /* so much of the memory is for fragments, and for EAP */ };

struct worker {
    struct decoder decoder;
    struct flows *flows;
    struct eaps *eaps;
    struct session_counts sessions;
    int64_t packet_now_us;
};

static void on_datagram(const struct datagram *datagram, void *context)
{
    struct worker *worker = context;
    if (datagram->protocol == DATAGRAM_EAP || (datagram->protocol == DATAGRAM_UDP && eaps_is_radius(datagram)))
        eaps_add(worker->eaps, datagram);
    else
        flows_add(worker->flows, datagram);
}

struct worker *worker_new(const struct worker_options *options)
{
    struct worker *worker = cm_calloc(1, sizeof *worker);
    size_t fragments = options->memory_max / FRAGMENTS_SHARE, eaps = options->memory_max / EAPS_SHARE;
    worker->decoder.fragments = fragments_new(fragments);
    worker->decoder.emit = on_datagram;
    worker->decoder.context = worker;
    struct session_options session = {.keylog = options->keylog,
                                      .observed = options->observed,
                                      .context = options->context,
                                      .counts = &worker->sessions};
    worker->flows =
        flows_new(&(struct flows_options){.memory_max = options->memory_max - fragments - eaps, .session = session});
    worker->eaps = eaps_new(&session, eaps);
    return worker;
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    flows_free(worker->flows);
    eaps_free(worker->eaps);
    fragments_free(worker->decoder.fragments);
    free(worker);
}

void worker_packet(const struct packet *packet, void *context)
{
    struct worker *worker = context;
    worker->packet_now_us = packet->at_us;
    decode_packet(&worker->decoder, packet);
}

void worker_idle(struct worker *worker, int64_t now_us)
{
    if (now_us > worker->packet_now_us)
        flows_tick(worker->flows, now_us);
}

void worker_flush(struct worker *worker)
{
    flows_flush(worker->flows);
    eaps_flush(worker->eaps);
}

struct worker_counts worker_get_counts(const struct worker *worker)
{
    return (struct worker_counts){
        .decode = worker->decoder.counts,
        .fragments = fragments_get_counts(worker->decoder.fragments),
        .flows = flows_get_counts(worker->flows),
        .sessions = worker->sessions,
        .packet_now_us = worker->packet_now_us,
    };
}
