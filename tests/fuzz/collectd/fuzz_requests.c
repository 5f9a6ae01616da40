/* What comes in at the door: the bytes of a connection, through evhttp, the table of connections, routes, the headers that we read, the
 * queue, a worker's decompression and the JSON of questions and leases, up to where the database would be asked, which is away. The
 * server runs in a thread of its own and must have let go of the connection before the next input. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "certmuster/log.h"
#include "collector/http/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ANSWER_WAIT_S = 5 };

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static char directory[] = "/tmp/certmuster-fuzz.XXXXXX";
static struct state state;
static struct settings settings = {.dsn = "host=/nonexistent dbname=none"};

static void clean_up(void)
{
    unlink(address.sun_path);
    strcat(address.sun_path, ".lock");
    unlink(address.sun_path);
    rmdir(directory);
}

static void ready(void)
{
}

static void *serve(void *server)
{
    server_run(server, ready);
    return NULL;
}

static void start(void)
{
    static struct server *server;
    struct config *config = NULL;
    struct cm_error error;
    pthread_t thread;
    log_init("fuzz_requests", LOG_LEVEL_ERROR);
    signal(SIGPIPE, SIG_IGN);
    if (!mkdtemp(directory) || config_load("/dev/null", &config, &error) != 0)
        abort();
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", directory);
    settings.config = config;
    settings.socket = address.sun_path;
    settings.uids[settings.uid_count++] = geteuid();
    state_init(&state);
    struct queue *queue = queue_new(&settings, &state, 16, 1);
    if (!queue || server_new(&settings, &state, queue, roster_new(), &server, &error) != 0 ||
        pthread_create(&thread, NULL, serve, server) != 0)
        abort();
    /* Signals that the server takes for its end are the fuzzer's. */
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    atexit(clean_up);
}

/* Reads until the server closes, which it does once it has read our end and answered what came before. */
static void listen_to_the_end(int fd)
{
    static char answer[1 << 16];
    ssize_t got;
    do
        got = recv(fd, answer, sizeof answer, 0);
    while (got > 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) /* it keeps a connection whose other end has closed */
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct timeval wait = {.tv_sec = ANSWER_WAIT_S};
    if (!settings.config)
        start();
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0)
        abort();
    for (size_t sent = 0; sent < size;) {
        ssize_t part = send(fd, data + sent, size - sent, MSG_NOSIGNAL);
        if (part < 0)
            break;
        sent += (size_t)part;
    }
    shutdown(fd, SHUT_WR);
    listen_to_the_end(fd);
    close(fd);
    return 0;
}
