/* floor-tls12: the least that a client can do to see a certificate of TLS 1.2: connect, one fixed ClientHello, read up to the Certificate
 * message, reset. Benchmarks compare certmuster-scan with it; tests read leaves with it (--print). Connections: sweep.h.
 *
 *   floor-tls12 BASE PORT COUNT [IN_FLIGHT] [--print]
 *
 * Prints "endpoints=N certificates=M cpu_us=X wall_us=Y"; with --print first a line "IP SHA256" for each leaf. */
#include "tests/bench/floor.h"

/* TLS 1.2, four suites that any server has one of, the extensions that servers insist on; no server name. */
/* clang-format off */
static const uint8_t hello[] = {
    22, 3, 1, 0, 93,                                       /* record */
    1, 0, 0, 89, 3, 3,                                     /* ClientHello, TLS 1.2 */
    7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5,        /* random */
    6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1,
    0,                                                     /* session id */
    0, 10, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x30, 0, 0x9c, 0, 0xff, /* suites, SCSV */
    1, 0,                                                  /* no compression */
    0, 38,                                                 /* extensions */
    0, 10, 0, 6, 0, 4, 0, 29, 0, 23,                       /* groups: x25519, P-256 */
    0, 11, 0, 2, 1, 0,                                     /* point formats */
    0, 13, 0, 14, 0, 12, 4, 3, 8, 7, 8, 4, 4, 1, 2, 1, 5, 1, /* signature algorithms */
    0, 23, 0, 0,                                           /* extended master secret */
};
/* clang-format on */
_Static_assert(sizeof hello == 98, "the lengths inside are those of 98 bytes");

/* Whole handshake records go to plain, one behind the other; a flight in one record is read where it lies. */
static int look(struct probe *probe, struct slice *leaf)
{
    struct cursor input, record;
    uint8_t type;
    uint16_t version;
    cursor_init(&input, probe->in + probe->read, probe->size - probe->read);
    while (cursor_u8(&input, &type) == 0 && cursor_u16(&input, &version) == 0 &&
           cursor_vector16(&input, &record) == 0) {
        if (type != RECORD_HANDSHAKE)
            return CM_EMALFORMED;
        const struct slice fragment = {record.at, cursor_left(&record)};
        if (probe->plain_size == 0 && floor_find_leaf(fragment, false, leaf) > 0)
            return 1;
        memcpy(probe->plain + probe->plain_size, fragment.data, fragment.size); /* never more than fits in */
        probe->plain_size += fragment.size;
        probe->read = (size_t)(input.at - probe->in);
    }
    return floor_find_leaf((struct slice){probe->plain, probe->plain_size}, false, leaf);
}

static int ready(const struct sweep *sweep, struct slot *slot, uint32_t events)
{
    return floor_step(sweep, slot, events, (struct slice){hello, sizeof hello}, look);
}

int main(int argc, char **argv)
{
    const struct sweep_program floor = {.slot_size = sizeof(struct probe), .begin = floor_begin, .ready = ready};
    return sweep_main(&floor, argc, argv);
}
