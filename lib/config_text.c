/* Configuration values as people read them. Secrets are in files that keys name, never in keys, but a connection string may hold a password: that is not
 * shown. */
#include "certmuster/config_text.h"

#include <string.h>

/* password=… of a keyword string and :…@ of a URI become ***. */
static void append_dsn(struct buf *out, const char *dsn)
{
    const char *scheme = strstr(dsn, "://"), *at = scheme ? strchr(scheme + 3, '@') : NULL;
    const char *colon = at ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;
    const char *word = strstr(dsn, "password");
    if (colon) {
        buf_append(out, dsn, (size_t)(colon + 1 - dsn));
        buf_appendf(out, "***%s", word ? "" : at);
        if (!word)
            return;
        dsn = at;
    }
    if (!word) {
        buf_append_str(out, dsn);
        return;
    }
    buf_append(out, dsn, (size_t)(word - dsn));
    buf_append_str(out, "password=*** (the rest is not shown)");
}

static void append_number(struct buf *out, const struct config_key *key, int64_t value)
{
    static const struct {
        int64_t size;
        const char *unit;
    } durations[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}},
      bytes[] = {{INT64_C(1) << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, ""}};
    if (key->type == CONFIG_INTEGER) {
        buf_append_i64(out, value);
        return;
    }
    for (size_t i = 0; i < 5; i++) {
        int64_t size = key->type == CONFIG_DURATION ? durations[i].size : bytes[i].size;
        if ((value && value % size == 0) || i == 4) {
            buf_append_i64(out, value / size);
            buf_append_str(out, key->type == CONFIG_DURATION ? durations[i].unit : bytes[i].unit);
            return;
        }
    }
}

void config_text(const struct config *config, const struct config_key *key, struct buf *out)
{
    size_t count = 0;
    const char *text;
    const char *const *list;
    switch (key->type) {
    case CONFIG_STRING:
        text = strcmp(key->name, "host") == 0      ? config_host(config)
               : strcmp(key->name, "scanner") == 0 ? config_scanner(config)
                                                   : config_string(config, key->name);
        if (text && strcmp(key->name, "dsn") == 0)
            append_dsn(out, text);
        else if (text)
            buf_append_str(out, text);
        break;
    case CONFIG_LIST:
        list = config_list(config, key->name, &count);
        for (size_t i = 0; i < count; i++) {
            buf_append_str(out, i ? ", " : "");
            buf_append_str(out, list[i]);
        }
        break;
    case CONFIG_BOOLEAN:
        buf_append_str(out, config_boolean(config, key->name) ? "true" : "false");
        break;
    default:
        append_number(out, key, config_integer(config, key->name));
    }
}
