/* One event per line on stderr: "certmuster-scan: event key=value key=\"two words\"". Values are escaped for a terminal.
 * Nothing secret, never key material. Under systemd (JOURNAL_STREAM) a priority prefix <N> is added. */
#ifndef CERTMUSTER_LOG_H
#define CERTMUSTER_LOG_H

#include "certmuster/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* program lends for the life of the process: "certmuster-scan". */
void log_init(const char *program, enum log_level level);
void log_set_level(enum log_level level);
const char *log_program(void);

/* log_event(LOG_LEVEL_WARN, "batch_refused", "url", url, "status", "%d", status, NULL) would need types; keep it simple:
 * event is a static word, then one printf format of key=value text; arguments that come from outside go through log_quote. */
void log_event(enum log_level level, const char *event, const char *format, ...) CM_PRINTF(3, 4);
/* Escapes and quotes into one of four rotating thread-local buffers, cut at 500 bytes. */
const char *log_quote(const char *text);
/* key=value text of an error: reason="…" offset=… detail="…"; the same rotating buffers. */
const char *log_error(const struct cm_error *error);

/* For people at a prompt: "certmuster-scan: cannot read targets.txt: No such file or directory" on stderr. */
void say_error(const char *format, ...) CM_PRINTF(1, 2);

#endif
