/* The command line of certmuster-watch, filled up from the configuration. */
#ifndef SCANNER_WATCH_OPTIONS_H
#define SCANNER_WATCH_OPTIONS_H

#include "certmuster/cli.h"
#include "certmuster/config.h"

struct options {
    const char **reads, **interfaces, **keylogs;
    size_t read_count, interface_count, keylog_count;
    char *filter; /* NULL: every packet */
    bool follow, json, no_submit, promiscuous;
    bool user_named; /* on the command line */
    const char *to, *user;
    int64_t interval_us, statistics_ms;
    size_t memory_max, ring_bytes;
    int snapshot;
    unsigned workers;
    /* As they were typed; options_settle reads them. */
    const char *interval_text, *memory_text, *ring_text, *snapshot_text, *workers_text;
    bool not_promiscuous;
};

extern const struct cli_program options_program;

/* Both: 0, or the exit status; one line was said. */
CM_MUST_CHECK int options_read(struct cli *cli, struct options *out);
CM_MUST_CHECK int options_settle(const struct cli *cli, const struct config *config, struct options *options);
void options_done(struct options *options);

#endif
