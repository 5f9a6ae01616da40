/* The search: one pass over all bytes, whole or window by window, and a part for each needle that it finds.
 *
 * Owns the windows and the table of parts. format.c calls it for whatever no other reader takes alone. What may have held a key is cleared
 * before the next content is read. */
#include "scanner/crawl/formats/search.h"

#include <openssl/crypto.h>

#include "scanner/crawl/formats/search_private.h"

/* What parts may look at, for each byte of a window and on top of it: real files need a hundredth. */
enum { LOOKS = 4, LOOK_BYTES = 1024 * 1024 };

static bool (*const parts[])(struct search *search, struct window *window, enum needle needle, size_t *at) = {
    [NEEDLE_PEM] = search_take_pem,
    [NEEDLE_UTF16] = search_take_utf16,
    [NEEDLE_BASE64] = search_take_base64,
    [NEEDLE_BASE64_SHIFTED] = search_take_base64,
    [NEEDLE_BASE64_SHIFTED2] = search_take_base64,
    [NEEDLE_BASE64_TWICE] = search_take_base64,
    [NEEDLE_SSH_CERTIFICATE] = search_take_ssh_certificate,
    [NEEDLE_SSH2] = search_take_ssh2,
    [NEEDLE_PUTTY] = search_take_putty,
    [NEEDLE_MAIL] = search_take_mail,
    [NEEDLE_JWK] = search_take_jwk,
    [NEEDLE_BARE] = search_take_bare,
};

bool search_may_look(struct search *search, size_t bytes)
{
    if (bytes <= search->allowance) {
        search->allowance -= bytes;
        return true;
    }
    if (!search->overdrawn)
        job_problem(search->job, NULL, NULL, RECORD_ERROR_LIMIT, "too much of it looks like keys or mails and is none");
    search->overdrawn = true;
    return false;
}

size_t search_window(struct search *search, struct window *window)
{
    size_t at = 0;
    enum needle needle;
    search->allowance += LOOKS * window->size + LOOK_BYTES;
    for (;;) {
        size_t found = needles_find(window->bytes, window->size, at, &needle);
        if (needle == NEEDLE_NONE)
            break;
        at = found;
        if (!parts[needle](search, window, needle, &at))
            return at;
        if (job_pulse(search->job))
            return window->size;
    }
    size_t back = window->size < SEARCH_BACK_BYTES ? window->size : SEARCH_BACK_BYTES;
    size_t done = window->last ? window->size : window->size - back;
    return done > at ? done : at;
}

static void search_whole(struct search *search, uint8_t *bytes, size_t size)
{
    struct window window = {bytes, size, true};
    (void)search_window(search, &window);
}

/* What is too large to hold. Holes are jumped over: they are zeros, and nothing goes across one. */
static void search_windows(struct search *search, struct content *content)
{
    struct buf bytes;
    ssize_t got = 0;
    bool stopped = false;
    buf_init(&bytes, SEARCH_WINDOW_BYTES);
    do {
        if (content_skip_hole(content)) {
            search_whole(search, (uint8_t *)bytes.data, bytes.size);
            buf_reset(&bytes);
        }
        size_t before = bytes.size;
        char *at = buf_extend(&bytes, SEARCH_WINDOW_BYTES - before);
        bytes.size = before;
        while (bytes.size < SEARCH_WINDOW_BYTES &&
               (got = content_read(content, at + (bytes.size - before), SEARCH_WINDOW_BYTES - bytes.size)) > 0)
            bytes.size += (size_t)got;
        struct window window = {(uint8_t *)bytes.data, bytes.size, got <= 0};
        size_t done = search_window(search, &window);
        if (!done && bytes.size == SEARCH_WINDOW_BYTES) /* a part that asks for more than a window holds gets no more */
            search_whole(search, window.bytes, done = bytes.size);
        buf_consume(&bytes, done);
        stopped = got > 0 && job_pulse(search->job);
    } while (got > 0 && !stopped);
    OPENSSL_cleanse(bytes.data, bytes.capacity);
    buf_done(&bytes);
    if (stopped)
        job_problem(search->job, NULL, NULL, RECORD_ERROR_TIMEOUT, "only the beginning was searched");
}

void search_text(struct job *job, struct content *content)
{
    struct search search = {.job = job, .told = &content->told};
    uint8_t *bytes;
    size_t size;
    der_items_init(&search.items, job, "pem", &content->told);
    search.items.contents = true;
    int status = content_whole(content, &bytes, &size);
    if (!status)
        search_whole(&search, bytes, size);
    else if (status == CM_ELIMIT)
        search_windows(&search, content);
    der_items_done(&search.items);
}
