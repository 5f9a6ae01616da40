/* Walks addresses × ports without making a list of them: a number from 0 to their product, permuted, taken apart again. */
#include "scanner/scan/spread.h"

#include <stdlib.h>
#include <string.h>

static void take_ports(struct spread *spread, struct target *target, const struct ports *defaults)
{
    spread->ports = defaults;
    if (target->ports.count == 0)
        return;
    spread->ports = &spread->own;
    spread->own = target->ports;
    target->ports = (struct ports){0};
    if (spread->own.count > 1)
        return;
    spread->one_port = spread->own.list[0];
    free(spread->own.list);
    spread->own.list = &spread->one_port;
}

struct spread *spread_new(struct target *target, const struct ports *defaults, const struct ipaddr *addresses,
                          size_t count, uint64_t key)
{
    size_t name_size = strlen(target->name) + 1;
    struct spread *spread = cm_calloc(1, sizeof *spread + name_size);
    uint64_t places = target_addresses(target);
    memcpy(spread->name, target->name, name_size);
    spread->base = target->base;
    spread->scope = target->scope;
    take_ports(spread, target, defaults);
    *target = (struct target){0};
    if (count) {
        places = count;
        spread->addresses = cm_malloc(count * sizeof *addresses);
        memcpy(spread->addresses, addresses, count * sizeof *addresses);
    }
    permute_init(&spread->order, places * spread->ports->count, key);
    atomic_init(&spread->references, 1);
    return spread;
}

struct spread *spread_hold(struct spread *spread)
{
    atomic_fetch_add_explicit(&spread->references, 1, memory_order_relaxed);
    return spread;
}

void spread_release(struct spread *spread)
{
    if (!spread || atomic_fetch_sub_explicit(&spread->references, 1, memory_order_acq_rel) > 1)
        return;
    if (spread->own.list != &spread->one_port)
        ports_done(&spread->own);
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
        ipaddr_add(ip, &spread->base, address);
    return true;
}

uint64_t spread_left(const struct spread *spread)
{
    return spread->order.count - spread->next;
}
