/* Files that appear whole or not at all: a temporary file in the same directory, fsync, rename. An end by signal leaves nothing behind
 * either. */
#include "report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *volatile end_path;
static const char *const *volatile end_names;

void output_at_end(const char *path, const char *const *names)
{
    end_path = NULL; /* a signal between the two stores must not see a name list without its path */
    end_names = names;
    end_path = path;
}

/* Only calls that are safe in a signal handler (POSIX.1-2017 §2.4.3). */
static void on_signal(int number)
{
    const char *path = end_path;
    const char *const *names = end_names;
    int directory = path && names ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    for (; directory >= 0 && *names; names++)
        unlinkat(directory, *names, 0);
    if (directory >= 0)
        rmdir(path);
    else if (path)
        unlink(path);
    raise(number); /* SA_RESETHAND: the default ends the program */
}

void output_catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

static int open_failed(struct output *output, const char *path, struct cm_error *error)
{
    int code = error_setf(error, CM_EIO, 0, "cannot write", "%s: %s", path, strerror(errno));
    free(output->path);
    free(output->temporary);
    *output = (struct output){0};
    return code;
}

int output_open(const char *path, struct output *out, struct cm_error *error)
{
    struct stat status;
    if (!path || strcmp(path, "-") == 0) {
        *out = (struct output){.stream = stdout};
        return CM_OK;
    }
    struct output output = {.path = cm_strdup(path)};
    bool there = stat(path, &status) == 0;
    if (there && !S_ISREG(status.st_mode)) {
        output.stream = S_ISDIR(status.st_mode) ? (errno = EISDIR, NULL) : fopen(path, "we");
        if (!output.stream)
            return open_failed(&output, path, error);
        *out = output;
        return CM_OK;
    }
    char *real = there ? realpath(path, NULL) : NULL; /* through a symbolic link, not over it */
    if (real) {
        free(output.path);
        output.path = real;
    }
    size_t size = strlen(output.path) + sizeof ".XXXXXX";
    output.temporary = cm_malloc(size);
    snprintf(output.temporary, size, "%s.XXXXXX", output.path);
    int fd = mkostemp(output.temporary, O_CLOEXEC);
    if (fd < 0)
        return open_failed(&output, path, error);
    output_at_end(output.temporary, NULL);
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, there ? status.st_mode & 07777 : 0666 & ~mask) != 0 || !(output.stream = fdopen(fd, "w"))) {
        int saved = errno;
        close(fd);
        unlink(output.temporary);
        output_at_end(NULL, NULL);
        errno = saved;
        return open_failed(&output, path, error);
    }
    *out = output;
    return CM_OK;
}

/* The rename itself must survive a power loss, too. */
static bool sync_directory_of(const char *path)
{
    char *directory = cm_strdup(path), *slash = strrchr(directory, '/');
    if (slash)
        slash[slash == directory] = '\0';
    int fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
    if (fd >= 0)
        close(fd);
    free(directory);
    return good;
}

int output_commit(struct output *output, struct cm_error *error)
{
    const char *path = output->path ? output->path : "standard output";
    errno = 0;
    bool good = fflush(output->stream) == 0 && !ferror(output->stream);
    if (output->temporary)
        good = good && fsync(fileno(output->stream)) == 0;
    int saved = errno;
    if (output->stream != stdout && fclose(output->stream) != 0 && good) {
        good = false;
        saved = errno;
    }
    output->stream = NULL;
    if (good && output->temporary) {
        good = rename(output->temporary, output->path) == 0 && sync_directory_of(output->path);
        saved = errno;
    }
    int code = good ? CM_OK : error_setf(error, CM_EIO, 0, "cannot write", "%s: %s", path, strerror(saved));
    output_abort(output);
    return code;
}

void output_abort(struct output *output)
{
    if (output->stream && output->stream != stdout)
        fclose(output->stream);
    if (output->temporary) {
        unlink(output->temporary); /* gone already after a commit */
        output_at_end(NULL, NULL);
    }
    free(output->temporary);
    free(output->path);
    *output = (struct output){0};
}
