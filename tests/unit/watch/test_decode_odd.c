/* Packets that lie, nest without end, are padded, have no length or come in fragments; what is none of ours; and the checksum. */
#include "tests/unit/watch/decoding.h"

static void test_nesting_is_bounded(void **state)
{
    struct ends ends = ends4();
    (void)state;
    for (unsigned depth = 0; depth < 40; depth++) {
        struct decoding decoding;
        struct buf packet;
        decoding_init(&decoding);
        buf_init(&packet, PACKETS_BUF_MAX);
        put_ip4(&packet);
        for (unsigned i = 0; i < depth; i++) {
            struct ends outer = tunnel(0);
            wrap_ip(&packet, &outer, 4);
        }
        struct packet whole = as_packet(&packet, RAW, AT_US);
        decode(&decoding, &whole);
        if (depth <= 4)
            assert_whole(&decoding.seen, &ends);
        if (depth >= 16)
            assert_int_equal(decoding.seen.count, 0);
        /* One or the other, never both. */
        assert_int_equal(decoding.seen.count + decoding.decoder.counts.damaged, 1);
        buf_done(&packet);
        fragments_free(decoding.decoder.fragments);
    }
}

static void test_tags_and_labels_without_end(void **state)
{
    struct decoding decoding;
    struct buf packet;
    (void)state;
    decoding_init(&decoding);
    buf_init(&packet, PACKETS_BUF_MAX);
    for (int i = 0; i < 10000; i++)
        PREPEND(&packet, 0, 5, 0x81, 0);
    wrap_ethernet(&packet, 0x8100);
    struct packet whole = as_packet(&packet, ETHERNET, AT_US);
    decode(&decoding, &whole);
    buf_reset(&packet);
    for (int i = 0; i < 10000; i++)
        PREPEND(&packet, 0, 0, 0, 64);
    wrap_ethernet(&packet, 0x8847);
    whole = as_packet(&packet, ETHERNET, AT_US);
    decode(&decoding, &whole);
    buf_reset(&packet);
    for (int i = 0; i < 1000; i++) /* extension headers of IPv6 */
        PREPEND(&packet, 0, 0, 0, 0, 0, 0, 0, 0);
    struct ends ends = ends6();
    wrap_ip(&packet, &ends, 0);
    whole = as_packet(&packet, RAW, AT_US);
    decode(&decoding, &whole);
    assert_int_equal(decoding.seen.count, 0);
    assert_int_equal(decoding.decoder.counts.damaged, 3);
    buf_done(&packet);
    fragments_free(decoding.decoder.fragments);
}

/* --- lengths that lie, or are not there -------------------------------------------------------------------------------- */

static void test_padding_goes(void **state)
{
    struct ends ends = ends4();
    struct decoding decoding;
    struct buf packet;
    (void)state;
    decoding_init(&decoding);
    buf_init(&packet, PACKETS_BUF_MAX);
    put_ip4(&packet);
    wrap_ethernet(&packet, 0x0800);
    buf_append(&packet, "padding and a frame check sequence", 34);
    struct packet whole = as_packet(&packet, ETHERNET, AT_US);
    decode(&decoding, &whole);
    assert_whole(&decoding.seen, &ends);
    buf_done(&packet);
    fragments_free(decoding.decoder.fragments);
}

static void test_segmentation_offload(void **state)
{
    struct ends ends = ends4(), other = ends6();
    struct decoding decoding;
    struct buf packet;
    (void)state;
    decoding_init(&decoding);
    buf_init(&packet, PACKETS_BUF_MAX);
    put_ip4(&packet);
    packet.data[2] = packet.data[3] = 0; /* the total length */
    struct packet whole = as_packet(&packet, RAW, AT_US);
    decode(&decoding, &whole);
    assert_whole(&decoding.seen, &ends);
    buf_reset(&packet);
    put_ip(&packet, &other);
    packet.data[4] = packet.data[5] = 0; /* the payload length */
    whole = as_packet(&packet, RAW, AT_US);
    decode(&decoding, &whole);
    assert_whole(&decoding.seen, &other);
    buf_done(&packet);
    fragments_free(decoding.decoder.fragments);
}

