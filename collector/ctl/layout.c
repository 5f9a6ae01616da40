/* The home that `up` makes and `down` stops: its paths, its account, and becoming that account.
 *
 * Root only does here what needs root (the account, the home's ownership, /run/certmuster) and is then given up for good: everything
 * inside the home is touched as its owner, so that a link planted there leads nowhere that the account could not go by itself. */
#include "collector/ctl/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/log.h"
#include "collector/ctl/account.h"

#define SYSTEM_SOCKETS "/run/certmuster"

/* What may lie in a directory that becomes a home: anything else, and it is somebody's other directory. */
static const char *const own_names[] = {"ca",           "certmuster.yaml",
                                        "collectd.pid", "collectd.pid.identity",
                                        "lock",         "log",
                                        "postgres",     "postgres.new",
                                        "quickstart",   "run",
                                        "sockets",      "spool",
                                        "spool-crawl",  "spool-watch",
                                        "users",        NULL};

enum { LOCK_WAIT_S = 300, LONGEST_SOCKET_NAME = sizeof "/.s.PGSQL.5432" - 1 };

/* home_own leaves room for the names inside. */
static void inside(const char *home, const char *name, char out[static LAYOUT_PATH_SIZE])
{
    snprintf(out, LAYOUT_PATH_SIZE, "%s/%s", home, name);
}

static void set_paths(struct layout *layout, char home[static HOME_PATH_SIZE])
{
    size_t size = strlen(home);
    while (size > 1 && home[size - 1] == '/')
        home[--size] = 0;
    memcpy(layout->home, home, HOME_PATH_SIZE);
    inside(home, "postgres", layout->cluster);
    inside(home, "log", layout->logs);
    inside(home, "log/postgresql.log", layout->postgres_log);
    inside(home, "log/collectd.log", layout->collector_log);
    inside(home, "collectd.pid", layout->collector_pid);
}

static void set_socket_dir(struct layout *layout, const char *dir)
{
    snprintf(layout->socket_dir, sizeof layout->socket_dir, "%s", dir);
    snprintf(layout->collector_socket, sizeof layout->collector_socket, "%.90s/collectd.sock", dir);
    home_connection(dir, "certmuster", layout->dsn);
}

int layout_init(struct layout *out, struct cm_error *error)
{
    struct layout layout = {.lock = -1, .by_root = geteuid() == 0, .uid = geteuid(), .gid = getegid()};
    const char *named = getenv("CERTMUSTER_HOME");
    layout.default_home = !(named && *named);
    char home[HOME_PATH_SIZE] = "";
    int code = home_own(home, error);
    if (code)
        return code;
    set_paths(&layout, home);
    *out = layout;
    return 0;
}

/* --- Root's part -------------------------------------------------------------------------------------------------------------- */

/* mkdir -p; what is made belongs to us and can be searched by all. */
static int make_parents(const char *path, struct cm_error *error)
{
    char part[HOME_PATH_SIZE];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return error_setf(error, CM_EIO, 0, "cannot make a directory", "%.180s: %s", part, strerror(errno));
        *slash = '/';
    }
    return 0;
}

static int holds_only_ours(int fd, const char *path, struct cm_error *error)
{
    DIR *dir = fdopendir(dup(fd));
    if (!dir)
        return error_setf(error, CM_EIO, 0, "cannot read the home", "%.180s: %s", path, strerror(errno));
    int code = 0;
    for (const struct dirent *entry; !code && (entry = readdir(dir));) {
        bool known = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        for (size_t i = 0; own_names[i] && !known; i++)
            known = strcmp(entry->d_name, own_names[i]) == 0;
        if (!known)
            code = error_setf(error, CM_ECONFLICT, 0, "this directory holds other things and will not be made a home",
                              "%.120s/%.80s", path, entry->d_name);
    }
    closedir(dir);
    return code;
}

/* Makes a directory, or takes one of root's, for the account. One that belongs to anybody else is left alone. */
static int give_directory(const struct layout *layout, const char *path, bool check_contents, struct cm_error *error)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return error_setf(error, CM_EIO, 0, "cannot make a directory", "%.180s: %s", path, strerror(errno));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        if (fd >= 0)
            close(fd);
        return error_setf(error, CM_EIO, 0, "cannot open a directory", "%.180s: %s", path, strerror(errno));
    }
    int code = 0;
    if (info.st_uid != layout->uid) {
        if (info.st_uid != 0)
            code = error_setf(error, CM_EAUTH, 0, "the home belongs to another account; run up as that one",
                              "%.180s is of uid %u, not of %s", path, (unsigned)info.st_uid, layout->account);
        else if (check_contents)
            code = holds_only_ours(fd, path, error);
        if (!code && (fchown(fd, layout->uid, layout->gid) != 0 || fchmod(fd, 0755) != 0))
            code = error_setf(error, CM_EIO, 0, "cannot give a directory to the account", "%.180s: %s", path,
                              strerror(errno));
    }
    close(fd);
    return code;
}

