/* Where targets come from: operands, this host's listeners, files and standard input, in this order, one target at a time.
 *
 * Files: one target a line; blank lines and what follows '#' mean nothing. A line that is no target is told on stderr with file and line, counted, and
 * passed over. A pipe never stops the loop: when it has nothing yet the answer is INPUT_LATER, and wake is called once it has. */
#ifndef SCANNER_SCAN_INPUT_H
#define SCANNER_SCAN_INPUT_H

#include "certmuster/target.h"
#include "scanner/scan/loop.h"

enum input_state { INPUT_TARGET, INPUT_LATER, INPUT_END };

struct input;

struct input *input_new(struct loop *loop);
void input_free(struct input *input);
/* Takes a target (empties it). */
void input_add_target(struct input *input, struct target *target);
/* "-" is standard input. CM_EIO with detail when it cannot be opened; it is then passed over and counted as damage. */
CM_MUST_CHECK int input_add_file(struct input *input, const char *path, struct cm_error *error);
enum input_state input_next(struct input *input, struct target *out);
uint64_t input_damaged(const struct input *input); /* lines and files that could not be read */
/* How many targets are still to come, for the ETA: exact for operands, by the share of bytes read for files. False when a
 * pipe makes it unknowable. */
bool input_estimate(const struct input *input, uint64_t *targets);

#endif
