/* Lines of /proc/net/tcp and tcp6: any bytes, both families; what comes out can be connected to. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/scan/proc_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t any[16];
    for (const uint8_t *line = data, *end = data + size; line < end;) {
        const uint8_t *feed = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((feed ? feed : end) - line);
        for (int family = 4; family <= 6; family += 2) {
            struct listener listener;
            int code = proc_net_line((struct slice){line, length}, family, &listener);
            if (code != 0 && code != 1)
                abort();
            if (code == 1) {
                struct ipaddr reach = proc_net_reach(&listener);
                if (listener.port == 0 || memcmp(reach.bytes, any, reach.family == 4 ? 4 : 16) == 0)
                    abort();
            }
        }
        line += length + (feed != NULL);
    }
    return 0;
}
