/* The filter language: text to terms, terms to SQL conditions with bound parameters.
 *
 * Called by report (whole filters from --filter) and browse (while somebody types). Knows no table: the caller brings the conditions, so
 * that no byte of what was typed ever becomes SQL text. */
#include "certmuster/filter.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "certmuster/limits.h"
#include "certmuster/utf8.h"

static const char *const key_names[FILTER_KEY_COUNT_] = {
    [FILTER_NAME] = "name",     [FILTER_ISSUER] = "issuer",
    [FILTER_PLACE] = "place",   [FILTER_OWNER] = "owner",
    [FILTER_REALM] = "realm",   [FILTER_KEY] = "key",
    [FILTER_STATUS] = "status", [FILTER_FINGERPRINT] = "fingerprint",
};

static const char *const status_names[FILTER_STATUS_COUNT_] = {
    [FILTER_EXPIRED] = "expired", [FILTER_EXPIRING] = "expiring", [FILTER_FAILING] = "failing",
    [FILTER_OK] = "ok",           [FILTER_GONE] = "gone",
};

/* What stands between two white spaces outside quotes, taken apart. */
struct word {
    size_t offset; /* where it starts, for errors */
    bool negated;
    bool quoted; /* it had quotes: "" is then a value */
    bool open;   /* its quote was never closed */
    enum filter_key key;
    struct buf value;
    struct buf like; /* the value as a LIKE pattern, without the % of a substring */
    bool glob;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* PostgreSQL refuses a parameter that is not UTF-8; tell it here in our words. */
static bool is_utf8(const char *text, size_t size)
{
    unsigned length;
    uint32_t code;
    for (size_t at = 0; at < size; at += length)
        if ((length = utf8_decode(text + at, size - at, &code)) == 0)
            return false;
    return true;
}

static void value_append(struct word *word, char c, bool quoted)
{
    buf_append_char(&word->value, c);
    if (c == '*' && !quoted) {
        word->glob = true;
        buf_append_char(&word->like, '%');
        return;
    }
    if (c == '%' || c == '_' || c == '\\')
        buf_append_char(&word->like, '\\');
    buf_append_char(&word->like, c);
}

/* "key:" at text, one of ours or not: its length with the colon, 0 when what stands before the colon is not made of letters alone. */
static size_t key_length(const char *text)
{
    size_t length = 0;
    while (is_letter(text[length]))
        length++;
    return length > 0 && text[length] == ':' ? length + 1 : 0;
}

/* An IPv6 address whose first group has letters alone, as far as can be seen from its start: up to the end of the text, as of strchr, or what may follow an
 * address. The colons of a fingerprint are more. */
static bool is_address(const char *word, bool typing)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    size_t colons = 0, at = strspn(word, digits);
    if (at == 0 || at > 4)
        return false;
    for (; word[at] && (word[at] == ':' || strchr(digits, word[at])); at++)
        colons += word[at] == ':';
    return strchr(" \t\r\n\v\f%*./\"", word[at]) && colons <= 7 && (colons >= 2 || (typing && !word[at]));
}

/* What has a colon behind letters that are no key of ours and is text nevertheless: https://x, host:/etc/x, an IPv6 address. Not name:443, for
 * whoever types port:443 or serial:12 has a key in mind and would only be told that nothing is found; few places are known by such a name
 * alone, and one with a dot is text anyway. While somebody types, any of these may follow the colon. */
static bool is_text(const char *word, size_t key, bool typing)
{
    return word[key] == '/' || is_address(word, typing) || (typing && !word[key]);
}

static enum filter_key key_find(const char *name, size_t length)
{
    for (enum filter_key key = FILTER_NAME; key < FILTER_KEY_COUNT_; key++)
        if (strlen(key_names[key]) == length && strncasecmp(key_names[key], name, length) == 0)
            return key;
    return FILTER_ANY;
}

/* Reads one word at *text, which stands on its first byte, and moves *text behind it. */
static int word_read(const char **text, enum filter_mode mode, struct word *word, struct cm_error *error)
{
    const char *at = *text;
    if (*at == '-') {
        word->negated = true;
        at++;
    }
    size_t key = key_length(at);
    if (key > 0) {
        word->key = key_find(at, key - 1);
        if (word->key != FILTER_ANY)
            at += key;
        else if (!is_text(at, key, mode == FILTER_TYPING))
            return error_setf(
                error, CM_EINVAL, word->offset, "unknown key",
                "%.*s: keys are name, issuer, place, owner, realm, key, fingerprint, status; quote it to look for it",
                key - 1 < 40 ? (int)key - 1 : 40, at);
    }
    bool inside = false;
    for (; *at && (inside || !is_space(*at)); at++) {
        if (*at == '"') {
            inside = !inside;
            word->quoted = true;
        } else if (inside && *at == '\\' && (at[1] == '"' || at[1] == '\\')) {
            value_append(word, *++at, true);
        } else {
            value_append(word, *at, inside);
        }
    }
    word->open = inside;
    *text = at;
    return CM_OK;
}

static int status_find(const char *name, enum filter_status *out)
{
    for (enum filter_status status = 0; status < FILTER_STATUS_COUNT_; status++) {
        if (strcasecmp(status_names[status], name) == 0) {
            *out = status;
            return CM_OK;
        }
    }
    return CM_ENOTFOUND;
}

/* A prefix of a status, as it is while somebody types. */
static bool status_begun(const char *name)
{
    for (enum filter_status status = 0; status < FILTER_STATUS_COUNT_; status++)
        if (strncasecmp(status_names[status], name, strlen(name)) == 0)
            return true;
    return false;
}