/* --- Everybody's part ----------------------------------------------------------------------------------------------------------- */

/* An account that cannot search one of the home's parents would fail later with a riddle. */
static int check_searchable(const struct layout *layout, struct cm_error *error)
{
    char part[HOME_PATH_SIZE];
    snprintf(part, sizeof part, "%s", layout->home);
    for (char *slash = part; slash; slash = strchr(slash + 1, '/')) {
        char kept = slash[1];
        slash[1] = 0;
        if (access(part, X_OK) != 0)
            return error_setf(error, CM_EAUTH, 0,
                              "the account cannot reach the home: a parent is not searchable for it",
                              "%s cannot search %.180s (chmod o+x, or another CERTMUSTER_HOME)", layout->account, part);
        slash[1] = kept;
    }
    if (access(layout->home, R_OK | W_OK | X_OK) != 0)
        return error_setf(error, CM_EAUTH, 0, "the home is not writable", "%.180s for %s", layout->home,
                          layout->account);
    return 0;
}

static int become_owner(struct layout *layout, struct cm_error *error)
{
    if (!account_name(layout->uid, layout->account, sizeof layout->account))
        return error_setf(error, CM_ENOTFOUND, 0, "the user has no name that PostgreSQL could know", "uid %u",
                          (unsigned)layout->uid);
    if (chdir("/") != 0)
        return error_set(error, CM_EIO, 0, "cannot change to /");
    return layout->by_root ? account_become(layout->account, layout->uid, layout->gid, error) : 0;
}

int layout_enter_new(struct layout *layout, const struct config *config, struct cm_error *error)
{
    int code = 0;
    if (layout->by_root)
        code = account_ensure(config_string(config, "up.user"), &layout->uid, &layout->gid, error);
    if (!code && !account_name(layout->uid, layout->account, sizeof layout->account))
        code = error_setf(error, CM_ENOTFOUND, 0, "the user has no name that PostgreSQL could know", "uid %u",
                          (unsigned)layout->uid);
    if (!code)
        code = make_parents(layout->home, error);
    if (!code && layout->by_root)
        code = give_directory(layout, layout->home, true, error);
    else if (!code && mkdir(layout->home, 0755) != 0 && errno != EEXIST)
        code = error_setf(error, CM_EIO, 0, "cannot make the home", "%.180s: %s", layout->home, strerror(errno));
    if (!code && layout->by_root && layout->default_home)
        code = give_directory(layout, SYSTEM_SOCKETS, false, error);
    if (!code)
        code = become_owner(layout, error);
    return code ? code : check_searchable(layout, error);
}

int layout_enter(struct layout *layout, struct cm_error *error)
{
    struct stat info;
    struct home home;
    int code = home_find(&home, error);
    if (code)
        return code;
    if (stat(layout->home, &info) != 0 || !S_ISDIR(info.st_mode))
        return error_setf(error, CM_ENOTFOUND, 0, "there is no home", "%.200s", layout->home);
    if (!layout->by_root && info.st_uid != geteuid()) {
        char owner[LAYOUT_NAME_SIZE] = "its owner";
        account_name(info.st_uid, owner, sizeof owner);
        return error_setf(error, CM_EAUTH, 0, "the home is another account's", "%.160s is run by %s: use sudo",
                          layout->home, owner);
    }
    if (layout->by_root && info.st_uid == 0)
        return error_setf(error, CM_ENOTFOUND, 0, "up never ran here", "%.200s", layout->home);
    layout->uid = info.st_uid;
    layout->gid = info.st_gid;
    if (home.exists && strcmp(home.path, layout->home) == 0)
        set_socket_dir(layout, home.socket_dir);
    return become_owner(layout, error);
}

int layout_lock(struct layout *layout, struct cm_error *error)
{
    char path[LAYOUT_PATH_SIZE];
    snprintf(path, sizeof path, "%s/lock", layout->home);
    layout->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (layout->lock < 0)
        return error_setf(error, CM_EIO, 0, "cannot open the lock", "%.180s: %s", path, strerror(errno));
    for (int tenths = 0; flock(layout->lock, LOCK_EX | LOCK_NB) != 0; tenths++) {
        if (tenths == 10)
            say_error("another up or down is at work here; waiting for it");
        if (tenths > LOCK_WAIT_S * 10)
            return error_setf(error, CM_ETIMEOUT, 0, "another up or down does not come to an end", "%.200s", path);
        poll(NULL, 0, 100);
    }
    return 0;
}

