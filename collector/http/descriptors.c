/* Connections past the limit of descriptors would be accepted by nobody and stay in the listener's way. */
#include "collector/http/descriptors.h"

#include <sys/resource.h>

#include "certmuster/log.h"

/* Standard streams, the event loop's and the threads' own, sockets to listen on and their lock, five database connections, a mail server and a
 * webhook with the lookups of their names, files that are read. */
enum { OWN = 32, OF_WORKER = 2 /* a connection each, and one of the judge's panel */ };

size_t descriptors_bound(size_t wanted, unsigned workers, size_t beside)
{
    struct rlimit limit;
    size_t others = OWN + OF_WORKER * (size_t)workers + beside;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    if (limit.rlim_cur < wanted + others && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0)
            return wanted; /* what cannot be raised is as it was */
    }
    if (limit.rlim_cur >= wanted + others)
        return wanted;
    size_t room = limit.rlim_cur > others ? (size_t)limit.rlim_cur - others : 0;
    size_t bound = room > DESCRIPTORS_CONNECTIONS_MIN ? room : DESCRIPTORS_CONNECTIONS_MIN;
    log_event(LOG_LEVEL_WARN, "connections_bounded",
              "connections=%zu wanted=%zu descriptors=%llu hint=\"raise the limit of open files (LimitNOFILE=)\"",
              bound, wanted, (unsigned long long)limit.rlim_cur);
    return bound;
}
