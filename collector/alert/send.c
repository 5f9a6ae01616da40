/* Talks to mail servers and webhooks through libcurl: one message, one answer, within alerts.timeout. */
#include "collector/alert/alert_private.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/cli.h"

enum { ANSWER_MAX = 1024 * 1024, ANSWER_KEPT = 120, URL_MAX = 2048, PASSWORD_MAX = 1024 };

struct sender {
    const struct config *config;
    CURL *mail, *webhook; /* kept for the connections behind them */
    char smtp_url[URL_MAX];
    char password[PASSWORD_MAX];
};

struct upload {
    const char *bytes;
    size_t left;
};

struct answer { /* what a receiver says: counted, its beginning kept for the error */
    size_t total, kept;
    char text[ANSWER_KEPT + 1];
};

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void alert_from(const struct config *config, char *out, size_t size)
{
    const char *from = config_string(config, "alerts.from");
    if (from && mail_address_ok(from))
        snprintf(out, size, "%s", from);
    else
        snprintf(out, size, "certmuster@%.200s", config_host(config));
    if (!mail_address_ok(out))
        snprintf(out, size, "certmuster@localhost");
}

/* The path of an SMTP URL is what we say at EHLO: this host, not the file name libcurl would choose. */
static void set_smtp_url(struct sender *sender)
{
    const char *url = config_string(sender->config, "alerts.smtp.url");
    const char *authority = url ? strstr(url, "://") : NULL;
    bool has_path = authority && strchr(authority + 3, '/');
    if (url)
        snprintf(sender->smtp_url, sizeof sender->smtp_url, "%s%s%s", url, has_path ? "" : "/",
                 has_path ? "" : config_host(sender->config));
}

static int read_password(struct sender *sender, struct cm_error *error)
{
    const char *path = config_string(sender->config, "alerts.smtp.password_file");
    sender->password[0] = 0;
    if (!path)
        return 0;
    FILE *file = fopen(path, "re");
    bool read = file && fgets(sender->password, sizeof sender->password, file);
    if (file)
        fclose(file);
    if (!read)
        return error_setf(error, CM_EIO, 0, "cannot read alerts.smtp.password_file", "%.200s", path);
    sender->password[strcspn(sender->password, "\r\n")] = 0;
    return 0;
}

struct sender *sender_new(const struct config *config)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    struct sender *sender = cm_calloc(1, sizeof *sender);
    sender->config = config;
    set_smtp_url(sender);
    return sender;
}

void sender_free(struct sender *sender)
{
    if (!sender)
        return;
    curl_easy_cleanup(sender->mail);
    curl_easy_cleanup(sender->webhook);
    explicit_bzero(sender->password, sizeof sender->password);
    free(sender);
}

static size_t give_upload(char *out, size_t one, size_t count, void *context)
{
    struct upload *upload = context;
    size_t size = one * count < upload->left ? one * count : upload->left;
    memcpy(out, upload->bytes, size);
    upload->bytes += size;
    upload->left -= size;
    return size;
}

/* Nothing that a receiver answers is needed but its status; one that answers without end is cut off. */
static size_t take_answer(char *bytes, size_t one, size_t count, void *context)
{
    struct answer *answer = context;
    size_t size = one * count, room = ANSWER_KEPT - answer->kept;
    size_t kept = size < room ? size : room;
    memcpy(answer->text + answer->kept, bytes, kept);
    answer->kept += kept;
    answer->total += size;
    return answer->total > ANSWER_MAX ? 0 : size;
}

/* True where the next message to the same receiver would fail alike. */
static bool is_down(CURLcode result)
{
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_USE_SSL_FAILED:
    case CURLE_LOGIN_DENIED:
    case CURLE_GOT_NOTHING:
    case CURLE_WEIRD_SERVER_REPLY:
        return true;
    default:
        return false;
    }
}

static void set_common(CURL *curl, const struct sender *sender, char *reason)
{
    const char *ca = config_string(sender->config, "alerts.ca");
    long timeout_ms = (long)config_integer(sender->config, "alerts.timeout");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, timeout_ms / 1000 + 1);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    if (ca)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
}

