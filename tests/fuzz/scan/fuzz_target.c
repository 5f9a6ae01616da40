/* Targets: what is taken is canonical (reading it again gives the same) and within its bounds. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/limits.h"
#include "scanner/scan/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The target written the long way: NAME@[ADDRESS/BITS]:PORTS. */
static size_t write_target(const struct target *target, char *out, size_t size)
{
    char ip[IPADDR_TEXT_SIZE];
    size_t used = 0;
    if (target->has_address) {
        ipaddr_write(ip, &target->base);
        used = (size_t)snprintf(out, size, "%s%s[%s/%u]", target->name, *target->name ? "@" : "", ip, target->bits);
    } else {
        used = (size_t)snprintf(out, size, "%s", target->name);
    }
    for (size_t i = 0; i < target->ports.count; i++)
        used += (size_t)snprintf(out + used, size - used, "%c%u", i ? ',' : ':', target->ports.list[i]);
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { TEXT_SIZE = 512 * 1024 };
    struct target target, again;
    if (target_read((const char *)data, size, &target, NULL))
        return 0;
    if (target_addresses(&target) > CM_LIMIT_TARGETS_PER_CIDR || target.ports.count > 65535 ||
        strlen(target.name) > 253)
        abort();
    char *text = malloc(TEXT_SIZE);
    size_t used = write_target(&target, text, TEXT_SIZE);
    if (target_read(text, used, &again, NULL))
        abort();
    if (strcmp(target.name, again.name) != 0 || target.has_address != again.has_address || target.bits != again.bits ||
        memcmp(&target.base, &again.base, sizeof target.base) != 0 || target.ports.count != again.ports.count)
        abort();
    free(text);
    target_done(&target);
    target_done(&again);
    return 0;
}
