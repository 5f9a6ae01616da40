/* The configured trust stores, and which file each name stands for in the inventory (table trust_store): written down, so that a store
 * which was exchanged while no collector ran is noticed too, and so that two collectors with different files do not overrule each other
 * for ever. The one that found a new file last counts. How long a store is kept that not every collector names: trust_hold.c. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/log.h"
#include "collector/judge/trust.h"

#define SYSTEM_STORE "system"

static bool name_known(const struct trust_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(trust_name(set->stores[i]), name) == 0)
            return true;
    return false;
}

static int add_line(struct trust_set *set, const char *line, struct cm_error *error)
{
    char name[TRUST_NAME_SIZE];
    const char *equals = strchr(line, '=');
    size_t size = equals ? (size_t)(equals - line) : 0;
    bool good = size > 0 && size < sizeof name && equals[1] == '/' && set->count < TRUST_STORES_MAX;
    for (size_t i = 0; good && i < size; i++)
        good = isalnum((unsigned char)line[i]) || strchr("-_.", line[i]);
    if (!good)
        return error_setf(error, CM_EINVAL, 0, "trust.stores holds at most 31 lines NAME=/FILE", "%.100s", line);
    memcpy(name, line, size);
    name[size] = '\0';
    if (name_known(set, name))
        return error_setf(error, CM_EINVAL, 0, "trust.stores says a name twice, or that of the system's", "%.100s",
                          name);
    set->stores[set->count++] = trust_new(name, equals + 1);
    return 0;
}

int trust_set_new(const struct settings *settings, struct trust_set **out, struct cm_error *error)
{
    struct trust_set *set = cm_calloc(1, sizeof *set);
    size_t count = 0;
    const char *const *lines = config_list(settings->config, "trust.stores", &count);
    int code = 0;
    set->settings = settings;
    set->stores[set->count++] = trust_new(SYSTEM_STORE, config_string(settings->config, "collector.trust_store"));
    for (size_t i = 0; !code && i < count; i++)
        code = add_line(set, lines[i], error);
    if (code)
        trust_set_free(set);
    else
        *out = set;
    return code;
}

void trust_set_free(struct trust_set *set)
{
    for (size_t i = 0; set && i < set->count; i++)
        trust_free(set->stores[i]);
    free(set);
}

/* The new digest, the docket of all chains and the row of the audit log are there together, or neither. */
static int note(const struct trust *trust, struct db *db, struct cm_error *error)
{
    int64_t chains = -1;
    int code = trust_note(trust, db, &chains, error);
    if (!code && chains >= 0)
        log_event(LOG_LEVEL_INFO, "trust_store_changed", "store=%s chains=%lld", trust_name(trust), (long long)chains);
    return code;
}

/* Whether the inventory's verdicts are by the file that is in use here. A row that has vanished, with the verdicts or without them, is noted
 * anew by the next round, which says before that the store is in use. */
static int compare(struct trust_set *set, size_t i, struct db *db, struct cm_error *error)
{
    struct db_result *rows = NULL;
    const char *params[] = {trust_name(set->stores[i]), trust_digest(set->stores[i])};
    int code = db_query(db, "SELECT digest = $2 FROM trust_store WHERE name = $1", params, 2, &rows, error);
    set->usable[i] = !code && db_rows(rows) == 1 && db_boolean(rows, 0, 0);
    if (!code && db_rows(rows) == 0) {
        log_event(LOG_LEVEL_WARN, "trust_store_vanished", "store=%s", trust_name(set->stores[i]));
        set->noted[i][0] = '\0';
        set->hold_due_ms = 0;
    }
    db_result_free(rows);
    return code;
}

static int refresh(struct trust_set *set, size_t i, struct db *db, struct cm_error *error)
{
    struct trust *trust = set->stores[i];
    struct cm_error trouble = {0};
    int code = trust_refresh(trust, &trouble);
    if (code && !set->told[i])
        log_event(LOG_LEVEL_ERROR, "trust_store", "store=%s %s", trust_name(trust), log_error(&trouble));
    set->told[i] = set->told[i] || code;
    set->usable[i] = false;
    if (!trust_anchors(trust))
        return 0;
    if (!code)
        set->told[i] = false;
    if (strcmp(set->noted[i], trust_digest(trust)) != 0) {
        code = note(trust, db, error);
        if (code)
            return code;
        memcpy(set->noted[i], trust_digest(trust), sizeof set->noted[i]);
    }
    return compare(set, i, db, error);
}

int trust_set_refresh(struct trust_set *set, struct db *db, struct cm_error *error)
{
    int code = trust_set_hold(set, db, error);
    for (size_t i = 0; !code && i < set->count; i++)
        code = refresh(set, i, db, error);
    return code;
}
