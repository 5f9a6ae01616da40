/* Troubles are told once, not at each look of --follow and of a worker: again when they change, or come back after all was well. */
#include <stdarg.h>
#include <stdio.h>

#include "certmuster/log.h"
#include "scanner/submit/submit.h"

enum { TEXT_SIZE = 4096 + 512 };

static uint64_t hash(const char *text)
{
    uint64_t sum = UINT64_C(14695981039346656037);
    for (; *text; text++)
        sum = (sum ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return sum;
}

static bool has(const struct submit_told *told, uint64_t text)
{
    for (unsigned i = 0; told && i < told->count; i++)
        if (told->texts[i] == text)
            return true;
    return false;
}

static void add(struct submit_told *told, uint64_t text)
{
    if (told->count < SUBMIT_TOLD_MAX && !has(told, text))
        told->texts[told->count++] = text;
}

static void say_once(struct submit_totals *totals, const char *about, const char *text)
{
    uint64_t sum = hash(about ? about : text);
    bool full =
        totals->told.count == SUBMIT_TOLD_MAX && totals->before; /* of more than can be remembered none is told */
    if (!full && !has(totals->before, sum) && !has(&totals->told, sum))
        say_error("%s", text);
    add(&totals->told, sum);
}

void submit_trouble(struct submit_totals *totals, const char *about, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say_once(totals, about, text);
}

void submit_unreadable(struct submit_totals *totals, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say_once(totals, NULL, text);
    totals->unreadable++;
}

void submit_told_keep(struct submit_told *told, const struct submit_totals *totals)
{
    if (totals->stop) { /* not everything was looked at: what was told before may hold still */
        for (unsigned i = 0; i < totals->told.count; i++)
            add(told, totals->told.texts[i]);
        return;
    }
    if (told->count && !totals->told.count)
        say_error("nothing is unreadable or kept back any more");
    *told = totals->told;
}
