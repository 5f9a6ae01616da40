/* Command lines: what is parsed, what is refused with which words, and that --help shows what is parsed. */
#include "tests/unit/lib/cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certmuster/cli.h"

static const struct cli_option options[] = {
    {'p', "ports", "P,P-P", "The ports to look at."},
    {'f', "file", "FILE",
     "Targets from a file, one a line, - for standard input. This sentence is long enough to wrap."},
    {1, "json", NULL, "Records on standard output."},
    {2, "starttls", "PROTO", "Ask for TLS."},
    {0, NULL, NULL, NULL},
};
static const char *const usage[] = {"[--json] TARGET…", "--local", NULL};
static const char *const examples[] = {"certmuster-test 192.0.2.1  # one address", NULL};
static const struct cli_program program = {"certmuster-test", "Tests the parser.", usage, options,
                                           examples,          "Exit status: 0."};

struct parsed {
    int ids[16];
    const char *arguments[16];
    size_t count;
    int end;
    struct cli cli;
};

/* Runs the parser over words; stderr goes to a file that read_stderr gives back. */
static char said[4096];

static void parse(struct parsed *out, int argc, const char **argv)
{
    char path[] = "/tmp/cm-cli-XXXXXX";
    int file = mkstemp(path), saved = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(file, STDERR_FILENO);
    memset(out, 0, sizeof *out);
    cli_init(&out->cli, &program, argc, (char **)(uintptr_t)argv);
    int id;
    while ((id = cli_next(&out->cli)) > 0 && out->count < 16) {
        out->ids[out->count] = id;
        out->arguments[out->count++] = out->cli.argument;
    }
    out->end = id;
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t size = pread(file, said, sizeof said - 1, 0);
    said[size > 0 ? size : 0] = 0;
    close(file);
    remove(path);
}

#define WORDS(...)      ((const char *[]){"x", __VA_ARGS__, NULL})
#define PARSE(out, ...) parse(out, (int)(sizeof WORDS(__VA_ARGS__) / sizeof(char *)) - 1, WORDS(__VA_ARGS__))

static void test_good(void **state)
{
    (void)state;
    struct parsed p;
    PARSE(&p, "a", "--ports=1,2", "b", "-f", "-", "-fname", "-vvq", "--json", "-", "--config", "c.yaml", "--", "--json",
          "-x");
    assert_int_equal(p.end, CLI_END);
    assert_int_equal(p.count, 4);
    assert_int_equal(p.ids[0], 'p');
    assert_string_equal(p.arguments[0], "1,2");
    assert_string_equal(p.arguments[1], "-");
    assert_string_equal(p.arguments[2], "name");
    assert_int_equal(p.ids[3], 1);
    assert_null(p.arguments[3]);
    assert_int_equal(p.cli.verbose, 1);
    assert_string_equal(p.cli.config_path, "c.yaml");
    assert_int_equal(p.cli.operand_count, 5);
    assert_string_equal(p.cli.operands[2], "-");
    assert_string_equal(p.cli.operands[3], "--json");
    assert_string_equal(p.cli.operands[4], "-x");
    assert_null(p.cli.operands[5]);
    assert_string_equal(said, "");
    cli_done(&p.cli);
}

static void expect(struct parsed *p, const char *text)
{
    assert_int_equal(p->end, CLI_USAGE);
    assert_string_equal(said, text);
    cli_done(&p->cli);
}

static void test_wrong(void **state)
{
    (void)state;
    struct parsed p;
    PARSE(&p, "--prots", "1");
    expect(&p, "certmuster-test: unknown flag --prots; did you mean --ports? Try --help\n");
    PARSE(&p, "--start");
    expect(&p, "certmuster-test: unknown flag --start; did you mean --starttls? Try --help\n");
    PARSE(&p, "--zzzzzz");
    expect(&p, "certmuster-test: unknown flag --zzzzzz. Try --help\n");
    PARSE(&p, "-x");
    expect(&p, "certmuster-test: unknown flag -x. Try --help\n");
    PARSE(&p, "--ports");
    expect(&p, "certmuster-test: --ports needs P,P-P. Try --help\n");
    PARSE(&p, "-p");
    expect(&p, "certmuster-test: -p needs P,P-P. Try --help\n");
    PARSE(&p, "--json=yes");
    expect(&p, "certmuster-test: --json takes no argument. Try --help\n");
    PARSE(&p, "--\033[31mred");
    expect(&p, "certmuster-test: unknown flag --\\x1B[31mred. Try --help\n");
}

/* Output and exit status of a child that runs the parser over one word. */
static int help_of(const char *word, char *out, size_t size)
{
    int pipes[2], status;
    assert_int_equal(pipe(pipes), 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct cli cli;
        dup2(pipes[1], STDOUT_FILENO);
        close(pipes[0]);
        cli_init(&cli, &program, 2, (char **)(uintptr_t)WORDS(word));
        cli_next(&cli);
        _exit(77); /* --help and --version exit by themselves */
    }
    close(pipes[1]);
    size_t used = 0;
    for (ssize_t got; (got = read(pipes[0], out + used, size - 1 - used)) > 0;)
        used += (size_t)got;
    out[used] = 0;
    close(pipes[0]);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_help(void **state)
{
    (void)state;
    char text[8192];
    assert_int_equal(help_of("--help", text, sizeof text), 0);
    assert_memory_equal(text, "Usage: certmuster-test [--json] TARGET…\n       certmuster-test --local\n", 60);
    for (const struct cli_option *option = options; option->id; option++) {
        char flag[64];
        snprintf(flag, sizeof flag, "--%s", option->name);
        assert_non_null(strstr(text, flag));
    }
    assert_non_null(strstr(text, "-p, --ports P,P-P"));
    assert_non_null(strstr(text, "      --json"));
    assert_non_null(strstr(text, "-q, --quiet"));
    assert_non_null(strstr(text, "one address"));
    for (const char *line = text; *line;) { /* wrapped at 80 columns when stdout is no terminal */
        size_t size = strcspn(line, "\n");
        assert_true(size <= 82); /* bytes; the only wide character is … */
        line += size + (line[size] == '\n');
    }
    assert_int_equal(help_of("-V", text, sizeof text), 0);
    assert_string_equal(text, "certmuster-test " CERTMUSTER_VERSION "\n");
    assert_int_equal(help_of("-h", text, sizeof text), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_wrong),
                                       cmocka_unit_test(test_help)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
