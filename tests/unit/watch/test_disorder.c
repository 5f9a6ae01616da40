/* Real handshakes of OpenSSL cut into segments of any size that arrive in any order, twice, overlapping and behind garbage with bad checksums, both directions
 * mixed, with their SYNs and without: as long as no byte is missing, both chains are told, once. A fixed seed, so that what fails once fails again. */
#include "tests/unit/watch/openssl_pair.h"

#include "scanner/watch/flows.h"
#include "tests/unit/watch/observing.h"

enum { MIB = 1024 * 1024, SEGMENTS_MAX = 8192, WIRE_MAX = 65536, ROUNDS = 36 };

enum order { AS_SENT, OVERTAKING, MIXED, ONE_SIDE_FIRST, BACKWARDS, SHUFFLED, ORDERS };

struct segment {
    int side;
    uint32_t sequence, acknowledgment;
    uint8_t flags;
    size_t at, size; /* of the side's stream */
    bool garbage;    /* bytes that nobody sent, under a checksum that does not fit */
    bool offloaded;  /* the right bytes under such a checksum */
};

struct capture {
    struct buf streams[2];
    uint32_t isn[2];
    struct segment segments[SEGMENTS_MAX];
    size_t count;
};

static size_t below(size_t most)
{
    return most ? (size_t)rand() % most : 0;
}

static void add(struct capture *capture, int side, uint8_t flags, size_t at, size_t size, const size_t sent[2])
{
    assert_true(capture->count < SEGMENTS_MAX);
    bool syn = flags & SYN;
    capture->segments[capture->count++] = (struct segment){
        .side = side,
        .sequence = capture->isn[side] + (syn ? 0 : 1 + (uint32_t)at),
        .acknowledgment = flags & ACK ? capture->isn[!side] + 1 + (uint32_t)sent[!side] : 0,
        .flags = flags,
        .at = at,
        .size = size,
    };
}

/* What was written, in segments of at most `most` bytes, and what acknowledges it. */
static void cut_up(struct capture *capture, const struct pair *pair, bool syn, size_t most)
{
    size_t sent[2] = {0, 0};
    *capture = (struct capture){.isn = {(uint32_t)rand() * 2654435761u, (uint32_t)rand() * 2654435761u}};
    buf_init(&capture->streams[0], MIB);
    buf_init(&capture->streams[1], MIB);
    if (syn) {
        add(capture, CLIENT_SIDE, SYN, 0, 0, sent);
        add(capture, SERVER_SIDE, SYN | ACK, 0, 0, sent);
        add(capture, CLIENT_SIDE, ACK, 0, 0, sent);
    }
    for (size_t i = 0; i < pair->count; i++) {
        int side = pair->writes[i].side;
        size_t end = sent[side] + pair->writes[i].size;
        buf_append(&capture->streams[side], pair->bytes.data + pair->writes[i].at, pair->writes[i].size);
        while (sent[side] < end) {
            size_t size = 1 + below(most);
            size = size < end - sent[side] ? size : end - sent[side];
            add(capture, side, ACK, sent[side], size, sent);
            sent[side] += size;
            if (below(3) == 0)
                add(capture, !side, ACK, sent[!side], 0, sent);
        }
    }
}

static void swap(struct segment *a, struct segment *b)
{
    struct segment other = *a;
    *a = *b;
    *b = other;
}

static void put_in_order(struct capture *capture, enum order order)
{
    static struct segment sides[2][SEGMENTS_MAX];
    struct segment *all = capture->segments;
    size_t counts[2] = {0, 0}, next[2] = {0, 0};
    for (size_t i = 0; order == BACKWARDS && i < capture->count / 2; i++)
        swap(&all[i], &all[capture->count - 1 - i]);
    for (size_t i = 0; (order == SHUFFLED || order == OVERTAKING) && i < capture->count; i++) {
        size_t reach = order == SHUFFLED || capture->count - i < 12 ? capture->count - i : 12;
        swap(&all[i], &all[i + below(reach)]);
    }
    if (order != MIXED && order != ONE_SIDE_FIRST)
        return;
    for (size_t i = 0; i < capture->count; i++)
        sides[all[i].side][counts[all[i].side]++] = all[i];
    for (size_t i = 0, first = below(2); i < capture->count; i++) {
        size_t side = order == MIXED ? below(2) : first;
        side = next[side] < counts[side] ? side : !side;
        all[i] = sides[side][next[side]++];
    }
}

/* Before some segments: garbage in their place, themselves, or more of the stream than they have. */
static void disturb(struct capture *capture, unsigned one_in, bool garbage)
{
    static struct segment disturbed[SEGMENTS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < capture->count; i++) {
        struct segment segment = capture->segments[i];
        size_t left = capture->streams[segment.side].size - segment.at,
               back = below(segment.at + 1 < 200 ? segment.at + 1 : 200);
        if (segment.size && below(one_in) == 0 && count + 2 + capture->count - i < SEGMENTS_MAX) {
            struct segment *more = &disturbed[count++];
            *more = segment;
            more->garbage = garbage && below(2);
            more->size = below(2) ? segment.size : 1 + below(left < 1400 ? left : 1400);
            if (!more->garbage && below(2)) {
                more->at -= back;
                more->sequence -= (uint32_t)back;
            }
        }
        disturbed[count++] = segment;
    }
    memcpy(capture->segments, disturbed, count * sizeof *disturbed);
    capture->count = count;
}

/* Garbage of a direction of which nothing good was seen, and that the other side seems to have acknowledged, is believed, as offloaded checksums must be. So where acknowledgments come
 * too early, none stands before the first good data. */
