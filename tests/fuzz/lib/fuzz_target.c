/* Targets: what is taken is canonical (reading it again gives the same) and within its bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/limits.h"
#include "certmuster/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { TEXT_SIZE = 512 * 1024 };
    struct target target, again;
    struct buf text;
    if (target_read((const char *)data, size, &target, NULL))
        return 0;
    if (target_addresses(&target) > CM_LIMIT_TARGETS_PER_CIDR || target.ports.count > 65535 ||
        strlen(target.name) > 253)
        abort();
    buf_init(&text, TEXT_SIZE);
    target_write(&text, &target);
    if (text.failed || target_read(text.data, text.size, &again, NULL))
        abort();
    if (strcmp(target.name, again.name) != 0 || target.has_address != again.has_address || target.bits != again.bits ||
        memcmp(&target.base, &again.base, sizeof target.base) != 0 || target.ports.count != again.ports.count ||
        (target.ports.count &&
         memcmp(target.ports.list, again.ports.list, target.ports.count * sizeof *target.ports.list) != 0))
        abort();
    buf_done(&text);
    target_done(&target);
    target_done(&again);
    return 0;
}
