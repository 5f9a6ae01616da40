/* What `certmuster scanner enrol` and `collector` print to be pasted into a configuration: YAML that means what it says, whatever stands in a name, and absolute paths. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "certmuster/buf.h"
#include "certmuster/escape.h"
#include "collector/ctl/scanner.h"

enum { TEXT_MAX = 64 * 1024 };

/* Plain where nobody could read it otherwise than we mean it, else in double quotes, whose escapes are those of JSON. */
static void append_scalar(struct buf *out, const char *text)
{
    size_t size = strlen(text);
    bool plain = size &&
                 text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:")] == 0 &&
                 !strchr("-:.", text[0]) && text[size - 1] != ':' && strcasecmp(text, "null") != 0;
    if (!plain)
        buf_append_char(out, '"');
    if (plain)
        buf_append_str(out, text);
    else
        escape_json(out, text, size);
    if (!plain)
        buf_append_char(out, '"');
}

static void append_member(struct buf *out, const char *key, const char *directory, const char *name, const char *suffix)
{
    struct buf value;
    buf_init(&value, TEXT_MAX);
    buf_appendf(&value, "%s%s%s%s", directory ? directory : "", directory ? "/" : "", name, suffix);
    buf_append_str(out, key);
    buf_append_str(out, ": ");
    append_scalar(out, value.data);
    buf_append_char(out, '\n');
    buf_done(&value);
}

static void print(struct buf *text)
{
    fwrite(text->data, 1, text->size, stdout);
    buf_done(text);
}

/* The same path from wherever it is read; as it is when it cannot be followed. The caller frees. */
static char *absolute(const char *path)
{
    char *whole = realpath(path, NULL);
    return whole ? whole : cm_strdup(path);
}

void scanner_print_client(const struct scanner_call *call, const struct scanner_standing *standing, const char *dir,
                          const char *end, const char *authority)
{
    struct buf text, *out = &text;
    char *from = absolute(dir), *ca = absolute(authority);
    buf_init(out, TEXT_MAX);
    buf_appendf(out,
                "its certificate ends %s; move %s/%s.key and .pem to /etc/certmuster on the scanner, with a CA that "
                "the\ncollector's certificate is from as ca.pem (that of `certmuster scanner collector` is from %s), "
                "and configure there:\n\n",
                end, from, call->name, ca);
    append_member(out, "scanner", NULL, call->name, "");
    append_member(out, "host", NULL, standing->host, "");
    if (*standing->realm && (strcmp(standing->realm, "default") != 0 || *standing->further))
        append_member(out, "realm", NULL, standing->realm, "");
    if (*standing->further) {
        buf_append_str(out, "# or, for another network zone, one of these realms: ");
        escape_terminal(out, standing->further, strlen(standing->further), false);
        buf_append_char(out, '\n');
    }
    buf_append_str(out, "collector:\n  url: https://COLLECTOR:8443\nsubmit:\n  tls:\n");
    append_member(out, "    cert", "/etc/certmuster", call->name, ".pem");
    append_member(out, "    key", "/etc/certmuster", call->name, ".key");
    append_member(out, "    ca", "/etc/certmuster", "ca.pem", "");
    free(from);
    free(ca);
    print(out);
}

void scanner_print_collector(const char *dir, const char *end, const char *authority)
{
    struct buf text, *out = &text;
    char *from = absolute(dir), *ca = absolute(authority);
    buf_init(out, TEXT_MAX);
    buf_appendf(out,
                "%s/collector.pem ends %s. The collector, whose account must be able to read collector.key, takes it\n"
                "without a restart whenever the files change. Configure there:\n\n"
                "collector:\n  listen: 0.0.0.0:8443\n  tls:\n",
                from, end);
    append_member(out, "    cert", from, "collector.pem", "");
    append_member(out, "    key", from, "collector.key", "");
    append_member(out, "    client_ca", NULL, ca, "");
    free(from);
    free(ca);
    print(out);
}
