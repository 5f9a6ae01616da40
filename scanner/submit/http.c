/* HTTP/1.1 to one collector with libcurl: one handle, one kept connection, every wait bounded. Retrying is deliver.c's business.
 *
 * A connection is kept as long as it is of use. Who this scanner is goes with its connection, and so does the collector behind a balancer: after an answer that either may
 * be to blame for, the next request goes over a new one, with the certificate and key that lie there then. */
#include "scanner/submit/http.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "certmuster/cli.h"
#include "certmuster/delivery.h"
#include "certmuster/readable.h"
#include "certmuster/timefmt.h"

enum {
    CONNECT_TIMEOUT_MS = 10000,
    RETRY_AFTER_MAX_S = 3600,
    URL_SIZE = DELIVERY_URL_SIZE,
    HEADER_SIZE = DELIVERY_KEY_MAX + 64,
    LOST_MS = 20000,
    PROBE_S = 5
};

struct http {
    CURL *curl;
    char base[URL_SIZE];       /* without final slash */
    struct http_options files; /* lent; read anew for every connection */
    char problem[CURL_ERROR_SIZE];
};

static int set_target(struct http *http, const char *url, struct cm_error *error)
{
    int code = delivery_url_check(url, error);
    if (code)
        return code;
    if (strncmp(url, "unix:", 5) == 0) {
        curl_easy_setopt(http->curl, CURLOPT_UNIX_SOCKET_PATH, url + 5);
        snprintf(http->base, sizeof http->base, "http://localhost");
        return CM_OK;
    }
    size_t size = strlen(url);
    while (size && url[size - 1] == '/')
        size--;
    memcpy(http->base, url, size);
    http->base[size] = 0;
    return CM_OK;
}

/* A collector that computes may take its time; one whose machine or network has vanished is noticed: what is not acknowledged for so
 * long, a probe of an idle connection included, ends the connection (RFC 5482; Linux: tcp(7)). A unix socket takes neither. */
static int set_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
    const unsigned lost_ms = LOST_MS;
    const int on = 1, probe_s = PROBE_S;
    (void)context;
    if (purpose == CURLSOCKTYPE_IPCXN) {
        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &probe_s, sizeof probe_s);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe_s, sizeof probe_s);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost_ms, sizeof lost_ms);
    }
    return CURL_SOCKOPT_OK;
}

/* Whom a file is missing from, and why: libcurl's words for it are OpenSSL's, which are none. */
static int check_files(const struct http_options *options, struct cm_error *error)
{
    int code = CM_OK;
    if (options->tls_cert)
        code = readable_check(options->tls_cert, "cannot read this scanner's certificate (submit.tls.cert)", error);
    if (!code && options->tls_key)
        code = readable_check(options->tls_key, "cannot read this scanner's private key (submit.tls.key)", error);
    if (!code && options->tls_ca)
        code = readable_check(options->tls_ca, "cannot read the collector's CA (submit.tls.ca)", error);
    return code;
}

int http_open(const struct http_options *options, struct http **out, struct cm_error *error)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(error, CM_EIO, 0, "libcurl does not start");
    struct http *http = cm_calloc(1, sizeof *http);
    http->curl = curl_easy_init();
    int code =
        http->curl ? set_target(http, options->url, error) : error_set(error, CM_EIO, 0, "libcurl does not start");
    if (!code && strncmp(options->url, "https:", 6) == 0)
        code = check_files(options, error);
    if (code) {
        http_close(http);
        return code;
    }
    CURL *curl = http->curl;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, 1L); /* one that was left does not come back */
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* a scanner's proxy is for what it scans */
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, set_socket);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->problem);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "certmuster-submit/" CERTMUSTER_VERSION);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    /* Each connection proves anew who both ends are, by the files that lie there then. */
    curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(curl, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    http->files = *options;
    if (options->tls_cert)
        curl_easy_setopt(curl, CURLOPT_SSLCERT, options->tls_cert);
    if (options->tls_key)
        curl_easy_setopt(curl, CURLOPT_SSLKEY, options->tls_key);
    if (options->tls_ca) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, options->tls_ca);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    *out = http;
    return CM_OK;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    if (http->curl)
        curl_easy_cleanup(http->curl);
    free(http);
    curl_global_cleanup();
}

void http_answer_init(struct http_answer *answer)
{
    *answer = (struct http_answer){.status = 0};
    buf_init(&answer->body, HTTP_ANSWER_MAX);
}

