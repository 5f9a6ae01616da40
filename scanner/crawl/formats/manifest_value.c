/* Values of manifests: what a Secret, a kubeconfig or any other object holds in a text, often in base64, and hands to the readers of that.
 *
 * Owns nothing beyond a call. A value that shows nothing stays as it is in the file's bytes; one that was looked into is blanked there. Decoded
 * values are cleansed: many are keys. */
#include "scanner/crawl/formats/manifest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "certmuster/encode.h"

enum {
    LAYERS_MAX = 3,            /* of base64 in base64: a Helm release has two */
    PATH_STEP_BYTES_MAX = 253, /* of a key: the longest name that Kubernetes allows */
    PATH_BYTES_MAX = 4096,
};

static bool contains(struct slice bytes, const char *needle)
{
    return memmem(bytes.data, bytes.size, needle, strlen(needle)) != NULL;
}

static bool begins(struct slice bytes, const char *magic, size_t size)
{
    return bytes.size > size && memcmp(bytes.data, magic, size) == 0;
}

/* Something that one of the readers takes, by its looks. */
static bool is_known(struct slice bytes)
{
    bool der = bytes.size > 2 && bytes.data[0] == 0x30 && bytes.data[1] >= 0x80 && bytes.data[1] <= 0x84;
    return der || begins(bytes, "\x1F\x8B", 2) || begins(bytes, "PK\3\4", 4) || begins(bytes, "\xFE\xED\xFE\xED", 4) ||
           begins(bytes, "\xCE\xCE\xCE\xCE", 4) || contains(bytes, "-----BEGIN ") || contains(bytes, "apiVersion");
}

static bool is_base64(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!isalnum(c) && c != '+' && c != '/' && c != '=' && !isspace(c))
            return false;
    }
    return size >= MANIFEST_VALUE_MIN_BYTES;
}

/* Into a buffer of one piece. The caller cleanses. */
static bool decode(const char *text, size_t size, struct buf *out)
{
    buf_init(out, size + 1);
    if (!is_base64(text, size))
        return false;
    buf_extend(out, size);
    buf_reset(out);
    return base64_read_loose(text, size, out) == 0 && out->size > 0;
}

static void discard(struct buf *buf)
{
    if (buf->capacity)
        OPENSSL_cleanse(buf->data, buf->capacity);
    buf_done(buf);
}

/* Takes as much memory from the job's as another copy of size bytes needs. */
static bool afford(struct manifest *manifest, size_t size)
{
    if (size > manifest->job->memory_left) {
        manifest->cut = true;
        return false;
    }
    manifest->job->memory_left -= size;
    return true;
}

/* Hands bytes to the readers, or what they are the base64 of. True when somebody looked into them. */
static bool hand(struct manifest *manifest, const char *name, char *bytes, size_t size, bool always, unsigned layers)
{
    struct job *job = manifest->job;
    struct buf inside;
    bool handed = false;
    if (!afford(manifest, size))
        return false;
    if (layers < LAYERS_MAX && decode(bytes, size, &inside))
        handed = hand(manifest, name, inside.data, inside.size, false, layers + 1);
    if (layers < LAYERS_MAX)
        discard(&inside);
    job->memory_left += size;
    if (handed || (!always && !is_known((struct slice){(uint8_t *)bytes, size})))
        return handed;
    if (job_entry(job))
        job_inside_memory(job, name, (uint8_t *)bytes, size);
    return true;
}

