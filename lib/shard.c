/* The flags that a sweep may pass to scanners on other machines. A list of what is harmless, not of what is not. */
#include "certmuster/shard.h"

#include <stddef.h>
#include <string.h>

enum { VALUE_MAX = 64 };

static const struct flag {
    const char *kind, *name;
    bool has_value;
} flags[] = {
    {"scan", "--timeout", true},    {"scan", "--starttls", true},      {"scan", "--parallel", true},
    {"scan", "--rate", true},       {"scan", "--threads", true},       {"scan", "--flight-limit", true},
    {"scan", "--prove", false},     {"scan", "--polite", false},       {"crawl", "--max-depth", true},
    {"crawl", "--max-ratio", true}, {"crawl", "--max-unpacked", true}, {"crawl", "--max-entries", true},
    {"crawl", "--max-time", true},
};

static bool is_plain(const char *value)
{
    size_t size = strlen(value);
    return size > 0 && size <= VALUE_MAX &&
           strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.") == size;
}

bool shard_argument_allowed(const char *kind, const char *argument)
{
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        size_t size = strlen(flags[i].name);
        if (strcmp(flags[i].kind, kind) != 0 || strncmp(argument, flags[i].name, size) != 0)
            continue;
        if (flags[i].has_value ? argument[size] == '=' && is_plain(argument + size + 1) : argument[size] == 0)
            return true;
    }
    return false;
}

const char *shard_arguments(const char *kind)
{
    return strcmp(kind, "scan") == 0
               ? "--timeout, --starttls, --parallel, --rate, --threads, --flight-limit, --prove, --polite"
               : "--max-depth, --max-ratio, --max-unpacked, --max-entries, --max-time";
}
