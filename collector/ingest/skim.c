/* Lines that repeat. The records of a sweep differ in when, where, which chain and how many milliseconds, and in nothing else that
 * thousands of others do not have.
 *
 *     {"v":1,"type":"sighting","source":"scan","at":" TIME ","scanner":"…","endpoint":{…"transport":"tcp", "ip":"IP", "port":PORT,"name":" NAME
 *     └──────────────────── front ───────────────────┘     └─────────────────── middle ──────────────────┘
 *                                                "},"role":"server","chain":[" FINGERPRINTS "],"tls":{…},"ms":{"connect": N ,"handshake": N } }
 *                                                └─────── behind_name ───────┘              └──── behind_chain ─────────┘                     └ end
 *
 * A line that record_read has read is remembered as the bytes between its holes. Another line that has the same bytes there, and in the
 * holes what record_read takes there, is a record that record_read takes too, and says the same. That is all that is known here: nothing
 * is parsed, no member is looked for, and whatever differs from what was read goes to record_read itself. Failures have no chain;
 * behind_name is then the rest of the line.
 *
 * Batches are hostile: shapes are found by a hash in a table of fixed size, where the newest displaces what stood there, so that no line
 * costs more than to look once. */
#include "collector/ingest/skim.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/encode.h"
#include "certmuster/ipaddr.h"
#include "certmuster/limits.h"
#include "certmuster/timefmt.h"

enum {
    SHAPES = 256,
    PIECE_MAX = 16 * 1024, /* more of it stays record_read's: comparing it is no cheaper */
    HASHED_MAX = 512,
    KIND_AT = 15, /* of the first letter of the type */
    TIME_SIZE = 24,
    SECOND_SIZE = 20, /* with its point */
    NUMBER_DIGITS = 15,
    NAME_MAX_BYTES = 253,
    FINGERPRINT_DIGITS = 2 * CM_SHA256_SIZE,
};

struct piece { /* of the body */
    const char *at;
    size_t size;
};

struct head { /* whose sighting, or failure, of which run: one of each at a time */
    struct piece front, middle;
    uint8_t run[CM_UUID_SIZE];
    uint16_t origin, run_index;
    bool has_ip, is_udp;
};

struct shape {
    struct piece behind_name, behind_chain, end;
    uint32_t saying;
    bool is_failure, has_ms;
};

struct skim {
    struct head heads[2];
    struct shape shapes[SHAPES];
    char second[SECOND_SIZE]; /* the last that was read */
    int64_t second_ms;
};

struct skim *skim_new(void)
{
    return cm_calloc(1, sizeof(struct skim));
}

void skim_free(struct skim *skim)
{
    free(skim);
}

/* --- What stands in holes ----------------------------------------------------------------------------------------------------------------- */

struct walk {
    const char *at, *end;
};

static bool skip(struct walk *walk, struct piece piece)
{
    if ((size_t)(walk->end - walk->at) < piece.size || memcmp(walk->at, piece.at, piece.size) != 0)
        return false;
    walk->at += piece.size;
    return true;
}
#define SKIP(walk, literal) skip(walk, (struct piece){literal, sizeof literal - 1})

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number as JSON has it, without sign. */
static bool take_number(struct walk *walk, uint64_t *out)
{
    const char *start = walk->at;
    uint64_t value = 0;
    while (walk->at < walk->end && is_digit(*walk->at) && walk->at - start < NUMBER_DIGITS)
        value = value * 10 + (uint64_t)(*walk->at++ - '0');
    *out = value;
    return walk->at > start && (*start != '0' || walk->at - start == 1);
}

