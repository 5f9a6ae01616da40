/* Finds the home of `certmuster up` on this machine. Reads one small file there and tries one connect; makes nothing. */
#include "certmuster/home.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SYSTEM_HOME "/var/lib/certmuster"

/* The path is a line of the file sockets, and of PostgreSQL's settings. */
static bool has_control(const char *path)
{
    for (; *path; path++)
        if ((unsigned char)*path < 0x20 || *path == 0x7F)
            return true;
    return false;
}

static int set_path(char *out, const char *directory, const char *rest, struct cm_error *error)
{
    int size = snprintf(out, HOME_PATH_SIZE, "%s%s", directory, rest);
    if (size < 0 || size >= HOME_PATH_SIZE - 32) /* room for the files inside */
        return error_setf(error, CM_ELIMIT, 0, "the home's path is too long", "%.200s", directory);
    if (has_control(out))
        return error_setf(error, CM_EINVAL, 0, "the home's path holds a control character", "%.200s", directory);
    return CM_OK;
}

/* Where a user's own things go: $XDG_DATA_HOME/certmuster or ~/.local/share/certmuster. */
static int user_home(char *out, struct cm_error *error)
{
    const char *data = getenv("XDG_DATA_HOME");
    if (data && data[0] == '/')
        return set_path(out, data, "/certmuster", error);
    const char *home = getenv("HOME");
    if (!home || home[0] != '/') {
        const struct passwd *account = getpwuid(geteuid());
        home = account ? account->pw_dir : NULL;
    }
    if (!home || home[0] != '/')
        return error_set(error, CM_ENOTFOUND, 0, "no home directory: set CERTMUSTER_HOME");
    return set_path(out, home, "/.local/share/certmuster", error);
}

/* The line of <home>/sockets; "" when `up` never ran there or the line makes no sense. */
static void read_socket_dir(struct home *home)
{
    char path[HOME_PATH_SIZE + 16], line[HOME_SOCKET_SIZE + 1];
    home->socket_dir[0] = 0;
    snprintf(path, sizeof path, "%s/sockets", home->path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t size = read(fd, line, sizeof line - 1);
    close(fd);
    if (size <= 0)
        return;
    line[size] = 0;
    line[strcspn(line, "\r\n")] = 0;
    /* It must leave room for the longer of the two names in it: .s.PGSQL.5432.lock is checked by PostgreSQL itself. */
    if (line[0] != '/' || strlen(line) + sizeof "/collectd.sock" > HOME_SOCKET_SIZE)
        return;
    memcpy(home->socket_dir, line, strlen(line) + 1);
}

/* libpq, Connection Strings: a value in quotes, with a backslash before quotes and backslashes in it. A value that is there, though empty,
 * keeps the environment's away. */
void home_connection(const char *socket_dir, const char *database, char out[static HOME_DSN_SIZE])
{
    char host[2 * HOME_SOCKET_SIZE], *end = host;
    for (const char *c = socket_dir; *c && end < host + sizeof host - 2; c++) {
        if (*c == '\'' || *c == '\\')
            *end++ = '\\';
        *end++ = *c;
    }
    *end = 0;
    snprintf(out, HOME_DSN_SIZE,
             "host='%s' hostaddr='' port=5432 dbname=%s options='' requirepeer='' target_session_attrs=any "
             "sslmode=disable gssencmode=disable channel_binding=disable",
             host, database);
}

static void fill(struct home *home)
{
    read_socket_dir(home);
    home->exists = home->socket_dir[0] != 0;
    home->collector_socket[0] = home->dsn[0] = 0;
    if (!home->exists)
        return;
    size_t size = strlen(home->socket_dir);
    memcpy(home->collector_socket, home->socket_dir, size);
    memcpy(home->collector_socket + size, "/collectd.sock", sizeof "/collectd.sock");
    home_connection(home->socket_dir, "certmuster", home->dsn);
}

static bool collector_answers(const struct home *home)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!home->exists || strlen(home->collector_socket) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, home->collector_socket, strlen(home->collector_socket) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool answers = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN;
    close(fd);
    return answers;
}

int home_own(char out[static HOME_PATH_SIZE], struct cm_error *error)
{
    const char *named = getenv("CERTMUSTER_HOME");
    if (named && *named) {
        if (named[0] != '/')
            return error_setf(error, CM_EINVAL, 0, "CERTMUSTER_HOME must be an absolute path", "%.200s", named);
        return set_path(out, named, "", error);
    }
    return geteuid() == 0 ? set_path(out, SYSTEM_HOME, "", error) : user_home(out, error);
}

int home_find(struct home *out, struct cm_error *error)
{
    struct home home = {.exists = false}, shared = {.path = SYSTEM_HOME};
    char own[HOME_PATH_SIZE];
    const char *named = getenv("CERTMUSTER_HOME");
    int code = home_own(home.path, error);
    if (code)
        return code;
    memcpy(own, home.path, sizeof own);
    fill(&home);
    if (!home.exists && !(named && *named) && geteuid() != 0) {
        fill(&shared);
        if (collector_answers(&shared))
            home = shared;
    }
    /* The spool lies in the user's own place, also when the collector's is the shared home or the named one is another's. */
    if (geteuid() != 0 && access(own, W_OK) != 0 && errno != ENOENT) {
        code = user_home(own, error);
        if (code)
            return code;
    }
    code = set_path(home.spool, own, "/spool", error);
    if (!code)
        *out = home;
    return code;
}