static void spare_beginnings(struct capture *capture)
{
    bool begun[2] = {false, false};
    size_t count = 0;
    for (size_t i = 0; i < capture->count; i++) {
        const struct segment *segment = &capture->segments[i];
        begun[segment->side] |= segment->size > 0 && !segment->garbage;
        if (begun[segment->side] || !segment->garbage)
            capture->segments[count++] = *segment;
    }
    capture->count = count;
}

static void send(struct flows *flows, const struct capture *capture, const struct segment *segment)
{
    struct ends ends = ends4();
    struct buf wire;
    if (segment->side == SERVER_SIDE)
        ends = backwards(ends);
    buf_init(&wire, WIRE_MAX);
    buf_append(&wire, capture->streams[segment->side].data + segment->at, segment->size);
    for (size_t i = 0; segment->garbage && i < wire.size; i++)
        wire.data[i] =
            (char)(i < 6 && segment->sequence % 2 ? wire.data[i] : rand()); /* half of it with a true header */
    wrap_tcp(&wire, &ends, segment->sequence, segment->acknowledgment, segment->flags);
    if (segment->garbage || segment->offloaded)
        wire.data[16] ^= 0x55;
    struct datagram datagram = {
        .protocol = DATAGRAM_TCP,
        .source = ends.from,
        .destination = ends.to,
        .sequence = segment->sequence,
        .acknowledgment = segment->acknowledgment,
        .flags = segment->flags,
        .payload = {(const uint8_t *)wire.data + 20, wire.size - 20},
        .transport = buf_slice(&wire),
        .at_us = INT64_C(1700000000000000),
    };
    flows_add(flows, &datagram);
    buf_done(&wire);
}

/* Both chains, once each; the server's with its name, unless that may come too late. */
static bool watch_it(const struct capture *capture, bool named)
{
    struct observing seen;
    char server[100], client[100];
    observing_init(&seen);
    struct flows *flows =
        flows_new(&(struct flows_options){.memory_max = 16 * MIB, .session = observing_options(&seen, NULL)});
    for (size_t i = 0; i < capture->count; i++)
        send(flows, capture, &capture->segments[i]);
    flows_flush(flows);
    flows_free(flows);
    snprintf(server, sizeof server, "chain=0%d,0%d\n", pair_sizes[0], pair_sizes[1]);
    snprintf(client, sizeof client, "chain=0%d\n", pair_sizes[2]);
    bool told = seen.count == 2 && strstr(seen.lines.data, server) && strstr(seen.lines.data, client) &&
                strstr(seen.lines.data, named ? "server 198.51.100.2:443 192.0.2.1 name=server.example"
                                              : "server 198.51.100.2:443 192.0.2.1 name=");
    if (!told && getenv("DISORDER"))
        print_message("%s", seen.lines.data);
    observing_done(&seen);
    return told;
}

static void make(struct capture *capture, bool syn, size_t i)
{
    static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION};
    static const size_t sizes[] = {12, 40, 150, 600, 1460, 5000};
    struct pair pair;
    struct pair_options options = {.version = versions[i % 3], .ask = true};
    SSL_SESSION_free(pair_talk(&pair, &options));
    cut_up(capture, &pair, syn, sizes[i / 3 % 6]);
    pair_done(&pair);
}

static void capture_done(struct capture *capture)
{
    buf_done(&capture->streams[0]);
    buf_done(&capture->streams[1]);
}

static void try(enum order order, bool syn, bool garbage)
{
    static struct capture capture;
    const char *seed = getenv("DISORDER");
    for (unsigned round = 0; round < ROUNDS; round++) {
        srand(1000 * round + 10 * order + 2 * syn + garbage + (seed ? 100000 * (unsigned)atoi(seed) : 0));
        make(&capture, syn, round);
        if (below(2)) /* garbage anywhere; otherwise just before what it stands for */
            disturb(&capture, 4, garbage);
        put_in_order(&capture, order);
        disturb(&capture, 8, garbage);
        if (order != AS_SENT)
            spare_beginnings(&capture);
        if (!watch_it(&capture, order == AS_SENT))
            fail_msg("order %d, %s SYN, %s garbage: round %u", order, syn ? "with" : "without",
                     garbage ? "with" : "without", round);
        capture_done(&capture);
    }
}

static void test_as_sent(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        try(AS_SENT, i & 1, i & 2);
}

static void test_overtaking(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        try(OVERTAKING, i & 1, i & 2);
}

static void test_sides_apart(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        try(MIXED, i & 1, i & 2);
        try(ONE_SIDE_FIRST, i & 1, i & 2);
    }
}

static void test_backwards_and_shuffled(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        try(BACKWARDS, i & 1, i & 2);
        try(SHUFFLED, i & 1, i & 2);
    }
}

/* The host that captured leaves checksums to its network card: all of one direction are bad, and all is told, the client's name too. */
static void test_offloaded(void **state)
{
    static struct capture capture;
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        srand(round);
        make(&capture, round & 1, round);
        for (size_t i = 0; i < capture.count; i++)
            capture.segments[i].offloaded = capture.segments[i].side == (int)(round / 2 % 2);
        if (!watch_it(&capture, true))
            fail_msg("offloaded: round %u", round);
        capture_done(&capture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_sent),     cmocka_unit_test(test_overtaking),
        cmocka_unit_test(test_sides_apart), cmocka_unit_test(test_backwards_and_shuffled),
        cmocka_unit_test(test_offloaded),
    };
    return cmocka_run_group_tests(tests, pair_set_up, pair_tear_down);
}
