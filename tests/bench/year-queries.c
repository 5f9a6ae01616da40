/* year-queries DSN: runs what certmuster-browse asks the database for, with its own jobs and statements, as certmuster_read over libpq.
 * A line of standard input is a question, its words separated by tabs; the answer is a line: microseconds from call to last row, rows,
 * and the key of the last row.
 *
 *     list LIMIT SCOPE SORT ID FILTER   a page of the first screen, soonest first, behind the key (SORT, ID) or from the start when both are empty
 *     places LIMIT FINGERPRINT SORT ID  a page of the places of a certificate, likewise: asked behind each page's last row until one is not full, they are all of its
 *                                       places, each page a question
 *     facts FINGERPRINT                 the rest of that screen
 *     owners FINGERPRINT                its places counted by owner, all of them
 *     totals SCOPE FILTER               the numbers under the list */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/browse/detail_job.h"
#include "report/browse/page_job.h"

enum { WORDS = 6, ALL = -1 };

static char last_sort[512], last_id[512];
static size_t rows_seen;

static void keep(const struct rows *rows)
{
    rows_seen = rows->count;
    if (!rows->count)
        return;
    snprintf(last_sort, sizeof last_sort, "%s", rows->row[rows->count - 1]->field[ROW_SORT]);
    snprintf(last_id, sizeof last_id, "%s", rows->row[rows->count - 1]->field[ROW_ID]);
}

static void got_page(void *context, const struct pages_request *request, int code, struct pages_answer *answer,
                     const struct cm_error *error)
{
    (void)context, (void)request, (void)code, (void)error;
    keep(&answer->rows);
}

static void got_facts(void *context, const char *fingerprint, int code, struct detail_facts *facts,
                      const struct cm_error *error)
{
    (void)context, (void)fingerprint, (void)error;
    rows_seen = code ? 0 : facts->certificate.count;
    if (!code)
        detail_facts_free(facts);
}

static void got_owners(void *context, const char *fingerprint, int code, struct rows *owners,
                       const struct cm_error *error)
{
    (void)context, (void)fingerprint, (void)error;
    rows_seen = code ? 0 : owners->count;
    if (!code)
        rows_done(owners);
}

static void got_totals(void *context, const char *id, int code, const struct totals *totals,
                       const struct cm_error *error)
{
    (void)context, (void)id, (void)code, (void)error;
    rows_seen = (size_t)totals->all;
}

/* NULL: not a question. */
static struct link_job *job_of(char *const *word)
{
    struct choice choice = {.order = ORDER_EXPIRY};
    struct pages_request request = {.from = PAGES_START};
    if (strcmp(word[0], "facts") == 0)
        return detail_facts_job(word[1], got_facts);
    if (strcmp(word[0], "owners") == 0)
        return detail_owners_job(word[1], got_owners);
    if (strcmp(word[0], "totals") == 0) {
        choice.scope = (enum scope)strtoul(word[1], NULL, 10);
        snprintf(choice.filter, sizeof choice.filter, "%s", word[2]);
        return totals_job(&choice, NULL, NULL, got_totals);
    }
    request.limit = strtoul(word[1], NULL, 10);
    if (word[3][0]) {
        request.from = PAGES_AFTER;
        request.sort = word[3];
        request.id = word[4];
    }
    if (strcmp(word[0], "places") == 0)
        return page_job_places(word[2], &request, got_page);
    if (strcmp(word[0], "list") != 0)
        return NULL;
    choice.scope = (enum scope)strtoul(word[2], NULL, 10);
    snprintf(choice.filter, sizeof choice.filter, "%s", word[5]);
    return page_job_list(&choice, &request, got_page);
}

static int64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int answer(struct db *db, char *line)
{
    static char nothing[1];
    char *words[WORDS + 1];
    struct cm_error error = {0};
    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < WORDS; i++) /* missing words are empty */
        words[i] = line ? strsep(&line, "\t") : nothing;
    struct link_job *job = job_of(words);
    if (!job) {
        fprintf(stderr, "year-queries: not a question: %s\n", words[0]);
        return 2;
    }
    last_sort[0] = last_id[0] = '\0';
    int64_t began = microseconds();
    int code = job->run(job, db, &error);
    int64_t took = microseconds() - began;
    if (code)
        fprintf(stderr, "year-queries: %s: %s %s\n", words[0], error.reason, error.detail);
    else
        job->done(job, code, &error, NULL);
    job->discard(job);
    printf("%" PRId64 "\t%zu\t%s\t%s\n", took, rows_seen, last_sort, last_id);
    fflush(stdout);
    return code ? 3 : 0;
}

int main(int argc, char **argv)
{
    char line[4096];
    struct db *db = NULL;
    struct cm_error error = {0};
    int code = argc == 2 ? 0 : 2;
    const struct db_options options = {
        .dsn = argc == 2 ? argv[1] : "", .user = "certmuster_read", .program = "year-queries"};
    if (!code && (db_connect(&options, &db, &error) || db_exec(db, "SET jit = off", &error))) { /* as browse has it */
        fprintf(stderr, "year-queries: %s\n", error.detail);
        code = 3;
    }
    while (!code && fgets(line, sizeof line, stdin))
        code = answer(db, line);
    db_close(db);
    return code;
}
