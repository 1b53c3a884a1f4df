/* SPDX-License-Identifier: MIT */
/*
 * The command line's options, from one table: how each is spelled, what it takes, and its help.
 * See options.h.
 *
 * What is no good is told in one line that names the option, what was given, and what is accepted.
 */
#include "options.h"

#include <errno.h>
#include <stdio.h>

#define DEFAULT_STACK_MIB 512
#define DEFAULT_EXPANSION_MIB 256 /* guess: 20 times what the largest form of a program has had */
#define MOST_MIB (1 << 20)

#define GO_ON (-1)
#define STATUS_USAGE 2

/* X(letter or 0, long name or NULL, what it takes or NULL, function, help) */
#define OPTIONS(X)                                                                                 \
    X('e', "eval", "EXPRESSION", take_expression, "evaluate, and print the values")                \
    X('l', "load", "FILE", take_load, "load a file, then go on")                                   \
    X('I', NULL, "FOLDER", take_folder,                                                            \
      "look for libraries there, before the folders of SCHEME_PATH")                               \
    X(0, "stats", NULL, take_stats, "print the collector's figures at exit, to standard error")    \
    X(0, "stack", "MIB", take_stack, "how deep recursion may go (512)")                            \
    X(0, "expansion", "MIB", take_expansion,                                                       \
      "how much memory the macros of a form may take (256)")                                       \
    X(0, "heap", "MIB", take_heap, "how large the heap may grow; past that: out of memory")        \
    X(0, "syntax", "WHERE", take_syntax,                                                           \
      "where programs are read and compiled: arena (the default),\n"                               \
      "apart (an arena for each form, to find what outlives it), or heap")                         \
    X(0, "offheap", "SIZE", take_offheap,                                                          \
      "bytevectors of so many bytes (65536) and more live off-heap; or none")                      \
    X('h', "help", NULL, say_help, "this")                                                         \
    X(0, "version", NULL, say_version, "the version")

struct option {
    char letter;
    const char *name, *takes;
    int (*take)(struct options *options, const char *text); /* @return GO_ON or an exit status */
    const char *help;
};

#define X(letter, name, takes, function, help)                                                     \
    static int function(struct options *options, const char *text);
OPTIONS(X)
#undef X

static const struct option table[] = {
#define X(...) {__VA_ARGS__},
    OPTIONS(X)
#undef X
};
#define TABLE_COUNT (sizeof table / sizeof *table)

/* ---- What is said -------------------------------------------------------------------------- */

#define REJECT(...) (fprintf(stderr, PROGRAM_NAME ": " __VA_ARGS__), STATUS_USAGE)

/* The exit status after standard output was written to. */
static int said(void) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, PROGRAM_NAME ": standard output: %s\n", strerror(errno));
    return 1;
}

#define HELP_COLUMN 24

static int say_help(struct options *options, const char *text) {
    (void)options, (void)text;
    printf("usage: " PROGRAM_NAME " [OPTION...] [FILE [ARGUMENT...]]\n"
           "Run the Scheme program FILE, with arguments that (command-line) gives to it. Without\n"
           "one, or if it is -, run what standard input holds; at a terminal, form by form.\n\n");
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const struct option *option = &table[i];
        char letter[] = {'-', option->letter, 0}, spelling[80];
        snprintf(spelling, sizeof spelling, "  %s%s%s%s%s%s", option->letter ? letter : "",
                 option->letter && option->name ? ", " : "", option->name ? "--" : "",
                 option->name ? option->name : "", option->takes ? " " : "",
                 option->takes ? option->takes : "");
        printf("%-*s ", HELP_COLUMN, spelling);
        for (const char *p = option->help; *p; p++)
            if (*p == '\n')
                printf("\n%*s ", HELP_COLUMN, "");
            else
                putchar(*p);
        putchar('\n');
    }
    printf("%-*s %s\n", HELP_COLUMN, "  --", "what follows is FILE, even if it begins with -");
    printf(
        "\n-e, -l and -I may be given more than once. With -e and no FILE, standard input is left\n"
        "alone. Libraries are looked for in the folders of -I, in those of SCHEME_PATH (separated\n"
        "by colons), beside the file that imports them, and in the current folder.\n");
    return said();
}

static int say_version(struct options *options, const char *text) {
    (void)options, (void)text;
    printf(PROGRAM_NAME " (Gait) %s\n", gait_version());
    return said();
}

/* ---- Values -------------------------------------------------------------------------------- */

static void add_action(struct options *options, int kind, const char *text) {
    options->actions[options->action_count].kind = kind;
    options->actions[options->action_count++].text = text;
}

