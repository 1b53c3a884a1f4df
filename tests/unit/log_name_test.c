/* SPDX-License-Identifier: MIT */
/*
 * runtime/observe/log_name: names of the files that heaps write.
 */
#include "observe/log_name.h"

#include <string.h>

#include "log_folder.h"

TestSuite(log_name, .init = make_folder, .fini = remove_folder);

Test(log_name, each_heap_has_its_own) {
    static struct log_names names;
    char name[LOG_NAME_BYTES];
    cr_expect_eq(log_names_next(&names, "/a/log", name), 1);
    cr_expect_eq(strcmp(name, "/a/log"), 0);
    cr_expect_eq(log_names_next(&names, "/a/log", name), 2);
    cr_expect_eq(strcmp(name, "/a/log.2"), 0);
    log_names_forked(&names);
    char expected[64];
    snprintf(expected, sizeof expected, "/a/log.%d", (int)getpid());
    log_names_next(&names, "/a/log", name);
    cr_expect_eq(strcmp(name, expected), 0, "%s", name);
}

Test(log_name, the_longest_is_whole) {
    static struct log_names names;
    char asked[OPTIONS_PATH_BYTES], name[LOG_NAME_BYTES];
    memset(asked, 'x', sizeof asked);
    asked[sizeof asked - 1] = '\0';
    cr_assert_eq(chdir(folder), 0);
    log_names_next(&names, asked, name);
    log_names_next(&names, asked, name);
    cr_expect_eq(strncmp(name, folder, strlen(folder)), 0, "%s", name);
    cr_expect_eq(strcmp(name + strlen(name) - 3, "x.2"), 0, "%s", name);
}

/* A program that serves goes to another folder as it begins; its files are opened later. */
Test(log_name, it_is_of_the_folder_of_the_heaps_creation) {
    gait_config config;
    gait_config_init(&config);
    cr_assert_eq(chdir(folder), 0);
    gait_heap *heap = heap_writing(&config, "heapsnapshot", "log");
    cr_assert_eq(chdir("/"), 0);
    gait_heap_destroy(heap);
    cr_expect_eq(access(path, R_OK), 0, "%s", path);
}
