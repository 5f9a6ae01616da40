/* The hash files of Berkeley DB 1.85 (hash.h, hash_page.c, hash_bigkey.c of 4.4BSD): buckets of pages, overflow pages, pairs larger than a page.
 *
 * Owns a mark for each page. nss_dbm.c calls it. The header is big-endian everywhere, the pages are in the order that it names. A page is an array of u16: how many follow,
 * offsets of key and data in turn (they fill the page from its end), free space, lowest offset. Offsets below 4 are no offsets: they tell of a link to
 * an overflow page or of a part of a big pair. Pages that no bucket leads to are free: what stands in them was deleted, and is not told. */
#include "scanner/crawl/formats/dbm.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/error.h"

enum {
    SPARES = 32,
    SPLIT_SHIFT = 11, /* of an overflow page's address: above it the split point, below it the page's number there */
    SMALLEST_PAGE = 64,
    LARGEST_PAGE = 65536,
};

/* What may stand in place of an offset to data. */
enum { OVERFLOW_PAGE = 0, PARTIAL_KEY = 1, FULL_KEY = 2, FULL_KEY_DATA = 3, REAL_KEY = 4 };

struct dbm {
    struct slice file;
    uint32_t order, page_bytes, max_bucket, keys, header_pages;
    uint32_t spares[SPARES];
    uint64_t pages;
    uint8_t *seen;  /* one a page */
    uint32_t taken; /* pairs: of as many as the header tells of */
    bool damaged;
    struct buf key, data; /* of a big pair */
};

struct page {
    const struct dbm *dbm;
    const uint8_t *bytes;
    uint32_t count; /* of its entries, two a pair */
};

bool dbm_is(struct slice head)
{
    static const uint8_t magic[] = {0x00, 0x06, 0x15, 0x61, 0x00, 0x00, 0x00, 0x02};
    return head.size >= DBM_HEADER_BYTES && memcmp(head.data, magic, sizeof magic) == 0;
}

static int read_header(struct dbm *dbm)
{
    struct cursor cursor;
    cursor_init_slice(&cursor, dbm->file);
    if (cursor_skip(&cursor, 8) || cursor_u32(&cursor, &dbm->order) || cursor_u32(&cursor, &dbm->page_bytes) ||
        cursor_skip(&cursor, 24) || cursor_u32(&cursor, &dbm->max_bucket) || cursor_skip(&cursor, 12) ||
        cursor_u32(&cursor, &dbm->keys) || cursor_u32(&cursor, &dbm->header_pages) || cursor_skip(&cursor, 4))
        return CM_EMALFORMED;
    for (unsigned i = 0; i < SPARES; i++)
        if (cursor_u32(&cursor, &dbm->spares[i]))
            return CM_EMALFORMED;
    if ((dbm->order != 1234 && dbm->order != 4321) || dbm->page_bytes < SMALLEST_PAGE ||
        dbm->page_bytes > LARGEST_PAGE || dbm->page_bytes & (dbm->page_bytes - 1))
        return CM_EMALFORMED;
    dbm->pages = dbm->file.size / dbm->page_bytes;
    return 0;
}

/* The i-th u16 of a page; 0 behind its end. */
static uint32_t at(const struct page *page, uint32_t i)
{
    if (2 * i + 1 >= page->dbm->page_bytes)
        return 0;
    const uint8_t *bytes = page->bytes + 2 * i;
    return page->dbm->order == 1234 ? (uint32_t)(bytes[1] << 8 | bytes[0]) : (uint32_t)(bytes[0] << 8 | bytes[1]);
}

/* The number of the page of a bucket, and of an overflow page by its address: BUCKET_TO_PAGE and OADDR_TO_PAGE of hash.h. */
static uint64_t page_of_bucket(const struct dbm *dbm, uint32_t bucket)
{
    unsigned power = 0;
    while (power < SPARES && UINT64_C(1) << power < (uint64_t)bucket + 1)
        power++;
    return (uint64_t)bucket + dbm->header_pages + (bucket ? dbm->spares[power - 1] : 0);
}

static uint64_t page_of_address(const struct dbm *dbm, uint32_t address)
{
    return page_of_bucket(dbm, (1u << (address >> SPLIT_SHIFT)) - 1) + (address & ((1u << SPLIT_SHIFT) - 1));
}

/* A page that was not read before: a second time is a loop, or two buckets that share one. */
static bool open_page(struct dbm *dbm, uint64_t number, struct page *page)
{
    if (number >= dbm->pages || number < dbm->header_pages || dbm->seen[number])
        return false;
    dbm->seen[number] = 1;
    *page = (struct page){.dbm = dbm, .bytes = dbm->file.data + number * dbm->page_bytes};
    page->count = at(page, 0);
    return page->count % 2 == 0 && (page->count + 3) * 2 <= dbm->page_bytes;
}

static bool open_linked(struct dbm *dbm, uint32_t address, struct page *page)
{
    return open_page(dbm, page_of_address(dbm, address), page);
}

