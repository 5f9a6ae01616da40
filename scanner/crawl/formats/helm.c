/* Helm releases: the JSON that "helm.sh/release.v1" Secrets hold in base64 of base64 of gzip, with the chart, its values and the manifests made of
 * them.
 *
 * kubernetes.c and the reader of archives have unwrapped it. Charts carry files and templates in base64; the manifest is one string of YAML. */
#include <string.h>

#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/manifest.h"

/* The members that Helm writes first. */
static bool identify(struct slice head)
{
    return head.size > 2 && head.data[0] == '{' && memmem(head.data, head.size, "\"first_deployed\"", 16) &&
           memmem(head.data, head.size, "\"info\"", 6);
}

/* chart.templates and chart.files: {name, data} each, under its name. */
static void look_at_files(struct manifest *manifest, const struct manifest_node *list)
{
    for (struct manifest_node *file = list ? list->first : NULL; file; file = file->next) {
        struct manifest_node *data = manifest_get(file, "data");
        if (data)
            manifest_look(manifest, data, MANIFEST_BASE64, file, manifest_text(file, "name"));
    }
}

static void look_at_release(struct manifest *manifest, struct manifest_node *release)
{
    const struct manifest_node *chart = manifest_get(release, "chart");
    struct manifest_node *made = manifest_get(release, "manifest");
    if (made)
        manifest_look(manifest, made, MANIFEST_TEXT, release, "manifest");
    look_at_files(manifest, manifest_get(chart, "templates"));
    look_at_files(manifest, manifest_get(chart, "files"));
    manifest_look_below(manifest, release);
}

static enum format_result read_helm(struct job *job, struct content *content)
{
    struct manifest manifest;
    struct manifest_node *release = NULL;
    struct yamlevent event;
    uint8_t *bytes;
    size_t size;
    if (content_whole(content, &bytes, &size) || manifest_init(&manifest, job, bytes, size))
        return FORMAT_NOT_MINE;
    manifest.events = yamlevents_new(bytes, size);
    if (yamlevents_next(manifest.events, &event, NULL) == 0 && event.kind == YAMLEVENT_DOCUMENT &&
        yamlevents_next(manifest.events, &event, NULL) == 0 && event.kind == YAMLEVENT_MAP)
        (void)manifest_build(&manifest, &event, NULL, NULL, &release); /* what stands before damage is read */
    if (release)
        look_at_release(&manifest, release);
    if (manifest.cut)
        job_problem(job, "helm", NULL, RECORD_ERROR_LIMIT,
                    "a release with more in it than is looked at; its text was searched for PEM");
    manifest_done(&manifest);
    return FORMAT_TAKEN;
}

const struct format format_helm = {"helm", identify, read_helm, .search = true};
