/* The owners file: any bytes are read or refused whole, and what is read keeps its promises. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/owner_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct owner_set set;
    struct cm_error error = {0};
    if (owner_set_read("fuzz", bytes, size, &set, &error) != 0) {
        if (set.owners || set.rules || set.tree || !error.reason)
            abort();
        return 0;
    }
    for (size_t i = 0; i < set.rule_count; i++) {
        bool known = false;
        for (size_t j = 0; j < set.owner_count && !known; j++)
            known = strcmp(set.owners[j].name, set.rules[i].owner) == 0;
        if (!known)
            abort();
    }
    for (size_t i = 0; i < set.owner_count; i++)
        for (size_t j = 0; j < set.owners[i].email_count; j++)
            if (strpbrk(set.owners[i].email[j], "\r\n <>,"))
                abort();
    owner_set_done(&set);
    return 0;
}
