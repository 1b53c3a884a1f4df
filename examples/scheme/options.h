/* SPDX-License-Identifier: MIT */
/*
 * The command line, taken apart: scheme [OPTION…] [FILE [ARGUMENT…]]
 *
 * Options come first. The first word that is none is the program, and all behind it belongs to that
 * program, whatever it looks like: so a script that names this command in its #! line gets the
 * arguments that it was called with.
 */
#ifndef SCHEME_OPTIONS_H
#define SCHEME_OPTIONS_H

#include "vm.h"

/* What is done before the program is run, in the order of the command line. */
struct action {
    enum { ACTION_EVALUATE, ACTION_LOAD } kind;
    const char *text; /* an expression, or a file's name */
};

struct options {
    struct action *actions;
    size_t action_count;
    bool evaluates;               /* one of them is of -e */
    const char **library_folders; /* of -I */
    size_t library_folder_count;
    bool stats;
    enum syntax_place syntax;
    uint64_t stack_mib, expansion_mib;
    uint64_t heap_mib;    /* 0: as it is */
    size_t offheap_least; /* 0: as it is; SIZE_MAX: none */
    const char *file;     /* the program; NULL: none; "-": standard input */
    char **arguments;     /* behind it, up to a NULL */
};

/** @return -1 to go on, or an exit status: what there was to say is said. */
int options_parse(struct options *options, int argc, char **argv);

#endif
