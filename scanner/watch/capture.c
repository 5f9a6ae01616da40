/* Interfaces through libpcap, whose ring (TPACKET_V3) needs nothing of us but its size; and filters. */
#include "scanner/watch/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scanner/watch/decode.h"

/* What a network card counts as lost, in sysfs; kept open, since nothing can be opened once rights are given up. */
static const char *const loss_files[] = {"rx_missed_errors", "rx_fifo_errors"};
enum { LOSS_FILES = sizeof loss_files / sizeof *loss_files };

enum { LINK_TYPES_MAX = 300, LINKTYPE_RAW = 101 /* in files; pcap_compile wants DLT_RAW */ };

struct capture {
    pcap_t *pcap;
    char *interface;
    int link_type;
    struct capture_drops drops;
    int loss[LOSS_FILES]; /* -1: the interface has no such file */
    uint64_t lost_before; /* when it was opened */
    packet_fn packet;     /* of the read under way */
    void *context;
};

static int fail(struct cm_error *error, int code, const char *reason, const struct capture *capture)
{
    return error_setf(error, code, 0, reason, "%s: %s", capture->interface, pcap_geterr(capture->pcap));
}

/* --- opening --------------------------------------------------------------------------------------------------------- */

static int activate(struct capture *capture, const struct capture_options *options, struct cm_error *error)
{
    if (pcap_set_snaplen(capture->pcap, options->snapshot) || pcap_set_promisc(capture->pcap, options->promiscuous) ||
        pcap_set_timeout(capture->pcap, CAPTURE_WAIT_MS) ||
        pcap_set_buffer_size(capture->pcap, (int)options->ring_bytes))
        return fail(error, CM_EIO, "cannot set up the capture", capture);
    int code = pcap_activate(capture->pcap);
    if (code == PCAP_ERROR_PERM_DENIED || code == PCAP_ERROR_PROMISC_PERM_DENIED)
        return error_setf(error, CM_EAUTH, 0, "not allowed to capture", "%s: needs root or CAP_NET_RAW",
                          capture->interface);
    if (code == PCAP_ERROR_NO_SUCH_DEVICE)
        return error_setf(error, CM_ENOTFOUND, 0, "no such interface", "%s", capture->interface);
    if (code == PCAP_ERROR_IFACE_NOT_UP)
        return error_setf(error, CM_EIO, 0, "the interface is not up", "%s", capture->interface);
    if (code < 0)
        return fail(error, CM_EIO, "cannot capture", capture);
    return 0; /* above 0: a warning, such as an interface that knows no promiscuous mode */
}

static int set_filter(struct capture *capture, const char *text, struct cm_error *error)
{
    struct bpf_program program;
    if (pcap_compile(capture->pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN))
        return error_setf(error, CM_EINVAL, 0, "the filter makes no sense", "%s", pcap_geterr(capture->pcap));
    int failed = pcap_setfilter(capture->pcap, &program);
    pcap_freecode(&program);
    return failed ? fail(error, CM_EIO, "cannot set the filter", capture) : 0;
}

static uint64_t read_losses(const struct capture *capture)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < LOSS_FILES; i++) {
        char text[32];
        ssize_t size = capture->loss[i] < 0 ? -1 : pread(capture->loss[i], text, sizeof text - 1, 0);
        text[size > 0 ? size : 0] = '\0';
        sum += strtoull(text, NULL, 10);
    }
    return sum;
}

static void open_losses(struct capture *capture)
{
    for (size_t i = 0; i < LOSS_FILES; i++) {
        char path[PATH_MAX];
        int size = snprintf(path, sizeof path, "/sys/class/net/%s/statistics/%s", capture->interface, loss_files[i]);
        bool sensible = size > 0 && (size_t)size < sizeof path && !strchr(capture->interface, '/');
        capture->loss[i] = sensible ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    }
    capture->lost_before = read_losses(capture);
}

int capture_open(const struct capture_options *options, struct capture **out, struct cm_error *error)
{
    char text[PCAP_ERRBUF_SIZE];
    pcap_t *pcap = pcap_create(options->interface, text);
    if (!pcap)
        return error_setf(error, CM_EIO, 0, "cannot capture", "%s: %s", options->interface, text);
    struct capture *capture = cm_calloc(1, sizeof *capture);
    capture->pcap = pcap;
    capture->interface = cm_strdup(options->interface);
    open_losses(capture);
    int code = activate(capture, options, error);
    if (!code) {
        capture->link_type = pcap_datalink(pcap);
        if (!decode_knows_link(capture->link_type))
            code = error_setf(error, CM_EUNSUPPORTED, 0, "a link type that is not read", "%s: %s", capture->interface,
                              pcap_datalink_val_to_description_or_dlt(capture->link_type));
    }
    if (!code && options->filter)
        code = set_filter(capture, options->filter, error);
    if (!code && pcap_setnonblock(pcap, 1, text))
        code = error_setf(error, CM_EIO, 0, "cannot capture", "%s: %s", capture->interface, text);
    if (code) {
        capture_free(capture);
        return code;
    }
    *out = capture;
    return 0;
}