static void test_lying_lengths(void **state)
{
    struct decoding decoding;
    struct buf packet;
    (void)state;
    decoding_init(&decoding);
    buf_init(&packet, PACKETS_BUF_MAX);
    put_ip4(&packet);
    size_t size = packet.size;
    for (unsigned header = 0; header < 5; header++) { /* IHL */
        packet.data[0] = (char)(0x40 | header);
        decode_cut(&decoding, &packet, size, (uint32_t)size, RAW);
        assert_int_equal(decoding.seen.count, 0);
    }
    packet.data[0] = 0x45;
    for (unsigned total = 1; total < 40; total++) { /* shorter than the two headers */
        packet.data[3] = (char)total;
        decode_cut(&decoding, &packet, size, (uint32_t)size, RAW);
        assert_int_equal(decoding.seen.count, 0);
    }
    packet.data[2] = (char)0xff; /* longer than what there is: the rest is missing */
    decode_cut(&decoding, &packet, size, (uint32_t)size, RAW);
    assert_int_equal(decoding.seen.count, 1);
    assert_int_equal(decoding.seen.last.missing, 0xff00 + 39 - size);
    packet.data[2] = 0;
    packet.data[3] = (char)size;
    for (unsigned offset = 0; offset < 16; offset++) { /* the data offset of TCP */
        packet.data[32] = (char)(offset << 4);
        decode_cut(&decoding, &packet, size, (uint32_t)size, RAW);
        assert_int_equal(decoding.seen.count, offset >= 5 && 20 + offset * 4 <= size);
    }
    buf_done(&packet);
    fragments_free(decoding.decoder.fragments);
}

static void test_udp_lengths(void **state)
{
    struct ends ends = ends4();
    struct decoding decoding;
    struct buf packet;
    (void)state;
    decoding_init(&decoding);
    buf_init(&packet, PACKETS_BUF_MAX);
    buf_append(&packet, payload, sizeof payload);
    wrap_udp(&packet, &ends);
    wrap_ip(&packet, &ends, 17);
    for (unsigned length = 0; length < 256; length++) {
        packet.data[25] = (char)length;
        decode_cut(&decoding, &packet, packet.size, (uint32_t)packet.size, RAW);
        assert_int_equal(decoding.seen.count, 1);
        assert_int_equal(decoding.seen.last.protocol, DATAGRAM_UDP);
        bool shorter = length >= 8 && length < 8 + sizeof payload;
        assert_int_equal(decoding.seen.last.payload.size, shorter ? length - 8 : sizeof payload);
        assert_int_equal(decoding.seen.last.missing, 0);
    }
    buf_done(&packet);
    fragments_free(decoding.decoder.fragments);
}

/* Another protocol on a tunnel's port stays what it is. */
static void test_no_tunnel(void **state)
{
    static const uint16_t ports[] = {4789, 8472, 6081, 2152};
    (void)state;
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        struct ends ends = {place4(10, 0, 0, 1, 1), place4(10, 0, 0, 2, ports[i])};
        struct decoding decoding;
        struct buf packet;
        decoding_init(&decoding);
        buf_init(&packet, PACKETS_BUF_MAX);
        buf_append(&packet, "\xff\xff\xff\xffnothing of a tunnel", 23);
        wrap_udp(&packet, &ends);
        wrap_ip(&packet, &ends, 17);
        struct packet whole = as_packet(&packet, RAW, AT_US);
        decode(&decoding, &whole);
        assert_int_equal(decoding.seen.count, 1);
        assert_int_equal(decoding.seen.last.payload.size, 23);
        buf_done(&packet);
        fragments_free(decoding.decoder.fragments);
    }
}

static void test_eapol(void **state)
{
    struct decoding decoding;
    struct buf packet;
    (void)state;
    decoding_init(&decoding);
    buf_init(&packet, PACKETS_BUF_MAX);
    buf_append(&packet, "\2\0\0\5\1\7\0\5\15padding", 16);
    wrap_ethernet(&packet, 0x888e);
    for (size_t cut = 0; cut <= packet.size; cut++) {
        decode_cut(&decoding, &packet, cut, (uint32_t)cut, ETHERNET);
        assert_int_equal(decoding.seen.count, cut >= 14 + 9);
    }
    assert_int_equal(decoding.seen.last.protocol, DATAGRAM_EAP);
    assert_int_equal(decoding.seen.last.payload.size, 5);
    assert_int_equal(decoding.seen.last.source.family, 0);
    assert_memory_equal(decoding.seen.last.source.ip, "\2\0\0\0\0\1", 6);
    assert_memory_equal(decoding.seen.last.destination.ip, "\2\0\0\0\0\2", 6);
    buf_done(&packet);
    fragments_free(decoding.decoder.fragments);
}

