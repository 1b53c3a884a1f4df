/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that the program hands over: files, pipes and sockets, blocking or not. What is begun
 * is gone on with until it is done or refused, and no signal or cancellation of a thread breaks it
 * off in the middle. No state.
 */
#include "fault.h"
#include "platform.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* So much is written at once where a reader may be slow: as much as a pipe with room for anything
 * takes without waiting. */
#define PIECE_BYTES ((size_t)4096)
#define NS_PER_MS 1000000

/* Wait until there is something to read, or room, where the descriptor itself doesn't wait.
 * @return false: errno is another one. */
static bool wait_for(int descriptor, short events) {
    if (errno == EINTR)
        return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return false;
    struct pollfd ready = {.fd = descriptor, .events = events};
    return poll(&ready, 1, -1) >= 0 || errno == EINTR;
}

/* Wait for room, so long at most. @return false: there was none. */
static bool has_room(int descriptor, int64_t idle_ns) {
    int64_t end_ns = platform_deadline_ns(idle_ns), left_ns = idle_ns;
    for (; left_ns >= 0; left_ns = end_ns - platform_now_ns()) {
        struct pollfd room = {.fd = descriptor, .events = POLLOUT};
        int64_t wait_ms = left_ns / NS_PER_MS + 1;
        int ready = poll(&room, 1, wait_ms < INT32_MAX ? (int)wait_ms : INT32_MAX);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return true; /* an error is seen by the write */
    }
    errno = ETIMEDOUT;
    return false;
}

/* idle_ns: INT64_MAX: without end. */
static int write_all(int descriptor, const char *next, size_t all, int64_t idle_ns) {
    struct stat file;
    bool waits = idle_ns != INT64_MAX;
    if (waits && fstat(descriptor, &file) < 0)
        return -1;
    waits = waits && !S_ISREG(file.st_mode);
    while (all > 0) {
        ssize_t written = -1;
        size_t count = waits && all > PIECE_BYTES ? PIECE_BYTES : all;
        if (waits && !has_room(descriptor, idle_ns))
            return -1;
        if (fault_hits(FAULT_WRITE))
            errno = ENOSPC;
        else
            written = write(descriptor, next, count);
        if (written < 0 && waits && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            platform_sleep_ns(NS_PER_MS); /* somebody else was faster */
            continue;
        }
        if (written < 0 && !wait_for(descriptor, POLLOUT))
            return -1;
        if (written > 0) {
            next += written;
            all -= (size_t)written;
        }
    }
    return 0;
}

/* What a write may raise, on the thread that writes. */
static void raised_by_write(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGPIPE);
    sigaddset(set, SIGXFSZ);
}

int platform_descriptor_write_idle(int descriptor, const void *bytes, size_t count,
                                   int64_t idle_ns) {
    int cancellation = platform_hold_cancellation();
    sigset_t raised, before, pending;
    raised_by_write(&raised);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &raised, &before);
    int result = write_all(descriptor, bytes, count, idle_ns), error = errno;
    /* Take what was raised, unless one waited before: then it is that one as well. */
    if (result < 0 && (error == EPIPE || error == EFBIG) &&
        !sigismember(&pending, error == EPIPE ? SIGPIPE : SIGXFSZ)) {
        const struct timespec at_once = {0, 0};
        while (sigtimedwait(&raised, NULL, &at_once) < 0 && errno == EINTR)
            continue;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    platform_restore_cancellation(cancellation);
    errno = error;
    return result;
}

int platform_descriptor_write(int descriptor, const void *bytes, size_t count) {
    return platform_descriptor_write_idle(descriptor, bytes, count, INT64_MAX);
}

int platform_descriptor_read(int descriptor, void *bytes, size_t count, size_t *done) {
    int cancellation = platform_hold_cancellation(), result = 0;
    char *next = bytes;
    while (count > 0) {
        ssize_t got = -1;
        if (fault_hits(FAULT_READ))
            errno = EIO;
        else
            got = read(descriptor, next, count);
        if (got == 0)
            break;
        if (got < 0 && !wait_for(descriptor, POLLIN)) {
            result = -1;
            break;
        }
        if (got > 0) {
            next += got;
            count -= (size_t)got;
        }
    }
    *done = (size_t)(next - (char *)bytes);
    int error = errno;
    platform_restore_cancellation(cancellation);
    errno = error;
    return result;
}
