/* Kubernetes manifests: what kubectl reads and writes, kubeconfig among it, in YAML and JSON.
 *
 * Owns the cutting of a file into documents and the objects in them; manifest.c builds their trees, manifest_value.c hands on what their values
 * hold. An object is a step of the path, "Secret/NAMESPACE/NAME", a member the next: "tls.crt", "webhooks/NAME/clientConfig/caBundle". Documents
 * are cut apart here and not by the parser, so that one that is no YAML (a template, damage) loses none but itself, and even of that what stands
 * before the damage is read. Lists are read an item at a time. References to files are not followed, and what is sealed stays sealed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "certmuster/encode.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/manifest.h"

enum {
    STEP_BYTES_MAX = 600,
    WORDS_MAX = 16, /* values of a Secret that are tried as passwords of its stores */
    WORD_BYTES_MAX = 128,
    WINDOW_BYTES =
        8 * 1024 *
        1024, /* of what is larger than CM_LIMIT_FILE_BYTES; an object is at most 1.5 MiB in a cluster's store */
};

struct kubernetes {
    struct manifest manifest;
    struct job *job;
    size_t objects; /* ordinal of the last */
    bool large;     /* read window by window: items of a List stand alone */
};

/* --- Passwords that lie beside the stores which they open --------------------------------------------------------------- */

struct words {
    struct job_options options;
    struct passwords passwords;
    const struct job_options *before;
    char text[WORDS_MAX][WORD_BYTES_MAX + 1];
    size_t count;
};

static void add_word(struct words *words, const struct manifest_node *node, bool encoded)
{
    struct buf decoded;
    struct slice word = {(const uint8_t *)node->text, node->size};
    buf_init(&decoded, WORD_BYTES_MAX + 2);
    if (encoded)
        word = base64_read_loose(node->text, node->size, &decoded) ? (struct slice){NULL, 0} : buf_slice(&decoded);
    while (word.size && (word.data[word.size - 1] == '\n' || word.data[word.size - 1] == '\r'))
        word.size--;
    if (word.size && word.size <= WORD_BYTES_MAX && !memchr(word.data, 0, word.size))
        memcpy(words->text[words->count++], word.data, word.size);
    if (decoded.capacity)
        OPENSSL_cleanse(decoded.data, decoded.capacity);
    buf_done(&decoded);
}

static void add_words(struct words *words, const struct manifest_node *map, bool encoded)
{
    for (struct manifest_node *node = map ? map->first : NULL; node && words->count < WORDS_MAX; node = node->next)
        if (node->kind == YAMLEVENT_SCALAR && node->text && node->size && node->size <= WORD_BYTES_MAX * 3 / 2)
            add_word(words, node, encoded);
}

/* The short values of a Secret are tried as passwords before all others. */
static void lend_words(struct words *words, struct job *job, const struct manifest_node *secret)
{
    const struct passwords *known = job->options->passwords;
    *words = (struct words){.options = *job->options, .before = job->options};
    add_words(words, manifest_get(secret, "data"), true);
    add_words(words, manifest_get(secret, "stringData"), false);
    size_t first = known->count && !known->list[0]; /* no password at all stays the first */
    words->passwords.list = cm_calloc(known->count + words->count + 1, sizeof(char *));
    for (size_t i = 0; i < first; i++)
        words->passwords.list[words->passwords.count++] = known->list[i];
    for (size_t i = 0; i < words->count; i++)
        words->passwords.list[words->passwords.count++] = words->text[i];
    for (size_t i = first; i < known->count; i++)
        words->passwords.list[words->passwords.count++] = known->list[i];
    words->options.passwords = &words->passwords;
    job->options = &words->options;
}

static void return_words(struct words *words, struct job *job)
{
    job->options = words->before;
    free(words->passwords.list);
    OPENSSL_cleanse(words, sizeof *words);
}

/* --- Objects ------------------------------------------------------------------------------------------------------------ */

static void look_at_members(struct manifest *manifest, struct manifest_node *map, enum manifest_value value)
{
    for (struct manifest_node *node = map ? map->first : NULL; node && !job_pulse(manifest->job); node = node->next)
        if (map->kind == YAMLEVENT_MAP)
            manifest_look(manifest, node, value, map, *node->key ? node->key : NULL);
}