static void test_what_is_not_for_us(void **state)
{
    struct decoding decoding;
    struct buf packet;
    (void)state;
    decoding_init(&decoding);
    buf_init(&packet, PACKETS_BUF_MAX);
    buf_append(&packet, payload, sizeof payload);
    wrap_ethernet(&packet, 0x0806); /* ARP */
    struct packet whole = as_packet(&packet, ETHERNET, AT_US);
    decode(&decoding, &whole);
    whole.link_type = 147; /* a link type for private use */
    assert_false(decode_knows_link(whole.link_type));
    decode(&decoding, &whole);
    buf_reset(&packet);
    put_ip4(&packet);
    packet.data[9] = 1; /* ICMP */
    whole = as_packet(&packet, RAW, AT_US);
    decode(&decoding, &whole);
    wlan(&packet);
    packet.data[1] |= 0x40; /* encrypted by the radio */
    whole = as_packet(&packet, 105, AT_US);
    decode(&decoding, &whole);
    assert_int_equal(decoding.decoder.counts.other, 4);
    assert_int_equal(decoding.decoder.counts.damaged, 0);
    buf_done(&packet);
    fragments_free(decoding.decoder.fragments);
}

/* --- fragments through the walk ----------------------------------------------------------------------------------------- */

static void put_fragment(struct buf *packet, const struct buf *whole, uint8_t protocol, size_t from, size_t to,
                         const struct ends *ends)
{
    bool more = to < whole->size;
    buf_reset(packet);
    buf_append(packet, whole->data + from, to - from);
    if (ends->from.family == 4) {
        wrap_ip4_fragment(packet, ends, protocol, 99, (uint16_t)(from / 8 | (more ? 0x2000 : 0)));
    } else {
        PREPEND(packet, protocol, 0, HIGH(from), (uint8_t)(LOW(from) | more), 0, 0, 0, 99);
        wrap_ip(packet, ends, 44);
    }
}

/* Decodes a datagram in pieces of eight bytes: the last piece first, and the piece with the TCP header last. */
static void decode_pieces(struct decoding *decoding, const struct buf *whole, uint8_t protocol, const struct ends *ends)
{
    struct buf packet;
    buf_init(&packet, PACKETS_BUF_MAX);
    for (size_t from = (whole->size - 1) / 8 * 8;; from -= 8) {
        put_fragment(&packet, whole, protocol, from, from + 8 < whole->size ? from + 8 : whole->size, ends);
        struct packet piece = as_packet(&packet, RAW, AT_US);
        decode(decoding, &piece);
        assert_int_equal(decoding->seen.count, from == 0);
        if (from == 0)
            break;
    }
    buf_done(&packet);
}

static void test_fragments(void **state)
{
    struct ends all[] = {ends4(), ends6()};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct decoding decoding;
        struct buf whole;
        decoding_init(&decoding);
        buf_init(&whole, PACKETS_BUF_MAX);
        buf_append(&whole, payload, sizeof payload);
        wrap_tcp(&whole, &all[i], 0x01020304, 0x05060708, ACK | PSH);
        decode_pieces(&decoding, &whole, 6, &all[i]);
        assert_whole(&decoding.seen, &all[i]);
        /* Extension headers may stand in the pieces (RFC 8200 §4.1); IPv4 has the one that authenticates (RFC 4302). */
        PREPEND(&whole, 6, 4, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        decode_pieces(&decoding, &whole, 51, &all[i]);
        assert_whole(&decoding.seen, &all[i]);
        PREPEND(&whole, 51, 0, 1, 4, 0, 0, 0, 0);
        decode_pieces(&decoding, &whole, 60, &all[i]);
        assert_whole(&decoding.seen, &all[i]);
        buf_done(&whole);
        fragments_free(decoding.decoder.fragments);
    }
}

/* A fragment whose end was not captured completes nothing. */
static void test_cut_fragment(void **state)
{
    struct ends ends = ends4();
    struct decoding decoding;
    struct buf whole, packet;
    (void)state;
    decoding_init(&decoding);
    buf_init(&whole, PACKETS_BUF_MAX);
    buf_init(&packet, PACKETS_BUF_MAX);
    buf_append(&whole, payload, sizeof payload);
    wrap_tcp(&whole, &ends, 0x01020304, 0x05060708, ACK | PSH);
    put_fragment(&packet, &whole, 6, 0, 16, &ends);
    decode_cut(&decoding, &packet, packet.size - 1, (uint32_t)packet.size, RAW);
    put_fragment(&packet, &whole, 6, 16, whole.size, &ends);
    decode_cut(&decoding, &packet, packet.size, (uint32_t)packet.size, RAW);
    assert_int_equal(decoding.seen.count, 0);
    assert_int_equal(decoding.decoder.counts.cut, 1);
    assert_int_equal(decoding.decoder.counts.fragments, 2);
    buf_done(&packet);
    buf_done(&whole);
    fragments_free(decoding.decoder.fragments);
}

