/* Every link layer and tunnel around the same TCP segment: it is found, with its addresses and its payload, and no other; cut at every byte it is found
 * as far as it is there, or not at all; and extension headers of IPv6. */
#include "tests/unit/watch/decoding.h"

static void test_wrappings(void **state)
{
    struct ends ends = ends4();
    (void)state;
    for (size_t i = 0; i < sizeof wrappings / sizeof *wrappings; i++) {
        struct decoding decoding;
        struct buf packet;
        decoding_init(&decoding);
        buf_init(&packet, PACKETS_BUF_MAX);
        put_ip4(&packet);
        wrappings[i].wrap(&packet);
        assert_true(decode_knows_link(wrappings[i].link_type));
        struct packet whole = as_packet(&packet, wrappings[i].link_type, AT_US);
        decode(&decoding, &whole);
        if (decoding.seen.count != 1)
            print_error("%s: nothing was found\n", wrappings[i].name);
        assert_whole(&decoding.seen, &ends);
        assert_int_equal(decoding.decoder.counts.packets, 1);
        assert_int_equal(decoding.decoder.counts.damaged + decoding.decoder.counts.other, 0);
        buf_done(&packet);
        fragments_free(decoding.decoder.fragments);
    }
}

/* What the snapshot length cut off is known to be missing; what has no header left is not found. */
static void test_cut_everywhere(void **state)
{
    struct ends ends = ends4();
    (void)state;
    for (size_t i = 0; i < sizeof wrappings / sizeof *wrappings; i++) {
        struct decoding decoding;
        struct buf packet;
        size_t found = 0;
        decoding_init(&decoding);
        buf_init(&packet, PACKETS_BUF_MAX);
        put_ip4(&packet);
        wrappings[i].wrap(&packet);
        for (size_t cut = 0; cut < packet.size; cut++) {
            decode_cut(&decoding, &packet, cut, (uint32_t)packet.size, wrappings[i].link_type);
            if (!decoding.seen.count)
                continue;
            found++;
            if (decoding.seen.last.protocol != DATAGRAM_TCP)
                continue; /* the head of a tunnel was cut: what is left is a datagram to its port */
            assert_segment(&decoding.seen, &ends);
            assert_int_equal(decoding.seen.last.payload.size + decoding.seen.last.missing, sizeof payload);
            assert_memory_equal(decoding.seen.payload, payload, decoding.seen.last.payload.size);
            assert_true(decoding.seen.checksum_good);
        }
        assert_true(found >= sizeof payload);
        buf_done(&packet);
        fragments_free(decoding.decoder.fragments);
    }
}

/* Damage of each byte ends in a datagram or in none, never in a read outside. */
static void test_each_byte_changed(void **state)
{
    static const uint8_t values[] = {0x00, 0xff, 0x7f, 0x80, 0x0f};
    (void)state;
    for (size_t i = 0; i < sizeof wrappings / sizeof *wrappings; i++) {
        struct decoding decoding;
        struct buf packet;
        decoding_init(&decoding);
        buf_init(&packet, PACKETS_BUF_MAX);
        put_ip4(&packet);
        wrappings[i].wrap(&packet);
        for (size_t at = 0; at < packet.size; at++) {
            char before = packet.data[at];
            for (size_t v = 0; v < sizeof values; v++) {
                packet.data[at] = (char)values[v];
                decode_cut(&decoding, &packet, packet.size, (uint32_t)packet.size, wrappings[i].link_type);
                assert_true(decoding.seen.count <= 1);
            }
            packet.data[at] = before;
        }
        struct decode_counts *counts = &decoding.decoder.counts;
        assert_int_equal(counts->packets, packet.size * sizeof values);
        assert_true(counts->other + counts->damaged <= counts->packets);
        buf_done(&packet);
        fragments_free(decoding.decoder.fragments);
    }
}

