/* Names under way. Owns the resolver and the deadline of each name. */
#include "scanner/scan/lookups.h"

#include <stdlib.h>

enum { LOOKUPS_MAX = 256 /* under way at the resolver, two queries each */ };

struct name {
    struct lookups *lookups;
    struct target target;
    struct lookup *lookup;
    struct timer deadline;
    int64_t began_ms;
    struct name *before, *after;
};

struct lookups {
    struct loop *loop;
    struct resolver *resolver;
    struct places *places;
    struct outcome *outcome;
    int64_t timeout_ms;
    struct name *names;
    uint64_t count;
};

int lookups_new(struct loop *loop, const struct resolver_options *options, struct places *places,
                struct outcome *outcome, struct lookups **out, struct cm_error *error)
{
    struct resolver *resolver;
    int code = resolver_new(loop, options, &resolver, error);
    if (code)
        return code;
    struct lookups *lookups = cm_calloc(1, sizeof *lookups);
    *lookups = (struct lookups){
        .loop = loop, .resolver = resolver, .places = places, .outcome = outcome, .timeout_ms = options->timeout_ms};
    *out = lookups;
    return 0;
}

void lookups_free(struct lookups *lookups)
{
    if (!lookups)
        return;
    resolver_free(lookups->resolver);
    free(lookups);
}

bool lookups_full(const struct lookups *lookups)
{
    return resolver_under_way(lookups->resolver) >= LOOKUPS_MAX;
}

uint64_t lookups_count(const struct lookups *lookups)
{
    return lookups->count;
}

static void name_end(struct name *name)
{
    struct lookups *lookups = name->lookups;
    loop_cancel_timer(lookups->loop, &name->deadline);
    if (name->lookup)
        resolver_cancel(name->lookup);
    if (name->before)
        name->before->after = name->after;
    else
        lookups->names = name->after;
    if (name->after)
        name->after->before = name->before;
    lookups->count--;
    target_done(&name->target);
    free(name);
}

/* A name that has no address is one probe, however many ports were asked for and however often it is named. */
static void name_failed(struct name *name, enum record_error error, const char *detail)
{
    struct lookups *lookups = name->lookups;
    if (places_first_time(lookups->places, name->target.name))
        outcome_unresolved(lookups->outcome, name->target.name, error, detail);
    name_end(name);
}

static void name_deadline(struct timer *timer)
{
    name_failed(timer->owner, RECORD_ERROR_TIMEOUT, NULL);
}

static void name_answered(void *context, const struct resolve_answer *answer)
{
    struct name *name = context;
    struct lookups *lookups = name->lookups;
    name->lookup = NULL;
    if (answer->error) {
        name_failed(name, answer->error, answer->detail);
        return;
    }
    /* The deadline is the target's: what the lookup took, its probes no longer have. */
    loop_refresh_clock(lookups->loop);
    places_add(lookups->places, &name->target, answer->addresses, answer->count,
               loop_now(lookups->loop) - name->began_ms);
    name_end(name);
}

void lookups_begin(struct lookups *lookups, struct target *target)
{
    struct name *name = cm_calloc(1, sizeof *name);
    name->lookups = lookups;
    name->target = *target;
    *target = (struct target){0};
    name->began_ms = loop_now(lookups->loop);
    name->deadline = (struct timer){.fire = name_deadline, .owner = name};
    name->after = lookups->names;
    if (name->after)
        name->after->before = name;
    lookups->names = name;
    lookups->count++;
    loop_set_timer(lookups->loop, &name->deadline, name->began_ms + lookups->timeout_ms);
    struct lookup *lookup = resolver_start(lookups->resolver, name->target.name, name_answered, name);
    if (lookup) /* else it has been answered, and name is gone */
        name->lookup = lookup;
}

void lookups_cancel(struct lookups *lookups)
{
    while (lookups->names)
        name_failed(lookups->names, RECORD_ERROR_CANCELLED, NULL);
}
