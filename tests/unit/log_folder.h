/* SPDX-License-Identifier: MIT */
/*
 * For tests of what a heap writes to a file: a folder of its own for each test, and heaps that
 * write there.
 */
#ifndef GAIT_TESTS_LOG_FOLDER_H
#define GAIT_TESTS_LOG_FOLDER_H

#include <gait/gait.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/gait-log-XXXXXX";
static char path[64], second_path[80]; /* what the first heap writes, and the second */

static inline void make_folder(void) {
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(second_path, sizeof second_path, "%s.2", path);
}

static inline void remove_folder(void) {
    unlink(path);
    unlink(second_path);
    rmdir(folder);
}

/* A heap whose debug option `option` names this file. */
static inline gait_heap *heap_writing(gait_config *config, const char *option, const char *file) {
    char debug[100], error[200] = "";
    snprintf(debug, sizeof debug, "%s=%s", option, file);
    config->debug = debug;
    gait_heap *heap = gait_heap_create(config, error, sizeof error);
    cr_assert_not_null(heap, "%s", error);
    return heap;
}

/* @return how the child ended. */
static inline int wait_for(pid_t child) {
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

#endif
