/* Which files, in which order, and what is said of those that are damaged. What stands before the damage counts. */
#include "scanner/watch/offline.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/log.h"
#include "scanner/watch/capture_file.h"
#include "scanner/watch/keylog.h"

enum { PACKETS_BETWEEN = 4096 };

struct found { /* a file of a directory */
    char *path;
    struct timespec changed;
};

static void say_damaged(struct offline_outcome *outcome, const char *path, const struct cm_error *error)
{
    outcome->damaged++;
    say_error("%s: %s%s%s%s at byte %zu; what was read before it counts", log_quote(path), error->reason,
              error->detail[0] ? " (" : "", error->detail, error->detail[0] ? ")" : "", error->offset);
}

static void say_unreadable(struct offline_outcome *outcome, const char *path, int trouble)
{
    outcome->damaged++;
    say_error("cannot read %s: %s", log_quote(path), strerror(trouble));
}

static void on_packet(const struct packet *packet, void *context)
{
    const struct offline_options *options = context;
    worker_packet(packet, options->worker);
}

static void on_secrets(struct slice text, void *context)
{
    const struct offline_options *options = context;
    keylog_add(options->keylog, text);
}

static void read_descriptor(const struct offline_options *options, const char *path, int fd,
                            struct offline_outcome *outcome)
{
    struct capture_file_events events = {.packet = on_packet, .secrets = on_secrets, .context = (void *)options};
    struct capture_file *file = capture_file_new(fd, &events);
    struct cm_error error = {0};
    int code = 1;
    while (code == 1 && !*options->stop) {
        code = capture_file_read(file, PACKETS_BETWEEN, &error);
        if (options->between)
            options->between(options->context);
    }
    if (code < 0)
        say_damaged(outcome, path, &error);
    outcome->files++;
    capture_file_free(file);
}

static void read_path(const struct offline_options *options, const char *path, struct offline_outcome *outcome)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        say_unreadable(outcome, path, errno);
    else
        read_descriptor(options, path, fd, outcome);
}

/* --- directories ------------------------------------------------------------------------------------------------------- */

static int by_age(const void *a, const void *b)
{
    const struct found *left = a, *right = b;
    if (left->changed.tv_sec != right->changed.tv_sec)
        return left->changed.tv_sec < right->changed.tv_sec ? -1 : 1;
    if (left->changed.tv_nsec != right->changed.tv_nsec)
        return left->changed.tv_nsec < right->changed.tv_nsec ? -1 : 1;
    return strcmp(left->path, right->path);
}

static char *join(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = cm_malloc(size);
    snprintf(path, size, "%s/%s", directory, name);
    return path;
}

/* Regular files, hidden ones left out: editors and rsync leave such. */
static struct found *list_directory(const char *directory, size_t *count)
{
    struct found *list = NULL;
    struct dirent *entry;
    struct stat status;
    DIR *dir = opendir(directory);
    *count = 0;
    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = join(directory, entry->d_name);
        if (stat(path, &status) || !S_ISREG(status.st_mode)) {
            free(path);
            continue;
        }
        list = cm_realloc(list, (*count + 1) * sizeof *list);
        list[(*count)++] = (struct found){path, status.st_mtim};
    }
    if (dir)
        closedir(dir);
    if (list)
        qsort(list, *count, sizeof *list, by_age);
    return list;
}

static void read_directory(const struct offline_options *options, const char *directory,
                           struct offline_outcome *outcome)
{
    size_t count;
    struct found *list = list_directory(directory, &count);
    for (size_t i = 0; i < count; i++) {
        if (!*options->stop)
            read_path(options, list[i].path, outcome);
        free(list[i].path);
    }
    free(list);
}

void offline_run(const struct offline_options *options, struct offline_outcome *outcome)
{
    *outcome = (struct offline_outcome){0};
    for (size_t i = 0; i < options->path_count && !*options->stop; i++) {
        const char *path = options->paths[i];
        struct stat status;
        if (strcmp(path, "-") == 0)
            read_descriptor(options, "standard input", dup(STDIN_FILENO), outcome);
        else if (stat(path, &status))
            say_unreadable(outcome, path, errno);
        else if (S_ISDIR(status.st_mode))
            read_directory(options, path, outcome);
        else
            read_path(options, path, outcome);
    }
}