static void look_at_secret(struct kubernetes *kubernetes, struct manifest_node *secret)
{
    struct words words;
    lend_words(&words, kubernetes->job, secret);
    look_at_members(&kubernetes->manifest, manifest_get(secret, "data"), MANIFEST_BASE64);
    look_at_members(&kubernetes->manifest, manifest_get(secret, "stringData"), MANIFEST_TEXT);
    return_words(&words, kubernetes->job);
}

static void look_at_config_map(struct kubernetes *kubernetes, struct manifest_node *map)
{
    look_at_members(&kubernetes->manifest, manifest_get(map, "binaryData"), MANIFEST_BASE64);
    look_at_members(&kubernetes->manifest, manifest_get(map, "data"), MANIFEST_TEXT);
}

/* Objects whose members mean something by their place. All others, and all other members, are looked into by what they show. */
static const struct {
    const char *kind;
    void (*look)(struct kubernetes *kubernetes, struct manifest_node *object);
} kinds[] = {{"Secret", look_at_secret}, {"ConfigMap", look_at_config_map}};

/* "Secret/default/web", "Config/kubernetes-admin@cluster", "Secret[3]" of an object without a name. */
static void name_object(const struct kubernetes *kubernetes, const struct manifest_node *object, const char *kind,
                        char out[static STEP_BYTES_MAX])
{
    const struct manifest_node *metadata = manifest_get(object, "metadata");
    const char *space = manifest_text(metadata, "namespace"), *name = manifest_text(metadata, "name");
    if (!name)
        name = manifest_text(object, "current-context"); /* of a kubeconfig */
    if (!name || !*name)
        snprintf(out, STEP_BYTES_MAX, "%.63s[%zu]", kind, kubernetes->objects);
    else
        snprintf(out, STEP_BYTES_MAX, "%.63s%s%.253s/%.253s", kind, space ? "/" : "", space ? space : "", name);
}

/* default_kind: what the list around it says that it is. What says neither is none, and left to the search. */
static void take_object(struct kubernetes *kubernetes, struct manifest_node *object, const char *default_kind)
{
    const char *kind = manifest_text(object, "kind");
    char step[STEP_BYTES_MAX];
    if (!kind || !*kind)
        kind = default_kind;
    if (!kind || (!default_kind && !manifest_get(object, "apiVersion")))
        return;
    kubernetes->objects++;
    name_object(kubernetes, object, kind, step);
    kubernetes->job->ops->enter(kubernetes->job->ops->context, step, NULL);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i].kind) == 0)
            kinds[i].look(kubernetes, object);
    manifest_look_below(&kubernetes->manifest, object);
    if (kubernetes->manifest.cut)
        job_problem(kubernetes->job, "kubernetes", NULL, RECORD_ERROR_LIMIT,
                    "an object with more in it than is looked at; its text was searched for PEM");
    kubernetes->manifest.cut = false;
    kubernetes->job->ops->leave(kubernetes->job->ops->context);
}

/* --- Documents ---------------------------------------------------------------------------------------------------------- */

/* "SecretList" → "Secret"; a plain List and anything else say nothing of their items. */
static const char *kind_of_items(struct manifest *manifest, const struct manifest_node *list)
{
    const struct manifest_node *kind = manifest_get(list, "kind");
    if (!kind || !kind->text || kind->size <= 4 || strcmp(kind->text + kind->size - 4, "List") != 0)
        return NULL;
    return manifest_keep(manifest, kind->text, kind->size - 4);
}

static bool next_event(struct kubernetes *kubernetes, struct yamlevent *event)
{
    return !job_pulse(kubernetes->job) && yamlevents_next(kubernetes->manifest.events, event, NULL) == 0 &&
           event->kind != YAMLEVENT_END;
}

/* Objects one behind the other, each forgotten before the next. */
static bool take_items(struct kubernetes *kubernetes, const char *kind)
{
    struct manifest *manifest = &kubernetes->manifest;
    struct yamlevent event;
    bool more = true;
    while (more && (more = next_event(kubernetes, &event)) && event.kind != YAMLEVENT_LIST_END) {
        size_t count = manifest->count, size = manifest->text.size;
        struct manifest_node *item = NULL;
        more = manifest_build(manifest, &event, NULL, NULL, &item);
        if (item)
            take_object(kubernetes, item, kind);
        manifest_drop(manifest, count, size);
    }
    return more;
}

