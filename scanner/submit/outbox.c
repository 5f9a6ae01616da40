/* Finding what waits and where it goes: operands, or the configured spool and those of scanners that gave up root's rights. Delivering is in segments.c and plain.c. */
#include "scanner/submit/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/home.h"
#include "certmuster/ids.h"
#include "certmuster/log.h"
#include "certmuster/timefmt.h"
#include "scanner/submit/plain.h"
#include "scanner/submit/segments.h"

/* Where to deliver, into url; false when nothing says so. */
static bool choose_url(const char *to, const struct config *config, const struct home *home,
                       char url[static OUTBOX_URL_SIZE])
{
    const char *configured = config_string(config, "collector.url");
    if (to)
        snprintf(url, OUTBOX_URL_SIZE, "%s", to);
    else if (configured && *configured)
        snprintf(url, OUTBOX_URL_SIZE, "%s", configured);
    else if (home->exists)
        snprintf(url, OUTBOX_URL_SIZE, "unix:%s", home->collector_socket);
    else
        return false;
    return true;
}

int outbox_open(struct outbox *outbox, const struct config *config, const char *to, char *const *operands,
                int operand_count)
{
    struct home home = {.exists = false};
    struct cm_error error;
    uint8_t random[CM_UUID_SIZE];
    outbox->config = config;
    outbox->operands = operands;
    outbox->operand_count = operand_count;
    int code = home_find(&home, &error);
    if (!choose_url(to, config, &home, outbox->url)) {
        say_error("no collector is known: say --to URL, set collector.url, or start one with: certmuster up");
        return CM_EXIT_FAILED;
    }
    const char *spool = config_string(config, "spool.dir");
    bool is_configured = spool && *spool;
    if (operand_count == 0 && !is_configured && code) {
        say_error("%s", error.reason);
        return CM_EXIT_FAILED;
    }
    if (operand_count == 0)
        snprintf(outbox->spool, sizeof outbox->spool, "%s", is_configured ? spool : home.spool);
    struct http_options http_options = {.url = outbox->url,
                                        .tls_cert = config_string(config, "submit.tls.cert"),
                                        .tls_key = config_string(config, "submit.tls.key"),
                                        .tls_ca = config_string(config, "submit.tls.ca")};
    code = http_open(&http_options, &outbox->delivery.http, &error);
    if (code) {
        say_error("%s: %s", error.reason, error.detail);
        return code == CM_EINVAL && to ? CM_EXIT_USAGE : CM_EXIT_FAILED;
    }
    uuid_v7(random);
    memcpy(&outbox->delivery.jitter, random + CM_UUID_SIZE - sizeof outbox->delivery.jitter,
           sizeof outbox->delivery.jitter);
    outbox->delivery.taken_ms = clock_monotonic_ms();
    return CM_EXIT_OK;
}

void outbox_close(struct outbox *outbox)
{
    http_close(outbox->delivery.http);
}

/* Where records of this machine wait: the configured spool, and those of scanners which gave up root's rights, if they are there and ours to empty. */
static int find_spools(const char *dir, char *out[static OUTBOX_SPOOLS])
{
    struct stat status;
    int count = 0;
    out[count] = cm_strdup(dir);
    count += stat(dir, &status) == 0 || errno != ENOENT; /* else nothing was ever spooled */
    if (count == 0)
        free(out[0]);
    for (const char *const *source = spool_sources; *source; source++) {
        out[count] = spool_own_dir(dir, *source);
        if (lstat(out[count], &status) == 0 && S_ISDIR(status.st_mode) && access(out[count], R_OK | W_OK | X_OK) == 0)
            count++;
        else
            free(out[count]);
    }
    return count;
}

static void deliver_one(struct outbox *outbox, const char *path, struct submit_totals *totals)
{
    struct stat status;
    if (strcmp(path, "-") != 0 && stat(path, &status) != 0) {
        submit_unreadable(totals, "cannot read %s: %s", path, strerror(errno));
    } else if (strcmp(path, "-") != 0 && S_ISDIR(status.st_mode)) {
        segments_drain(path, &outbox->delivery, config_scanner(outbox->config), outbox->quiet, totals);
    } else {
        plain_deliver(path, &outbox->delivery, totals);
    }
}

/* The paths to deliver; *owned are to be freed by the caller. */
static char *const *paths_of(const struct outbox *outbox, char *spools[static OUTBOX_SPOOLS], int *count, int *owned)
{
    *owned = outbox->operand_count ? 0 : find_spools(outbox->spool, spools);
    *count = outbox->operand_count ? outbox->operand_count : *owned;
    return outbox->operand_count ? outbox->operands : spools;
}

void outbox_drain(struct outbox *outbox, struct submit_totals *totals)
{
    char *spools[OUTBOX_SPOOLS];
    int count, owned;
    char *const *paths = paths_of(outbox, spools, &count, &owned);
    for (int i = 0; i < count && !totals->stop; i++)
        deliver_one(outbox, paths[i], totals);
    for (int i = 0; i < owned; i++)
        free(spools[i]);
}

void outbox_say_kept(const struct outbox *outbox, const char *reason)
{
    char *spools[OUTBOX_SPOOLS];
    int count, owned;
    char *const *paths = paths_of(outbox, spools, &count, &owned);
    say_error("%s did not take everything: %s", outbox->url, *reason ? reason : "no answer");
    for (int i = 0; i < count; i++) {
        struct stat status;
        struct spool_usage waiting;
        if (stat(paths[i], &status) != 0 || !S_ISDIR(status.st_mode))
            continue;
        if (spool_usage(paths[i], &waiting, NULL) == CM_OK && waiting.segments)
            say_error("the spool keeps %llu bytes in %llu segments; try again with: certmuster-submit --to %s %s",
                      (unsigned long long)waiting.bytes, (unsigned long long)waiting.segments, outbox->url, paths[i]);
    }
    for (int i = 0; i < owned; i++)
        free(spools[i]);
}