/* auto: encrypt where the server offers it, as mail servers do among themselves (RFC 7435), without verifying; a password nobody but the
 * verified server may hear, unless the operator said never. */
static void set_mail_security(CURL *curl, const struct sender *sender)
{
    const char *mode = config_string(sender->config, "alerts.smtp.starttls");
    bool require = strcmp(mode, "require") == 0 || sender->password[0], never = strcmp(mode, "never") == 0;
    bool implicit = strncmp(sender->smtp_url, "smtps:", 6) == 0;
    curl_easy_setopt(curl, CURLOPT_USE_SSL,
                     (long)(require && !never ? CURLUSESSL_ALL
                            : never           ? CURLUSESSL_NONE
                                              : CURLUSESSL_TRY));
    bool verify = require || implicit;
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
}

static int told_not(CURLcode result, const char *reason, bool *receiver_down, struct cm_error *error)
{
    *receiver_down = is_down(result);
    return error_setf(error, result == CURLE_OPERATION_TIMEDOUT ? CM_ETIMEOUT : CM_EIO, 0,
                      "the receiver did not take the message", "%s", reason[0] ? reason : curl_easy_strerror(result));
}

int sender_mail(struct sender *sender, const char *to, const char *message, size_t size, bool *receiver_down,
                struct cm_error *error)
{
    char reason[CURL_ERROR_SIZE] = "", from[256];
    struct upload upload = {message, size};
    *receiver_down = false;
    if (!sender->smtp_url[0] || !mail_address_ok(to)) {
        *receiver_down = !sender->smtp_url[0];
        return error_set(error, CM_EINVAL, 0,
                         sender->smtp_url[0] ? "the address cannot be used" : "alerts.smtp.url is not set");
    }
    int code = read_password(sender, error);
    if (code)
        return code;
    if (!sender->mail)
        sender->mail = curl_easy_init();
    CURL *curl = sender->mail;
    if (!curl)
        return error_set(error, CM_EIO, 0, "libcurl does not start");
    curl_easy_reset(curl); /* keeps the connection */
    set_common(curl, sender, reason);
    alert_from(sender->config, from, sizeof from);
    struct curl_slist *recipients = curl_slist_append(NULL, to);
    curl_easy_setopt(curl, CURLOPT_URL, sender->smtp_url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_upload);
    curl_easy_setopt(curl, CURLOPT_READDATA, &upload);
    set_mail_security(curl, sender);
    const char *user = config_string(sender->config, "alerts.smtp.user");
    if (user) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, sender->password);
    }
    CURLcode result = curl_easy_perform(curl);
    curl_slist_free_all(recipients);
    return result == CURLE_OK ? 0 : told_not(result, reason, receiver_down, error);
}

static int check_status(CURL *curl, const struct answer *answer, bool *receiver_down, struct cm_error *error)
{
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300)
        return 0;
    *receiver_down = status == 429 || status >= 500;
    return error_setf(error, CM_EIO, 0, "the receiver refused the message", "HTTP %ld: %s", status, answer->text);
}

int sender_webhook(struct sender *sender, const char *url, const char *key, const char *body, size_t size,
                   bool *receiver_down, struct cm_error *error)
{
    char reason[CURL_ERROR_SIZE] = "", key_header[128];
    struct answer answer = {0};
    *receiver_down = false;
    if (!sender->webhook)
        sender->webhook = curl_easy_init();
    CURL *curl = sender->webhook;
    if (!curl)
        return error_set(error, CM_EIO, 0, "libcurl does not start");
    curl_easy_reset(curl);
    set_common(curl, sender, reason);
    snprintf(key_header, sizeof key_header, "Idempotency-Key: %s", key);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, key_header);
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L); /* a redirect could point inside; it counts as a refusal */
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "certmuster/" CERTMUSTER_VERSION);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    CURLcode result = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    return result == CURLE_OK ? check_status(curl, &answer, receiver_down, error)
                              : told_not(result, reason, receiver_down, error);
}