static bool take_root(struct kubernetes *kubernetes, const struct yamlevent *begin)
{
    struct manifest *manifest = &kubernetes->manifest;
    struct manifest_node *root = NULL;
    struct yamlevent event;
    bool more = true;
    if (begin->kind == YAMLEVENT_LIST)
        return take_items(kubernetes, NULL);
    if (begin->kind != YAMLEVENT_MAP)
        return true;
    /* The map itself, without what is in it. */
    if (!manifest_build(manifest, &(struct yamlevent){.kind = YAMLEVENT_ALIAS}, NULL, NULL, &root) || !root)
        return false;
    root->kind = YAMLEVENT_MAP;
    while (more && (more = next_event(kubernetes, &event)) && event.kind != YAMLEVENT_MAP_END) {
        const char *key;
        more = manifest_key(manifest, &event, &key) && next_event(kubernetes, &event);
        if (more && event.kind == YAMLEVENT_LIST && strcmp(key, "items") == 0)
            more = take_items(kubernetes, kind_of_items(manifest, root));
        else if (more)
            more = manifest_build(manifest, &event, root, key, NULL);
    }
    take_object(kubernetes, root, NULL);
    return more;
}

/* Until the end or the first place that is no YAML. */
static void take_document(struct kubernetes *kubernetes, const uint8_t *bytes, size_t size, size_t base)
{
    struct manifest *manifest = &kubernetes->manifest;
    struct yamlevent event;
    if (!memmem(bytes, size, "apiVersion", 10) || !memmem(bytes, size, "kind", 4))
        return;
    manifest->base = base;
    manifest->events = yamlevents_new(bytes, size);
    while (next_event(kubernetes, &event)) {
        bool more =
            event.kind == YAMLEVENT_DOCUMENT || event.kind == YAMLEVENT_DOCUMENT_END || take_root(kubernetes, &event);
        manifest_drop(manifest, 0, 0);
        if (!more)
            break;
    }
    yamlevents_free(manifest->events);
    manifest->events = NULL;
}

/* How a line begins tells where documents part: "---" (YAML 1.2 §9.1.2), a JSON value behind another; "{{" at the margin is a template's, and
 * no YAML. */
enum line { LINE_GOES_ON, LINE_BEGINS, LINE_TEMPLATE };

/* An item of a List as kubectl indents it, in YAML and in JSON. */
static bool is_item(const uint8_t *at, size_t left)
{
    return left > 10 && (memcmp(at, "- ", 2) == 0 || memcmp(at, "        {\n", 10) == 0);
}

static enum line line_at(const uint8_t *at, size_t left, bool large)
{
    if (large && is_item(at, left))
        return LINE_BEGINS;
    if (left > 1 && at[0] == '{')
        return at[1] == '{' ? LINE_TEMPLATE : LINE_BEGINS;
    if (left > 3 && memcmp(at, "---", 3) == 0 && memchr(" \t\r\n", at[3], 4))
        return LINE_BEGINS;
    return LINE_GOES_ON;
}

static void take_documents(struct kubernetes *kubernetes, const uint8_t *bytes, size_t size, size_t base, size_t unit)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* of Windows' editors */
    size_t from = size >= 3 && memcmp(bytes, mark, 3) == 0 ? 3 : 0, at = from;
    while (at < size && !job_pulse(kubernetes->job)) {
        const uint8_t *end = memchr(bytes + at, '\n', size - at);
        size_t next = end ? (size_t)(end - bytes) + 1 : size;
        enum line line = line_at(bytes + at, size - at, kubernetes->large);
        if (line != LINE_GOES_ON && at > from)
            take_document(kubernetes, bytes + from, at - from, base + from * unit);
        if (line != LINE_GOES_ON)
            from = line == LINE_TEMPLATE ? next : at;
        at = next;
    }
    if (size > from)
        take_document(kubernetes, bytes + from, size - from, base + from * unit);
}

