/* What SSH leaves in texts: certificates in a line of their own (PROTOCOL.certkeys; .pub files, authorized_keys, known_hosts), and the blocks
 * of RFC 4716, in which they may stand as well and ssh.com's private keys do. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "certmuster/encode.h"
#include "certmuster/ssh_certificate.h"
#include "scanner/crawl/formats/search_private.h"

static void tell_certificate(struct search *search, struct slice blob)
{
    char entry[32];
    snprintf(entry, sizeof entry, "ssh-%zu", ++search->told->ssh_certificates);
    search->job->ops->ssh_certificate(search->job->ops->context,
                                      &(struct found_ssh_certificate){"openssh", entry, blob});
}

static bool is_base64(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
           c == '=';
}

/* True when blob says itself that it is a certificate of SSH's; programs name the types without having one. */
static bool begins_certificate(struct slice blob)
{
    static const char mark[] = "-cert-v01@openssh.com";
    struct cursor cursor;
    struct slice type;
    cursor_init_slice(&cursor, blob);
    return !ssh_string(&cursor, &type) && type.size > sizeof mark - 1 &&
           memcmp(type.data + type.size - (sizeof mark - 1), mark, sizeof mark - 1) == 0;
}

/* "ssh-ed25519-cert-v01@openssh.com AAAA… comment", from the needle on. */
bool search_take_ssh_certificate(struct search *search, struct window *window, enum needle needle, size_t *at)
{
    static const char rest[] = "-cert-v01@openssh.com ";
    size_t from = *at + sizeof rest - 1, to = from;
    struct buf blob;
    (void)needle;
    if (window->size - *at < sizeof rest - 1 && !window->last && *at)
        return false;
    *at += NEEDLE_BYTES;
    if (from > window->size || memcmp(window->bytes + from - (sizeof rest - 1), rest, sizeof rest - 2) != 0 ||
        !memchr(" \t", window->bytes[from - 1], 2))
        return true;
    while (to < window->size && to - from < SEARCH_LINE_MAX && is_base64(window->bytes[to]))
        to++;
    if (to == window->size && !window->last && to - from < SEARCH_LINE_MAX && from > SEARCH_BACK_BYTES) {
        *at = from - (sizeof rest - 1);
        return false;
    }
    buf_init(&blob, SEARCH_LINE_MAX);
    if (to > from && !base64_read_loose((const char *)window->bytes + from, to - from, &blob) &&
        begins_certificate(buf_slice(&blob)))
        tell_certificate(search, buf_slice(&blob));
    else if (to - from > 64)
        job_problem(search->job, "openssh", NULL, RECORD_ERROR_MALFORMED, "an SSH certificate that cannot be read");
    buf_done(&blob);
    *at = to;
    return true;
}

/* The body behind headers ("Comment: …", continued with a backslash): base64 over lines (RFC 4716 §3.3). */
static int decode_body(struct slice text, struct buf *out)
{
    struct cursor cursor;
    bool continued = false;
    cursor_init_slice(&cursor, text);
    while (!cursor_at_end(&cursor)) {
        const uint8_t *end = cursor.at;
        while (end < cursor.end && *end != '\n' && *end != '\r')
            end++;
        struct slice line = {cursor.at, (size_t)(end - cursor.at)};
        bool header = continued || memchr(line.data, ':', line.size);
        if (line.size && !header)
            break;
        continued = header && line.size && line.data[line.size - 1] == '\\';
        cursor.at = end < cursor.end ? end + 1 : end;
    }
    return base64_read_loose((const char *)cursor.at, cursor_left(&cursor), out);
}

bool search_take_ssh2(struct search *search, struct window *window, enum needle needle, size_t *at)
{
    static const char public[] = "---- BEGIN SSH2 PUBLIC KEY ----",
                      private[] = "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----";
    static const char end[] = "---- END SSH2";
    uint8_t *begin = window->bytes + *at;
    size_t left = window->size - *at;
    (void)needle;
    if (left < sizeof private - 1 && !window->last)
        return false;
    bool is_public = left >= sizeof public - 1 && memcmp(begin, public, sizeof public - 1) == 0;
    bool is_private = left >= sizeof private - 1 && memcmp(begin, private, sizeof private - 1) == 0;
    size_t head = is_public ? sizeof public - 1 : sizeof private - 1;
    size_t reach = left < SEARCH_LINE_MAX ? left : SEARCH_LINE_MAX;
    uint8_t *stop = (is_public || is_private) && search_may_look(search, SEARCH_LINE_MAX / 16)
                        ? memmem(begin + head, reach - head, end, sizeof end - 1)
                        : NULL;
    if ((is_public || is_private) && !stop && reach == left && !window->last && *at)
        return false;
    *at += NEEDLE_BYTES;
    if (!stop)
        return true;
    struct slice text = {begin + head, (size_t)(stop - begin) - head};
    struct buf blob;
    buf_init(&blob, SEARCH_LINE_MAX);
    int status = decode_body(text, &blob);
    if (is_public && !status && begins_certificate(buf_slice(&blob))) {
        tell_certificate(search, buf_slice(&blob));
    } else if (is_private) {
        char entry[32];
        snprintf(entry, sizeof entry, "key-%zu", ++search->told->keys);
        if (status)
            job_problem(search->job, "ssh2", entry, RECORD_ERROR_MALFORMED, "a private key that cannot be read");
        else /* its cipher, "none" included, stands inside; ssh.com calls all of them encrypted */
            search->job->ops->key(search->job->ops->context,
                                  &(struct found_key){.format = "ssh2",
                                                      .entry = entry,
                                                      .kind = "ssh2",
                                                      .encrypted = !memmem(blob.data, blob.size, "\0\0\0\4none", 8)});
        OPENSSL_cleanse(begin, (size_t)(stop - begin));
    }
    if (blob.data)
        OPENSSL_cleanse(blob.data, blob.capacity);
    buf_done(&blob);
    *at = (size_t)(stop - window->bytes);
    return true;
}
