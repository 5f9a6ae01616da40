/* Which certificates a run has told already: 16 bytes each in tables that stay between three fifths and three quarters full, so that
 * a million of them take 26 MiB at most, the moment of growing included.
 *
 * Kept is a digest of the fingerprint under a key that is drawn anew in every run: NH, the universal hash of UMAC (Black and others,
 * CRYPTO 1999), over all 256 bits. Two fingerprints that were chosen without knowing the key collide with a probability of at most
 * 2^-64; fingerprints are SHA-256, whose values nobody can choose freely to begin with. Cutting a fingerprint off at 128 bits instead would
 * let somebody search beforehand for a certificate that hides another, 2^64 tries for all scanners ever.
 *
 * The key picks the table and the slot as well, so that nobody can fill one place on purpose. There are many small tables, because one
 * that grows stands beside its successor for a moment: a 64th of all, each in pages of its own that go back at once. */
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include "certmuster/error.h"
#include "lib/emit_private.h"

enum { SLOTS_FIRST = 256 /* a page */ };

void told_init(struct told *told, size_t max)
{
    struct timespec now;
    *told = (struct told){.max = max};
    if (getrandom(told->key, sizeof told->key, GRND_NONBLOCK) !=
        (ssize_t)sizeof told->key) { /* only before the system has booted */
        clock_gettime(CLOCK_REALTIME, &now);
        for (size_t i = 0; i < sizeof told->key / sizeof *told->key; i++)
            told->key[i] = (uint64_t)now.tv_nsec * 0x9E3779B97F4A7C15u * (i + 1) ^ (uint64_t)(uintptr_t)told;
    }
}

static void give_back(struct told_table *table)
{
    if (table->slots)
        munmap(table->slots, table->capacity * sizeof *table->slots);
    *table = (struct told_table){0};
}

void told_done(struct told *told)
{
    for (size_t i = 0; i < TOLD_TABLES; i++)
        give_back(&told->tables[i]);
    told->count = 0;
}

static struct told_digest digest_of(const struct told *told, const uint8_t *sha256)
{
    uint64_t word[4];
    memcpy(word, sha256, sizeof word);
    unsigned __int128 sum = (unsigned __int128)(word[0] + told->key[0]) * (word[1] + told->key[1]) +
                            (unsigned __int128)(word[2] + told->key[2]) * (word[3] + told->key[3]);
    struct told_digest digest = {(uint64_t)(sum >> 64), (uint64_t)sum};
    if (!digest.high && !digest.low) /* which stands for an empty slot */
        digest.low = 1;
    return digest;
}

/* NH's bits are no even mixture of its input; a slot wants one. */
static uint64_t mix(struct told_digest digest)
{
    uint64_t x = (digest.low ^ digest.high >> 29 ^ digest.high << 35) * 0xFF51AFD7ED558CCDu;
    return (x ^ x >> 32) * 0xC4CEB9FE1A85EC53u;
}

/* Where digest is, or would be. A table always has an empty slot. */
static struct told_digest *find_slot(const struct told_table *table, struct told_digest digest, uint64_t mixed)
{
    /* Spread over any capacity, not only powers of two: the high half of a product. */
    size_t at = (size_t)((unsigned __int128)(mixed << TOLD_TABLE_BITS) * table->capacity >> 64);
    struct told_digest *slot = &table->slots[at];
    while ((slot->high || slot->low) && (slot->high != digest.high || slot->low != digest.low))
        slot = ++at == table->capacity ? &table->slots[at = 0] : slot + 1;
    return slot;
}

/* By a quarter, as often as it takes: a table is then never less than three fifths full. False when there is no memory. */
static bool grow(struct told_table *table)
{
    struct told_table bigger = {.capacity = table->capacity + table->capacity / 4, .count = table->count};
    if (!table->capacity)
        bigger.capacity = SLOTS_FIRST;
    void *pages =
        mmap(NULL, bigger.capacity * sizeof *bigger.slots, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return false;
    bigger.slots = pages;
    for (size_t i = 0; i < table->capacity; i++) {
        struct told_digest digest = table->slots[i];
        if (digest.high || digest.low)
            *find_slot(&bigger, digest, mix(digest)) = digest;
    }
    give_back(table);
    *table = bigger;
    return true;
}

bool told_add(struct told *told, const uint8_t sha256[static CM_SHA256_SIZE])
{
    struct told_digest digest = digest_of(told, sha256);
    uint64_t mixed = mix(digest);
    struct told_table *table = &told->tables[mixed >> (64 - TOLD_TABLE_BITS)];
    bool room = told->count < told->max;
    if (room && (table->count + 1) * 4 > table->capacity * 3)
        room = grow(table);
    if (!table->slots)
        return true;
    struct told_digest *slot = find_slot(table, digest, mixed);
    if (slot->high || slot->low)
        return false;
    if (room) {
        *slot = digest;
        table->count++;
        told->count++;
    }
    return true;
}