/* The LIKE pattern of a value: a fingerprint is known by how it starts (people paste it with colons), all else is searched for anywhere. */
static char *pattern_of(const struct word *word)
{
    struct buf like;
    buf_init(&like, 2 * CM_LIMIT_FILTER_BYTES + 3);
    bool prefix = word->key == FILTER_FINGERPRINT;
    if (!word->glob && !prefix)
        buf_append_char(&like, '%');
    for (const char *at = word->like.data; *at; at++)
        if (!prefix || *at != ':')
            buf_append_char(&like, *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at);
    if (!word->glob)
        buf_append_char(&like, '%');
    return buf_take(&like, NULL);
}

/* A word as a term. *keep says whether it is one: what is not finished yet is left out while somebody types. */
static int term_of(const struct word *word, enum filter_mode mode, struct filter_term *term, bool *keep,
                   struct cm_error *error)
{
    bool typing = mode == FILTER_TYPING;
    *keep = false;
    *term = (struct filter_term){.key = word->key, .negated = word->negated};
    if (word->open && !typing)
        return error_set(error, CM_EINVAL, word->offset, "a quote is not closed");
    if (word->value.size == 0) {
        if (typing)
            return CM_OK;
        if (word->key == FILTER_ANY)
            return error_set(error, CM_EINVAL, word->offset,
                             word->quoted ? "nothing stands between the quotes" : "nothing follows the -");
        return error_setf(error, CM_EINVAL, word->offset, "a value is missing", "after %s:", key_names[word->key]);
    }
    if (word->key == FILTER_STATUS && status_find(word->value.data, &term->status) != CM_OK) {
        if (typing && status_begun(word->value.data))
            return CM_OK;
        return error_setf(error, CM_EINVAL, word->offset, "unknown status",
                          "%.40s: one of expired, expiring, failing, ok, gone", word->value.data);
    }
    *keep = true;
    term->nobody = word->key == FILTER_OWNER && !word->quoted && strcasecmp(word->value.data, "none") == 0;
    if (word->key != FILTER_STATUS && !term->nobody)
        term->like = pattern_of(word);
    return CM_OK;
}

static int term_read(const char *whole, const char **text, enum filter_mode mode, struct filter *filter,
                     struct cm_error *error)
{
    struct word word = {.offset = (size_t)(*text - whole)};
    struct filter_term term;
    bool keep = false;

    buf_init(&word.value, CM_LIMIT_FILTER_BYTES + 1);
    buf_init(&word.like, 2 * CM_LIMIT_FILTER_BYTES + 1);
    int code = word_read(text, mode, &word, error);
    if (code == CM_OK)
        code = term_of(&word, mode, &term, &keep, error);
    if (code == CM_OK && keep) {
        if (filter->count == CM_LIMIT_FILTER_TERMS) {
            free(term.like);
            code = error_setf(error, CM_ELIMIT, word.offset, "too many words", "at most %d", CM_LIMIT_FILTER_TERMS);
        } else {
            filter->terms = cm_realloc(filter->terms, (filter->count + 1) * sizeof *filter->terms);
            filter->terms[filter->count++] = term;
        }
    }
    buf_done(&word.like);
    buf_done(&word.value);
    return code;
}

int filter_parse(const char *text, enum filter_mode mode, struct filter *out, struct cm_error *error)
{
    struct filter filter = {0};
    int code = CM_OK;
    size_t size = strnlen(text, CM_LIMIT_FILTER_BYTES + 1);

    if (size > CM_LIMIT_FILTER_BYTES)
        return error_setf(error, CM_ELIMIT, size, "too long", "at most %d bytes", CM_LIMIT_FILTER_BYTES);
    if (!is_utf8(text, size))
        return error_set(error, CM_EINVAL, 0, "not UTF-8");
    for (const char *at = text; code == CM_OK;) {
        while (is_space(*at))
            at++;
        if (!*at)
            break;
        code = term_read(text, &at, mode, &filter, error);
    }
    if (code == CM_OK)
        *out = filter;
    else
        filter_done(&filter);
    return code;
}

void filter_done(struct filter *filter)
{
    for (size_t i = 0; i < filter->count; i++)
        free(filter->terms[i].like);
    free(filter->terms);
    *filter = (struct filter){0};
}

bool filter_asks_gone(const struct filter *filter)
{
    for (size_t i = 0; i < filter->count; i++)
        if (filter->terms[i].key == FILTER_STATUS && filter->terms[i].status == FILTER_GONE &&
            !filter->terms[i].negated)
            return true;
    return false;
}

static const char *condition_of(const struct filter_term *term, const struct filter_sql *sql)
{
    if (term->key == FILTER_STATUS)
        return sql->status[term->status];
    return term->nobody ? sql->nobody : sql->text[term->key];
}

size_t filter_where(const struct filter *filter, const struct filter_sql *sql, size_t first_parameter,
                    struct buf *where, const char **parameters)
{
    size_t used = 0;
    for (size_t i = 0; i < filter->count; i++) {
        const struct filter_term *term = &filter->terms[i];
        buf_append_str(where, term->negated ? " AND NOT coalesce((" : " AND (");
        for (const char *at = condition_of(term, sql); *at; at++) {
            if (at[0] == '$' && at[1] == '$') {
                /* lower() by the server, whose idea of upper and lower case beyond ASCII decides on the other side, too. */
                buf_appendf(where, "lower($%zu)", first_parameter + used);
                at++;
            } else {
                buf_append_char(where, *at);
            }
        }
        buf_append_str(where, term->negated ? "), false)" : ")");
        if (term->like)
            parameters[used++] = term->like;
    }
    return used;
}
