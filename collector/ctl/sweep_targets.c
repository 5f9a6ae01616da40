/* Targets of `certmuster sweep`, as typed and as lines of files, and the lists that the database takes. They are checked when it is known what
 * kind of plan they are for, and go into it in the one form that each has, so that what is one place is one target. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/log.h"
#include "certmuster/shard.h"
#include "certmuster/target.h"
#include "collector/ctl/sweep.h"

enum { LINE_BYTES_MAX = 4096, TARGETS_MAX = 1000000, WHERE_SIZE = 300 };

/* --- Lists -------------------------------------------------------------------------------------------------------------------------------- */

void sweep_list_add(struct sweep_list *list, const char *text, size_t size)
{
    if (list->count++ == 0) {
        buf_init(&list->text, SWEEP_ARRAY_MAX);
        buf_append_str(&list->text, "{\"");
    } else if (!list->text.failed) {
        list->text.data[list->text.size - 1] = ','; /* where the list ended */
        buf_append_char(&list->text, '"');
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\')
            buf_append_char(&list->text, '\\');
        buf_append_char(&list->text, text[i]);
    }
    buf_append_str(&list->text, "\"}");
}

const char *sweep_list_text(const struct sweep_list *list)
{
    return list->count ? list->text.data : NULL;
}

void sweep_list_done(struct sweep_list *list)
{
    if (list->count)
        buf_done(&list->text);
    list->count = 0;
}

/* --- What is typed ------------------------------------------------------------------------------------------------------------------------ */

static int take(struct sweep_call *call, const char *text, size_t size, const char *file, size_t line)
{
    struct sweep_typed *typed = &call->typed;
    if (typed->count == TARGETS_MAX)
        return cli_wrong(call->cli, "more than %d targets; write prefixes", (int)TARGETS_MAX);
    if (typed->count == typed->capacity) {
        typed->capacity = typed->capacity ? typed->capacity * 2 : 16;
        typed->items = cm_realloc(typed->items, typed->capacity * sizeof *typed->items);
    }
    typed->items[typed->count++] = (struct sweep_item){cm_strndup(text, size), file, line};
    return 0;
}

int sweep_take_target(struct sweep_call *call, const char *text)
{
    return take(call, text, strlen(text), NULL, 0);
}

void sweep_typed_done(struct sweep_typed *typed)
{
    for (size_t i = 0; i < typed->count; i++)
        free(typed->items[i].text);
    free(typed->items);
    *typed = (struct sweep_typed){NULL, 0, 0};
}

static int read_lines(struct sweep_call *call, FILE *file, const char *path)
{
    char line[LINE_BYTES_MAX];
    int status = 0;
    for (size_t number = 1; !status && fgets(line, sizeof line, file); number++) {
        if (!strchr(line, '\n') && !feof(file))
            return cli_wrong(call->cli, "%s:%zu: a line longer than %d bytes", path, number, (int)LINE_BYTES_MAX);
        line[strcspn(line, "#\r\n")] = 0;
        const char *from = line + strspn(line, " \t");
        size_t size = strlen(from);
        while (size && (from[size - 1] == ' ' || from[size - 1] == '\t'))
            size--;
        if (size)
            status = take(call, from, size, path, number);
    }
    return !status && ferror(file) ? cli_wrong(call->cli, "cannot read %s: %s", path, strerror(errno)) : status;
}

int sweep_take_file(struct sweep_call *call)
{
    const char *path = call->cli->argument;
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    if (!file) {
        say_error("cannot read %s: %s", path, strerror(errno));
        return CM_EXIT_PARTIAL;
    }
    int status = read_lines(call, file, is_stdin ? "standard input" : path);
    if (!is_stdin)
        fclose(file);
    return status;
}

/* --- What a plan gets --------------------------------------------------------------------------------------------------------------------- */

/* Says which target is none, and why. */
static int refuse(const struct sweep_call *call, const struct sweep_item *item, const char *why)
{
    char where[WHERE_SIZE] = "";
    if (item->file)
        snprintf(where, sizeof where, "%.200s:%zu: ", item->file, item->line);
    return cli_wrong(call->cli, "%snot a target: %.200s: %s", where, item->text, why);
}

/* Into *out, in the form that it goes into the plan. NULL, or why it is no target. */
static const char *read_item(const char *kind, const char *text, struct buf *out)
{
    struct target target;
    struct cm_error error;
    buf_reset(out);
    if (strcmp(kind, "scan") == 0) {
        if (target_read(text, strlen(text), &target, &error) != 0)
            return error.reason;
        target_write(out, &target);
        target_done(&target);
    } else {
        buf_append_str(out, text);
    }
    return shard_target_wrong(kind, out->data);
}

int sweep_read_targets(const struct sweep_call *call, const char *kind, struct sweep_list *out)
{
    struct buf text;
    size_t bytes = 0;
    int status = 0;
    buf_init(&text, SWEEP_ARRAY_MAX);
    for (size_t i = 0; !status && i < call->typed.count; i++) {
        const struct sweep_item *item = &call->typed.items[i];
        const char *why = read_item(kind, item->text, &text);
        bytes += shard_path_bytes(text.data);
        if (why)
            status = refuse(call, item, why);
        else
            sweep_list_add(out, text.data, text.size);
    }
    buf_done(&text);
    if (!status && strcmp(kind, "crawl") == 0 && (out->count > SHARD_TARGETS_MAX || bytes > SHARD_PATHS_BYTES_MAX))
        return cli_wrong(call->cli, "%zu paths are more than a scanner is told at once; name directories", out->count);
    if (!status && out->count && out->text.failed)
        return cli_wrong(call->cli, "these targets are more than %d MiB of text; write prefixes",
                         SWEEP_ARRAY_MAX >> 20);
    return status;
}
