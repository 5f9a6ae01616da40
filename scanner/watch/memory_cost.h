/* What an allocation costs, its header and rounding included: with a million small ones that is a quarter of all. Ceilings are held against this. */
#ifndef SCANNER_WATCH_MEMORY_COST_H
#define SCANNER_WATCH_MEMORY_COST_H

#include <stddef.h>

enum { ALLOCATION_HEADER = 8, ALLOCATION_ROUND = 16, ALLOCATION_MIN = 32 /* of glibc, 64 bits */ };

static inline size_t memory_cost(size_t size)
{
    size_t cost = (size + ALLOCATION_HEADER + ALLOCATION_ROUND - 1) / ALLOCATION_ROUND * ALLOCATION_ROUND;
    return size == 0 ? 0 : cost < ALLOCATION_MIN ? ALLOCATION_MIN : cost;
}

#endif
