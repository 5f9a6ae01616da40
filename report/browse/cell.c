/* Text as it may stand on the screen. Everything that came from a certificate, a place or the server passes through here.
 *
 * Called by draw.c and the views. Refuses to emit a control, half of a wide character, or a combining mark that would settle on what
 * stands before the cell. */
#include "report/browse/cell.h"

#include <stdio.h>
#include <string.h>

#include "certmuster/escape.h"

void cell_plain(struct buf *out, const char *text, bool utf8)
{
    size_t size = strlen(text);
    escape_terminal(out, text, size < CELL_BYTES_MAX ? size : CELL_BYTES_MAX, !utf8);
}

/* Bytes at the front that take no column: marks without a letter to stand on. */
static size_t leading_marks(const char *text, size_t size)
{
    return text_fit(text, size, 0);
}

void cell_fit(struct buf *out, const char *text, size_t size, size_t width, enum cell_align align, bool utf8)
{
    struct buf escaped;
    /* What cannot be seen need not be escaped: no character takes more than its columns' worth, marks apart. */
    buf_init(&escaped, 16 * CELL_BYTES_MAX);
    escape_terminal(&escaped, text, size < CELL_BYTES_MAX ? size : CELL_BYTES_MAX, !utf8);
    const char *from = escaped.data;
    size_t left = escaped.size, skipped = leading_marks(from, left);
    from += skipped;
    left -= skipped;

    size_t columns = text_columns(from, left);
    bool cut = columns > width;
    size_t take = cut ? text_fit(from, left, width > 0 ? width - 1 : 0) : left;
    size_t shown = cut ? text_columns(from, take) + (width > 0) : columns;
    size_t padding = width > shown ? width - shown : 0;
    if (align == CELL_RIGHT)
        for (size_t i = 0; i < padding; i++)
            buf_append_char(out, ' ');
    buf_append(out, from, take);
    if (cut && width > 0)
        buf_append_str(out, utf8 ? "…" : "~");
    if (align == CELL_LEFT)
        for (size_t i = 0; i < padding; i++)
            buf_append_char(out, ' ');
    buf_done(&escaped);
}

/* The value of the first `type` of an RFC 4514 name, backslash escapes taken off; false when there is none. */
static bool attribute_value(struct buf *out, const char *name, const char *type)
{
    size_t length = strlen(type);
    bool begins = true;
    for (const char *at = name; *at; at++) {
        if (begins && strncmp(at, type, length) == 0 && at[length] == '=') {
            for (at += length + 1; *at && *at != ',' && *at != '+'; at++) {
                if (*at == '\\' && at[1])
                    at++;
                buf_append_char(out, *at);
            }
            return true;
        }
        begins = *at == ',' || *at == '+';
        if (*at == '\\' && at[1])
            at++;
    }
    return false;
}

void cell_common_name(struct buf *out, const char *name)
{
    static const char *const types[] = {"CN", "O", "OU"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t before = out->size;
        if (attribute_value(out, name, types[i]) && out->size > before)
            return;
    }
    buf_append_str(out, name);
}

void cell_count(char out[static CELL_TEXT_SIZE], int64_t count)
{
    char digits[32];
    int size = snprintf(digits, sizeof digits, "%lld", (long long)count), at = 0;
    for (int i = 0; i < size; i++) {
        out[at++] = digits[i];
        if (digits[i] != '-' && i + 1 < size && (size - i - 1) % 3 == 0)
            out[at++] = ',';
    }
    out[at] = '\0';
}

const char *cell_verdict(const char *verdict)
{
    static const struct {
        const char *name, *words;
    } rows[] = {
        {"incomplete", "incomplete"},
        {"cert_has_expired", "expired"},
        {"cert_not_yet_valid", "not yet"},
        {"depth_zero_self_signed_cert", "self-signed"},
        {"self_signed_cert_in_chain", "unknown CA"},
        {"unable_to_get_issuer_cert_locally", "no issuer"},
        {"unable_to_get_issuer_cert", "no issuer"},
        {"unable_to_verify_leaf_signature", "no issuer"},
        {"cert_revoked", "revoked"},
        {"cert_signature_failure", "bad sig"},
        {"invalid_ca", "not a CA"},
        {"invalid_purpose", "wrong use"},
        {"path_length_exceeded", "path length"},
        {"permitted_violation", "name bounds"},
        {"excluded_violation", "name bounds"},
        {"ca_md_too_weak", "weak hash"},
        {"ca_key_too_small", "weak key"},
        {"ee_key_too_small", "weak key"},
        {"unable_to_decode_leaf_public_key", "unknown key"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(verdict, rows[i].name) == 0)
            return rows[i].words;
    return verdict;
}
