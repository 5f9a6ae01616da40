/* What this collector works with, noted in the inventory: at the start, and when a file that says whom it trusts has become another.
 * configuration_note() of sql/0018_proof.sql compares it with what was noted before, and leaves a row in the audit log when it changed.
 * Passwords stay out, and so does all of a webhook but its host: the rest often is one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "certmuster/config_text.h"
#include "certmuster/encode.h"
#include "certmuster/escape.h"
#include "certmuster/ids.h"
#include "certmuster/log.h"
#include "collector/alert/alert.h"
#include "collector/judge/judge.h"
#include "collector/transaction.h"

enum { VALUE_MAX = 64 * 1024, TEXT_MAX = 1024 * 1024, FILE_MAX = 1 << 20 };

/* Whose contents count: whose certificates let scanners in, and what the collector shows of itself. */
static const char *const files[] = {"collector.tls.cert", "collector.tls.client_ca", "alerts.ca"};
enum { FILE_COUNT = sizeof files / sizeof files[0] };

struct configuration {
    const struct settings *settings;
    struct stat seen[FILE_COUNT];
    bool noted;
};

struct configuration *configuration_new(const struct settings *settings)
{
    struct configuration *own = cm_calloc(1, sizeof *own);
    own->settings = settings;
    return own;
}

void configuration_free(struct configuration *own)
{
    free(own);
}

static bool is_ours(const char *key)
{
    static const char *const ours[] = {"realm", "dsn", "collector.", "trust.", "alerts."};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strncmp(key, ours[i], strlen(ours[i])) == 0)
            return true;
    return false;
}

static void add_member(struct buf *out, const char *name, const char *text, size_t size)
{
    buf_append_str(out, out->size > 1 ? ",\"" : "\"");
    buf_append_str(out, name);
    buf_append_str(out, "\":\"");
    escape_json(out, text, size);
    buf_append_char(out, '"');
}

static void add_digest(struct buf *out, const char *key, const char *path)
{
    char name[64], hex[CM_SHA256_HEX_SIZE];
    unsigned char digest[CM_SHA256_SIZE];
    char *text = cm_malloc(FILE_MAX);
    FILE *file = fopen(path, "re");
    size_t size = file ? fread(text, 1, FILE_MAX, file) : 0;
    if (file)
        fclose(file);
    sha256_bytes(text, size, digest);
    hex_write(hex, digest, sizeof digest);
    snprintf(name, sizeof name, "%s sha256", key);
    add_member(out, name, file ? hex : "unreadable", strlen(file ? hex : "unreadable"));
    free(text);
}

/* scheme://host: neither who logs in there nor what follows. */
static void append_webhook(struct buf *out, const char *url)
{
    const char *scheme = strstr(url, "://");
    buf_append(out, url, scheme ? (size_t)(scheme + 3 - url) : 0);
    alert_webhook_host(out, url);
}

/* A JSON object of everything that bears on the inventory, the command line's words over the file's. */
static void write_text(const struct configuration *own, struct buf *out)
{
    const struct settings *settings = own->settings;
    struct buf value;
    buf_init(&value, VALUE_MAX);
    buf_append_char(out, '{');
    for (const struct config_key *key = config_keys; key->name; key++) {
        buf_reset(&value);
        if (!is_ours(key->name))
            continue;
        if (strcmp(key->name, "alerts.fallback.webhook") != 0)
            config_text(settings->config, key, &value);
        else if (config_string(settings->config, key->name))
            append_webhook(&value, config_string(settings->config, key->name));
        if (value.size)
            add_member(out, key->name, value.data, value.size);
    }
    for (size_t i = 0; i < FILE_COUNT; i++)
        if (config_string(settings->config, files[i]))
            add_digest(out, files[i], config_string(settings->config, files[i]));
    buf_reset(&value);
    for (size_t i = 0; i < settings->uid_count; i++)
        buf_appendf(&value, "%s%u", i ? " " : "", (unsigned)settings->uids[i]);
    add_member(out, "uids on the unix socket", value.data, value.size);
    buf_append_char(out, '}');
    buf_done(&value);
}

static bool files_changed(struct configuration *own)
{
    bool changed = false;
    for (size_t i = 0; i < FILE_COUNT; i++) {
        const char *path = config_string(own->settings->config, files[i]);
        struct stat now = {.st_ino = 0}, *seen = &own->seen[i];
        if (path && stat(path, &now) != 0)
            now = (struct stat){.st_ino = 0};
        changed = changed || now.st_ino != seen->st_ino || now.st_size != seen->st_size ||
                  now.st_mtim.tv_sec != seen->st_mtim.tv_sec || now.st_mtim.tv_nsec != seen->st_mtim.tv_nsec;
        *seen = now;
    }
    return changed;
}

int configuration_round(struct configuration *own, struct db *db, struct cm_error *error)
{
    struct db_result *rows = NULL;
    struct buf name, text;
    if (!files_changed(own) && own->noted)
        return 0;
    buf_init(&name, VALUE_MAX);
    buf_init(&text, TEXT_MAX);
    settings_name(own->settings, &name);
    write_text(own, &text);
    const char *params[] = {name.data, text.data};
    int code = text.failed ? error_set(error, CM_ELIMIT, 0, "the configuration is too large to be noted")
                           : transaction_query(db, "SELECT configuration_note($1, $2::jsonb)", params, 2, &rows, error);
    if (!code && db_rows(rows) && db_boolean(rows, 0, 0))
        log_event(LOG_LEVEL_INFO, "configuration_noted", "collector=%s", log_quote(name.data));
    own->noted = !code;
    db_result_free(rows);
    buf_done(&name);
    buf_done(&text);
    return code;
}