static int take_expression(struct options *options, const char *text) {
    add_action(options, ACTION_EVALUATE, text);
    options->evaluates = true;
    return GO_ON;
}

static int take_load(struct options *options, const char *text) {
    add_action(options, ACTION_LOAD, text);
    return GO_ON;
}

static int take_folder(struct options *options, const char *text) {
    options->library_folders[options->library_folder_count++] = text;
    return GO_ON;
}

static int take_stats(struct options *options, const char *text) {
    (void)text;
    options->stats = true;
    return GO_ON;
}

/* A number in digits alone, from 1 to most. @return 0: it is none */
static uint64_t take_number(const char *text, uint64_t most) {
    if (!*text || text[strspn(text, "0123456789")])
        return 0;
    errno = 0;
    unsigned long long number = strtoull(text, NULL, 10);
    return errno || number > most ? 0 : number;
}

static int take_mib(const char *option, const char *text, uint64_t *mib) {
    *mib = take_number(text, MOST_MIB);
    if (*mib)
        return GO_ON;
    return REJECT("%s takes a number of MiB from 1 to %d, not '%s'\n", option, MOST_MIB, text);
}

static int take_heap(struct options *options, const char *text) {
    return take_mib("--heap", text, &options->heap_mib);
}

static int take_stack(struct options *options, const char *text) {
    return take_mib("--stack", text, &options->stack_mib);
}

static int take_expansion(struct options *options, const char *text) {
    return take_mib("--expansion", text, &options->expansion_mib);
}

static int take_syntax(struct options *options, const char *text) {
    static const char *const words[] = {
        [SYNTAX_HEAP] = "heap", [SYNTAX_ARENA] = "arena", [SYNTAX_APART] = "apart"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(text, words[i])) {
            options->syntax = (enum syntax_place)i;
            return GO_ON;
        }
    return REJECT("--syntax takes arena, apart or heap, not '%s'\n", text);
}

static int take_offheap(struct options *options, const char *text) {
    options->offheap_least = strcmp(text, "none") ? take_number(text, SIZE_MAX - 1) : SIZE_MAX;
    if (options->offheap_least)
        return GO_ON;
    return REJECT("--offheap takes a number of bytes from 1, or none, not '%s'\n", text);
}

/* ---- Words --------------------------------------------------------------------------------- */

/* The option that a word of the command line spells; NULL: none. What is attached to it
 * (-eEXPRESSION,
 * --stack=MIB) is *attached, else NULL. */
static const struct option *find_option(const char *word, const char **attached) {
    *attached = NULL;
    for (const struct option *option = table; option < table + TABLE_COUNT; option++) {
        if (word[1] != '-') {
            if (option->letter != word[1] || (word[2] && !option->takes))
                continue;
            *attached = word[2] ? word + 2 : NULL;
            return option;
        }
        size_t length = option->name ? strlen(option->name) : 0;
        if (!length || strncmp(word + 2, option->name, length))
            continue;
        if (word[2 + length] == '=')
            *attached = word + 2 + length + 1;
        if (*attached || !word[2 + length])
            return option;
    }
    return NULL;
}

int options_parse(struct options *options, int argc, char **argv) {
    *options = (struct options){.stack_mib = DEFAULT_STACK_MIB,
                                .expansion_mib = DEFAULT_EXPANSION_MIB,
                                .syntax = SYNTAX_ARENA};
    options->actions = calloc((size_t)argc + 1, sizeof *options->actions);
    options->library_folders = calloc((size_t)argc + 1, sizeof *options->library_folders);
    if (!options->actions || !options->library_folders)
        return REJECT("out of memory\n");
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        const char *word = argv[i], *text;
        if (!strcmp(word, "--")) {
            i++;
            break;
        }
        const struct option *option = find_option(word, &text);
        if (!option)
            return REJECT("unknown option '%s'; '" PROGRAM_NAME " --help' lists those there are\n",
                          word);
        if (!option->takes && text)
            return REJECT("--%s takes no value, not '%s'\n", option->name, text);
        if (option->takes && !text) {
            if (i + 1 == argc)
                return REJECT("%s needs %s: %.*s\n", word, option->takes,
                              (int)strcspn(option->help, "\n"), option->help);
            text = argv[++i];
        }
        int status = option->take(options, text);
        if (status != GO_ON)
            return status;
    }
    if (i < argc)
        options->file = argv[i++];
    options->arguments = argv + (i < argc ? i : argc);
    return GO_ON;
}