/* PowerShell redirects into UTF-16: its ASCII, which is all that YAML's structure needs, in a copy. */
static void take_utf16(struct kubernetes *kubernetes, const uint8_t *bytes, size_t size)
{
    size_t low = bytes[0] == 0xFE, count = (size - 2) / 2;
    if (count > kubernetes->job->memory_left)
        return;
    kubernetes->job->memory_left -= count;
    uint8_t *folded = cm_malloc(count + 1);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *pair = bytes + 2 + 2 * i;
        folded[i] = pair[1 - low] || pair[low] > 0x7E ? '?' : pair[low];
    }
    kubernetes->manifest.unit = 2;
    take_documents(kubernetes, folded, count, 2, 2);
    OPENSSL_cleanse(folded, count);
    free(folded);
    kubernetes->job->memory_left += count;
}

/* Where the last document of a window begins, which may go on behind it; 0: nowhere. */
static size_t last_document(const uint8_t *bytes, size_t size)
{
    const uint8_t *end = bytes + size;
    while ((end = memrchr(bytes, '\n', (size_t)(end - bytes))))
        if (line_at(end + 1, (size_t)(bytes + size - end) - 1, true) != LINE_GOES_ON)
            return (size_t)(end - bytes) + 1;
    return 0;
}

static bool take_window(struct kubernetes *kubernetes, uint8_t *bytes, size_t size)
{
    if (manifest_init(&kubernetes->manifest, kubernetes->job, bytes, size))
        return false;
    kubernetes->manifest.twice = true;
    take_documents(kubernetes, bytes, size, 0, 1);
    manifest_done(&kubernetes->manifest);
    return !job_pulse(kubernetes->job);
}

/* A dump of a cluster that is too large to be held: what the search for PEM cannot see of it. */
static void take_large(struct kubernetes *kubernetes, struct content *content)
{
    uint8_t *window = cm_malloc(WINDOW_BYTES);
    uint64_t offset = 0;
    size_t have = 0;
    ssize_t got;
    bool last = false;
    kubernetes->large = true;
    while (!last && (got = content_read_at(content, offset + have, window + have, WINDOW_BYTES - have)) >= 0) {
        have += (size_t)got;
        last = have < WINDOW_BYTES;
        size_t until = last ? have : last_document(window, have);
        if (!until) /* an object that does not fit: what can be read of its beginning */
            until = have;
        if (!take_window(kubernetes, window, until))
            break;
        memmove(window, window + until, have - until);
        offset += until;
        have -= until;
    }
    OPENSSL_cleanse(window, WINDOW_BYTES);
    free(window);
}

static bool is_utf16(struct slice head)
{
    return head.size > 4 && (memcmp(head.data, "\xFF\xFE", 2) == 0 || memcmp(head.data, "\xFE\xFF", 2) == 0);
}

static bool identify(struct slice head)
{
    size_t glance = head.size < 512 ? head.size : 512;
    if (is_utf16(head))
        return memmem(head.data, head.size, "a\0p\0i\0V\0e\0r\0s\0i\0o\0n", 19) != NULL;
    return !memchr(head.data, 0, glance) && memmem(head.data, head.size, "apiVersion", 10);
}

static enum format_result read_kubernetes(struct job *job, struct content *content)
{
    struct kubernetes kubernetes = {.job = job};
    uint8_t *bytes;
    size_t size;
    int status = content_whole(content, &bytes, &size);
    if (status == CM_ELIMIT && content_seekable(content) && !is_utf16(content->head) &&
        job->memory_left >= WINDOW_BYTES) {
        job->memory_left -= WINDOW_BYTES;
        take_large(&kubernetes, content);
        job->memory_left += WINDOW_BYTES;
        return kubernetes.objects ? FORMAT_TAKEN : FORMAT_NOT_MINE;
    }
    if (status || manifest_init(&kubernetes.manifest, job, bytes, size))
        return FORMAT_NOT_MINE;
    if (is_utf16(content->head)) {
        take_utf16(&kubernetes, bytes, size);
    } else {
        take_documents(&kubernetes, bytes, size, 0, 1);
    }
    manifest_done(&kubernetes.manifest);
    return kubernetes.objects ? FORMAT_TAKEN : FORMAT_NOT_MINE;
}

const struct format format_kubernetes = {"kubernetes", identify, read_kubernetes, .search = true};
