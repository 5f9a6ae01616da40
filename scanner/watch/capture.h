/* Live capture, and filters in the language of pcap-filter(7): the only owner of pcap.h. Capture files are read by capture_file.h.
 *
 * An interface is opened once per worker; captures of one interface that share it (capture_share) are given packets by the hash of their flow, both
 * directions of a flow to the same one, and fragments put together first. The order of sharing is kept, so that the nth captures of two interfaces see the
 * same flows: a tap that gives each direction on an interface of its own is read right. No immediate mode: packets come in blocks, at the
 * latest after CAPTURE_WAIT_MS. */
#ifndef SCANNER_WATCH_CAPTURE_H
#define SCANNER_WATCH_CAPTURE_H

#include "certmuster/error.h"
#include "scanner/watch/packet.h"

enum {
    CAPTURE_WAIT_MS = 100,
    CAPTURE_SNAPSHOT_MIN = 128,
    CAPTURE_SNAPSHOT_MAX = 262144, /* libpcap's own ceiling; whole packets, also those that offloading has joined */
};

/* --- live ---------------------------------------------------------------------------------------------------------- */

struct capture_options {
    const char *interface;
    const char *filter; /* NULL: everything */
    int snapshot;
    size_t ring_bytes;
    bool promiscuous;
};

struct capture;
/* CM_EINVAL: the filter makes no sense there; CM_EAUTH: capturing is not allowed; CM_ENOTFOUND, CM_EUNSUPPORTED (its link type), CM_EIO: the interface. */
CM_MUST_CHECK int capture_open(const struct capture_options *options, struct capture **out, struct cm_error *error);
void capture_free(struct capture *capture);
/* Joins the captures of one interface, one per worker, in the order of the workers. One alone needs none of it. */
CM_MUST_CHECK int capture_share(struct capture *const *captures, size_t count, struct cm_error *error);
int capture_descriptor(const struct capture *capture); /* for poll(2) */
/* Reads what has come, at most about so many packets; does not wait. The number of packets; CM_EIO: the interface is gone. */
CM_MUST_CHECK int capture_read(struct capture *capture, packet_fn packet, void *context, int most,
                               struct cm_error *error);

struct capture_drops {
    uint64_t kernel;    /* the ring was full */
    uint64_t interface; /* the interface or its driver said so, since it was opened */
};
/* Since it was opened. By the thread that reads. */
void capture_get_drops(struct capture *capture, struct capture_drops *out);

/* --- filters for files ----------------------------------------------------------------------------------------------- */

struct capture_filter;
/* Compiles the text for every link type that we read, here and now: names in it are looked up once, and hostile input comes later. CM_EINVAL: it makes
 * sense for none of them; detail says why. */
CM_MUST_CHECK int capture_filter_new(const char *text, struct capture_filter **out, struct cm_error *error);
void capture_filter_free(struct capture_filter *filter);
bool capture_filter_knows(const struct capture_filter *filter, int link_type); /* it makes sense there */
bool capture_filter_matches(const struct capture_filter *filter, const struct packet *packet);

#endif
