/* The list of enrolled certificates: a sorted array that is made aside and exchanged whole. */
#include "collector/roster.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"

struct enrolled {
    char fingerprint[CM_SHA256_HEX_SIZE];
    char *scanner;
};

struct list {
    struct enrolled *list;
    size_t count;
};

struct roster {
    atomic_uint edition;
    pthread_mutex_t lock; /* of what follows */
    struct list now;
};

/* As ingest/identity.c asks for one. Some 100 bytes of memory each: of more than 100,000 those that were enrolled last. */
static const char enrolled_sql[] = "SELECT sha256, scanner FROM (SELECT c.sha256, c.scanner FROM scanner_certificate c "
                                   "JOIN scanner s ON s.name = c.scanner"
                                   "  WHERE c.revoked_at IS NULL AND NOT s.disabled AND s.enrolled NOT LIKE 'unix:%'"
                                   "  ORDER BY c.added_at DESC LIMIT 100000) latest ORDER BY sha256 COLLATE \"C\"";

struct roster *roster_new(void)
{
    struct roster *roster = cm_calloc(1, sizeof *roster);
    pthread_mutex_init(&roster->lock, NULL);
    return roster;
}

static void list_done(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->list[i].scanner);
    free(list->list);
}

int roster_read(struct roster *roster, struct db *db, struct cm_error *error)
{
    struct db_result *rows = NULL;
    int code = db_query(db, enrolled_sql, NULL, 0, &rows, error);
    if (!code) {
        struct list fresh = {.count = db_rows(rows)}, old;
        fresh.list = cm_calloc(fresh.count + 1, sizeof *fresh.list);
        for (size_t row = 0; row < fresh.count; row++) {
            snprintf(fresh.list[row].fingerprint, CM_SHA256_HEX_SIZE, "%s", db_text(rows, row, 0));
            fresh.list[row].scanner = cm_strdup(db_text(rows, row, 1));
        }
        pthread_mutex_lock(&roster->lock);
        old = roster->now;
        roster->now = fresh;
        pthread_mutex_unlock(&roster->lock);
        list_done(&old);
        if (atomic_fetch_add(&roster->edition, 1) == UINT32_MAX)
            atomic_fetch_add(&roster->edition, 1); /* 0 means never */
    }
    db_result_free(rows);
    return code;
}

unsigned roster_edition(const struct roster *roster)
{
    return atomic_load(&roster->edition);
}

static int compare(const void *fingerprint, const void *enrolled)
{
    return strcmp(fingerprint, ((const struct enrolled *)enrolled)->fingerprint);
}

bool roster_has(struct roster *roster, const struct peer *peer)
{
    bool has = false;
    pthread_mutex_lock(&roster->lock);
    const struct enrolled *enrolled =
        bsearch(peer->fingerprint, roster->now.list, roster->now.count, sizeof *roster->now.list, compare);
    for (size_t i = 0; enrolled && i < peer->name_count; i++)
        has = has || strcmp(peer->names[i], enrolled->scanner) == 0;
    pthread_mutex_unlock(&roster->lock);
    return has;
}

static int read_again(struct db *db, void *context, struct cm_error *error)
{
    return roster_read(context, db, error);
}

int roster_clerk(const struct settings *settings, struct roster *roster, struct clerk **out, struct cm_error *error)
{
    const struct clerk_work work = {.name = "roster",
                                    .session = "SET statement_timeout = '10s'",
                                    .rest_ms = 2000,
                                    .share = 20,
                                    .round = read_again};
    return clerk_new(settings, &work, roster, out, error);
}

void roster_free(struct roster *roster)
{
    if (!roster)
        return;
    list_done(&roster->now);
    pthread_mutex_destroy(&roster->lock);
    free(roster);
}
