/* spool_list and spool_read over a segment of any bytes: every record given is one whole line, and the accounting fits. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/cm-fuzz-spool-XXXXXX";
static char path[128];

static void clean_up(void)
{
    unlink(path);
    rmdir(dir);
}

static int take(const char *record, size_t size, void *context)
{
    uint64_t *records = context;
    if (size == 0 || memchr(record, '\n', size))
        abort();
    ++*records;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spool_segment *list;
    size_t count;
    uint64_t records = 0, damaged = 0, lines = 0;
    if (!path[0]) {
        if (!mkdtemp(dir))
            abort();
        snprintf(path, sizeof path, "%s/01900000-0000-7000-8000-000000000001-00000001.seg", dir);
        atexit(clean_up);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    if (spool_list(dir, &list, &count, NULL) != CM_OK || count != 1 || strlen(list[0].scanner) > 4096)
        abort();
    if (spool_read(list[0].path, take, &records, &damaged, NULL) != CM_OK || records + damaged > lines)
        abort();
    spool_list_free(list, count);
    return 0;
}
