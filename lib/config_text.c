/* Configuration values as people read them. Secrets are in files that keys name, never in keys, but a connection string or a URL may
 * hold a password: that is not shown. */
#include "certmuster/config_text.h"

#include <string.h>

/* What follows password= is not shown, nor what stands between the first colon and the last @ of a URI's authority. */
static void append_masked(struct buf *out, const char *text)
{
    const char *scheme = strstr(text, "://");
    const char *begin = scheme ? scheme + 3 : text, *end = begin + strcspn(begin, "/?#"), *at = NULL;
    for (const char *c = begin; scheme && c < end; c++)
        at = *c == '@' ? c : at;
    const char *colon = at ? memchr(begin, ':', (size_t)(at - begin)) : NULL;
    if (colon) {
        buf_append(out, text, (size_t)(colon + 1 - text));
        buf_append_str(out, "***");
        text = at;
    }
    const char *word = strstr(text, "password");
    buf_append(out, text, word ? (size_t)(word - text) : strlen(text));
    if (word)
        buf_append_str(out, "password=*** (the rest is not shown)");
}

void config_text_number(const struct config_key *key, int64_t value, struct buf *out)
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
    case CONFIG_WORD:
        text = strcmp(key->name, "host") == 0      ? config_host(config)
               : strcmp(key->name, "scanner") == 0 ? config_scanner(config)
                                                   : config_string(config, key->name);
        if (text && (strcmp(key->name, "dsn") == 0 || strstr(text, "://")))
            append_masked(out, text);
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
        config_text_number(key, config_integer(config, key->name), out);
    }
}
