/* READY to systemd, and the pid file. */
#include "collector/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_service(const char *state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t size = path ? strlen(path) : 0;
    if (size < 2 || size >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, size);
    if (path[0] == '@') /* the abstract name space */
        address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
    (void)sent; /* it will wait for READY and say so itself */
    close(fd);
}

int pid_file_write(const char *path, struct cm_error *error)
{
    char text[24], temporary[4096];
    int size = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.%d", path, (int)getpid()) >= sizeof temporary)
        return error_set(error, CM_EINVAL, 0, "the pid file's path is too long");
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    bool good = fd >= 0 && write(fd, text, (size_t)size) == size;
    good = fd >= 0 && close(fd) == 0 && good && rename(temporary, path) == 0;
    if (good)
        return 0;
    int code = error_setf(error, CM_EIO, 0, "cannot write the pid file", "%.180s: %s", path, strerror(errno));
    unlink(temporary);
    return code;
}

void pid_file_remove(const char *path)
{
    int pid = 0;
    FILE *file = fopen(path, "re");
    bool is_ours = file && fscanf(file, "%d", &pid) == 1 && pid == (int)getpid();
    if (file)
        fclose(file);
    if (is_ours)
        unlink(path);
}
