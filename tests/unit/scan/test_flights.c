/* Flights of real servers, recorded once by tests/data/flights/record, replayed in pieces of every size: the same result for every cut, and
 * for a flight that ends too early the right failure and never a wrong chain. No network.
 *
 * `test_flights record PORT HELLO` is the recorder's other half: it speaks to a server on this host with the random and the keys of this
 * test and prints what came back. */
#include "tests/unit/lib/cmocka_first.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certmuster/encode.h"
#include "certmuster/ids.h"
#include "scanner/tls/handshake_private.h"

enum { FLIGHTS_MAX = 2, FLIGHT_BYTES_MAX = 64 * 1024, RECORDINGS_MAX = 64 };
enum { NEAR = 6, COARSE = 67, QUIET_MS = 400, HEX_BYTES = 60, PATH_SIZE = 4096, LINE_SIZE = 1024 };

/* The keys of every recording, in PKCS#8: they protect nothing. */
static const char x25519_key[] =
    "302e020100300506032b656e0422042058a7c1e0db0c7a2f2f54a0c3a1f4b1d6b1f0f7f1b2c3d4e5f60718293a4b5c6d";
static const char p256_key[] =
    "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420be57dce6639344a5d685e0d30719a3c32238dfb70d"
    "c1f6bcef85764231348195a144034200041f909530b1deffe1156fd9398a199a09e310a16bfa70ee4a6809ca3d4c2d0c8f048e460d8bbc58ad"
    "6a6adb8076be7a20a41ae73b720f1dceb0e232a83b286c63";

struct recording {
    char *name;
    enum hello_kind hello;
    bool new;                        /* TLS 1.3: encrypted, and bound to the very ClientHellos */
    struct buf told;                 /* what the recorder's author expects of it, in the form of tell */
    struct buf proven;               /* the same with a proof, where one is asked for */
    struct buf sent[FLIGHTS_MAX];    /* the ClientHellos, where new */
    struct buf flights[FLIGHTS_MAX]; /* the second answers the second ClientHello, after a HelloRetryRequest */
    size_t size;                     /* of both */
};

static struct key_shares *shares;
static struct handshake_engine *engine;
static struct recording recordings[RECORDINGS_MAX];
static size_t recording_count;
static uint8_t *piece; /* fed last: the result may lend from it */

/* --- what a result says ----------------------------------------------------------------------------------------------- */

static void tell_word(struct buf *out, const char *name, const char *value)
{
    if (value)
        buf_appendf(out, "%s %s\n", name, value);
}

static void tell_chain(const struct handshake_result *result, struct buf *out)
{
    uint8_t hash[CM_SHA256_SIZE];
    for (size_t i = 0; i < result->chain_count; i++) {
        sha256_bytes(result->chain[i].data, result->chain[i].size, hash);
        buf_append_str(out, "chain ");
        hex_append(out, hash, sizeof hash);
        buf_append_char(out, '\n');
    }
}

/* One fact a line, the chain last. */
static void tell(const struct handshake_result *result, struct buf *out)
{
    tell_word(out, "version", result->version);
    tell_word(out, "cipher", result->cipher);
    tell_word(out, "group", result->group);
    buf_appendf(out, "client_auth %d\n", result->client_auth);
    for (size_t i = 0; i < result->client_ca_count; i++)
        tell_word(out, "client_ca", result->client_ca[i]);
    tell_word(out, "staple", result->staple.status);
    tell_word(out, "proof", proof_name(result->proof));
    tell_chain(result, out);
}

static void expect_whole(const struct recording *recording, struct handshake *handshake)
{
    struct buf told;
    const char *expected = handshake->prove ? recording->proven.data : recording->told.data;
    buf_init(&told, FLIGHT_BYTES_MAX);
    if (handshake->state != HANDSHAKE_CHAIN)
        fail_msg("%s: %s", recording->name, handshake_get_result(handshake)->detail);
    tell(handshake_get_result(handshake), &told);
    if (strcmp(told.data, expected) != 0)
        fail_msg("%s: %s\ninstead of\n%s", recording->name, told.data, expected);
    buf_done(&told);
}

