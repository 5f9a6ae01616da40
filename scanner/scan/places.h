/* Where the threads of a sweep get their probes from: the places that targets stand for, each once, as many as this host allows.
 *
 * The main thread adds targets; every thread takes places, one at a time, up to its share of what may be under way. One lock around the
 * ring of spreads, what was asked for already, what this host could not start yet, and the capacity. Whoever found nothing to do is woken
 * when there is something. */
#ifndef SCANNER_SCAN_PLACES_H
#define SCANNER_SCAN_PLACES_H

#include "scanner/scan/loop.h"
#include "scanner/scan/names.h"
#include "scanner/scan/spread.h"

enum { PLACES_THREADS_MAX = 64, PLACES_AHEAD_MAX = 1024 /* targets read ahead */ };

struct places;

struct places_options {
    const struct ports *ports;    /* for targets that name none */
    enum starttls starttls;       /* for targets, and … */
    enum starttls starttls_local; /* … for listeners of --local */
    int64_t timeout_ms;           /* of a target */
    unsigned parallel;            /* probes under way at most, of all threads */
    double rate;                  /* probes started per second at most; 0: as fast as it goes */
    struct names *names;          /* is told which names belong to which addresses */
    struct loop *const *loops;    /* of the threads, the main thread's first; lent for the life of places */
    unsigned threads;
};

struct place {
    struct spread *spread; /* a reference */
    struct ipaddr ip;
    uint16_t port;
    int64_t since_ms; /* when it was first tried; 0: now */
};

enum places_answer {
    PLACES_ONE,
    PLACES_LATER, /* nothing to do now: the thread is woken */
    PLACES_FULL,  /* no room: a probe must end first, or *wait_ms pass (-1: not a matter of time) */
    PLACES_BUSY,  /* many were passed over; ask again after a turn of the loop */
    PLACES_END,   /* nothing will come */
};

struct places *places_new(const struct places_options *options, int64_t now_ms);
void places_free(struct places *places);

/* --- the main thread --- */
/* Takes the target. addresses: of a name that was resolved; took_ms of the target's time went into that. */
void places_add(struct places *places, struct target *target, const struct ipaddr *addresses, size_t count,
                int64_t took_ms);
bool places_want_more(struct places *places);                    /* fewer than PLACES_AHEAD_MAX targets wait */
bool places_first_time(struct places *places, const char *name); /* for a name that does not resolve */
void places_close(struct places *places);                        /* nothing more will be added */
/* Probes that wait, and probes that are under way. */
uint64_t places_left(struct places *places);
bool places_are_short(struct places *places, int64_t now_ms); /* this host holds us back */

/* --- any thread --- */
/* Nothing is left to take, and nothing will come. */
bool places_are_over(struct places *places);
/* own: the probes that the thread has under way. */
enum places_answer places_take(struct places *places, unsigned thread, unsigned own, int64_t now_ms, struct place *out,
                               int64_t *wait_ms);
/* What was taken could not be started for want of something (errno). True: it waits for a better time. False: it has been short for as long
 * as a target has, with nothing of ours in the way; it is the caller's again, and counts as ended. */
bool places_put_back(struct places *places, const struct place *place, int trouble, int64_t now_ms);
/* A probe that is under way lacks something (errno). */
void places_shortage(struct places *places, int trouble, int64_t now_ms);
/* What was taken has ended. */
void places_ended(struct places *places);
/* Connections besides those of probes that hold descriptors. */
void places_count_lingering(struct places *places, int change);

#endif
