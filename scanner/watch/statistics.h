/* What a watch counts, put together from its workers, its captures and the teller: as one line, as a block for a person, as a stats record. */
#ifndef SCANNER_WATCH_STATISTICS_H
#define SCANNER_WATCH_STATISTICS_H

#include <stdio.h>

#include "certmuster/buf.h"
#include "scanner/watch/capture.h"
#include "scanner/watch/stopwatch.h"
#include "scanner/watch/tell.h"
#include "scanner/watch/worker.h"

enum { STATISTICS_WORKERS_MAX = 64 };

struct statistics_load { /* of one worker */
    uint64_t packets, flows;
    uint64_t cpu_permille; /* of one core, since the beginning */
};

struct statistics {
    uint64_t packets, bytes, kernel_drops, interface_drops;
    uint64_t other, damaged, cut; /* packets without TCP or UDP, that make no sense, that the snapshot length cut */
    uint64_t fragments, fragments_lost;
    uint64_t flows, flows_under_way, evicted, timed_out, not_tls;
    uint64_t gaps, gap_bytes, out_of_order, retransmitted, conflicts, bad_checksums;
    uint64_t handshakes, truncated, refused;
    uint64_t observations, records, postponed, forgotten, waiting;
    uint64_t files; /* read so far */
    int64_t packet_now_us;
    unsigned workers;
    struct statistics_load loads[STATISTICS_WORKERS_MAX];
};

/* One more worker's counts, and the time it took. */
void statistics_add(struct statistics *statistics, const struct worker_counts *counts, const struct stopwatch *took);
void statistics_add_drops(struct statistics *statistics, const struct capture_drops *drops);
void statistics_set_told(struct statistics *statistics, const struct tell_counts *told);

void statistics_summary(const struct statistics *statistics, double seconds, FILE *out); /* one line */
void statistics_block(const struct statistics *statistics, double seconds, FILE *out);   /* everything, readable */
void statistics_record(const struct statistics *statistics, const char *run, int64_t at_ms, struct buf *out);

#endif
