/* Acknowledging, through a connection of role certmuster_operate that is made when it is first needed and closed when it is not.
 *
 * What is acknowledged is every open alert of the certificate (sql/0004: one per owner), at the threshold that holds now: a tighter one
 * speaks up again. A certificate without an open alert has nothing to acknowledge, and browse says why instead of making one up: alerts are
 * level-triggered, and only the collector, which sees all places, decides that one is true. */
#include "report/browse/acknowledge.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/log.h"
#include "report/browse/detail.h"
#include "report/browse/list.h"

enum { NOTE_MAX = 400 };

static const char acknowledge_sql[] =
    "WITH done AS MATERIALIZED (SELECT FROM alert_acknowledge(decode($1, 'hex'), NULL, $2, nullif($3, ''), false))"
    " SELECT (SELECT count(*) FROM done), expiry_threshold(c.not_before, c.not_after, now()), c.display_name, c.in_use,"
    "        CASE WHEN EXISTS (SELECT FROM done) THEN"
    "          audit_append($2, 'alert.acknowledge', $1,"
    "                       json_strip_nulls(json_build_object('note', nullif($3, '')))::text) END"
    "   FROM browse_certificate c WHERE c.sha256 = decode($1, 'hex')";

static const char undo_sql[] =
    "WITH done AS MATERIALIZED (SELECT FROM alert_acknowledge(decode($1, 'hex'), NULL, $2, NULL, true))"
    " SELECT (SELECT count(*) FROM done), expiry_threshold(c.not_before, c.not_after, now()), c.display_name, c.in_use,"
    "        CASE WHEN EXISTS (SELECT FROM done) THEN audit_append($2, 'alert.unacknowledge', $1, '{}') END"
    "   FROM browse_certificate c WHERE c.sha256 = decode($1, 'hex')";

struct acknowledge_job {
    struct link_job job;
    bool undo;
    char fingerprint[65], actor[64], note[NOTE_MAX + 1], name[256];
    int64_t alerts; /* changed */
    bool due, in_use, found;
};

/* Who did it: the login name of who runs browse, as far as the system tells; behind sudo, of who called it. */
static void actor_name(char out[static 64])
{
    const struct passwd *user = getpwuid(getuid());
    const char *sudo = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
    if (sudo && *sudo)
        snprintf(out, 64, "%s", sudo);
    else if (user && user->pw_name[0])
        snprintf(out, 64, "%s", user->pw_name);
    else
        snprintf(out, 64, "uid %ld", (long)getuid());
}

static int run(struct link_job *job, struct db *db, struct cm_error *error)
{
    struct acknowledge_job *ack = (struct acknowledge_job *)job;
    const char *parameters[] = {ack->fingerprint, ack->actor, ack->note};
    struct db_result *result = NULL;
    int code = db_query(db, ack->undo ? undo_sql : acknowledge_sql, parameters, ack->undo ? 2 : 3, &result, error);
    if (code)
        return code;
    if (db_rows(result) > 0) {
        ack->found = true;
        ack->alerts = db_integer(result, 0, 0);
        ack->due = !db_is_null(result, 0, 1);
        ack->in_use = db_boolean(result, 0, 3);
        snprintf(ack->name, sizeof ack->name, "%s", db_text(result, 0, 2));
    }
    db_result_free(result);
    return CM_OK;
}

static void done(struct link_job *job, int code, const struct cm_error *error, void *context)
{
    struct acknowledge_job *ack = (struct acknowledge_job *)job;
    struct browse *browse = context;
    if (code == CM_EAUTH)
        browse_notice(browse, PAINT_BAD, "You may not acknowledge: %s. It takes role certmuster_operate.",
                      error->detail);
    else if (code)
        browse_notice(browse, PAINT_BAD, "Not acknowledged: %s (%s)", error->reason, error->detail);
    else if (!ack->found)
        browse_notice(browse, PAINT_WARN, "The certificate is not in the inventory any more.");
    else if (ack->alerts > 0)
        browse_notice(browse, PAINT_GOOD, ack->undo ? "Acknowledgement of %s taken back." : "Acknowledged: %s.",
                      ack->name);
    else if (ack->undo)
        browse_notice(browse, PAINT_WARN, "Nobody has acknowledged an alert for %s.", ack->name);
    else if (ack->due && ack->in_use)
        browse_notice(browse, PAINT_WARN, "Its alert is not open yet; the collector opens it within a minute.");
    else if (ack->due)
        browse_notice(browse, PAINT_WARN, "Nothing to acknowledge: trust stores, and what is nowhere, alert nobody.");
    else
        browse_notice(browse, PAINT_WARN, "Nothing to acknowledge: alerts open 30 days before the end or later.");
    if (!code)
        browse_refresh(browse);
}

static void discard(struct link_job *job)
{
    free(job);
}

static void submit(struct browse *browse, const char *fingerprint, bool undo, const char *note)
{
    struct acknowledge_job *ack = cm_calloc(1, sizeof *ack);
    ack->job = (struct link_job){run, done, discard};
    ack->undo = undo;
    snprintf(ack->fingerprint, sizeof ack->fingerprint, "%s", fingerprint);
    /* The line editor is bounded above NOTE_MAX; cut between characters. */
    size_t size = strlen(note);
    if (size > NOTE_MAX)
        for (size = NOTE_MAX; size > 0 && ((unsigned char)note[size] & 0xC0) == 0x80;)
            size--;
    memcpy(ack->note, note, size);
    actor_name(ack->actor);
    link_submit(browse->link[BROWSE_LINK_OPERATE], SLOT_ACKNOWLEDGE, &ack->job);
}

static const char *present(const struct browse *browse)
{
    return browse->view == VIEW_DETAIL ? browse->detail->fingerprint : list_selected(browse);
}

static void note_accepted(struct browse *browse, const char *text)
{
    submit(browse, browse->acknowledging, false, text);
}

void acknowledge_ask(struct browse *browse, int argument)
{
    (void)argument;
    const char *fingerprint = present(browse);
    if (!fingerprint)
        return;
    /* The list may move under the prompt: what was selected when the key was pressed is meant. */
    snprintf(browse->acknowledging, sizeof browse->acknowledging, "%s", fingerprint);
    browse_ask(browse, "Acknowledge, with a note (may stay empty): ", "", NULL, note_accepted, NULL);
}

void acknowledge_undo(struct browse *browse, int argument)
{
    (void)argument;
    const char *fingerprint = present(browse);
    if (fingerprint)
        submit(browse, fingerprint, true, "");
}

void acknowledge_watch(struct browse *browse)
{
    struct link_status status;
    link_status(browse->link[BROWSE_LINK_OPERATE], &status);
    if (status.state != LINK_AWAY || !status.busy)
        return;
    link_drop(browse->link[BROWSE_LINK_OPERATE], SLOT_ACKNOWLEDGE);
    browse_notice(browse, PAINT_BAD,
                  status.refused ? "You may not acknowledge: %s" : "Not acknowledged, the database is away: %s",
                  status.message);
}
