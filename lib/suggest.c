/* Nearest name for a mistyped one: insertions, deletions, substitutions and swaps of neighbours count one each (optimal string
 * alignment). Names longer than NAME_MAX_BYTES are never suggested, so that the cost stays bounded. */
#include "certmuster/suggest.h"

#include <stdbool.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][NAME_MAX_BYTES + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_size; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            row[j] = least(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        size_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b_size];
}

void suggest_offer(struct suggest *suggest, const char *name)
{
    size_t typed = strlen(suggest->typed), size = strlen(name);
    if (typed > NAME_MAX_BYTES || size > NAME_MAX_BYTES)
        return;
    size_t far = distance(suggest->typed, typed, name, size);
    /* A third of the letters may be wrong, and one word may be the beginning of the other. */
    size_t near_enough = (typed > size ? typed : size) / 3;
    bool begins = typed >= 3 && strncmp(suggest->typed, name, typed) == 0;
    if ((far <= near_enough || begins) && (!suggest->near || far < suggest->distance)) {
        suggest->near = name;
        suggest->distance = far;
    }
}