static bool take_time(struct skim *skim, struct walk *walk, int64_t *ms)
{
    const char *at = walk->at;
    if (walk->end - at < TIME_SIZE)
        return false;
    bool is_usual =
        at[SECOND_SIZE - 1] == '.' && is_digit(at[20]) && is_digit(at[21]) && is_digit(at[22]) && at[23] == 'Z';
    walk->at += TIME_SIZE;
    if (is_usual && memcmp(at, skim->second, SECOND_SIZE) == 0) {
        *ms = skim->second_ms + (at[20] - '0') * 100 + (at[21] - '0') * 10 + (at[22] - '0');
        return true;
    }
    char text[TIME_SIZE + 1] = "";
    memcpy(text, at, TIME_SIZE);
    if (strlen(text) != TIME_SIZE || timefmt_read_ms(text, ms) != 0 || *ms < 0)
        return false;
    if (is_usual) {
        memcpy(skim->second, at, SECOND_SIZE);
        skim->second_ms = *ms - *ms % 1000;
    }
    return true;
}

/* What stands before the next quote, as a string; false when it does not fit. Whoever checks it lets no backslash pass. */
static bool take_text(struct walk *walk, char *out, size_t room)
{
    size_t left = (size_t)(walk->end - walk->at);
    const char *quote = memchr(walk->at, '"', left < room ? left : room);
    size_t size = quote ? (size_t)(quote - walk->at) : 0;
    if (!quote)
        return false;
    memcpy(out, walk->at, size);
    out[size] = 0;
    walk->at = quote;
    return strlen(out) == size;
}

static bool is_ipv4(const char *text)
{
    for (unsigned octet = 0; octet < 4; octet++) {
        unsigned value = 0, digits = 0;
        if (octet && *text++ != '.')
            return false;
        for (; digits < 3 && is_digit(*text); digits++)
            value = value * 10 + (unsigned)(*text++ - '0');
        if (!digits || value > 255 || (digits > 1 && text[-(int)digits] == '0'))
            return false;
    }
    return !*text;
}

static bool is_address(const char *text)
{
    struct ipaddr ip;
    char canonical[IPADDR_TEXT_SIZE];
    if (is_ipv4(text))
        return true;
    if (ipaddr_read(text, &ip) != 0)
        return false;
    ipaddr_write(canonical, &ip);
    return strcmp(canonical, text) == 0;
}