/* The bytes from one offset up to another. */
static bool part(const struct page *page, uint32_t from, uint32_t to, struct slice *out)
{
    if (from < (page->count + 1) * 2 || from > to || to > page->dbm->page_bytes)
        return false;
    *out = (struct slice){page->bytes + from, to - from};
    return true;
}

static bool append_part(const struct page *page, uint32_t from, uint32_t to, struct buf *out)
{
    struct slice bytes;
    if (!part(page, from, to, &bytes))
        return false;
    buf_append(out, bytes.data, bytes.size);
    return !out->failed;
}

enum chain { CHAIN_ENDS, CHAIN_GOES_ON, CHAIN_BROKEN };

/* A pair that does not fit on one page: its key over one page or more, its data on the rest of the key's last page and on further ones. Leaves *page at what
 * follows it in its bucket. */
static enum chain take_big(struct dbm *dbm, struct page *page, dbm_take *take, void *context)
{
    uint32_t size = dbm->page_bytes;
    buf_reset(&dbm->key);
    buf_reset(&dbm->data);
    while (append_part(page, at(page, 1), size, &dbm->key) && at(page, 2) == PARTIAL_KEY)
        if (!open_linked(dbm, at(page, page->count - 1), page) || page->count < 2)
            return CHAIN_BROKEN;
    if (at(page, 2) != FULL_KEY && at(page, 2) != FULL_KEY_DATA)
        return CHAIN_BROKEN;
    bool whole = false;
    if (at(page, 2) == FULL_KEY_DATA) {
        if (!append_part(page, at(page, page->count), at(page, 1), &dbm->data))
            return CHAIN_BROKEN;
        whole = at(page, page->count + 1) != 0; /* free space is left: the data ends here */
    }
    while (!whole) {
        if (!open_linked(dbm, at(page, page->count - 1), page) || page->count < 2 ||
            !append_part(page, at(page, 1), size, &dbm->data))
            return CHAIN_BROKEN;
        whole = at(page, 2) == FULL_KEY_DATA;
        if (!whole && at(page, 2) != FULL_KEY)
            return CHAIN_BROKEN;
    }
    take(context, buf_slice(&dbm->key), buf_slice(&dbm->data));
    dbm->taken++;
    if (page->count == 2)
        return CHAIN_ENDS;
    return open_linked(dbm, at(page, page->count - 1), page) ? CHAIN_GOES_ON : CHAIN_BROKEN;
}

/* The pairs of an ordinary page; a damaged one does not lose those in front of it, nor the link behind. */
static enum chain take_pairs(struct dbm *dbm, struct page *page, dbm_take *take, void *context)
{
    uint32_t end = dbm->page_bytes;
    for (uint32_t i = 1; i < page->count; i += 2) {
        struct slice key, data;
        if (at(page, i + 1) == OVERFLOW_PAGE)
            return open_linked(dbm, at(page, i), page) ? CHAIN_GOES_ON : CHAIN_BROKEN;
        if (part(page, at(page, i), end, &key) && part(page, at(page, i + 1), at(page, i), &data)) {
            take(context, key, data);
            dbm->taken++;
        } else {
            dbm->damaged = true;
        }
        if (at(page, i + 1) < end) /* so no byte is told twice */
            end = at(page, i + 1);
    }
    return CHAIN_ENDS;
}

static void take_bucket(struct dbm *dbm, uint32_t bucket, dbm_take *take, void *context)
{
    struct page page;
    enum chain chain = open_page(dbm, page_of_bucket(dbm, bucket), &page) ? CHAIN_GOES_ON : CHAIN_BROKEN;
    while (chain == CHAIN_GOES_ON && page.count) {
        uint32_t second = at(&page, 2);
        bool big = second >= PARTIAL_KEY && second <= FULL_KEY_DATA;
        chain = big ? take_big(dbm, &page, take, context) : take_pairs(dbm, &page, take, context);
    }
    if (chain == CHAIN_BROKEN)
        dbm->damaged = true;
}

int dbm_each(struct slice file, dbm_take *take, void *context)
{
    struct dbm dbm = {.file = file};
    if (!dbm_is(file) || read_header(&dbm))
        return CM_EMALFORMED;
    dbm.seen = cm_calloc(dbm.pages + 1, 1);
    buf_init(&dbm.key, file.size);
    buf_init(&dbm.data, file.size);
    for (uint32_t bucket = 0; bucket <= dbm.max_bucket; bucket++) {
        if (bucket >= dbm.pages) { /* its page, and those of all that follow, are not in the file */
            dbm.damaged = true;
            break;
        }
        take_bucket(&dbm, bucket, take, context);
    }
    buf_done(&dbm.key);
    buf_done(&dbm.data);
    free(dbm.seen);
    return dbm.damaged || dbm.taken < dbm.keys ? CM_EMALFORMED : 0; /* a page of zeros looks like an empty bucket */
}
