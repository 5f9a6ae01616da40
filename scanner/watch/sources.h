/* Which capture files there are, in which order, and opening them: files, directories (every file in them, the oldest first), "-". Reads nothing of what they hold but
 * a few bytes to know a file again.
 *
 * Following: a file that was not there before is given out, and so is one that was written anew under its old name, as a ring of capture files is (tcpdump -W).
 * A file that merely grew is not: who has it reads on. */
#ifndef SCANNER_WATCH_SOURCES_H
#define SCANNER_WATCH_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SOURCE_NAME_SIZE = 4096 };

struct source {
    int fd;               /* whoever gets it closes it; -1: it cannot be opened, trouble says why */
    int trouble;          /* errno */
    uint64_t total_bytes; /* of all that was there when reading began; 0: unknown */
    char name[SOURCE_NAME_SIZE];
};

enum sources_answer { SOURCES_ONE, SOURCES_NONE_YET, SOURCES_END };

struct sources;
struct sources *sources_new(const char *const *paths, size_t count, bool follow); /* paths lend */
void sources_free(struct sources *sources);
/* Opening a FIFO waits for its writer. NONE_YET: following, ask again after a while. */
enum sources_answer sources_next(struct sources *sources, struct source *out);

#endif
