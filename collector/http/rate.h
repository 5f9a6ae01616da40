/* Requests per second and client: token buckets, in a table of fixed size. */
#ifndef COLLECTOR_HTTP_RATE_H
#define COLLECTOR_HTTP_RATE_H

#include <stdbool.h>
#include <stdint.h>

enum { RATE_CLIENTS_MAX = 512 };

struct rate {
    unsigned per_second;
    struct {
        uint64_t key;
        int64_t at_ms; /* when tokens was right; 0: unused */
        int64_t tokens_milli;
    } clients[RATE_CLIENTS_MAX];
};

void rate_init(struct rate *rate, unsigned per_second);
/* Takes one token; false: none is left. With more clients than the table holds, the one that was silent longest is forgotten. */
bool rate_take(struct rate *rate, uint64_t key, int64_t now_ms);

#endif
