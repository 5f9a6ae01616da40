/* Files of --names (hosts(5)): any bytes, read as names for addresses. What is kept is an A-label of a sane length for an address that the file
 * gave; reading the file twice adds nothing. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "certmuster/hostname.h"
#include "scanner/scan/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_names(struct names *names, const char *address)
{
    struct ipaddr ip;
    const char *name;
    if (ipaddr_read(address, &ip))
        abort();
    for (unsigned i = 0; (name = names_get(names, &ip, i, "")); i++) {
        char again[HOSTNAME_SIZE];
        if (i >= NAMES_PER_ADDRESS || hostname_read(name, strlen(name), again, NULL) || strcmp(again, name) != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    uint64_t damaged = 0, again = 0;
    int fd = memfd_create("hosts", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct names *names = names_new(path);
    if (names_read(names, path, &damaged, NULL) || names_read(names, path, &again, NULL) || damaged != again)
        abort();
    check_names(names, "192.0.2.1");
    check_names(names, "2001:db8::1");
    names_free(names);
    close(fd);
    return 0;
}
