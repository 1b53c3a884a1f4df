/* SPDX-License-Identifier: MIT */
/* Text files of the kernel, line by line. The one variable is the root directory, set by tests. */
#include "kernel_file.h"

#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static const char *root = "";

void kernel_file_set_root(const char *directory) { root = directory ? directory : ""; }

static void open_path(struct kernel_file *file, const char *path) {
    file->cancellation = platform_hold_cancellation();
    do
        file->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    while (file->descriptor < 0 && errno == EINTR);
    file->next = file->end = 0;
    if (file->descriptor < 0)
        platform_restore_cancellation(file->cancellation);
}

/* Apart: what it takes of the stack is a page fault. */
static __attribute__((noinline)) void open_below_root(struct kernel_file *file, const char *path) {
    char full[PATH_MAX];
    int length = snprintf(full, sizeof full, "%s%s", root, path);
    if (length >= 0 && (size_t)length < sizeof full)
        open_path(file, full);
}

int kernel_file_open(struct kernel_file *file, const char *path) {
    file->descriptor = -1;
    if (root[0])
        open_below_root(file, path);
    else
        open_path(file, path);
    return file->descriptor < 0 ? -1 : 0;
}

void kernel_file_close(struct kernel_file *file) {
    close(file->descriptor);
    platform_restore_cancellation(file->cancellation);
}

/** Read more into an empty buffer. @return false: the end, or an error. */
static bool fill(struct kernel_file *file) {
    ssize_t count;
    do
        count = read(file->descriptor, file->buffer, sizeof file->buffer);
    while (count < 0 && errno == EINTR);
    file->next = 0;
    file->end = count > 0 ? (size_t)count : 0;
    return count > 0;
}

bool kernel_file_line(struct kernel_file *file, char *line, size_t line_bytes) {
    size_t length = 0;
    bool any = false;
    while (file->next < file->end || fill(file)) {
        any = true;
        char byte = file->buffer[file->next++];
        if (byte == '\n')
            break;
        if (length + 1 < line_bytes)
            line[length++] = byte;
    }
    line[length] = '\0';
    return any;
}

int kernel_file_first_line(const char *path, char *line, size_t line_bytes) {
    struct kernel_file file;
    if (kernel_file_open(&file, path) < 0)
        return -1;
    bool any = kernel_file_line(&file, line, line_bytes);
    kernel_file_close(&file);
    return any ? 0 : -1;
}
