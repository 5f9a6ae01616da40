/* Compressed files, and rpm, which is a header before one: what comes out goes back to the table of formats, in the place of the file itself, for there is
 * only one thing in it. The usual ones are expanded stream by stream (expand.h), rarer ones by libarchive (unpack.h). */
#include "scanner/crawl/formats/expand.h"
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/unpack.h"

static bool identify(struct slice head)
{
    return expand_codec_of(head) || unpack_packed_kind(head);
}

/* --- by streams ------------------------------------------------------------------------------------------------------------ */

/* Something comes out of its first bytes, and no damage with it: of formats without a magic that is the only way to know. */
static bool is_stream(struct job *job, struct slice bytes, const struct expand_codec *codec)
{
    struct content head, inside;
    struct expand expand;
    uint64_t unpacked = job->unpacked_bytes;
    uint8_t out[4096];
    size_t came_out = 0;
    ssize_t got;
    content_from_memory(&head, (uint8_t *)bytes.data, bytes.size); /* which only reads */
    expand_init(&expand, job, &head, codec);
    content_from_stream(&inside, expand_source, &expand, CONTENT_SIZE_UNKNOWN, NULL);
    while (came_out < CONTENT_HEAD_BYTES && (got = content_read(&inside, out, sizeof out)) > 0)
        came_out += (size_t)got;
    bool comes = came_out && !expand.damaged;
    content_done(&inside);
    expand_done(&expand);
    job->unpacked_bytes = unpacked;
    return comes;
}

static enum format_result read_stream(struct job *job, struct content *content, const struct expand_codec *codec)
{
    struct expand expand;
    struct content inside;
    if (codec->weak && !is_stream(job, content->head, codec))
        return FORMAT_NOT_MINE;
    expand_init(&expand, job, content, codec);
    content_from_stream(&inside, expand_source, &expand, CONTENT_SIZE_UNKNOWN, &job->memory_left);
    job_inside(job, NULL, NULL, &inside);
    if (expand.too_much)
        job_abandon(job, expand.came_out);
    if (expand_rest(&expand)) { /* an initramfs may go on in another form */
        content_from_stream(&inside, expand_rest_source, &expand, CONTENT_SIZE_UNKNOWN, &job->memory_left);
        job_inside(job, NULL, NULL, &inside);
    }
    expand_done(&expand);
    return FORMAT_TAKEN;
}

/* --- by libarchive --------------------------------------------------------------------------------------------------------- */

static bool is_plausible(struct job *job, struct slice bytes, const struct unpack_kind *kind)
{
    struct content head, inside;
    struct unpack unpack;
    struct unpack_entry entry;
    uint64_t unpacked = job->unpacked_bytes, entries = job->entries;
    uint8_t byte;
    content_from_memory(&head, (uint8_t *)bytes.data, bytes.size); /* which only reads */
    unpack_init(&unpack, job, &head);
    content_from_stream(&inside, unpack_source, &unpack, CONTENT_SIZE_UNKNOWN, NULL);
    bool plausible = unpack_open(&unpack, kind, 0) && unpack_next(&unpack, &entry) == UNPACK_ENTRY &&
                     content_read(&inside, &byte, sizeof byte) == 1;
    content_done(&inside);
    unpack_done(&unpack);
    job->unpacked_bytes = unpacked;
    job->entries = entries;
    return plausible;
}

static enum format_result read_packed(struct job *job, struct content *content)
{
    const struct expand_codec *codec = expand_codec_of(content->head);
    const struct unpack_kind *kind = unpack_packed_kind(content->head);
    struct unpack unpack;
    struct unpack_entry entry;
    struct content inside;
    if (codec)
        return read_stream(job, content, codec);
    if ((kind->traits & UNPACK_WEAK) && !is_plausible(job, content->head, kind))
        return FORMAT_NOT_MINE;
    unpack_init(&unpack, job, content);
    bool open = unpack_open(&unpack, kind, 0);
    enum unpack_result result = open ? unpack_next(&unpack, &entry) : UNPACK_BROKEN;
    if (result == UNPACK_ENTRY) {
        content_from_stream(&inside, unpack_source, &unpack, CONTENT_SIZE_UNKNOWN, &job->memory_left);
        job_inside(job, NULL, NULL, &inside);
        if (unpack.too_much)
            job_abandon(job, unpack.came_out);
    } else if (result != UNPACK_END && unpack.error != RECORD_ERROR_NONE) {
        job_problem(job, kind->name, NULL, unpack.error, unpack.detail);
    }
    unpack_done(&unpack);
    return FORMAT_TAKEN;
}

const struct format format_packed = {"packed", identify, read_packed, .search = false};
