/* The PEM finder: blocks between "-----BEGIN X-----" and "-----END X-----", with anything around and between them.
 *
 * Owns nothing. search.c calls it over whole files and over windows of large ones. It looks neither at names nor at line structure to find a
 * block, since real files indent, quote, escape and concatenate them; and one bad block never swallows the next: a BEGIN ends what is open. */
#include "scanner/crawl/formats/pem.h"

#include <string.h>

static const char BEGIN[] = "-----BEGIN";
static const char END[] = "-----END";
static const char DASHES[] = "-----";
enum { BEGIN_SIZE = sizeof BEGIN - 1, END_SIZE = sizeof END - 1, DASHES_SIZE = sizeof DASHES - 1 };

void pem_scan_init(struct pem_scan *scan, const void *bytes, size_t size, bool last)
{
    *scan = (struct pem_scan){.data = bytes, .size = size, .last = last};
}

/* Offset of needle in [from, to), or `to`. */
static size_t find(const struct pem_scan *scan, size_t from, size_t to, const char *needle, size_t needle_size)
{
    const char *found = to - from < needle_size ? NULL : memmem(scan->data + from, to - from, needle, needle_size);
    return found ? (size_t)(found - scan->data) : to;
}

enum label_result { LABEL_OK, LABEL_NONE, LABEL_CUT };

/* A space, or what stands for one in URLs and forms; its size, 0 when it is none. */
static size_t space_at(const struct pem_scan *scan, size_t at)
{
    size_t left = scan->size - at;
    if (left && (scan->data[at] == ' ' || scan->data[at] == '+'))
        return 1;
    return left >= 3 && memcmp(scan->data + at, "%20", 3) == 0 ? 3 : 0;
}

/* The label behind "-----BEGIN": a space, then capitals, digits, spaces and a little punctuation, then five dashes. */
static enum label_result read_label(struct pem_scan *scan, size_t from, struct pem_block *block, size_t *body)
{
    size_t at = from, size = 0, space = space_at(scan, at);
    if (!space)
        return scan->size - at < 3 && !scan->last ? LABEL_CUT : LABEL_NONE;
    block->plus_is_space = scan->data[at] == '+';
    for (at += space; at < scan->size && size <= PEM_LABEL_MAX; at += space) {
        char c = scan->data[at];
        if (c == '-' || c < ' ' || c == 0x7F)
            break;
        space = space_at(scan, at);
        scan->label[size++] = space ? ' ' : c;
        space = space ? space : 1;
    }
    if (size > PEM_LABEL_MAX)
        return LABEL_NONE;
    if (scan->size - at < DASHES_SIZE && !scan->last)
        return LABEL_CUT;
    if (!size || scan->size - at < DASHES_SIZE || memcmp(scan->data + at, DASHES, DASHES_SIZE) != 0)
        return LABEL_NONE;
    block->label = (struct slice){(const uint8_t *)scan->label, size};
    *body = at + DASHES_SIZE;
    return LABEL_OK;
}

/* What stands before the BEGIN on its line, where that is short. */
static struct slice margin_of(const struct pem_scan *scan, size_t begin)
{
    size_t start = begin;
    while (start && begin - start <= PEM_MARGIN_MAX && scan->data[start - 1] != '\n' && scan->data[start - 1] != '\r')
        start--;
    size_t size = begin - start;
    return (struct slice){(const uint8_t *)scan->data + start, size <= PEM_MARGIN_MAX ? size : 0};
}

enum pem_result pem_at(struct pem_scan *scan, size_t begin, struct pem_block *block)
{
    size_t body;
    block->margin = margin_of(scan, begin);
    enum label_result read = read_label(scan, begin + BEGIN_SIZE, block, &body);
    if (read == LABEL_CUT) {
        scan->at = begin - block->margin.size;
        return PEM_MORE;
    }
    if (read == LABEL_NONE) {
        scan->at = begin + BEGIN_SIZE;
        return PEM_NONE;
    }
    /* The next BEGIN first, so that END is never searched for behind it: linear on a file of nothing but BEGIN lines. */
    size_t reach = scan->size - body > PEM_BLOCK_MAX ? body + PEM_BLOCK_MAX : scan->size;
    size_t next = find(scan, body, reach, BEGIN, BEGIN_SIZE);
    size_t end = find(scan, body, next, END, END_SIZE);
    if (end == reach && reach == scan->size && !scan->last) {
        scan->at = begin - block->margin.size;
        return PEM_MORE;
    }
    block->text = (struct slice){(const uint8_t *)scan->data + body, end - body};
    block->offset = begin;
    /* The END line's label and dashes are left to the next search: files run together share the dashes at times. */
    scan->at = end == next ? end : end + END_SIZE;
    return end == next ? PEM_CUT : PEM_BLOCK;
}

enum pem_result pem_next(struct pem_scan *scan, struct pem_block *block)
{
    for (;;) {
        size_t begin = find(scan, scan->at, scan->size, BEGIN, BEGIN_SIZE);
        if (begin == scan->size) {
            /* The last bytes may be the first of a BEGIN. */
            size_t keep = scan->size - scan->at < BEGIN_SIZE ? scan->size - scan->at : BEGIN_SIZE - 1;
            scan->at = scan->last ? scan->size : scan->size - keep;
            return scan->last ? PEM_END : PEM_MORE;
        }
        enum pem_result result = pem_at(scan, begin, block);
        if (result != PEM_NONE)
            return result;
    }
}

bool pem_label_is(const struct pem_block *block, const char *label)
{
    return block->label.size == strlen(label) && memcmp(block->label.data, label, block->label.size) == 0;
}

bool pem_says_encrypted(const struct pem_block *block)
{
    static const char type[] = "Proc-Type:", encrypted[] = "ENCRYPTED";
    size_t head = block->text.size < 256 ? block->text.size : 256;
    return memmem(block->text.data, head, type, sizeof type - 1) &&
           memmem(block->text.data, head, encrypted, sizeof encrypted - 1);
}