/* The chain and nothing else must be the recorded one: what comes after it may not have arrived. */
static void expect_chain(const struct recording *recording, struct handshake *handshake)
{
    struct buf told;
    const char *expected = strstr(recording->told.data, "chain ");
    buf_init(&told, FLIGHT_BYTES_MAX);
    tell_chain(handshake_get_result(handshake), &told);
    assert_non_null(expected);
    if (strcmp(told.data, expected) != 0)
        fail_msg("%s: %s\ninstead of\n%s", recording->name, told.data, expected);
    buf_done(&told);
}

/* --- replaying -------------------------------------------------------------------------------------------------------- */

static struct handshake *start(const struct recording *recording, bool prove)
{
    static struct slice sent[FLIGHTS_MAX];
    for (size_t i = 0; i < FLIGHTS_MAX; i++)
        sent[i] = buf_slice(&recording->sent[i]);
    handshake_engine_set_hellos(engine, recording->new ? sent : NULL);
    return handshake_new(engine, &(struct handshake_ask){.hello = recording->hello, .prove = prove});
}

static bool is_going(const struct handshake *handshake)
{
    return handshake->state == HANDSHAKE_GOING || handshake->state == HANDSHAKE_ENOUGH;
}

/* One piece, in memory of exactly its size; the one before is gone. */
static void feed(struct handshake *handshake, const uint8_t *bytes, size_t size)
{
    if (size == 0 || !is_going(handshake))
        return;
    free(piece);
    piece = cm_malloc(size);
    memcpy(piece, bytes, size);
    handshake_feed(handshake, piece, size);
}

/* The bytes [from, to) of the recording; what a second flight answers has been sent before it comes. */
static void feed_range(struct handshake *handshake, const struct recording *recording, size_t from, size_t to)
{
    size_t start_of = 0;
    for (size_t i = 0; i < FLIGHTS_MAX; i++) {
        struct slice flight = buf_slice(&recording->flights[i]);
        size_t low = from > start_of ? from - start_of : 0, high = to > start_of ? to - start_of : 0;
        if (low < flight.size && low < high) {
            if (is_going(handshake))
                handshake_sent(handshake, handshake_output(handshake).size);
            feed(handshake, flight.data + low, (high < flight.size ? high : flight.size) - low);
        }
        start_of += flight.size;
    }
}

static void replay(const struct recording *recording, const size_t *cuts, size_t count)
{
    struct handshake *handshake = start(recording, false);
    size_t from = 0;
    for (size_t i = 0; i < count; i++) {
        feed_range(handshake, recording, from, cuts[i]);
        from = cuts[i];
    }
    feed_range(handshake, recording, from, recording->size);
    expect_whole(recording, handshake);
    handshake_free(handshake);
}

static void test_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < recording_count; i++) {
        for (size_t cut = 0; cut <= recordings[i].size; cut++)
            replay(&recordings[i], &cut, 1);
    }
}

/* Three pieces: a short one in the middle at every place, and long ones of many sizes. */
static void test_pairs_of_cuts(void **state)
{
    (void)state;
    for (size_t i = 0; i < recording_count; i++) {
        size_t size = recordings[i].size;
        for (size_t cut = 1; cut < size; cut++) {
            for (size_t near = 1; near <= NEAR; near += 2)
                replay(&recordings[i], (size_t[]){cut, cut + near < size ? cut + near : size}, 2);
        }
        for (size_t cut = 1; cut < size; cut += COARSE) {
            for (size_t far = cut + COARSE - 1; far < size; far += COARSE)
                replay(&recordings[i], (size_t[]){cut, far}, 2);
        }
    }
}

/* With and without a proof of the key, which wants more of the flight. */
static void test_pieces_of_one_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < recording_count; i++) {
        for (size_t step = 1; step < 40; step++) {
            struct handshake *handshake = start(&recordings[i], step % 2);
            for (size_t at = 0; at < recordings[i].size; at += step)
                feed_range(handshake, &recordings[i], at, at + step);
            expect_whole(&recordings[i], handshake);
            handshake_free(handshake);
        }
    }
}

/* --- too short, and damaged --------------------------------------------------------------------------------------------- */

