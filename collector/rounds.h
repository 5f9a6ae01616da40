/* A thread that does a round of work, rests, and does the next, until it is told to end. */
#ifndef COLLECTOR_ROUNDS_H
#define COLLECTOR_ROUNDS_H

#include <stdbool.h>

struct rounds;
/* round returns how many milliseconds to rest; 0: none. end (NULL: nothing) is called in the thread after the last round. NULL: no thread could be started. */
struct rounds *rounds_new(int (*round)(void *context), void (*end)(void *context), void *context);
/* Ends the rest, if it is at it, and waits; false: it is still in a round after timeout_ms, and must not be freed, nor its context. The round in which it is
 * has to learn by itself that it shall be short. */
bool rounds_stop(struct rounds *rounds, int timeout_ms);
/* Only after rounds_stop was true; NULL is fine. */
void rounds_free(struct rounds *rounds);

#endif
