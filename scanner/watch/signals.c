/* Handlers set a number and nothing else. No SA_RESTART: whoever waits looks at the number. */
#include "scanner/watch/signals.h"

#include <stddef.h>

volatile sig_atomic_t signals_stop;
static volatile sig_atomic_t asked;

static void on_end(int number)
{
    signals_stop = number;
}

static void on_question(int number)
{
    asked = number;
}

void signals_catch(void)
{
    struct sigaction end = {.sa_handler = on_end, .sa_flags = SA_RESETHAND};
    struct sigaction question = {.sa_handler = on_question}, ignored = {.sa_handler = SIG_IGN};
    struct sigaction hangup;
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) /* nohup(1) means it */
        sigaction(SIGHUP, &end, NULL);
    sigaction(SIGUSR1, &question, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
}

bool signals_asked(void)
{
    bool came = asked;
    asked = 0;
    return came;
}
