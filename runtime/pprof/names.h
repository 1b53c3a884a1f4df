/* SPDX-License-Identifier: MIT */
/*
 * Names of code in this process: which file an address is mapped from, which function and line it
 * is in. By elfutils, from the symbols and, where there is some, the debugging information of the
 * program's files.
 */
#ifndef GAIT_PPROF_NAMES_H
#define GAIT_PPROF_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct names;

/** NULL: no memory, or /proc can't be read: there are addresses only. */
struct names *names_open(void);
void names_close(struct names *names);

/** What is known of an address; texts are valid until names_close. NULL, 0: not known. */
struct name {
    const char *function, *file;
    int line;
    const char *mapped; /* the file that it is mapped from; NULL: nothing is known */
    uint64_t start, end;
    const unsigned char *build_id;
    int build_id_bytes;
};

struct name names_find(struct names *names, uintptr_t address);

#endif