/* What a Secret's data or a binaryData member says is base64. Templates and examples are not, and lose nothing. */
static bool hand_decoded(struct manifest *manifest, const char *name, const char *text, size_t size)
{
    struct buf inside;
    if (!afford(manifest, size))
        return false;
    enum { TEXT_LEAST = 64 }; /* shorter ones are words */
    bool decoded = decode(text, size, &inside), cut = false;
    if (!decoded &&
        size >= TEXT_LEAST) { /* cut behind the first letter of four: what stands before it is still there */
        discard(&inside);
        decoded = cut = decode(text, size - 1, &inside);
    }
    bool handed = decoded && hand(manifest, name, inside.data, inside.size, true, 1);
    discard(&inside);
    manifest->job->memory_left += size;
    if (cut)
        job_problem(manifest->job, "kubernetes", name, RECORD_ERROR_MALFORMED, "a value that is cut");
    if (!decoded && begins((struct slice){(const uint8_t *)text, size}, "MII", 3))
        job_problem(manifest->job, "kubernetes", name, RECORD_ERROR_MALFORMED, "a value that is not base64");
    return handed;
}

/* A list's items go by their name where they have one, as Kubernetes merges them. */
static void append_step(struct buf *path, const struct manifest_node *node)
{
    const char *step = node->parent->kind == YAMLEVENT_MAP ? node->key : manifest_text(node, "name");
    if (step && *step)
        buf_append(path, step, strnlen(step, PATH_STEP_BYTES_MAX));
    else
        buf_append_u64(path, node->ordinal);
}

static void append_path(struct buf *path, const struct manifest_node *node, const struct manifest_node *top)
{
    const struct manifest_node *steps[MANIFEST_DEPTH_MAX + 2];
    size_t count = 0;
    for (; node && node != top && node->parent && count < sizeof steps / sizeof *steps; node = node->parent)
        steps[count++] = node;
    while (count-- && path->size < PATH_BYTES_MAX) {
        if (path->size)
            buf_append_char(path, '/');
        append_step(path, steps[count]);
    }
}

static void blank(const struct manifest *manifest, const struct manifest_node *scalar)
{
    size_t from = manifest->base + scalar->start * manifest->unit, to = manifest->base + scalar->end * manifest->unit;
    for (size_t i = from; i < to && i < manifest->size; i++)
        if (manifest->bytes[i])
            manifest->bytes[i] = ' ';
}

/* PEM, or base64 of it: the search for PEM reads both. */
static bool is_plain(const struct manifest_node *scalar)
{
    struct slice text = {(const uint8_t *)scalar->text, scalar->size};
    return contains(text, "-----BEGIN ") || contains(text, "LS0tLS1CRUdJTi");
}

void manifest_look(struct manifest *manifest, struct manifest_node *scalar, enum manifest_value value,
                   const struct manifest_node *top, const char *name)
{
    struct buf path;
    bool handed;
    if (scalar->kind != YAMLEVENT_SCALAR || !scalar->text || scalar->size < MANIFEST_VALUE_MIN_BYTES ||
        (manifest->twice && is_plain(scalar)))
        return;
    buf_init(&path, PATH_BYTES_MAX + PATH_STEP_BYTES_MAX + 2);
    if (name)
        buf_append(&path, name, strnlen(name, PATH_STEP_BYTES_MAX));
    else
        append_path(&path, scalar, top);
    if (value == MANIFEST_BASE64)
        handed = hand_decoded(manifest, path.data, scalar->text, scalar->size);
    else
        handed = hand(manifest, path.data, scalar->text, scalar->size, value == MANIFEST_TEXT, 0);
    if (handed) {
        blank(manifest, scalar);
        OPENSSL_cleanse(scalar->text, scalar->size);
    }
    if (handed || value != MANIFEST_ANY) /* looked into: once is enough */
        scalar->text = NULL;
    buf_done(&path);
}

void manifest_look_below(struct manifest *manifest, struct manifest_node *top)
{
    struct manifest_node *node = top;
    while (node && !job_pulse(manifest->job)) {
        if (node->kind == YAMLEVENT_SCALAR)
            manifest_look(manifest, node, MANIFEST_ANY, top, NULL);
        if (node->first) {
            node = node->first;
            continue;
        }
        while (node != top && !node->next)
            node = node->parent;
        if (node == top)
            break;
        node = node->next;
    }
}
