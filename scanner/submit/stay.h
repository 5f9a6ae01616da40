/* Staying: SIGTERM and SIGINT end it in order, SIGCHLD wakes it; between them nothing is interrupted. */
#ifndef CERTMUSTER_SUBMIT_STAY_H
#define CERTMUSTER_SUBMIT_STAY_H

#include <stdbool.h>
#include <stdint.h>

#include "scanner/submit/outbox.h"

struct stay {
    bool stopping; /* SIGTERM or SIGINT came */
};

void stay_init(struct stay *stay); /* blocks the three signals; who starts children gives them an empty mask */
/* Waits so long, or until one of the signals comes. */
void stay_wait(struct stay *stay, int64_t ms);
/* Whether one of them came meanwhile, without waiting. */
bool stay_stopping(struct stay *stay);

/* --follow: delivers what comes, until it is told to end. Exit status. */
int follow(struct outbox *outbox);

#endif
