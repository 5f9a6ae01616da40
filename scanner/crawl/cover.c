/* Three bounded lists of paths. walk.c fills them, main.c has them told. */
#include "scanner/crawl/cover.h"

#include <stdlib.h>
#include <string.h>

#include "certmuster/buf.h"
#include "certmuster/limits.h"

enum {
    PATH_BYTES_MAX = 4096
}; /* the system's own limit; readers of records take 16 KiB, and a byte that is no UTF-8 becomes three */

static bool lies_in(const char *path, const char *above)
{
    size_t size = strlen(above);
    if (size && above[size - 1] == '/') /* the root directory */
        size--;
    return strncmp(path, above, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

static bool has_room(const struct cover_list *list, size_t bytes)
{
    return list->count < CM_LIMIT_COVERED_PATHS && list->bytes + bytes <= COVER_BYTES_MAX;
}

static void add(struct cover_list *list, const char *path)
{
    if (!list->paths)
        list->paths = cm_calloc(CM_LIMIT_COVERED_PATHS, sizeof *list->paths);
    list->paths[list->count++] = cm_strdup(path);
    list->bytes += strlen(path);
}

static void clear(struct cover_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (struct cover_list){0};
}

void cover_done(struct cover *cover)
{
    clear(&cover->roots);
    clear(&cover->except);
    clear(&cover->mounts);
}

bool cover_is_root(const struct cover *cover, const char *path)
{
    for (size_t i = 0; i < cover->roots.count; i++)
        if (strcmp(cover->roots.paths[i], path) == 0)
            return true;
    return false;
}

bool cover_holds(const struct cover *cover, const char *path)
{
    for (size_t i = 0; i < cover->roots.count; i++)
        if (lies_in(path, cover->roots.paths[i]))
            return true;
    return false;
}

void cover_root(struct cover *cover, const char *path)
{
    if (cover->too_many || cover_is_root(cover, path))
        return;
    if (strlen(path) <= PATH_BYTES_MAX && has_room(&cover->roots, strlen(path)))
        add(&cover->roots, path);
    else
        cover->too_many = true;
}

void cover_mount(struct cover *cover, const char *path)
{
    struct cover_list *list = &cover->mounts;
    if (strlen(path) > PATH_BYTES_MAX || !has_room(list, strlen(path)) ||
        list->bytes + strlen(path) > COVER_MOUNT_BYTES_MAX)
        return;
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->paths[i], path) == 0)
            return;
    add(list, path);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "/a/b" becomes "/a", and "/a" becomes "/". */
static void cut_name(char *path)
{
    char *slash = strrchr(path, '/');
    slash[slash == path] = '\0';
}

/* Every exception becomes the directory that it lies in; those that lie in another go. It ends at "/", which holds all. */
static void widen(struct cover_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        cut_name(list->paths[i]);
    qsort(list->paths, list->count, sizeof *list->paths, compare_paths);
    list->bytes = 0;
    for (size_t i = 0; i < list->count; i++) {
        bool held = false;
        for (size_t j = 0; j < kept && !held; j++)
            held = lies_in(list->paths[i], list->paths[j]);
        if (held) {
            free(list->paths[i]);
            continue;
        }
        list->bytes += strlen(list->paths[i]);
        list->paths[kept++] = list->paths[i];
    }
    list->count = kept;
}

static bool is_left_out(struct cover *cover, const char *path)
{
    struct cover_list *list = &cover->except;
    if (cover->hit < list->count && lies_in(path, list->paths[cover->hit]))
        return true;
    for (size_t i = 0; i < list->count; i++)
        if (lies_in(path, list->paths[i])) {
            cover->hit = i;
            return true;
        }
    return false;
}

void cover_except(struct cover *cover, const char *path)
{
    char *shorter = cm_strdup(path);
    while (strlen(shorter) > PATH_BYTES_MAX)
        cut_name(shorter);
    while (!is_left_out(cover, shorter)) {
        if (has_room(&cover->except, strlen(shorter))) {
            add(&cover->except, shorter);
            break;
        }
        widen(&cover->except);
        if (cover->except.count) /* as its neighbours are: its directory */
            cut_name(shorter);
    }
    free(shorter);
}

bool cover_tell(const struct cover *cover, struct record_covered *out)
{
    *out = (struct record_covered){.roots = (const char *const *)cover->roots.paths,
                                   .root_count = cover->roots.count,
                                   .except = (const char *const *)cover->except.paths,
                                   .except_count = cover->except.count,
                                   .mounts = (const char *const *)cover->mounts.paths,
                                   .mount_count = cover->mounts.count};
    return cover->roots.count > 0 && !cover->too_many;
}