/* What is there of `size` bytes of Ethernet, and of the same without their header, is the same: the one is usual and takes a shorter way. */
static void assert_same(struct decoding *usual, struct decoding *walked, const struct buf *frame, size_t size)
{
    enum { HEADER = 14 };
    struct buf inside = *frame;
    inside.data += HEADER;
    decode_cut(usual, frame, size, (uint32_t)frame->size, ETHERNET);
    decode_cut(walked, &inside, size - HEADER, (uint32_t)frame->size - HEADER, RAW);
    const struct datagram *a = &usual->seen.last, *b = &walked->seen.last;
    assert_int_equal(usual->seen.count, walked->seen.count);
    assert_int_equal(a->protocol, b->protocol);
    assert_memory_equal(&a->source, &b->source, sizeof a->source);
    assert_memory_equal(&a->destination, &b->destination, sizeof a->destination);
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->acknowledgment, b->acknowledgment);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->payload.size, b->payload.size);
    assert_int_equal(a->missing, b->missing);
    assert_int_equal(a->transport.size, b->transport.size);
    assert_int_equal(a->at_us, b->at_us);
    assert_int_equal(usual->seen.checksum_good, walked->seen.checksum_good);
    assert_memory_equal(usual->seen.payload, walked->seen.payload, sizeof usual->seen.payload);
    assert_int_equal(usual->decoder.counts.damaged, walked->decoder.counts.damaged);
    assert_int_equal(usual->decoder.counts.other, walked->decoder.counts.other);
    assert_int_equal(usual->decoder.counts.cut, walked->decoder.counts.cut);
}

static void test_usual(void **state)
{
    struct decoding usual, walked;
    struct buf frame;
    (void)state;
    decoding_init(&usual);
    decoding_init(&walked);
    buf_init(&frame, PACKETS_BUF_MAX);
    put_ip4(&frame);
    wrap_ethernet(&frame, 0x0800);
    buf_append(&frame, "padding", 7);
    for (size_t size = 14; size <= frame.size; size++)
        assert_same(&usual, &walked, &frame, size);
    for (size_t at = 14; at < frame.size; at++) {
        char before = frame.data[at];
        for (int value = 0; value < 256; value++) {
            frame.data[at] = (char)value;
            assert_same(&usual, &walked, &frame, frame.size);
        }
        frame.data[at] = before;
    }
    buf_done(&frame);
    fragments_free(usual.decoder.fragments);
    fragments_free(walked.decoder.fragments);
}

static void test_ipv6(void **state)
{
    static const struct {
        uint8_t first, size, bytes[40];
    } chains[] = {
        {6, 0, {0}},
        {0, 8, {6, 0, 1, 4}},                                               /* hop-by-hop */
        {60, 16, {43, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1}},                       /* destination options, routing */
        {51, 24, {6, 4, 0, 0, 0, 0, 0, 5}},                                 /* authentication: in words of four */
        {44, 8, {6}},                                                       /* an atomic fragment */
        {0, 24, {60, 0, 0, 0, 0, 0, 0, 0, 135, 0, 0, 0, 0, 0, 0, 0, 6, 0}}, /* three of them */
    };
    struct ends ends = ends6();
    (void)state;
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
        struct decoding decoding;
        struct buf packet;
        decoding_init(&decoding);
        buf_init(&packet, PACKETS_BUF_MAX);
        buf_append(&packet, payload, sizeof payload);
        wrap_tcp(&packet, &ends, 0x01020304, 0x05060708, ACK | PSH);
        prepend(&packet, chains[i].bytes, chains[i].size);
        wrap_ip(&packet, &ends, chains[i].first);
        wrap_ethernet(&packet, 0x86dd);
        for (size_t cut = 0; cut <= packet.size; cut++)
            decode_cut(&decoding, &packet, cut, (uint32_t)packet.size, ETHERNET);
        assert_whole(&decoding.seen, &ends); /* the last was not cut */
        struct packet whole = as_packet(&packet, 229, AT_US);
        whole.bytes.data += 14;
        whole.bytes.size -= 14;
        whole.length -= 14;
        decode(&decoding, &whole);
        assert_whole(&decoding.seen, &ends);
        wrap_tunnel_ip(&packet,
                       97); /* no EtherIP header: the first bytes of Ethernet are taken for it, and nothing is found */
        whole = as_packet(&packet, ETHERNET, AT_US);
        decode(&decoding, &whole);
        assert_int_equal(decoding.seen.count, 0);
        buf_done(&packet);
        fragments_free(decoding.decoder.fragments);
    }
}

static void test_six_in_four(void **state)
{
    struct ends ends = ends6();
    struct decoding decoding;
    struct buf packet;
    (void)state;
    decoding_init(&decoding);
    buf_init(&packet, PACKETS_BUF_MAX);
    put_ip(&packet, &ends);
    wrap_tunnel_ip(&packet, 41);
    struct packet whole = as_packet(&packet, ETHERNET, AT_US);
    decode(&decoding, &whole);
    assert_whole(&decoding.seen, &ends);
    buf_done(&packet);
    fragments_free(decoding.decoder.fragments);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrappings),         cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_each_byte_changed), cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_six_in_four),       cmocka_unit_test(test_usual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
