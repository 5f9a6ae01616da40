/* Walks addresses × ports without making a list of them: a number from 0 to their product, permuted, taken apart again. */
#include "scanner/scan/spread.h"

#include <stdlib.h>
#include <string.h>

struct spread *spread_new(struct target *target, const struct ports *defaults, const struct ipaddr *addresses,
                          size_t count, uint64_t key)
{
    struct spread *spread = cm_calloc(1, sizeof *spread);
    spread->target = *target;
    *target = (struct target){0};
    spread->ports = spread->target.ports.count ? &spread->target.ports : defaults;
    uint64_t places = target_addresses(&spread->target);
    if (count) {
        places = count;
        spread->addresses = cm_malloc(count * sizeof *addresses);
        memcpy(spread->addresses, addresses, count * sizeof *addresses);
    }
    permute_init(&spread->order, places * spread->ports->count, key);
    spread->references = 1;
    return spread;
}

struct spread *spread_hold(struct spread *spread)
{
    spread->references++;
    return spread;
}

void spread_release(struct spread *spread)
{
    if (!spread || --spread->references > 0)
        return;
    target_done(&spread->target);
    free(spread->addresses);
    free(spread);
}

bool spread_next(struct spread *spread, struct ipaddr *ip, uint16_t *port)
{
    if (spread->next == spread->order.count)
        return false;
    uint64_t place = permute_at(&spread->order, spread->next++);
    uint64_t address = place / spread->ports->count;
    *port = spread->ports->list[place % spread->ports->count];
    if (spread->addresses)
        *ip = spread->addresses[address];
    else
        ipaddr_add(ip, &spread->target.base, address);
    return true;
}

uint64_t spread_left(const struct spread *spread)
{
    return spread->order.count - spread->next;
}