/* --- Sockets and users --------------------------------------------------------------------------------------------------------- */

/* A directory of ours that nobody else can put a socket into. */
static bool usable(const struct layout *layout, const char *dir)
{
    struct stat info;
    return lstat(dir, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == layout->uid && !(info.st_mode & 022);
}

/* Short enough for a socket's address, and no list of hosts, as libpq would read a comma whatever stands around it. */
static bool can_be_named(const char *dir)
{
    return strlen(dir) + LONGEST_SOCKET_NAME < HOME_SOCKET_SIZE && !strpbrk(dir, ",\n");
}

/* Replaces a small file of the home. */
static int write_file(const struct layout *layout, const char *name, const char *text, struct cm_error *error)
{
    char path[LAYOUT_PATH_SIZE], temporary[LAYOUT_PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", layout->home, name);
    snprintf(temporary, sizeof temporary, "%s/%s.new", layout->home, name);
    FILE *file = fopen(temporary, "we");
    bool good = file && fputs(text, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (file && fclose(file) != 0)
        good = false;
    if (!good || rename(temporary, path) != 0)
        return error_setf(error, CM_EIO, 0, "cannot write", "%.180s: %s", path, strerror(errno));
    return 0;
}

static bool choose_socket_dir(const struct layout *layout, char *out, size_t size)
{
    struct home home;
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (layout->default_home && layout->by_root) {
        snprintf(out, size, "%s", SYSTEM_SOCKETS);
        return true;
    }
    if (layout->default_home && runtime && runtime[0] == '/' && access(runtime, W_OK) == 0 &&
        (size_t)snprintf(out, size, "%s/certmuster", runtime) < size && can_be_named(out))
        return true;
    if ((size_t)snprintf(out, size, "%s/run", layout->home) < size && can_be_named(out))
        return true;
    if (home_find(&home, NULL) == 0 && home.exists && strcmp(home.path, layout->home) == 0 &&
        usable(layout, home.socket_dir)) {
        snprintf(out, size, "%s", home.socket_dir);
        return true;
    }
    snprintf(out, size, "/tmp/certmuster-XXXXXX");
    return mkdtemp(out) && chmod(out, 0755) == 0;
}

int layout_sockets(struct layout *layout, struct cm_error *error)
{
    char dir[HOME_SOCKET_SIZE];
    if (!choose_socket_dir(layout, dir, sizeof dir))
        return error_setf(error, CM_EIO, 0, "cannot make a directory for sockets", "%s: %s", dir, strerror(errno));
    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return error_setf(error, CM_EIO, 0, "cannot make the directory for sockets", "%s: %s", dir, strerror(errno));
    if (!usable(layout, dir))
        return error_setf(error, CM_EAUTH, 0, "the directory for sockets is not the account's own", "%s", dir);
    set_socket_dir(layout, dir);
    char line[HOME_SOCKET_SIZE + 1];
    snprintf(line, sizeof line, "%s\n", dir);
    return write_file(layout, "sockets", line, error);
}

/* True when the name is new. */
static bool add_user(struct layout *layout, const char *name)
{
    for (size_t i = 0; i < layout->user_count; i++)
        if (strcmp(layout->users[i], name) == 0)
            return false;
    if (layout->user_count == LAYOUT_USERS_MAX || !account_name_is_plain(name))
        return false;
    snprintf(layout->users[layout->user_count++], LAYOUT_NAME_SIZE, "%s", name);
    return true;
}

static void read_users(struct layout *layout)
{
    char path[LAYOUT_PATH_SIZE], line[LAYOUT_NAME_SIZE + 1];
    snprintf(path, sizeof path, "%s/users", layout->home);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        add_user(layout, line);
    }
    if (file)
        fclose(file);
}

int layout_users(struct layout *layout, bool *changed, struct cm_error *error)
{
    char name[LAYOUT_NAME_SIZE], text[LAYOUT_USERS_MAX * (LAYOUT_NAME_SIZE + 1)] = "";
    read_users(layout);
    bool added = add_user(layout, layout->account);
    added |= add_user(layout, "root");
    const char *sudo_uid = layout->by_root ? getenv("SUDO_UID") : NULL; /* only root's word counts */
    if (sudo_uid && account_name((uid_t)strtoul(sudo_uid, NULL, 10), name, sizeof name))
        added |= add_user(layout, name);
    *changed = added;
    if (!added)
        return 0;
    for (size_t i = 0; i < layout->user_count; i++) {
        strcat(text, layout->users[i]);
        strcat(text, "\n");
    }
    return write_file(layout, "users", text, error);
}