/* Cut short, a flight says what the end was and how far it came, or gives the chain; the more bytes, the more it knows. */
static void test_cut_short(void **state)
{
    size_t chains = 0, hellos = 0;
    (void)state;
    for (size_t i = 0; i < recording_count; i++) {
        bool had_chain = false, had_hello = false;
        for (size_t size = 0; size < recordings[i].size; size++) {
            enum handshake_end end = (enum handshake_end)(size % 4);
            struct handshake *handshake = start(&recordings[i], false);
            feed_range(handshake, &recordings[i], 0, size);
            handshake_finish(handshake, end);
            const struct handshake_result *result = handshake_get_result(handshake);
            if (handshake->state == HANDSHAKE_CHAIN) {
                had_chain = true;
                expect_chain(&recordings[i], handshake);
            } else {
                assert_int_equal(handshake->state, HANDSHAKE_FAILED);
                assert_int_equal(result->error, handshake_end_error(end));
                assert_int_equal(result->chain_count, 0);
                assert_false(had_chain);
            }
            bool knows = strcmp(result->stage, "certificate") == 0;
            assert_true(knows || !had_hello);
            had_hello = had_hello || knows;
            handshake_free(handshake);
        }
        chains += had_chain;
        hellos += had_hello;
    }
    assert_true(chains > 0 && hellos > chains); /* a server that says all in one record gives nothing for less */
}

/* From TLS 1.3 on nobody on the way can change the chain: any byte that is another one ends it, or does not touch it. */
static void test_damaged(void **state)
{
    size_t refused = 0;
    (void)state;
    for (size_t i = 0; i < recording_count; i++) {
        if (!recordings[i].new)
            continue;
        for (size_t at = 0; at < recordings[i].size; at++) {
            struct handshake *handshake = start(&recordings[i], false);
            struct buf *flight = &recordings[i].flights[at >= recordings[i].flights[0].size];
            char *byte = &flight->data[at >= recordings[i].flights[0].size ? at - recordings[i].flights[0].size : at];
            *byte ^= (char)(1 << at % 8);
            feed_range(handshake, &recordings[i], 0, recordings[i].size);
            *byte ^= (char)(1 << at % 8);
            if (handshake_finish(handshake, HANDSHAKE_END_CLOSED) == HANDSHAKE_CHAIN)
                expect_chain(&recordings[i], handshake);
            else
                refused++;
            handshake_free(handshake);
        }
    }
    assert_true(refused > 1000);
}

/* --- the files -------------------------------------------------------------------------------------------------------- */

static enum hello_kind read_kind(const char *name)
{
    for (int kind = 0; kind < HELLO_KIND_COUNT; kind++) {
        if (strcmp(name, hello_kind_name((enum hello_kind)kind)) == 0)
            return (enum hello_kind)kind;
    }
    fail_msg("no such hello: %s", name);
    return HELLO_FULL;
}

/* "# …" is a comment; "sent" and "flight" begin lines of hex, a flight of each after the other; what comes before them is told. */
static void take_line(struct recording *recording, char *line, struct buf **section)
{
    uint8_t bytes[LINE_SIZE / 2];
    size_t size = strcspn(line, "\n");
    line[size] = '\0';
    if (size == 0 || *line == '#')
        return;
    if (strcmp(line, "flight") == 0 || strcmp(line, "sent") == 0) {
        struct buf *sections = *line == 'f' ? recording->flights : recording->sent;
        *section = &sections[sections[0].size > 0];
    } else if (*section) {
        assert_int_equal(hex_read(line, size, bytes, size / 2), 0);
        buf_append(*section, bytes, size / 2);
    } else if (strncmp(line, "hello ", 6) == 0)
        recording->hello = read_kind(line + 6);
    else {
        buf_appendf(&recording->proven, "%s\n", line);
        if (strncmp(line, "proof ", 6) != 0)
            buf_appendf(&recording->told, "%s\n", line);
    }
}

static void read_recording(const char *directory, const char *name)
{
    char line[LINE_SIZE];
    struct recording *recording = &recordings[recording_count++];
    struct buf path, *section = NULL;
    assert_true(recording_count <= RECORDINGS_MAX);
    buf_init(&path, PATH_SIZE);
    buf_appendf(&path, "%s/%s", directory, name);
    FILE *file = fopen(path.data, "r");
    buf_done(&path);
    assert_non_null(file);
    recording->name = cm_strdup(name);
    buf_init(&recording->told, FLIGHT_BYTES_MAX);
    buf_init(&recording->proven, FLIGHT_BYTES_MAX);
    for (size_t i = 0; i < FLIGHTS_MAX; i++) {
        buf_init(&recording->sent[i], FLIGHT_BYTES_MAX);
        buf_init(&recording->flights[i], FLIGHT_BYTES_MAX);
    }
    while (fgets(line, sizeof line, file))
        take_line(recording, line, &section);
    fclose(file);
    recording->new = recording->sent[0].size > 0;
    recording->size = recording->flights[0].size + recording->flights[1].size;
    assert_true(recording->size > 0);
    assert_true(recording->new == (strstr(recording->told.data, "version TLSv1.3\n") != NULL));
}