/* As record_read has the SNI. */
static bool is_name(const char *name, bool has_ip)
{
    static const bool allowed[256] = {
        ['-'] = true, ['.'] = true, ['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true, ['5'] = true,
        ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true, ['_'] = true, ['a'] = true, ['b'] = true, ['c'] = true,
        ['d'] = true, ['e'] = true, ['f'] = true, ['g'] = true, ['h'] = true, ['i'] = true, ['j'] = true, ['k'] = true,
        ['l'] = true, ['m'] = true, ['n'] = true, ['o'] = true, ['p'] = true, ['q'] = true, ['r'] = true, ['s'] = true,
        ['t'] = true, ['u'] = true, ['v'] = true, ['w'] = true, ['x'] = true, ['y'] = true, ['z'] = true,
    };
    const char *end = name;
    while (allowed[(uint8_t)*end])
        end++;
    return !*end && (end == name ? has_ip : name[0] != '.' && end[-1] != '.');
}

static bool take_fingerprint(struct walk *walk, uint8_t out[static CM_SHA256_SIZE])
{
    static const uint8_t values[256] = {
        ['0'] = 16, ['1'] = 17, ['2'] = 18, ['3'] = 19, ['4'] = 20, ['5'] = 21, ['6'] = 22, ['7'] = 23,
        ['8'] = 24, ['9'] = 25, ['a'] = 26, ['b'] = 27, ['c'] = 28, ['d'] = 29, ['e'] = 30, ['f'] = 31,
    };
    unsigned all = 16;
    if (walk->end - walk->at < FINGERPRINT_DIGITS)
        return false;
    for (unsigned i = 0; i < CM_SHA256_SIZE; i++) {
        unsigned high = values[(uint8_t)walk->at[2 * i]], low = values[(uint8_t)walk->at[2 * i + 1]];
        all &= high & low;
        out[i] = (uint8_t)((high & 15) << 4 | (low & 15));
    }
    walk->at += FINGERPRINT_DIGITS;
    return all != 0;
}

/* To the quote behind the last one. What was appended is taken back by whoever fails later. */
static bool take_chain(struct batch *batch, struct walk *walk, struct look *look)
{
    uint8_t chain[CM_LIMIT_CHAIN_CERTS][CM_SHA256_SIZE];
    size_t count = 0;
    do {
        if (count == CM_LIMIT_CHAIN_CERTS || !take_fingerprint(walk, chain[count++]))
            return false;
    } while (SKIP(walk, "\",\""));
    chain_id((const uint8_t(*)[CM_SHA256_SIZE])chain, count, look->chain);
    look->chain_start = batch->fingerprints.size / CM_SHA256_SIZE;
    look->chain_count = count;
    buf_append(&batch->fingerprints, chain, count * CM_SHA256_SIZE);
    return true;
}

static bool take_ms(struct walk *walk)
{
    uint64_t ignored;
    return take_number(walk, &ignored) && SKIP(walk, ",\"handshake\":") && take_number(walk, &ignored) &&
           SKIP(walk, "}");
}

/* --- Matching ------------------------------------------------------------------------------------------------------------------------------ */

/* Of what stands behind the name and, up to the first brace, behind the chain. */
static struct shape *find_slot(struct skim *skim, struct piece behind_name, const char *behind_chain, const char *end)
{
    size_t left = (size_t)(end - behind_chain), size = left < HASHED_MAX ? left : HASHED_MAX;
    const char *brace = memchr(behind_chain, '}', size);
    uint64_t hash = behind_name.size + 1, word = 0;
    struct piece pieces[] = {
        {behind_name.at, behind_name.size < HASHED_MAX ? behind_name.size : HASHED_MAX},
        {behind_chain, brace ? (size_t)(brace - behind_chain) : size},
    };
    for (unsigned i = 0; i < 2; i++)
        for (size_t at = 0; at < pieces[i].size; at += sizeof word) {
            size_t some = pieces[i].size - at;
            word = 0;
            memcpy(&word, pieces[i].at + at, some < sizeof word ? some : sizeof word);
            hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
            hash ^= hash >> 29;
        }
    return &skim->shapes[hash % SHAPES];
}

static bool same_piece(struct piece a, struct piece b)
{
    return a.size == b.size && a.at && b.at && memcmp(a.at, b.at, a.size) == 0;
}

/* From the line's begin to the quote behind the name. */
static bool match_place(struct skim *skim, const struct head *head, const char *realm, struct walk *walk,
                        struct look *look, int64_t *at_ms)
{
    char ip[IPADDR_TEXT_SIZE] = "", name[NAME_MAX_BYTES + 1];
    uint64_t port;
    bool good = head->front.at && skip(walk, head->front) && take_time(skim, walk, at_ms) && skip(walk, head->middle);
    if (good && head->has_ip)
        good = SKIP(walk, "\"ip\":\"") && take_text(walk, ip, sizeof ip) && SKIP(walk, "\",") && is_address(ip);
    good = good && SKIP(walk, "\"port\":") && take_number(walk, &port) && port <= UINT16_MAX &&
           SKIP(walk, ",\"name\":\"") && take_text(walk, name, sizeof name) && is_name(name, head->has_ip);
    if (good)
        location_id_endpoint(realm, head->is_udp ? "udp" : "tcp", head->has_ip ? ip : NULL, (unsigned)port, name,
                             look->location_id);
    return good;
}

/* The rest of it: of which saying. */
static bool match_rest(struct reader *reader, struct walk *walk, struct look *look)
{
    struct piece behind_name = {walk->at, (size_t)(walk->end - walk->at)};
    bool is_failure = look->kind == LOOK_FAILED;
    if (!is_failure) {
        const char *bracket = memchr(walk->at, '[', behind_name.size);
        if (!bracket || bracket + 2 > walk->end)
            return false;
        behind_name.size = (size_t)(bracket + 2 - walk->at);
    }
    walk->at += behind_name.size;
    if (!is_failure && !take_chain(reader->batch, walk, look))
        return false;
    const struct shape *shape = find_slot(reader->skim, behind_name, walk->at, walk->end);
    look->saying = shape->saying;
    return shape->is_failure == is_failure && same_piece(shape->behind_name, behind_name) &&
           skip(walk, shape->behind_chain) && (!shape->has_ms || take_ms(walk)) && skip(walk, shape->end) &&
           walk->at == walk->end;
}

/* Fills all of look but its line. */
static bool match(struct reader *reader, const char *line, size_t size, struct look *look)
{
    struct batch *batch = reader->batch;
    struct walk walk = {line, line + size};
    bool is_failure = size > KIND_AT && line[KIND_AT] == 'f';
    const struct head *head = &reader->skim->heads[is_failure];
    int64_t at_ms;
    if (!head->front.at)
        return false;
    *look = (struct look){
        .kind = is_failure ? LOOK_FAILED : LOOK_SEEN, .origin = head->origin, .run_index = head->run_index};
    memcpy(look->run, head->run, sizeof look->run);
    size_t kept = batch->fingerprints.size;
    if (match_place(reader->skim, head, batch->origins[head->origin].realm, &walk, look, &at_ms) &&
        match_rest(reader, &walk, look)) {
        look->first_ms = look->last_ms = reader_time(reader->options, at_ms);
        return true;
    }
    if (!batch->fingerprints.failed)
        batch->fingerprints.size = kept;
    return false;
}

bool skim_line(struct reader *reader, const char *line, size_t size, uint32_t number)
{
    struct look look;
    if (!reader->skim || !match(reader, line, size, &look))
        return false;
    look.line = number;
    look.line_at = (size_t)(line - reader->batch->body);
    reader_add_look(reader, &look);
    return true;
}

/* --- Learning ------------------------------------------------------------------------------------------------------------------------------ */

/* The inside of a string that is what it looks like. */
static bool skip_plain(struct walk *walk)
{
    const char *quote = memchr(walk->at, '"', (size_t)(walk->end - walk->at));
    if (!quote || memchr(walk->at, '\\', (size_t)(quote - walk->at)))
        return false;
    walk->at = quote;
    return true;
}

static struct piece piece_to(const struct walk *walk, const char *start)
{
    return (struct piece){start, (size_t)(walk->at - start)};
}

static bool learn_head(struct walk *walk, bool is_failure, struct head *out)
{
    const char *start = walk->at;
    if (!(is_failure ? SKIP(walk, "{\"v\":1,\"type\":\"failure\",\"source\":\"")
                     : SKIP(walk, "{\"v\":1,\"type\":\"sighting\",\"source\":\"")) ||
        !skip_plain(walk) || !SKIP(walk, "\",\"at\":\""))
        return false;
    out->front = piece_to(walk, start);
    if (walk->end - walk->at < TIME_SIZE)
        return false;
    start = walk->at += TIME_SIZE;
    if (!SKIP(walk, "\",\"scanner\":\"") || !skip_plain(walk) || !SKIP(walk, "\",\"run\":\"") || !skip_plain(walk) ||
        !SKIP(walk, "\",\"endpoint\":{\"realm\":\"") || !skip_plain(walk) || !SKIP(walk, "\",\"transport\":\""))
        return false;
    out->is_udp = *walk->at == 'u';
    if (!skip_plain(walk) || !SKIP(walk, "\","))
        return false;
    out->middle = piece_to(walk, start);
    out->has_ip = SKIP(walk, "\"ip\":\"");
    if (out->has_ip && (!skip_plain(walk) || !SKIP(walk, "\",")))
        return false;
    uint64_t port;
    return SKIP(walk, "\"port\":") && take_number(walk, &port) && SKIP(walk, ",\"name\":\"") && skip_plain(walk);
}

/* Whether as many braces are opened as closed; there is no backslash in it, so a quote is one. */
static bool is_level(struct piece piece)
{
    int depth = 0;
    bool inside = false;
    for (size_t i = 0; i < piece.size; i++) {
        char c = piece.at[i];
        inside = inside != (c == '"');
        depth += inside ? 0 : (c == '{' || c == '[') - (c == '}' || c == ']');
    }
    return !inside && depth == 0;
}

/* Behind the fingerprints: `"],"tls":{…},"ms":{"connect":`, or all of the rest. */
static void learn_behind_chain(struct walk *walk, struct shape *out)
{
    static const char ms[] = ",\"ms\":{\"connect\":";
    const char *start = walk->at, *found = memmem(start, (size_t)(walk->end - start), ms, sizeof ms - 1);
    struct piece before = {start + 2, found ? (size_t)(found - start - 2) : 0};
    struct walk behind = {found ? found + sizeof ms - 1 : walk->end, walk->end};
    out->behind_chain = (struct piece){start, (size_t)(behind.at - start)};
    out->has_ms = found && found >= start + 2 && is_level(before) && take_ms(&behind);
    if (!out->has_ms) {
        behind.at = walk->end;
        out->behind_chain.size = (size_t)(walk->end - start);
    }
    out->end = (struct piece){behind.at, (size_t)(behind.end - behind.at)};
}

static bool learn_shape(struct walk *walk, bool is_failure, struct shape *out)
{
    const char *start = walk->at;
    out->is_failure = is_failure;
    out->behind_chain = out->end = (struct piece){walk->end, 0};
    if (is_failure) {
        walk->at = walk->end;
        out->behind_name = piece_to(walk, start);
        return true;
    }
    if (!SKIP(walk, "\"") || (SKIP(walk, ",\"starttls\":\"") && (!skip_plain(walk) || !SKIP(walk, "\""))) ||
        !SKIP(walk, "},\"role\":\"") || !skip_plain(walk) || !SKIP(walk, "\",\"chain\":[\""))
        return false;
    out->behind_name = piece_to(walk, start);
    uint8_t ignored[CM_SHA256_SIZE];
    do {
        if (!take_fingerprint(walk, ignored))
            return false;
    } while (SKIP(walk, "\",\""));
    if (walk->end - walk->at < 2 || memcmp(walk->at, "\"]", 2) != 0)
        return false;
    learn_behind_chain(walk, out);
    return true;
}

/* `since` is a time of its own, wherever it stands; and what has an escape in it may be called otherwise than it looks. */
static bool is_plain(struct piece piece)
{
    return piece.size <= PIECE_MAX && !memchr(piece.at, '\\', piece.size) &&
           !memmem(piece.at, piece.size, "\"since\"", 7);
}

void skim_learn(struct reader *reader, const struct record *record, const char *line, size_t size)
{
    struct batch *batch = reader->batch;
    const struct look *look = &batch->looks[batch->look_count - 1];
    bool is_failure = record->type == RECORD_FAILURE;
    struct walk walk = {line, line + size};
    struct head head = {.origin = look->origin, .run_index = look->run_index};
    struct shape shape = {.saying = look->saying};
    if (!reader->skim || record->type == RECORD_ENDPOINT || !record->has_endpoint || !record->scanner || !record->run ||
        !learn_head(&walk, is_failure, &head) || !is_plain((struct piece){walk.at, (size_t)(walk.end - walk.at)}) ||
        !learn_shape(&walk, is_failure, &shape))
        return;
    memcpy(head.run, look->run, sizeof head.run);
    struct head *known = &reader->skim->heads[is_failure];
    if (!same_piece(known->front, head.front) || !same_piece(known->middle, head.middle) ||
        known->has_ip != head.has_ip) {
        for (size_t i = 0; known->front.at && i < SHAPES; i++)
            if (reader->skim->shapes[i].is_failure == is_failure)
                reader->skim->shapes[i] = (struct shape){.saying = 0};
        *known = head;
    }
    *find_slot(reader->skim, shape.behind_name, shape.behind_chain.at, line + size) = shape;
}
