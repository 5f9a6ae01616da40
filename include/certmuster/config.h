/* Configuration: one table row per key (lib/config_table.c: name, type, range, unit, default, help), read from YAML by libyaml.
 *
 * Order: --config FILE, else $CERTMUSTER_CONFIG, else $CERTMUSTER_HOME/certmuster.yaml (the home of home.h), else
 * /etc/certmuster/certmuster.yaml, else defaults. Nested maps become dotted keys ("alerts.smtp.url"). An unknown key, a wrong
 * type or a value out of range is an error with file and line. `certmuster-ctl config` prints the table with values. */
#ifndef CERTMUSTER_CONFIG_H
#define CERTMUSTER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certmuster/error.h"

/* CONFIG_WORD: one of some words; these stand in the default's place, "auto, require, never", the default first. */
enum config_type {
    CONFIG_STRING,
    CONFIG_WORD,
    CONFIG_INTEGER,
    CONFIG_BOOLEAN,
    CONFIG_DURATION, /* ms */
    CONFIG_BYTES,
    CONFIG_LIST
};

struct config_key {
    const char *name; /* "realm", "collector.url", "spool.max_bytes", … */
    enum config_type type;
    int64_t minimum, maximum; /* of integers, durations (ms) and bytes; both 0: unbounded */
    const char *fallback;     /* the default, as it would stand in the file; NULL: unset */
    const char *help;         /* one sentence */
};

struct config; /* immutable once loaded */

extern const struct config_key config_keys[]; /* ends with a NULL name */

/* path NULL: the search above. A missing file is only an error when it was named. */
CM_MUST_CHECK int config_load(const char *path, struct config **out, struct cm_error *error);
void config_free(struct config *config);
const char *config_path(const struct config *config); /* the file read, NULL when none */
/* "512MiB" as the table's sizes are written, for flags that mean the same as a key. */
CM_MUST_CHECK bool config_read_bytes(const char *text, int64_t *out);
/* The value of a flag that means the same as this key, an integer, a duration (a bare number: seconds) or a size, within the key's range. CM_EINVAL
 * with what the flag takes as detail: "a whole number from 1 to 64". The key must be in the table (asserted). */
CM_MUST_CHECK int config_read_flag(const char *key, const char *text, int64_t *out, struct cm_error *error);
/* The key must be in the table (asserted). Strings, words and lists lend until config_free; NULL when unset. */
const char *config_string(const struct config *config, const char *key);
int64_t config_integer(const struct config *config, const char *key); /* integers, durations (ms), bytes */
bool config_boolean(const struct config *config, const char *key);
const char *const *config_list(const struct config *config, const char *key, size_t *count);
/* The configured `host`, or the lower-case FQDN of this machine. Lends. */
const char *config_host(const struct config *config);
/* The configured `scanner` name, or the host. Lends. */
const char *config_scanner(const struct config *config);

#endif
