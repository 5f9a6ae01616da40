/* Plays without TLS: servers of other protocols, and noise (see odd.h). */
#include "tests/fleet/odd.h"

enum { NOISE_SIZE = 16 * 1024 };

void odd_text_first(struct odd_conn *conn)
{
    if (odd_send(conn, conn->place->row->text, conn->place->row->text_size))
        odd_hold(conn);
}

void odd_text_after(struct odd_conn *conn)
{
    if (odd_fill(conn))
        odd_send(conn, conn->place->row->text, conn->place->row->text_size);
}

void odd_text_flood(struct odd_conn *conn)
{
    struct buf many;
    buf_init(&many, 2 * NOISE_SIZE);
    while (many.size < NOISE_SIZE)
        buf_append(&many, conn->place->row->text, conn->place->row->text_size);
    while (odd_send(conn, many.data, many.size))
        continue;
    buf_done(&many);
}

/* The same 16 KiB every time; the first byte is no TLS content type (RFC 8446 §B.1). */
static void make_noise(uint8_t noise[static NOISE_SIZE])
{
    uint32_t state = 0x0dd0dd0d;
    for (size_t i = 0; i < NOISE_SIZE; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        noise[i] = (uint8_t)(state >> 24);
    }
    noise[0] = 0x9d;
}

void odd_noise(struct odd_conn *conn)
{
    uint8_t noise[NOISE_SIZE];
    make_noise(noise);
    odd_send(conn, noise, sizeof noise);
}

void odd_noise_flood(struct odd_conn *conn)
{
    uint8_t noise[NOISE_SIZE];
    make_noise(noise);
    while (odd_send(conn, noise, sizeof noise))
        continue;
}
