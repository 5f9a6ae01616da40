/* --help, put together from the table that is parsed, so that the two cannot drift apart. Wrapped at the terminal's width (at most
 * 100 columns; 80 when stdout is no terminal). */
#include "lib/cli_help.h"

#include <stdio.h>
#include <string.h>

#include "certmuster/escape.h"
#include "certmuster/table.h"

enum { WIDTH_MAX = 100, WIDTH_DEFAULT = 80, WIDTH_MIN = 40, INDENT_MAX = 30 };

static size_t columns_of(const char *text, size_t size)
{
    return text_columns(text, size);
}

/* Words of text from column `at`, later lines from column indent. A line feed in the text is kept. */
static void print_wrapped(const char *text, size_t at, size_t indent, size_t width)
{
    bool first = true;
    while (*text) {
        size_t word = strcspn(text, " \n");
        size_t columns = columns_of(text, word);
        if (!first && at + 1 + columns > width) {
            printf("\n%*s", (int)indent, "");
            at = indent;
        } else if (!first && at > indent) {
            putchar(' ');
            at++;
        }
        fwrite(text, 1, word, stdout);
        at += columns;
        text += word;
        first = false;
        if (*text == '\n') {
            printf("\n%*s", text[1] && text[1] != '\n' ? (int)indent : 0, "");
            at = indent;
            first = true;
        }
        if (*text)
            text++;
    }
    putchar('\n');
}

/* "  -f, --file FILE" into out; its columns. */
static size_t flag_text(char *out, size_t size, const struct cli_option *option)
{
    char letter[8] = "    ";
    if (cli_is_letter(option->id))
        snprintf(letter, sizeof letter, "-%c%s", option->id, option->name ? ", " : "");
    snprintf(out, size, "  %s%s%s%s%s", letter, option->name ? "--" : "", option->name ? option->name : "",
             option->argument ? " " : "", option->argument ? option->argument : "");
    return columns_of(out, strlen(out));
}

static void print_options(const struct cli_option *options, const struct cli_option *hidden_by, size_t indent,
                          size_t width)
{
    char text[256];
    for (; options && options->id; options++) {
        bool hidden = false;
        struct cli_option shown = *options;
        for (const struct cli_option *other = hidden_by; other && other->id; other++) {
            hidden = hidden || (other->name && strcmp(other->name, options->name) == 0);
            if (other->id == options->id)
                shown.id = CLI_CONFIG; /* the letter is the program's own */
        }
        if (hidden)
            continue;
        size_t columns = flag_text(text, sizeof text, &shown);
        fputs(text, stdout);
        if (columns + 2 > indent)
            printf("\n%*s", (int)indent, "");
        else
            printf("%*s", (int)(indent - columns), "");
        print_wrapped(options->help, indent, indent, width);
    }
}

static size_t widest_flag(const struct cli_option *options, size_t so_far)
{
    char text[256];
    for (; options && options->id; options++) {
        size_t columns = flag_text(text, sizeof text, options) + 2;
        if (columns > so_far && columns <= INDENT_MAX)
            so_far = columns;
    }
    return so_far;
}

void cli_print_help(const struct cli_program *program)
{
    struct term_style style;
    term_style_of(stdout, &style);
    size_t width = style.columns <= 0 ? WIDTH_DEFAULT : (size_t)style.columns;
    width = width > WIDTH_MAX ? WIDTH_MAX : width < WIDTH_MIN ? WIDTH_MIN : width;
    size_t indent = widest_flag(cli_common_options, widest_flag(program->options, 0));

    for (size_t i = 0; program->usage && program->usage[i]; i++)
        printf("%s %s %s\n", i == 0 ? "Usage:" : "      ", program->name, program->usage[i]);
    putchar('\n');
    print_wrapped(program->summary, 0, 0, width);
    printf("\nFlags:\n");
    print_options(program->options, NULL, indent, width);
    print_options(cli_common_options, program->options, indent, width);
    if (program->examples && program->examples[0]) {
        printf("\nExamples:\n");
        for (size_t i = 0; program->examples[i]; i++)
            printf("  %s\n", program->examples[i]);
    }
    if (program->more) {
        putchar('\n');
        print_wrapped(program->more, 0, 0, width);
    }
}
