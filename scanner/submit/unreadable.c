/* What cannot be read is told once, not at each look of --follow: again when it changes, or when it comes back after it was well. */
#include <stdarg.h>
#include <stdio.h>

#include "certmuster/log.h"
#include "scanner/submit/submit.h"

enum { TEXT_SIZE = 4096 + 256 };

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

void submit_unreadable(struct submit_totals *totals, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    totals->unreadable++;
    if (!has(totals->before, hash(text)))
        say_error("%s", text);
    if (totals->told.count < SUBMIT_TOLD_MAX)
        totals->told.texts[totals->told.count++] = hash(text);
}
