/* The progress line of long runs. Writes to stderr alone, and only when that is a terminal. */
#include "certmuster/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certmuster/escape.h"
#include "certmuster/table.h"
#include "certmuster/timefmt.h"

static struct progress *drawn;                               /* the one that is visible; a process has one terminal */
static pthread_mutex_t terminal = PTHREAD_MUTEX_INITIALIZER; /* any thread may have to say something */

enum { FIRST_AFTER_MS = 2000, REDRAW_MS = 200, TEXT_SIZE = 256 };

void progress_init(struct progress *progress, const char *noun, bool quiet)
{
    const char *term = getenv("TERM");
    *progress = (struct progress){.noun = noun, .started_ms = clock_monotonic_ms()};
    progress->enabled = !quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

/* 1234567 as "1,234,567". */
static void grouped(char out[static 32], uint64_t value)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    char *to = out;
    for (int i = 0; i < size; i++) {
        if (i && (size - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
}

/* 45s, 3m20s, 2h05m, 3d04h. */
static void eta_text(char out[static 32], uint64_t seconds)
{
    unsigned long long s = seconds;
    if (s < 60)
        snprintf(out, 32, "%llus", s);
    else if (s < 3600)
        snprintf(out, 32, "%llum%02llus", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, 32, "%lluh%02llum", s / 3600, s / 60 % 60);
    else
        snprintf(out, 32, "%llud%02lluh", s / 86400, s / 3600 % 24);
}

void progress_text(const struct progress *progress, int64_t now_ms, char *out, unsigned size)
{
    char done[32], total[32], rate_text[32], failed[32], eta[48] = "", share[48] = "", note[128] = "";
    int64_t elapsed_ms = now_ms - progress->started_ms;
    double rate = elapsed_ms > 0 ? (double)progress->done * 1000 / (double)elapsed_ms : 0;
    grouped(done, progress->done);
    grouped(total, progress->total);
    grouped(failed, progress->failed);
    if (rate >= 10 || rate == 0)
        grouped(rate_text, (uint64_t)(rate + 0.5));
    else
        snprintf(rate_text, sizeof rate_text, "%.1f", rate);
    if (progress->total > 0) {
        /* Rounded down: 100% only when all is done. */
        uint64_t percent = (uint64_t)((double)progress->done * 100 / (double)progress->total);
        snprintf(share, sizeof share, "  %llu%%", (unsigned long long)(percent > 100 ? 100 : percent));
        if (rate > 0 && progress->done < progress->total) {
            double left = (double)(progress->total - progress->done) / rate;
            char text[32];
            eta_text(text, left > 1e9 ? UINT64_C(1000000000) : (uint64_t)(left + 0.5));
            snprintf(eta, sizeof eta, "  ETA %s", text);
        }
    }
    if (progress->note)
        snprintf(note, sizeof note, "  %s", progress->note);
    snprintf(out, size, "%s%s%s %s%s  %s/s%s  %s %s%s", done, progress->total ? " of " : "",
             progress->total ? total : "", progress->noun, share, rate_text, eta, failed,
             progress->failed_word ? progress->failed_word : "failed", note);
}

void progress_update(struct progress *progress, uint64_t done, uint64_t total, uint64_t failed)
{
    progress->done = done;
    progress->total = total;
    progress->failed = failed;
    if (!progress->enabled)
        return;
    int64_t now = clock_monotonic_ms();
    if (now - progress->started_ms < FIRST_AFTER_MS || now - progress->drawn_ms < REDRAW_MS)
        return;
    char text[TEXT_SIZE];
    struct term_style style;
    progress_text(progress, now, text, sizeof text);
    term_style_of(stderr, &style);
    if (style.columns > 1) /* never wrap: a wrapped line cannot be cleared */
        text[text_fit(text, strlen(text), (size_t)style.columns - 1)] = 0;
    pthread_mutex_lock(&terminal);
    fprintf(stderr, "\r\033[K%s", text);
    fflush(stderr);
    progress->drawn_ms = now;
    progress->visible = true;
    drawn = progress;
    pthread_mutex_unlock(&terminal);
}

static void clear_drawn(void)
{
    fputs("\r\033[K", stderr);
    fflush(stderr);
    drawn->visible = false;
    drawn = NULL;
}

void progress_clear(struct progress *progress)
{
    pthread_mutex_lock(&terminal);
    if (drawn == progress)
        clear_drawn();
    pthread_mutex_unlock(&terminal);
}

void progress_make_way(void)
{
    pthread_mutex_lock(&terminal);
    if (drawn)
        clear_drawn();
    pthread_mutex_unlock(&terminal);
}
