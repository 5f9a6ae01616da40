/* SIGINT and SIGTERM end a watch, the second one at once; SIGUSR1 asks for statistics. */
#ifndef SCANNER_WATCH_SIGNALS_H
#define SCANNER_WATCH_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

extern volatile sig_atomic_t signals_stop; /* the signal that ends the run; 0: none came */

void signals_catch(void);
bool signals_asked(void); /* SIGUSR1 came since the last call */

#endif
