/* What a sweep may pass to scanners on other machines. A list of what is harmless, not of what is not; values are read as the scanners read them. */
#include "certmuster/shard.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "certmuster/config.h"
#include "certmuster/starttls.h"

enum { VALUE_MAX = 64 };

static int read_protocol(const char *value, struct cm_error *error)
{
    enum starttls ignored;
    return starttls_read(value, &ignored) ? error_setf(error, CM_EINVAL, 0, "no such protocol", "%s", STARTTLS_NAMES)
                                          : 0;
}

static const struct flag {
    const char *kind, *name;
    const char *key; /* of the configuration, that means the same */
    int (*read)(const char *value, struct cm_error *error);
} flags[] = {
    {"scan", "--timeout", "scan.timeout", NULL},
    {"scan", "--starttls", NULL, read_protocol},
    {"scan", "--parallel", "scan.parallel", NULL},
    {"scan", "--rate", "scan.rate", NULL},
    {"scan", "--threads", "scan.threads", NULL},
    {"scan", "--flight-limit", "scan.flight_limit", NULL},
    {"scan", "--prove", NULL, NULL}, /* takes no value */
    {"scan", "--polite", NULL, NULL},
    {"crawl", "--max-depth", "crawl.max_depth", NULL},
    {"crawl", "--max-ratio", "crawl.max_ratio", NULL},
    {"crawl", "--max-unpacked", "crawl.max_unpacked", NULL},
    {"crawl", "--max-entries", "crawl.max_entries", NULL},
    {"crawl", "--max-time", "crawl.max_time", NULL},
};

static bool is_plain(const char *value)
{
    size_t size = strlen(value);
    return size > 0 && size <= VALUE_MAX &&
           strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.") == size;
}

int shard_argument_check(const char *kind, const char *argument, struct cm_error *error)
{
    size_t size = strcspn(argument, "=");
    const char *value = argument[size] ? argument + size + 1 : NULL;
    int64_t ignored;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        const struct flag *flag = &flags[i];
        bool has_value = flag->key || flag->read;
        if (strcmp(flag->kind, kind) != 0 || strlen(flag->name) != size || strncmp(argument, flag->name, size) != 0 ||
            has_value != (value && is_plain(value)) || (!has_value && value))
            continue;
        return flag->read  ? flag->read(value, error)
               : flag->key ? config_read_flag(flag->key, value, &ignored, error)
                           : 0;
    }
    return error_set(error, CM_ENOTFOUND, 0, "not a flag that others may say");
}

const char *shard_arguments(const char *kind)
{
    return strcmp(kind, "scan") == 0
               ? "--timeout, --starttls, --parallel, --rate, --threads, --flight-limit, --prove, --polite"
               : "--max-depth, --max-ratio, --max-unpacked, --max-entries, --max-time";
}

const char *shard_target_wrong(const char *kind, const char *target)
{
    size_t size = strlen(target);
    if (size == 0)
        return "it is empty";
    if (size > SHARD_TARGET_MAX)
        return "it is longer than 4000 bytes";
    if (strcspn(target, "\r\n") != size)
        return "it has a line break";
    if (strcmp(kind, "crawl") == 0 && *target != '/')
        return "a crawl's paths begin with /";
    return NULL;
}

size_t shard_path_bytes(const char *path)
{
    return strlen(path) + 1 + sizeof path;
}
