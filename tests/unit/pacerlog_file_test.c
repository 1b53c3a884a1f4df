/* SPDX-License-Identifier: MIT */
/* runtime/observe/pacerlog, recording, writer: which file a recording is in, and what happens when
 * it can't be written, when somebody has put something else in its place, and when the process
 * forks, exits or is killed. */
#include "recorded.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

TestSuite(pacerlog_file, .init = make_folder, .fini = remove_folder);

Test(pacerlog_file, a_second_heap_has_a_file_of_its_own) {
    gait_heap *heaps[] = {heap_to(path), heap_to(path)};
    gait_collect(gait_attach(heaps[1]));
    gait_heap_destroy(heaps[0]);
    gait_heap_destroy(heaps[1]);
    struct recording recordings[] = {recording_of(path), recording_of(second_path)};
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(recordings[i].header.heap_number, i + 1);
        cr_expect_eq(recordings[i].cycle_count, (size_t)i);
        recording_drop(&recordings[i]);
    }
}

/* ---- What is not ---- */

static char *said; /* what went to stderr */

static void expect_one_warning(const char *file, const char *why) {
    char name[] = "/tmp/gait-said-XXXXXX", text[1000] = "";
    int saved = dup(STDERR_FILENO), to = mkstemp(name);
    dup2(to, STDERR_FILENO);
    gait_heap *heap = heap_to(file);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind = kind_of(heap, GAIT_REFS);
    for (int i = 0; i < 3; i++) {
        allocate(mutator, kind, 64, 50000);
        gait_collect(mutator);
        usleep(50000);
    }
    gait_heap_destroy(heap);
    dup2(saved, STDERR_FILENO);
    ssize_t length = pread(to, text, sizeof text - 1, 0);
    close(to);
    close(saved);
    unlink(name);
    said = strchr(text, '\n');
    cr_assert_gt(length, 0);
    cr_expect(said && !said[1], "not one line: %s", text);
    cr_expect_not_null(strstr(text, why), "%s", text);
    cr_expect_not_null(strstr(text, file), "%s", text);
}

Test(pacerlog_file, a_full_disk_is_one_warning) {
    if (access("/dev/full", W_OK) == 0)
        expect_one_warning("/dev/full", "No space left on device");
}

Test(pacerlog_file, a_file_that_cant_be_made_is_one_warning) {
    expect_one_warning("/nonexistent/log", "No such file or directory");
}

Test(pacerlog_file, a_folder_is_one_warning) { expect_one_warning(folder, "Is a directory"); }

/* ---- What another user may have put in the file's place ---- */

static const char no_file[] = "neither a regular file nor a device";

Test(pacerlog_file, a_pipe_that_nobody_reads_is_one_warning) {
    cr_assert_eq(mkfifo(path, 0600), 0);
    expect_one_warning(path, no_file);
}

Test(pacerlog_file, a_pipe_that_somebody_reads_is_one_warning) {
    cr_assert_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    expect_one_warning(path, no_file);
    close(reader);
}

/* A file beside the recording's path, with some text. */
static void make_other(char *name, size_t room) {
    snprintf(name, room, "%s.2", path);
    FILE *other = fopen(name, "w");
    cr_assert_not_null(other);
    fputs("precious", other);
    fclose(other);
}

static void expect_untouched(const char *name) {
    struct file file = file_read(name);
    cr_expect_eq(file.size, strlen("precious"));
    free(file.bytes);
}

Test(pacerlog_file, links_are_not_followed) {
    char other[80];
    make_other(other, sizeof other);
    cr_assert_eq(symlink(other, path), 0);
    expect_one_warning(path, "a symbolic link");
    unlink(path);
    cr_assert_eq(link(other, path), 0);
    expect_one_warning(path, "more than one name");
    expect_untouched(other);
}

Test(pacerlog_file, another_users_file_is_left_alone) {
    char other[80];
    if (geteuid() != 0)
        return;
    make_other(other, sizeof other);
    cr_assert_eq(rename(other, path), 0);
    cr_assert_eq(chown(path, 12345, (gid_t)-1), 0);
    expect_one_warning(path, "belongs to another user");
    expect_untouched(path);
}

