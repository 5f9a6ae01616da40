/* Replays seeds through a fuzz target without libFuzzer, so that `make check` runs every target under the sanitizers: each file of
 * tests/data/fuzz/<target's name>/ whole, and cut at every byte (evenly thinned to 2,000 cuts for large seeds). Fails when there is no seed. */
#include <dirent.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUTS_MAX = 2000, SEED_BYTES_MAX = 4 * 1024 * 1024 };

/* The copy ends where its allocation ends, so that AddressSanitizer sees the first byte read past a cut. */
static void run_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(SEED_BYTES_MAX);
    if (!file || !data)
        return -1;
    size_t size = fread(data, 1, SEED_BYTES_MAX, file);
    size_t step = size / CUTS_MAX + 1;
    for (size_t cut = 0; cut < size; cut += step)
        run_copy(data, cut);
    run_copy(data, size);
    free(data);
    fclose(file);
    return 0;
}

int main(int argc, char **argv)
{
    char directory[4096];
    const char *top = getenv("CM_TOP");
    snprintf(directory, sizeof directory, "%s/tests/data/fuzz/%s", top ? top : ".", basename(argv[0]));
    unsigned seeds = 0;
    DIR *dir = argc > 1 ? NULL : opendir(directory);
    for (int i = 1; i < argc; i++)
        seeds += replay(argv[i]) == 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[sizeof directory + 256];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        seeds += replay(path) == 0;
    }
    if (dir)
        closedir(dir);
    printf("%u seeds\n", seeds);
    return seeds ? 0 : 1;
}
