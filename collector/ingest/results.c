/* How often each result was stored of a run: what the coverage of a sweep is computed from. Counted here and not by the scanner, so that it is what the
 * inventory holds; stored with the batch's key, so that nothing is counted twice.
 *
 * What a scanner calls its errors is bounded: BATCH_RESULTS_MAX words of a run and batch are told apart (the inventory keeps no more of a run
 * either), and a word that is not of the record schema's making is "other:other". */
#include <string.h>

#include "collector/ingest/batch.h"

enum { WORD_MAX = 60 };

static const char other[] = "other:other";

static const char *word_of(const struct batch *batch, text_ref result)
{
    const char *word = batch_text(batch, result);
    size_t size = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_:");
    return size && size <= WORD_MAX && !word[size] ? word : other;
}

void results_count(const struct batch *batch, struct batch_run *run, text_ref result)
{
    const char *word = word_of(batch, result);
    size_t i = 0;
    while (i < run->result_count && strcmp(word_of(batch, run->results[i].result), word) != 0)
        i++;
    if (i == run->result_count && i < BATCH_RESULTS_MAX) {
        if (!run->results)
            run->results = cm_calloc(BATCH_RESULTS_MAX, sizeof *run->results);
        run->results[run->result_count++] = (struct run_result){.result = result};
    }
    if (i < BATCH_RESULTS_MAX)
        run->results[i].count++;
}

void results_write(struct buf *out, const struct batch *batch, const struct batch_run *run)
{
    uint64_t left = run->stored_failed;
    const char *separator = "";
    buf_append_char(out, '{');
    if (run->stored_ok) {
        buf_appendf(out, "\"ok\":%llu", (unsigned long long)run->stored_ok);
        separator = ",";
    }
    for (size_t i = 0; i < run->result_count; i++) {
        const char *word = word_of(batch, run->results[i].result);
        if (strcmp(word, other) == 0)
            continue;
        buf_appendf(out, "%s\"%s\":%llu", separator, word, (unsigned long long)run->results[i].count);
        left -= run->results[i].count;
        separator = ",";
    }
    if (left) /* those of no word, and those past the last one that was told apart */
        buf_appendf(out, "%s\"%s\":%llu", separator, other, (unsigned long long)left);
    buf_append_char(out, '}');
}