/* --- the checksum ------------------------------------------------------------------------------------------------------ */

static void test_checksum(void **state)
{
    struct ends all[] = {ends4(), ends6()};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t size = 0; size < 40; size++) {
            struct decoding decoding;
            struct buf packet;
            decoding_init(&decoding);
            buf_init(&packet, PACKETS_BUF_MAX);
            buf_append(&packet, payload, size < sizeof payload ? size : sizeof payload);
            wrap_tcp(&packet, &all[i], 1, 2, ACK);
            wrap_ip(&packet, &all[i], 6);
            size_t header = all[i].from.family == 4 ? 20 : 40;
            struct packet whole = as_packet(&packet, RAW, AT_US);
            decode(&decoding, &whole);
            assert_true(decoding.seen.checksum_good);
            for (size_t at = header; at < packet.size; at++) {
                if (at == header + 12)
                    continue; /* the data offset: another segment */
                packet.data[at] ^= 0x10;
                decode(&decoding, &whole);
                assert_int_equal(decoding.seen.count, 1);
                assert_false(decoding.seen.checksum_good);
                packet.data[at] ^= 0x10;
            }
            buf_done(&packet);
            fragments_free(decoding.decoder.fragments);
        }
    }
}

/* Several packets in one frame of a wireless network (A-MSDU): each is found, also where four addresses, HT control and a checksum are about them; cut anywhere, those that are whole
 * or nearly so. */
static void test_subframes(void **state)
{
    enum { COUNT = 3, RADIOTAP = 127 };
    struct ends ends = ends4();
    (void)state;
    for (unsigned form = 0; form < 4; form++) {
        struct decoding decoding;
        struct buf packet, one;
        size_t inner = 0;
        decoding_init(&decoding);
        buf_init(&packet, PACKETS_BUF_MAX);
        buf_init(&one, PACKETS_BUF_MAX);
        for (unsigned i = 0; i < COUNT; i++) {
            buf_reset(&one);
            put_ip4(&one);
            inner = one.size;
            PREPEND(&one, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
            size_t size = one.size;
            PREPEND(&one, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, HIGH(size), LOW(size));
            while (i + 1 < COUNT && one.size % 4)
                buf_append_char(&one, 0x55);
            buf_append(&packet, one.data, one.size);
        }
        if (form & 1)
            PREPEND(&packet, 0, 0, 0, 0); /* HT control */
        PREPEND(&packet, 0x80, 0);        /* QoS: an A-MSDU is present */
        if (form & 2)
            PREPEND(&packet, 2, 0, 0, 0, 0, 7);
        PREPEND(&packet, 0x88,
                form & 2   ? form & 1 ? 0x83 : 3
                : form & 1 ? 0x81
                           : 1,
                0, 0, 2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0, 0);
        size_t header = 24 + 2 + (form & 1 ? 4 : 0) + (form & 2 ? 6 : 0), whole_size = packet.size;
        buf_append(&packet, "\1\2\3\4", 4);
        PREPEND(&packet, 0, 0, 9, 0, 2, 0, 0, 0, 0x10);
        struct packet whole = as_packet(&packet, RADIOTAP, AT_US);
        decode(&decoding, &whole);
        assert_int_equal(decoding.seen.count, COUNT);
        assert_memory_equal(&decoding.seen.last.source, &ends.from, sizeof ends.from);
        assert_true(decoding.seen.checksum_good);
        assert_int_equal(decoding.decoder.counts.damaged, 0);
        for (size_t size = 0; size <= 9 + whole_size; size++) {
            decode_cut(&decoding, &packet, size, (uint32_t)packet.size, RADIOTAP);
            size_t first = 9 + header + 14 + 8 + inner;
            assert_true(decoding.seen.count <= COUNT && (size < first || decoding.seen.count >= 1));
        }
        buf_done(&packet);
        buf_done(&one);
        fragments_free(decoding.decoder.fragments);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting_is_bounded), cmocka_unit_test(test_tags_and_labels_without_end),
        cmocka_unit_test(test_padding_goes),       cmocka_unit_test(test_segmentation_offload),
        cmocka_unit_test(test_lying_lengths),      cmocka_unit_test(test_udp_lengths),
        cmocka_unit_test(test_no_tunnel),          cmocka_unit_test(test_eapol),
        cmocka_unit_test(test_what_is_not_for_us), cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_cut_fragment),       cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_subframes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