void http_answer_done(struct http_answer *answer)
{
    buf_done(&answer->body);
}

static size_t take_body(char *bytes, size_t one, size_t size, void *context)
{
    struct buf *body = context;
    buf_append(body, bytes, one * size);
    return body->failed ? 0 : one * size; /* anything else than all ends the transfer */
}

static int64_t retry_after_ms(CURL *curl)
{
    curl_off_t seconds = 0;
    if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK || seconds <= 0)
        return 0;
    return (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000;
}

/* False when a header cannot be made; list is freed by the caller either way. */
static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    char line[HEADER_SIZE];
    if ((size_t)snprintf(line, sizeof line, "%s: %s", name, value) >= sizeof line)
        return false;
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool make_headers(const struct http_request *request, struct curl_slist **list)
{
    char sent[TIMEFMT_SIZE];
    timefmt_ms(sent, clock_wall_ms());
    *list = NULL;
    return add_header(list, "Content-Type", request->type) && add_header(list, DELIVERY_SENT_HEADER, sent) &&
           (!request->encoding || add_header(list, "Content-Encoding", request->encoding)) &&
           (!request->key || add_header(list, DELIVERY_KEY_HEADER, request->key)) &&
           /* No waiting for "100 Continue": a collector that refuses answers anyway. */
           curl_slist_append(*list, "Expect:") != NULL;
}

/* A certificate that is valid a day later or earlier, of the collector or in its eyes ours: most likely a clock is wrong, and it may
 * well be this one. */
static bool blames_a_clock(const char *problem)
{
    static const char *const signs[] = {"not yet valid", "has expired", "alert certificate expired",
                                        "alert bad certificate"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strstr(problem, signs[i]))
            return true;
    return false;
}

static int transfer_error(const struct http *http, CURLcode result, struct cm_error *error)
{
    const char *problem = http->problem[0] ? http->problem : curl_easy_strerror(result);
    long reason = 0;
    /* libcurl's own words name "localhost port 80" for a unix socket. */
    if (result == CURLE_COULDNT_CONNECT && curl_easy_getinfo(http->curl, CURLINFO_OS_ERRNO, &reason) == CURLE_OK &&
        reason)
        problem = strerror((int)reason);
    /* A file that was there when we began, and is gone or being replaced. */
    if ((result == CURLE_SSL_CERTPROBLEM || result == CURLE_SSL_CACERT_BADFILE) && check_files(&http->files, error))
        return CM_EIO;
    if (result == CURLE_OPERATION_TIMEDOUT)
        return error_setf(error, CM_ETIMEOUT, 0, "the collector does not answer in time", "%s", problem);
    if (result == CURLE_WRITE_ERROR)
        return error_setf(error, CM_ELIMIT, 0, "the collector's answer is too large", "%s", problem);
    if (result == CURLE_COULDNT_CONNECT || result == CURLE_COULDNT_RESOLVE_HOST)
        return error_setf(error, CM_EIO, 0, "the collector cannot be reached", "%s", problem);
    if (blames_a_clock(problem)) {
        char now[TIMEFMT_SIZE];
        timefmt_seconds(now, clock_wall_ms() / 1000);
        return error_setf(error, CM_EIO, 0, "the certificates of the two ends do not hold now",
                          "%.200s; the clock here says %s", problem, now);
    }
    return error_setf(error, CM_EIO, 0, "no whole answer from the collector", "%s", problem);
}

/* Not let in, or not served: another certificate may be, or another collector behind the balancer. */
static bool blames_connection(long status)
{
    return status == 401 || status == 403 || status >= 500;
}

int http_post(struct http *http, const struct http_request *request, struct http_answer *answer, struct cm_error *error)
{
    char url[URL_SIZE + 64];
    struct curl_slist *headers;
    CURL *curl = http->curl;
    buf_reset(&answer->body);
    answer->status = 0;
    answer->retry_after_ms = 0;
    if (!make_headers(request, &headers)) {
        curl_slist_free_all(headers);
        return error_set(error, CM_EINVAL, 0, "a header that is too long");
    }
    snprintf(url, sizeof url, "%s%s", http->base, request->path);
    http->problem[0] = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->size);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer->body);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    CURLcode result = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    if (result != CURLE_OK)
        return transfer_error(http, result, error);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, blames_connection(answer->status) ? 1L : 0L);
    answer->retry_after_ms = retry_after_ms(curl);
    return CM_OK;
}
