/* Standard output for who must not be held up: what is written waits in memory until the reader takes it. */
#ifndef CERTMUSTER_OUTLET_H
#define CERTMUSTER_OUTLET_H

#include <stddef.h>

#include "certmuster/buf.h"

enum outlet_way { OUTLET_FILE, OUTLET_OWN, OUTLET_SOCKET, OUTLET_POLLED };
struct outlet {
    enum outlet_way way;
    int fd;
    struct buf held; /* append to it */
    size_t sent;     /* bytes of held that are gone already */
    int trouble;     /* errno of the last write, 0 when it went well */
};

void outlet_init(struct outlet *outlet, size_t max);
void outlet_done(struct outlet *outlet);
size_t outlet_left(const struct outlet *outlet);
void outlet_flush(struct outlet *outlet);              /* writes what is taken without waiting */
void outlet_wait(const struct outlet *outlet, int ms); /* until more is taken, at most ms; -1: as long as it takes */

#endif
