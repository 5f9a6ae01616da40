/* Where a program of ours is found: beside the one that asks, so that a build, an installation and a test each use their own; else in PATH. */
#include "certmuster/beside.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void program_beside(const char *name, char out[static BESIDE_PATH_SIZE])
{
    char self[BESIDE_PATH_SIZE];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size > 0) {
        self[size] = 0;
        char *slash = strrchr(self, '/');
        if (slash &&
            (size_t)snprintf(out, BESIDE_PATH_SIZE, "%.*s/%s", (int)(slash - self), self, name) < BESIDE_PATH_SIZE &&
            access(out, X_OK) == 0)
            return;
    }
    snprintf(out, BESIDE_PATH_SIZE, "%s", name);
}
