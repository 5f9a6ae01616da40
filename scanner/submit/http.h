/* One collector over HTTP: a unix socket, or TLS with a client certificate. The only place that sees libcurl. */
#ifndef CERTMUSTER_SUBMIT_HTTP_H
#define CERTMUSTER_SUBMIT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certmuster/buf.h"
#include "certmuster/error.h"

struct http_options {
    const char *url;                         /* unix:PATH or https://HOST[:PORT] */
    const char *tls_cert, *tls_key, *tls_ca; /* PEM files; NULL: no client certificate, the system's CAs */
};

struct http;

/* CM_EINVAL when the URL is none of the two forms. Connects when first used and keeps the connection, until an answer says that
 * another may fare better: 401, 403, 5xx. */
CM_MUST_CHECK int http_open(const struct http_options *options, struct http **out, struct cm_error *error);
void http_close(struct http *http);

struct http_request {
    const char *path, *type, *encoding, *key; /* encoding and key may be NULL */
    const void *body;
    size_t size;
    int64_t timeout_ms;
};

struct http_answer {
    long status;
    int64_t retry_after_ms; /* 0 when not said */
    struct buf body;        /* bounded by HTTP_ANSWER_MAX */
};

enum { HTTP_ANSWER_MAX = 8 * 1024 * 1024 };

/* POSTs. CM_OK for any whole answer, whatever its status; CM_EIO, CM_ETIMEOUT or CM_ELIMIT when there is none: the request may have been
 * taken all the same. The answer must be initialised (http_answer_init) and is emptied first. */
CM_MUST_CHECK int http_post(struct http *http, const struct http_request *request, struct http_answer *answer,
                            struct cm_error *error);
void http_answer_init(struct http_answer *answer);
void http_answer_done(struct http_answer *answer);

#endif
