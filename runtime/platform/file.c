/* SPDX-License-Identifier: MIT */
/*
 * Files that the library writes: the log of a heap, by a descriptor beside the program's stream,
 * and files that it makes itself. No state.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_MS 1000000

bool platform_stream_is_file(FILE *stream) { return fileno(stream) >= 0; }

/* A program whose standard streams were closed as it was started has their numbers free: a file of
 * the library's would become its stdout. */
#define LOWEST_DESCRIPTOR 3

int platform_stream_open(FILE *stream) {
    platform_own_begin(true);
    int descriptor = platform_own(fcntl(fileno(stream), F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR));
    platform_own_end();
    return descriptor;
}

/** Why this open file is not one to write to, or NULL. */
static const char *complaint(const struct stat *file) {
    if (S_ISCHR(file->st_mode))
        return NULL; /* such as /dev/null; made by the administrator */
    if (!S_ISREG(file->st_mode))
        return "neither a regular file nor a device";
    if (file->st_uid != geteuid())
        return "belongs to another user";
    if (file->st_nlink != 1)
        return "has more than one name";
    return NULL;
}

/* The same file above the standard streams. Negative: errno says why. */
static int raised(int descriptor) {
    if (descriptor < 0 || descriptor >= LOWEST_DESCRIPTOR)
        return descriptor;
    int higher = fcntl(descriptor, F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR), error = errno;
    close(descriptor);
    errno = error;
    return higher;
}

/* Two that write to one file, such as two programs with the same setting, make none of it. The lock
 * goes with the last descriptor of this file. Where the system has none, it is as it was. */
static bool is_anothers(int descriptor) {
    return flock(descriptor, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static int create(const char *path, const char **why) {
    /* NOFOLLOW, and looked at before it is emptied: the folder may be one that others write to.
     * NONBLOCK: a pipe without a reader would be waited for. */
    int descriptor = raised(open(
        path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, (mode_t)0666));
    struct stat file;
    if (descriptor < 0) {
        *why = errno == ENXIO   ? "neither a regular file nor a device"
               : errno == ELOOP ? "a symbolic link"
                                : strerror(errno);
        return -1;
    }
    *why = fstat(descriptor, &file) < 0 ? strerror(errno) : complaint(&file);
    if (!*why && S_ISREG(file.st_mode) && is_anothers(descriptor))
        *why = "another heap or program writes it";
    if (!*why && S_ISREG(file.st_mode) && ftruncate(descriptor, 0) < 0)
        *why = strerror(errno);
    if (!*why)
        return descriptor;
    close(descriptor);
    return -1;
}

int platform_file_create(const char *path, const char **why) {
    platform_own_begin(true);
    int descriptor = platform_own(create(path, why));
    platform_own_end();
    return descriptor;
}

long platform_file_write(int descriptor, const void *bytes, size_t count, int64_t wait_ns) {
    struct pollfd room = {.fd = descriptor, .events = POLLOUT};
    /* an error is seen by the write */
    int ready = poll(&room, 1, (int)((wait_ns + NS_PER_MS - 1) / NS_PER_MS));
    if (ready == 0 || (ready < 0 && errno == EINTR))
        return 0;
    ssize_t written = write(descriptor, bytes, count);
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) {
        platform_sleep_ns(NS_PER_MS); /* less room than was asked for */
        return 0;
    }
    return (long)written;
}

void platform_file_write_all(int descriptor, const void *bytes, size_t count, int64_t wait_ns) {
    int64_t end_ns = platform_deadline_ns(wait_ns), left_ns = wait_ns;
    for (const char *next = bytes; count > 0 && left_ns > 0;) {
        long written = platform_file_write(descriptor, next, count, left_ns);
        if (written < 0)
            return;
        next += written;
        count -= (size_t)written;
        left_ns = end_ns - platform_now_ns();
    }
}

void platform_file_close(int descriptor) {
    platform_own_begin(true);
    platform_own_close(descriptor);
    platform_own_end();
}