Test(pacerlog_file, an_old_file_is_emptied) {
    char other[80];
    make_other(other, sizeof other);
    cr_assert_eq(rename(other, path), 0);
    gait_heap_destroy(heap_to(path));
    struct recording recording = recording_of(path);
    cr_expect(recording.ended);
    recording_drop(&recording);
}

Test(pacerlog_file, a_name_with_escapes_reaches_no_terminal) {
    char name[80];
    snprintf(name, sizeof name, "%s/\x1b[2J/x", folder);
    gait_heap *heap = NULL;
    char said_name[] = "/tmp/gait-said-XXXXXX", text[500] = "";
    int saved = dup(STDERR_FILENO), to = mkstemp(said_name);
    dup2(to, STDERR_FILENO);
    heap = heap_to(name);
    gait_heap_destroy(heap);
    dup2(saved, STDERR_FILENO);
    cr_expect_gt(pread(to, text, sizeof text - 1, 0), 0);
    cr_expect_null(strchr(text, '\x1b'));
    cr_expect_not_null(strstr(text, "/\\x1b[2J/x\n"), "%s", text);
    close(to);
    close(saved);
    unlink(said_name);
}

/* ---- Processes. The child of a fork with threads: tests/stress/recording.c ---- */

Test(pacerlog_file, a_child_has_files_of_its_own) {
    gait_heap_destroy(heap_to(path));
    pid_t child = fork();
    if (child == 0) {
        gait_heap_destroy(heap_to(path));
        gait_heap_destroy(heap_to(path));
        exit(0);
    }
    cr_expect_eq(wait_for(child), 0);
    gait_heap_destroy(heap_to(path));
    static const struct {
        bool child;
        const char *end;
    } files[] = {{false, ""}, {false, ".2"}, {true, ""}, {true, ".2"}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char name[120], number[20] = "";
        if (files[i].child)
            snprintf(number, sizeof number, ".%d", (int)child);
        snprintf(name, sizeof name, "%s%s%s", path, number, files[i].end);
        struct recording recording = recording_of(name);
        cr_expect(recording.ended);
        cr_expect_eq(recording.header.heap_number, (int64_t)(i % 2 + 1), "%s", name);
        recording_drop(&recording);
        unlink(name);
    }
}

Test(pacerlog_file, exit_ends_a_recording) {
    pid_t child = fork();
    if (child == 0) {
        gait_collect(gait_attach(heap_to(path)));
        exit(0);
    }
    cr_expect_eq(wait_for(child), 0);
    struct recording recording = recording_of(path);
    cr_expect(recording.ended);
    cr_expect_eq(recording.cycle_count, 1);
    recording_drop(&recording);
}

Test(pacerlog_file, a_limit_of_file_sizes_is_one_warning) {
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {16 * KIB, 16 * KIB};
        setrlimit(RLIMIT_FSIZE, &limit);
        gait_heap *heap = heap_to(path);
        gait_mutator *mutator = gait_attach(heap);
        for (int i = 0; i < 200; i++)
            gait_collect(mutator);
        gait_heap_destroy(heap);
        exit(0);
    }
    cr_expect_eq(wait_for(child), 0);
    struct file file = file_read(path);
    cr_expect_eq(file.size, 16 * KIB);
    free(file.bytes);
}

Test(pacerlog_file, a_killed_programs_recording_can_be_read, .timeout = 60) {
    pid_t child = fork();
    if (child == 0) {
        gait_collect(gait_attach(heap_to(path)));
        pause();
    }
    wait_until_recorded(1, 8);
    kill(child, SIGKILL);
    wait_for(child);
    struct recording recording = recording_of(path);
    cr_expect_not(recording.ended);
    cr_expect_eq(recording.cycle_count, 1);
    cr_expect_geq(recording.sample_count, 8);
    recording_drop(&recording);
}