void capture_free(struct capture *capture)
{
    if (!capture)
        return;
    pcap_close(capture->pcap);
    for (size_t i = 0; i < LOSS_FILES; i++) {
        if (capture->loss[i] >= 0)
            close(capture->loss[i]);
    }
    free(capture->interface);
    free(capture);
}

/* packet(7), PACKET_FANOUT: the first asks for a group number that nobody has, the others join. */
int capture_share(struct capture *const *captures, size_t count, struct cm_error *error)
{
    uint32_t how = PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_DEFRAG, group = 0;
    for (size_t i = 0; i < count; i++) {
        int fd = pcap_fileno(captures[i]->pcap);
        uint32_t wanted = (how | (i == 0 ? PACKET_FANOUT_FLAG_UNIQUEID : 0)) << 16 | group;
        socklen_t size = sizeof wanted;
        if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &wanted, sizeof wanted) ||
            (i == 0 && getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &wanted, &size)))
            return error_setf(error, CM_EIO, 0, "cannot spread packets over workers", "%s: %s", captures[i]->interface,
                              strerror(errno));
        if (i == 0)
            group = wanted & 0xffff;
    }
    return 0;
}

int capture_descriptor(const struct capture *capture)
{
    return pcap_get_selectable_fd(capture->pcap);
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

static void on_packet(u_char *context, const struct pcap_pkthdr *header, const u_char *bytes)
{
    const struct capture *capture = (const struct capture *)(const void *)context;
    struct packet packet = {
        .bytes = {bytes, header->caplen},
        .length = header->len,
        .link_type = capture->link_type,
        .at_us = (int64_t)header->ts.tv_sec * 1000000 + header->ts.tv_usec,
    };
    capture->packet(&packet, capture->context);
}

int capture_read(struct capture *capture, packet_fn packet, void *context, int most, struct cm_error *error)
{
    capture->packet = packet;
    capture->context = context;
    int count = pcap_dispatch(capture->pcap, most, on_packet, (u_char *)capture);
    return count >= 0 ? count : fail(error, CM_EIO, "the capture ends", capture);
}

/* packet(7), PACKET_STATISTICS: reading sets the kernel's counters to zero. Not pcap_stats(3), which looks into sysfs each time. */
void capture_get_drops(struct capture *capture, struct capture_drops *out)
{
    struct tpacket_stats_v3 since = {0};
    socklen_t size = sizeof since;
    uint64_t lost = read_losses(capture);
    if (getsockopt(pcap_fileno(capture->pcap), SOL_PACKET, PACKET_STATISTICS, &since, &size) == 0)
        capture->drops.kernel += since.tp_drops;
    if (lost >= capture->lost_before) /* a driver may begin anew */
        capture->drops.interface = lost - capture->lost_before;
    *out = capture->drops;
}

/* --- filters --------------------------------------------------------------------------------------------------------- */

struct capture_filter {
    struct bpf_program programs[LINK_TYPES_MAX]; /* by link type; without instructions: makes no sense there */
};

static int compile(const char *text, int link_type, struct bpf_program *program, struct cm_error *error)
{
    pcap_t *dead = pcap_open_dead(link_type == LINKTYPE_RAW ? DLT_RAW : link_type, CAPTURE_SNAPSHOT_MAX);
    if (!dead)
        return error_set(error, CM_EIO, 0, "cannot compile the filter");
    int code = 0;
    if (pcap_compile(dead, program, text, 1, PCAP_NETMASK_UNKNOWN))
        code = error_setf(error, CM_EINVAL, 0, "the filter makes no sense", "%s", pcap_geterr(dead));
    pcap_close(dead);
    return code;
}

int capture_filter_new(const char *text, struct capture_filter **out, struct cm_error *error)
{
    struct capture_filter *filter = cm_calloc(1, sizeof *filter);
    bool sensible = false;
    struct cm_error ignored;
    int code = CM_EINVAL;
    for (int type = 0; type < LINK_TYPES_MAX; type++) {
        if (!decode_knows_link(type))
            continue;
        int one = compile(text, type, &filter->programs[type], type == DLT_EN10MB ? error : &ignored);
        sensible |= one == 0;
        code = one == 0 ? 0 : code;
    }
    if (!sensible) { /* error says what Ethernet has against it */
        capture_filter_free(filter);
        return code;
    }
    *out = filter;
    return 0;
}

void capture_filter_free(struct capture_filter *filter)
{
    if (!filter)
        return;
    for (int type = 0; type < LINK_TYPES_MAX; type++)
        pcap_freecode(&filter->programs[type]);
    free(filter);
}

bool capture_filter_knows(const struct capture_filter *filter, int link_type)
{
    return link_type >= 0 && link_type < LINK_TYPES_MAX && filter->programs[link_type].bf_insns;
}

bool capture_filter_matches(const struct capture_filter *filter, const struct packet *packet)
{
    if (!capture_filter_knows(filter, packet->link_type))
        return false;
    struct pcap_pkthdr header = {.caplen = (bpf_u_int32)packet->bytes.size, .len = packet->length};
    return pcap_offline_filter(&filter->programs[packet->link_type], &header, packet->bytes.data) != 0;
}
