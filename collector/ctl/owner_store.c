/* Owners and rules in the database: replaced as a whole, and every place assigned anew, in one transaction.
 *
 * location_state is locked against writers meanwhile: a batch that the collector stores waits, and then sees the new rules. */
#include "collector/ctl/owner_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "collector/ctl/audit.h"

enum { TRIES = 3, ROW_MAX = 64 * 1024 };

/* A text[] literal: every element quoted (PostgreSQL manual, 8.15.6). */
static void append_array(struct buf *out, const char *const *texts, size_t count)
{
    buf_append_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        buf_append_str(out, i ? ",\"" : "\"");
        for (const char *c = texts[i]; *c; c++) {
            if (*c == '"' || *c == '\\')
                buf_append_char(out, '\\');
            buf_append_char(out, *c);
        }
        buf_append_char(out, '"');
    }
    buf_append_char(out, '}');
}

static void field(struct buf *row, bool first, const char *text)
{
    db_copy_field(row, first, text, text ? strlen(text) : 0);
}

static int end_row(struct db *db, struct buf *row, struct cm_error *error)
{
    buf_append_char(row, '\n');
    if (row->failed)
        return error_set(error, CM_ELIMIT, 0, "a row of the owners file is too long");
    int code = db_copy_data(db, row->data, row->size, error);
    buf_reset(row);
    return code;
}

/* After a failure the COPY is given up, and the first error stays the one to tell. */
static int end_copy(struct db *db, int code, struct cm_error *error)
{
    struct cm_error ignored;
    int ended = db_copy_end(db, code != 0, code ? &ignored : error);
    return code ? code : ended;
}

static int copy_owners(struct db *db, const struct owner_set *set, struct cm_error *error)
{
    struct buf row, emails;
    buf_init(&row, ROW_MAX);
    buf_init(&emails, ROW_MAX);
    int code =
        db_copy_begin(db, "COPY owner (name, email, webhook, contact, environment, criticality) FROM STDIN", error);
    bool begun = !code;
    for (size_t i = 0; i < set->owner_count && !code; i++) {
        const struct owner_entry *owner = &set->owners[i];
        buf_reset(&emails);
        append_array(&emails, owner->email, owner->email_count);
        field(&row, true, owner->name);
        field(&row, false, emails.data);
        field(&row, false, owner->webhook);
        field(&row, false, owner->contact);
        field(&row, false, owner->environment);
        field(&row, false, owner->criticality);
        code = end_row(db, &row, error);
    }
    buf_done(&row);
    buf_done(&emails);
    return begun ? end_copy(db, code, error) : code;
}

static int copy_rules(struct db *db, const struct owner_set *set, struct cm_error *error)
{
    struct buf row;
    buf_init(&row, ROW_MAX);
    int code = db_exec(
        db,
        "CREATE TEMPORARY TABLE new_rule (position integer, owner text, name text, cidr cidr, path text, issuer text,"
        " realm text) ON COMMIT DROP",
        error);
    if (!code)
        code = db_copy_begin(db, "COPY new_rule FROM STDIN", error);
    bool begun = !code;
    for (size_t i = 0; i < set->rule_count && !code; i++) {
        const struct owner_rule *rule = &set->rules[i];
        char position[24];
        snprintf(position, sizeof position, "%zu", i + 1);
        field(&row, true, position);
        field(&row, false, rule->owner);
        field(&row, false, rule->name);
        field(&row, false, rule->cidr);
        field(&row, false, rule->path);
        field(&row, false, rule->issuer);
        field(&row, false, rule->realm);
        code = end_row(db, &row, error);
    }
    buf_done(&row);
    if (begun)
        code = end_copy(db, code, error);
    if (code)
        return code;
    return db_exec(
        db,
        "INSERT INTO owner_rule (position, owner, name_like, cidr, path_like, issuer_like, realm)"
        " SELECT position, owner, owner_glob(lower(name)), cidr, owner_glob(path), owner_glob(lower(issuer)), realm"
        " FROM new_rule",
        error);
}

static int reassign(struct db *db, struct owner_change *out, struct cm_error *error)
{
    struct db_result *changed = NULL, *counts = NULL;
    int code = db_query(db,
                        "UPDATE location_state st SET owner = n.owner"
                        " FROM owners_of((SELECT array_agg(location_id) FROM location_state)) n"
                        " WHERE st.location_id = n.location_id AND st.owner IS DISTINCT FROM n.owner",
                        NULL, 0, &changed, error);
    if (!code)
        code = db_query(db, "SELECT count(*), count(*) FILTER (WHERE owner IS NULL) FROM location_state", NULL, 0,
                        &counts, error);
    if (!code)
        *out = (struct owner_change){.reassigned = db_affected(changed),
                                     .places = db_integer(counts, 0, 0),
                                     .unowned = db_integer(counts, 0, 1)};
    db_result_free(changed);
    db_result_free(counts);
    return code;
}

static int note(struct db *db, const struct owner_set *set, const char *file, const struct owner_change *change,
                struct cm_error *error)
{
    char owners[24], rules[24], reassigned[24];
    snprintf(owners, sizeof owners, "%zu", set->owner_count);
    snprintf(rules, sizeof rules, "%zu", set->rule_count);
    snprintf(reassigned, sizeof reassigned, "%" PRId64, change->reassigned);
    char *detail = audit_detail("owners", owners, "rules", rules, "places_reassigned", reassigned, NULL);
    int code = audit_note(db, "owner.load", file, detail, error);
    free(detail);
    return code;
}

static int store_once(struct db *db, const struct owner_set *set, const char *file, struct owner_change *out,
                      struct cm_error *error)
{
    int code = db_exec(db,
                       "BEGIN; LOCK TABLE owner, owner_rule IN SHARE ROW EXCLUSIVE MODE; SELECT places_hold();"
                       " DELETE FROM owner_rule; DELETE FROM owner",
                       error);
    if (!code)
        code = copy_owners(db, set, error);
    if (!code)
        code = copy_rules(db, set, error);
    if (!code)
        code = reassign(db, out, error);
    if (!code)
        code = note(db, set, file, out, error);
    if (!code)
        return db_exec(db, "COMMIT", error);
    db_rollback(db);
    return code;
}

int owner_store(struct db *db, const struct owner_set *set, const char *file, struct owner_change *out,
                struct cm_error *error)
{
    int code = CM_ECONFLICT;
    for (int turn = 0; turn < TRIES && code == CM_ECONFLICT; turn++)
        code = store_once(db, set, file, out, error);
    return code;
}