/* --- set up ----------------------------------------------------------------------------------------------------------- */

/* Every ClientHello the same. */
static void fill_constant(void *context, uint8_t *out, size_t size)
{
    (void)context;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(i % HELLO_RANDOM_SIZE * 5 + 3);
}

static int set_key(uint16_t group, const char *hex)
{
    uint8_t der[256];
    size_t size = strlen(hex) / 2;
    return hex_read(hex, 2 * size, der, size) || key_shares_set(shares, group, (struct slice){der, size});
}

static int set_up(void **state)
{
    (void)state;
    if (key_shares_new(&shares, NULL) || set_key(TLS_GROUP_X25519, x25519_key) ||
        set_key(TLS_GROUP_SECP256R1, p256_key) || handshake_engine_new(shares, &engine, NULL))
        return -1;
    handshake_engine_set_random(engine, fill_constant, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < recording_count; i++) {
        free(recordings[i].name);
        buf_done(&recordings[i].told);
        buf_done(&recordings[i].proven);
        for (size_t j = 0; j < FLIGHTS_MAX; j++) {
            buf_done(&recordings[i].sent[j]);
            buf_done(&recordings[i].flights[j]);
        }
    }
    free(piece);
    handshake_engine_free(engine);
    key_shares_free(shares);
    return 0;
}

static int is_recording(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".flight") == 0;
}

static int set_up_and_read(void **state)
{
    const char *top = getenv("CM_TOP");
    char directory[PATH_SIZE];
    struct dirent **entries;
    snprintf(directory, sizeof directory, "%s/tests/data/flights", top ? top : ".");
    int count = scandir(directory, &entries, is_recording, alphasort);
    if (count <= 0 || set_up(state))
        return -1;
    for (int i = 0; i < count; i++) {
        read_recording(directory, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

/* --- recording ---------------------------------------------------------------------------------------------------------- */

static void print_bytes(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        printf("%02x%s", bytes[i], i % HEX_BYTES == HEX_BYTES - 1 || i + 1 == size ? "\n" : "");
}

/* Sends what is to be sent, and prints the hello in it as it stands in transcripts, and that now a flight begins. */
static void send_hello(int fd, struct handshake *handshake, bool second)
{
    struct slice output = handshake_output(handshake);
    struct hello_ask ask = handshake_hello_ask(handshake, second);
    struct buf message;
    if (output.size == 0)
        return;
    if (send(fd, output.data, output.size, MSG_NOSIGNAL) != (ssize_t)output.size)
        exit(1);
    buf_init(&message, FLIGHT_BYTES_MAX);
    client_hello_message(&ask, &message);
    printf("sent\n");
    print_bytes((const uint8_t *)message.data, message.size);
    printf("flight\n");
    buf_done(&message);
    handshake_sent(handshake, output.size);
}

static int record(uint16_t port, enum hello_kind kind)
{
    static uint8_t bytes[FLIGHT_BYTES_MAX];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct recording recording = {.hello = kind};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (set_up(NULL) || connect(fd, (struct sockaddr *)&address, sizeof address))
        return 1;
    struct handshake *handshake = start(&recording, false);
    send_hello(fd, handshake, false);
    while (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, QUIET_MS) > 0) {
        ssize_t size = recv(fd, bytes, sizeof bytes, 0);
        if (size <= 0)
            break;
        print_bytes(bytes, (size_t)size);
        handshake_feed(handshake, bytes, (size_t)size);
        send_hello(fd, handshake, true);
    }
    close(fd);
    handshake_free(handshake);
    return tear_down(NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_pairs_of_cuts),
        cmocka_unit_test(test_pieces_of_one_size),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_damaged),
    };
    if (argc == 4 && strcmp(argv[1], "record") == 0)
        return record((uint16_t)atoi(argv[2]), read_kind(argv[3]));
    return cmocka_run_group_tests(tests, set_up_and_read, tear_down);
}
