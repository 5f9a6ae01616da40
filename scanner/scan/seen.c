/* The set of probes already asked for: open addressing over keyed digests. The key is random per run, so that a list of targets
 * cannot be made to collide. */
#include "scanner/scan/seen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "scanner/scan/permute.h"

enum { FIRST_CAPACITY = 1024 };

void seen_init(struct seen *seen)
{
    *seen = (struct seen){0};
    if (getrandom(&seen->key, sizeof seen->key, 0) != (ssize_t)sizeof seen->key)
        seen->key = (uint64_t)(uintptr_t)seen;
}

void seen_done(struct seen *seen)
{
    free(seen->slots);
    seen->slots = NULL;
}

static uint64_t digest(uint64_t key, const struct ipaddr *ip, unsigned port, const char *name)
{
    uint64_t halves[2] = {0, 0};
    uint64_t value = mix64(port, key);
    if (ip) {
        memcpy(halves, ip->bytes, ip->family == 4 ? 4 : 16);
        value = mix64(value + ip->family, key);
        value = mix64(value ^ halves[0], key);
        value = mix64(value ^ halves[1], key + 1);
    }
    for (size_t left = strlen(name); left > 0;) {
        uint64_t word = 0;
        size_t size = left < sizeof word ? left : sizeof word;
        memcpy(&word, name, size);
        value = mix64(value ^ word, key + size + 2);
        name += size;
        left -= size;
    }
    return value ? value : 1;
}

/* The slot that holds value, or the free one where it belongs. */
static uint64_t *find(const struct seen *seen, uint64_t value)
{
    uint64_t i = value & (seen->capacity - 1);
    while (seen->slots[i] && seen->slots[i] != value)
        i = (i + 1) & (seen->capacity - 1);
    return &seen->slots[i];
}

static void grow(struct seen *seen)
{
    struct seen larger = *seen;
    larger.capacity = seen->capacity ? seen->capacity * 2 : FIRST_CAPACITY;
    larger.slots = cm_calloc(larger.capacity, sizeof *larger.slots);
    for (uint64_t i = 0; i < seen->capacity; i++) {
        if (seen->slots[i])
            *find(&larger, seen->slots[i]) = seen->slots[i];
    }
    free(seen->slots);
    *seen = larger;
}

bool seen_add(struct seen *seen, const struct ipaddr *ip, unsigned port, const char *name)
{
    if (seen->count * 4 >= seen->capacity * 3)
        grow(seen);
    uint64_t value = digest(seen->key, ip, port, name);
    uint64_t *slot = find(seen, value);
    if (*slot)
        return false;
    *slot = value;
    seen->count++;
    return true;
}
