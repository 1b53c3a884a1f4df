/* SPDX-License-Identifier: MIT */
/**
 * A command that is made of subcommands: finds the one that is asked for, and lists all.
 */
#ifndef COMMAND_SUBCOMMANDS_H
#define COMMAND_SUBCOMMANDS_H

#include <stddef.h>

struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv); /**< argv[0] is the subcommand's name; @return exit status */
    const char *meaning;               /**< in one line, for the list */
    const char *help;
};

struct subcommands {
    const char *name;    /**< the command's own */
    const char *purpose; /**< of all, in a sentence */
    const struct subcommand *list;
    size_t count;
    const char *failures; /**< what exit status 1 is for */
};

/** A command's main. @return the exit status. */
int subcommands_main(const struct subcommands *commands, int argc, char **argv);

#endif
