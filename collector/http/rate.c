/* Token buckets: each holds two seconds' worth and fills as time passes. */
#include "collector/http/rate.h"

#include <string.h>

void rate_init(struct rate *rate, unsigned per_second)
{
    memset(rate, 0, sizeof *rate);
    rate->per_second = per_second;
}

bool rate_take(struct rate *rate, uint64_t key, int64_t now_ms)
{
    int64_t full = INT64_C(2000) * rate->per_second;
    unsigned slot = 0;
    for (unsigned i = 0; i < RATE_CLIENTS_MAX; i++) {
        if (rate->clients[i].at_ms && rate->clients[i].key == key) {
            slot = i;
            break;
        }
        if (rate->clients[i].at_ms < rate->clients[slot].at_ms)
            slot = i;
    }
    if (!rate->clients[slot].at_ms || rate->clients[slot].key != key) {
        rate->clients[slot].key = key;
        rate->clients[slot].tokens_milli = full;
    } else {
        int64_t tokens = rate->clients[slot].tokens_milli + (now_ms - rate->clients[slot].at_ms) * rate->per_second;
        rate->clients[slot].tokens_milli = tokens > full ? full : tokens;
    }
    rate->clients[slot].at_ms = now_ms > 0 ? now_ms : 1;
    if (rate->clients[slot].tokens_milli < 1000)
        return false;
    rate->clients[slot].tokens_milli -= 1000;
    return true;
}
