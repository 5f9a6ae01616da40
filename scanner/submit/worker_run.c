/* The scanner's process: the program beside this one, its command line made of the order, a scan's targets on its standard input. It gets stderr and nothing else of ours, and
 * SIGTERM when we die: a shard that is given to another is not looked at by two for long. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "certmuster/beside.h"
#include "certmuster/log.h"
#include "scanner/submit/worker.h"

enum { FIXED_ARGUMENTS = 16, RATE_SIZE = 32 };

/* The lowest of what the realm allows, this machine's configuration and the plan. 0: no limit. */
static int64_t choose_rate(const struct outbox *outbox, const struct order *order)
{
    static const char flag[] = "--rate=";
    int64_t rate = order->rate, own = config_integer(outbox->config, "scan.rate");
    if (own && (!rate || own < rate))
        rate = own;
    for (size_t i = 0; i < order->argument_count; i++) {
        if (strncmp(order->arguments[i], flag, sizeof flag - 1) != 0)
            continue;
        int64_t said = strtoll(order->arguments[i] + sizeof flag - 1, NULL, 10);
        if (said > 0 && (!rate || said < rate))
            rate = said;
    }
    return rate;
}

/* argv of the scanner; the array is the caller's, its strings are lent. rate: room for one of them. */
static const char **make_arguments(const struct outbox *outbox, const char *kind, const struct order *order,
                                   const char *config_path, const char *program, char rate[static RATE_SIZE])
{
    bool is_crawl = strcmp(kind, "crawl") == 0;
    size_t count = 0, paths = is_crawl ? order->target_count : 0;
    const char **argv = cm_calloc(FIXED_ARGUMENTS + order->argument_count + paths, sizeof *argv);
    int64_t most = is_crawl ? 0 : choose_rate(outbox, order);
    argv[count++] = program;
    if (config_path) {
        argv[count++] = "--config";
        argv[count++] = config_path;
    }
    argv[count++] = "--quiet";
    argv[count++] = "--to";
    argv[count++] = outbox->url;
    argv[count++] = "--run";
    argv[count++] = order->lease;
    for (size_t i = 0; i < order->argument_count; i++)
        argv[count++] = order->arguments[i];
    if (most) {
        snprintf(rate, RATE_SIZE, "--rate=%lld", (long long)most);
        argv[count++] = rate; /* the last one counts */
    }
    if (!is_crawl) {
        argv[count++] = "--file";
        argv[count++] = "-";
    } else {
        argv[count++] = "--";
        for (size_t i = 0; i < order->target_count; i++)
            argv[count++] = order->targets[i];
    }
    return argv;
}

/* A file without a name that holds the targets, one a line; -1 with errno. */
static int write_targets(const struct order *order)
{
    int fd = memfd_create("targets", MFD_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(dup(fd), "w");
    for (size_t i = 0; file && i < order->target_count; i++)
        fprintf(file, "%s\n", order->targets[i]);
    if (!file || fclose(file) != 0 || lseek(fd, 0, SEEK_SET) != 0) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

_Noreturn static void become(const char *program, const char **argv, int input, pid_t parent)
{
    sigset_t none;
    int output = open("/dev/null", O_WRONLY | O_CLOEXEC);
    sigemptyset(&none);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it died before that was asked for */
        _exit(CM_EXIT_FAILED);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(input, STDIN_FILENO) == STDIN_FILENO && output >= 0 && dup2(output, STDOUT_FILENO) == STDOUT_FILENO &&
        close_range(STDERR_FILENO + 1, ~0U, 0) == 0)
        execvp(program, (char *const *)argv);
    _exit(127);
}

pid_t worker_spawn(const struct outbox *outbox, const char *kind, const struct order *order, const char *config_path)
{
    char name[32], program[BESIDE_PATH_SIZE], rate[RATE_SIZE];
    snprintf(name, sizeof name, "certmuster-%s", kind);
    program_beside(name, program);
    int input = write_targets(order);
    if (input < 0) {
        say_error("cannot keep the targets of a shard: %s", strerror(errno));
        return 0;
    }
    const char **argv = make_arguments(outbox, kind, order, config_path, program, rate);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(program, argv, input, parent);
    if (pid < 0)
        say_error("cannot start %s: %s", name, strerror(errno));
    close(input);
    free(argv);
    return pid > 0 ? pid : 0;
}
