/* The command line of certmuster-crawl: what is asked for, completed from the configuration. */
#ifndef SCANNER_CRAWL_OPTIONS_H
#define SCANNER_CRAWL_OPTIONS_H

#include "certmuster/cli.h"
#include "certmuster/config.h"
#include "scanner/crawl/job.h"

enum { OPTIONS_LIMITS = 5 };

struct options {
    const char *passwords, *host, *to, *user, *run;
    bool user_named; /* on the command line, and not only configured */
    bool json, no_submit;
    uint64_t limits[OPTIONS_LIMITS]; /* in the order of the table; what the command line says */
    bool limited[OPTIONS_LIMITS];
};

extern const struct cli_program options_program;

/* 0, or the exit status; what is wrong is on stderr. All lend from argv. */
int options_read(struct cli *cli, struct options *out);
/* What the command line leaves open. */
void options_settle(const struct config *config, struct options *options, struct job_limits *limits);

#endif
