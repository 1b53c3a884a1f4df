/* SPDX-License-Identifier: MIT */
/*
 * Files of ports. See file.h.
 */
#include "file.h"
#include "escape.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

void files_init(void) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    /* Where one is closed, a file that is opened later would get its number, and what is displayed.
     * The other direction of /dev/null fails as the closed one does. */
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++)
        if (fcntl(descriptor, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* ---- Lists --------------------------------------------------------------------------------- */

static void link_in(struct file **list, struct file *file) {
    file->next = *list;
    file->link = list;
    if (file->next)
        file->next->link = &file->next;
    *list = file;
}

static void link_out(struct file *file) {
    if (!file->link)
        return;
    *file->link = file->next;
    if (file->next)
        file->next->link = file->link;
    file->link = NULL;
}

struct file *file_open(struct vm *vm, int descriptor, const char *name, bool output) {
    struct file *file = malloc(sizeof *file);
    char *copy = strdup(name);
    if (!file || !copy) {
        free(file);
        free(copy);
        if (descriptor > STDERR_FILENO)
            close(descriptor);
        vm_out_of_memory(vm);
    }
    memset(file, 0, offsetof(struct file, data));
    file->name = copy;
    file->descriptor = descriptor;
    file->output = output;
    if (descriptor == STDERR_FILENO)
        file->flush = FLUSH_ALWAYS;
    else if (output && isatty(descriptor))
        file->flush = FLUSH_LINES;
    link_in(&vm->files, file);
    return file;
}

void file_free(struct file *file) {
    link_out(file);
    free(file->name);
    free(file);
}

/* The first failure is the one that is told. */
static void fail(struct file *file, const char *failed, int error) {
    if (file->failed)
        return;
    file->failed = failed;
    file->error = error;
}

void file_tell(struct file *file, char text[FILE_TELL_BYTES]) {
    if (file->error)
        snprintf(text, FILE_TELL_BYTES, "%s: %s", file->failed, strerror(file->error));
    else
        snprintf(text, FILE_TELL_BYTES, "%s at byte %" PRIu64, file->failed, file->error_at);
    file->failed = NULL;
    if (file->output)
        file->end = 0; /* the rest of what could not be written */
}

/* ---- Closing ------------------------------------------------------------------------------- */

bool file_close(struct vm *vm, struct file *file) {
    if (file->output)
        file_flush(vm, file);
    /* Some file systems tell only now that they could not write. Closed it is in any case, also
     * when a signal came between. */
    if (file->descriptor > STDERR_FILENO && close(file->descriptor) && errno != EINTR)
        fail(file, "can't close", errno);
    link_out(file);
    if (!file->failed || !file->output)
        return true;
    link_in(&vm->lost, file);
    return false;
}

/* To the descriptor itself: the port of standard error may be what failed. */
static void say(struct file *file) {
    char text[FILE_TELL_BYTES];
    file_tell(file, text);
    fprintf(stderr, PROGRAM_NAME ": %s: \"%s\"\n", text, file->name);
}

bool file_finish_all(struct vm *vm) {
    bool fine = true;
    while (vm->files) {
        struct file *file = vm->files;
        bool is_output = file->descriptor == STDOUT_FILENO;
        if (!file_close(vm, file))
            continue;
        if (is_output && close(STDOUT_FILENO) && errno != EBADF && errno != EINTR) {
            fail(file, "can't close", errno);
            link_in(&vm->lost, file);
        } else {
            file_free(file);
        }
    }
    while (vm->lost) {
        say(vm->lost);
        file_free(vm->lost);
        fine = false;
    }
    return fine;
}

/* ---- Reading and writing ------------------------------------------------------------------- */

/* Is a read or write that failed worth another try? One that would block, waits: a terminal may be
 * set so by another process. */
static bool again(struct file *file) {
    if (errno == EINTR)
        return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return false;
    struct pollfd wait = {.fd = file->descriptor, .events = file->output ? POLLOUT : POLLIN};
    return poll(&wait, 1, -1) >= 0 || errno == EINTR;
}

void file_flush(struct vm *vm, struct file *file) {
    size_t written = 0, count = file->failed ? 0 : file->end;
    int error = 0;
    if (count)
        gait_enter_native(vm->mutator);
    while (written < count) {
        ssize_t n = write(file->descriptor, file->data + written, count - written);
        if (n < 0 && !again(file)) {
            error = errno;
            break;
        }
        written += n > 0 ? (size_t)n : 0;
    }
    if (count)
        gait_leave_native(vm->mutator);
    if (error)
        fail(file, "can't write", error);
    file->end = 0;
}

void file_flush_all(struct vm *vm) {
    for (struct file *file = vm->files; file; file = file->next)
        if (file->output)
            file_flush(vm, file);
}

void file_put_bytes(struct vm *vm, struct file *file, const void *bytes, size_t count) {
    const char *from = bytes;
    while (count) {
        size_t room = sizeof file->data - file->end, n = count < room ? count : room;
        memcpy(file->data + file->end, from, n);
        file->end += n;
        from += n;
        count -= n;
        if (file->end == sizeof file->data)
            file_flush(vm, file);
    }
}

bool file_fill_more(struct vm *vm, struct file *file) {
    if (file->failed || file->ended)
        return false;
    if (file->descriptor == STDIN_FILENO)
        file_flush_all(vm);
    size_t have = file->end - file->at;
    memmove(file->data, file->data + file->at, have);
    file->before += file->at;
    file->at = 0;
    file->end = have;
    ssize_t n;
    gait_enter_native(vm->mutator);
    do {
        interrupt_wait(vm, file->descriptor);
        n = read(file->descriptor, file->data + have, sizeof file->data - have);
    } while (n < 0 && again(file));
    int error = n < 0 ? errno : 0;
    gait_leave_native(vm->mutator);
    if (error)
        fail(file, "can't read", error);
    file->ended = n == 0;
    file->end += n > 0 ? (size_t)n : 0;
    return n > 0;
}

bool file_fill(struct vm *vm, struct file *file) {
    return file->at < file->end || file_fill_more(vm, file);
}

int32_t file_end(struct file *file, bool taken) {
    if (file->failed)
        return FAULT;
    if (taken)
        file->ended = false;
    return END;
}

bool file_ready(struct file *file) {
    if (file->failed || file->ended)
        return true;
    struct pollfd poll_fd = {.fd = file->descriptor, .events = POLLIN};
    int n;
    do
        n = poll(&poll_fd, 1, 0);
    while (n < 0 && errno == EINTR);
    return n != 0;
}

/* A mark at the beginning that says that this is UTF-8: no character of the text. */
static void skip_mark(struct vm *vm, struct file *file) {
    static const char mark[] = "\xef\xbb\xbf";
    size_t have;
    while ((have = file->end - file->at) < 3 && !memcmp(file->data + file->at, mark, have) &&
           file_fill_more(vm, file))
        ;
    if (have >= 3 && !memcmp(file->data + file->at, mark, 3))
        file->at += 3;
}

int32_t file_decode(struct vm *vm, struct file *file, size_t *bytes) {
    if (!file_fill(vm, file))
        return file_end(file, false);
    if (!file->before && !file->at && file->data[0] == '\xef')
        skip_mark(vm, file);
    for (;;) {
        if (!file_fill(vm, file))
            return file_end(file, false);
        uint32_t c;
        int taken = utf8_decode(file->data + file->at, file->end - file->at, &c);
        if (taken > 0) {
            *bytes = (size_t)taken;
            return (int32_t)c;
        }
        if (!taken && file_fill_more(vm, file))
            continue;
        if (!file->failed) {
            file->failed = "not UTF-8";
            file->error = 0;
            file->error_at = file->before + file->at;
        }
        *bytes = taken ? (size_t)-taken : file->end - file->at;
        return FAULT;
    }
}
