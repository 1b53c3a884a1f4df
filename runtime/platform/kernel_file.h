/* SPDX-License-Identifier: MIT */
/*
 * The text files in which the kernel describes the machine (/proc, /sys), read line by line without
 * allocation. For platform/ alone.
 */
#ifndef GAIT_KERNEL_FILE_H
#define GAIT_KERNEL_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct kernel_file {
    int descriptor;
    int cancellation; /* as it was before the file was opened: none comes while it is open */
    size_t next, end; /* buffer[next .. end) is not yet consumed */
    char buffer[1024];
};

/** @return negative: there is no such file. Otherwise close it with kernel_file_close, on the same
 * thread. */
int kernel_file_open(struct kernel_file *file, const char *path);
void kernel_file_close(struct kernel_file *file);

/** Read a line, without its newline; what has no room is dropped. @return false: no more lines. */
bool kernel_file_line(struct kernel_file *file, char *line, size_t line_bytes);

/** The first line of a file. @return negative: there is none. */
int kernel_file_first_line(const char *path, char *line, size_t line_bytes);

/**
 * Read every file below this directory in place of "/": a tree that a test made. NULL: "/" again.
 * The string is not copied. Thread rule: while no other thread reads such files.
 */
void kernel_file_set_root(const char *directory);

#endif
