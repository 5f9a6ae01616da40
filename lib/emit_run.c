/* The run's started and finished records: who ran, on which machine, with which arguments, and how it went. */
#include "lib/emit_run.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/ipaddr.h"
#include "certmuster/timefmt.h"

enum { ARGS_MAX = 256, ARG_BYTES_MAX = 4096, ARGS_BYTES_MAX = 64 * 1024 };

/* systemd's machine-id(5): 32 hex digits; "" when there is none. */
static void read_machine_id(char out[static 33])
{
    int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, 32);
    if (fd >= 0)
        close(fd);
    out[got == 32 ? 32 : 0] = 0;
    if (strspn(out, "0123456789abcdef") != strlen(out))
        out[0] = 0;
}

/* This machine's addresses, without those that every machine has. */
static size_t read_addresses(char texts[static EMIT_ADDRESSES_MAX][IPADDR_TEXT_SIZE])
{
    struct ifaddrs *all = NULL;
    size_t count = 0;
    if (getifaddrs(&all) != 0)
        return 0;
    for (const struct ifaddrs *one = all; one && count < EMIT_ADDRESSES_MAX; one = one->ifa_next) {
        struct ipaddr ip;
        if (!one->ifa_addr || (one->ifa_addr->sa_family != AF_INET && one->ifa_addr->sa_family != AF_INET6))
            continue;
        ipaddr_from_sockaddr(&ip, one->ifa_addr);
        if (!ipaddr_is_host_local(&ip))
            ipaddr_write(texts[count++], &ip);
    }
    freeifaddrs(all);
    return count;
}

void emit_machine_read(struct emit_machine *out)
{
    read_machine_id(out->id);
    out->address_count = read_addresses(out->texts);
}

/* The arguments that fit into a record: a command line may be megabytes long. */
static size_t bounded_args(const struct emit *emit, const char *list[static ARGS_MAX])
{
    size_t count = 0, given, bytes = 0;
    char *const *args = emit_args(emit, &given);
    while (count < given && count < ARGS_MAX) {
        size_t size = strlen(args[count]);
        bytes += size;
        if (size > ARG_BYTES_MAX || bytes > ARGS_BYTES_MAX)
            break;
        list[count] = args[count];
        count++;
    }
    return count;
}

void emit_run_write(struct buf *out, const struct emit *emit, const char *state, const struct emit_counts *counts)
{
    const struct emit_machine *machine = emit_machine(emit);
    const char *addresses[EMIT_ADDRESSES_MAX], *args[ARGS_MAX];
    for (size_t i = 0; i < machine->address_count; i++)
        addresses[i] = machine->texts[i];
    struct record_run run = {
        .run = emit_run(emit),
        .source = emit_source(emit),
        .state = state,
        .scanner = emit_scanner(emit),
        .host = emit_host(emit),
        .machine_id = machine->id,
        .at_ms = clock_wall_ms(),
        .addresses = addresses,
        .address_count = machine->address_count,
        .args = args,
        .arg_count = bounded_args(emit, args),
        .has_counts = counts != NULL,
        .targets = counts ? counts->ok + counts->failed : 0,
        .ok = counts ? counts->ok : 0,
        .failed = counts ? counts->failed : 0,
        .interrupted = counts && counts->interrupted,
        .covered = counts ? counts->covered : NULL,
    };
    record_write_run(out, &run);
}
