/* The judges of one collector. One is enough for what changes from day to day; when many chains wait, others sit beside it, each with a
 * database connection and a memory of issuer paths of its own. Rows of the docket are locked by who takes them, so none judges what
 * another does, here or in another collector. */
#ifndef COLLECTOR_JUDGE_PANEL_H
#define COLLECTOR_JUDGE_PANEL_H

#include "collector/judge/judge.h"

struct panel;
struct panel *panel_new(const struct settings *settings, struct state *state);
/* Not during a round. */
void panel_free(struct panel *panel);
/* Puts on the docket what time has changed, and judges until nothing waits, or for a while: *more then. The trust stores stay as they
 * are until it returns. Leaves a transaction of db open when it fails. */
CM_MUST_CHECK int panel_round(struct panel *panel, struct db *db, const struct trust_set *set, bool *more,
                              struct cm_error *error);
/* A connection with the settings of a judge's. */
CM_MUST_CHECK int panel_connect(const struct settings *settings, struct db **out, struct cm_error *error);

#endif
