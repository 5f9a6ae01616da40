/* One table of counters serves the block and the record. */
#include "scanner/watch/statistics.h"

#include <inttypes.h>
#include <stddef.h>

#include "certmuster/log.h"
#include "certmuster/record.h"

static const struct counter {
    const char *name, *meaning;
    size_t offset;
} counters[] = {
#define ROW(name, meaning)                                                                                             \
    {                                                                                                                  \
#name, meaning, offsetof(struct statistics, name)                                                              \
    }
    ROW(packets, "packets"),
    ROW(bytes, "bytes on the wire"),
    ROW(kernel_drops, "packets dropped by the kernel: the ring was full"),
    ROW(interface_drops, "packets dropped by the interface"),
    ROW(other, "packets without TCP or UDP"),
    ROW(damaged, "packets that make no sense"),
    ROW(cut, "packets cut by the snapshot length"),
    ROW(fragments, "fragments"),
    ROW(fragments_lost, "fragmented datagrams given up"),
    ROW(flows, "flows begun"),
    ROW(flows_under_way, "flows under way"),
    ROW(evicted, "flows evicted for memory"),
    ROW(timed_out, "flows silent for too long"),
    ROW(not_tls, "flows given up as no TLS"),
    ROW(gaps, "gaps in streams"),
    ROW(gap_bytes, "bytes lost in gaps"),
    ROW(out_of_order, "segments out of order"),
    ROW(retransmitted, "segments retransmitted"),
    ROW(conflicts, "segments that contradict others"),
    ROW(bad_checksums, "segments with a bad checksum"),
    ROW(handshakes, "handshakes"),
    ROW(truncated, "handshakes truncated"),
    ROW(refused, "messages refused"),
    ROW(observations, "observations"),
    ROW(records, "records told"),
    ROW(postponed, "observations that found the queue full"),
    ROW(forgotten, "places forgotten for memory"),
    ROW(waiting, "records that wait to be kept"),
    ROW(files, "files read"),
#undef ROW
};
enum { COUNTERS = sizeof counters / sizeof *counters, NAME_SIZE = 40, PER_WORKER = 3 };

static uint64_t value_of(const struct statistics *statistics, const struct counter *counter)
{
    return *(const uint64_t *)(const void *)((const char *)statistics + counter->offset);
}

/* --- gathering ------------------------------------------------------------------------------------------------------- */

void statistics_add(struct statistics *statistics, const struct worker_counts *counts, const struct stopwatch *took)
{
    const struct stream_counts *streams = &counts->flows.streams;
    uint64_t flows = counts->flows.tcp + counts->flows.udp;
    statistics->packets += counts->decode.packets;
    statistics->bytes += counts->decode.bytes;
    statistics->other += counts->decode.other;
    statistics->damaged += counts->decode.damaged;
    statistics->cut += counts->decode.cut;
    statistics->fragments += counts->decode.fragments;
    statistics->fragments_lost += counts->fragments.timed_out + counts->fragments.evicted + counts->fragments.refused;
    statistics->flows += flows;
    statistics->flows_under_way += counts->flows.under_way;
    statistics->evicted += counts->flows.evicted;
    statistics->timed_out += counts->flows.timed_out;
    statistics->not_tls += counts->flows.not_tls;
    statistics->gaps += streams->gaps;
    statistics->gap_bytes += streams->gap_bytes;
    statistics->out_of_order += streams->out_of_order;
    statistics->retransmitted += streams->retransmitted;
    statistics->conflicts += streams->conflicts;
    statistics->bad_checksums += streams->bad_checksums;
    statistics->handshakes += counts->sessions.handshakes;
    statistics->truncated += counts->sessions.truncated;
    statistics->refused += counts->sessions.refused;
    if (counts->packet_now_us > statistics->packet_now_us)
        statistics->packet_now_us = counts->packet_now_us;
    if (statistics->workers < STATISTICS_WORKERS_MAX)
        statistics->loads[statistics->workers++] = (struct statistics_load){
            .packets = counts->decode.packets,
            .flows = flows,
            .cpu_permille = took->elapsed_us > 0 ? (uint64_t)(took->cpu_us * 1000 / took->elapsed_us) : 0,
        };
}

void statistics_add_drops(struct statistics *statistics, const struct capture_drops *drops)
{
    statistics->kernel_drops += drops->kernel;
    statistics->interface_drops += drops->interface;
}

void statistics_set_told(struct statistics *statistics, const struct tell_counts *told)
{
    statistics->observations = told->observations;
    statistics->records = told->told;
    statistics->postponed = told->postponed;
    statistics->forgotten = told->forgotten;
    statistics->waiting = told->waiting;
}

/* --- showing --------------------------------------------------------------------------------------------------------- */

void statistics_summary(const struct statistics *statistics, double seconds, FILE *out)
{
    fprintf(out,
            "%s: %" PRIu64 " packets in %.1f s: %" PRIu64 " handshakes, %" PRIu64 " records; %" PRIu64
            " dropped by the kernel, %" PRIu64 " gaps, %" PRIu64 " truncated handshakes, %" PRIu64 " evicted\n",
            log_program(), statistics->packets, seconds, statistics->handshakes, statistics->records,
            statistics->kernel_drops, statistics->gaps, statistics->truncated, statistics->evicted);
}

void statistics_block(const struct statistics *statistics, double seconds, FILE *out)
{
    fprintf(out, "%s: after %.1f s\n", log_program(), seconds);
    for (size_t i = 0; i < COUNTERS; i++)
        fprintf(out, "%16" PRIu64 "  %s\n", value_of(statistics, &counters[i]), counters[i].meaning);
    for (unsigned i = 0; i < statistics->workers; i++) {
        const struct statistics_load *load = &statistics->loads[i];
        fprintf(out, "       worker %2u: %" PRIu64 " packets, %" PRIu64 " flows, %.1f%% of a core\n", i, load->packets,
                load->flows, (double)load->cpu_permille / 10);
    }
    fflush(out);
}

void statistics_record(const struct statistics *statistics, const char *run, int64_t at_ms, struct buf *out)
{
    static const char *const parts[PER_WORKER] = {"packets", "flows", "cpu_permille"};
    char text[STATISTICS_WORKERS_MAX * PER_WORKER][NAME_SIZE];
    const char *names[COUNTERS + STATISTICS_WORKERS_MAX * PER_WORKER];
    uint64_t values[COUNTERS + STATISTICS_WORKERS_MAX * PER_WORKER];
    size_t count = 0;
    for (; count < COUNTERS; count++) {
        names[count] = counters[count].name;
        values[count] = value_of(statistics, &counters[count]);
    }
    for (unsigned i = 0; i < statistics->workers; i++) {
        const struct statistics_load *load = &statistics->loads[i];
        const uint64_t loads[PER_WORKER] = {load->packets, load->flows, load->cpu_permille};
        for (unsigned part = 0; part < PER_WORKER; part++, count++) {
            char *name = text[i * PER_WORKER + part];
            snprintf(name, NAME_SIZE, "worker_%u_%s", i, parts[part]);
            names[count] = name;
            values[count] = loads[part];
        }
    }
    record_write_stats(out, run, at_ms, names, values, count);
}
