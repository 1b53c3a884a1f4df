/* SPDX-License-Identifier: MIT */
/*
 * A command that is made of subcommands. See subcommands.h.
 */
#include "subcommands.h"

#include "command.h"

#include <string.h>

static const struct subcommand *find(const struct subcommands *commands, const char *name) {
    for (size_t i = 0; i < commands->count; i++)
        if (strcmp(commands->list[i].name, name) == 0)
            return &commands->list[i];
    command_misuse("%s: no such command; %s help lists them", name, command_name);
}

static void print_help(const struct subcommands *commands, FILE *file) {
    fprintf(file, "Usage: %s COMMAND [OPTION...] FILE...\n\n%s\n\n", commands->name,
            commands->purpose);
    for (size_t i = 0; i < commands->count; i++)
        fprintf(file, "  %-14s %s\n", commands->list[i].name, commands->list[i].meaning);
    fprintf(file,
            "  help [COMMAND] this text, or that of a command\n\n"
            "Exit status: 0; 1 for %s; 2 for a wrong command line.\n",
            commands->failures);
}

static bool asks_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int help(const struct subcommands *commands, const char *topic) {
    if (topic)
        fputs(find(commands, topic)->help, stdout);
    else
        print_help(commands, stdout);
    return command_finish(COMMAND_OK);
}

int subcommands_main(const struct subcommands *commands, int argc, char **argv) {
    command_name = commands->name;
    command_guard_streams();
    if (argc < 2) {
        print_help(commands, stderr);
        return COMMAND_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || asks_help(argv[1]))
        return help(commands, argc > 2 ? argv[2] : NULL);
    const struct subcommand *subcommand = find(commands, argv[1]);
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (asks_help(argv[i]))
            return help(commands, argv[1]);
    int status = subcommand->run(argc - 1, argv + 1);
    return command_finish(status);
}
