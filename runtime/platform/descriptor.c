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
#include <time.h>
#include <unistd.h>

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

static int write_all(int descriptor, const char *next, size_t count) {
    while (count > 0) {
        ssize_t written = -1;
        if (fault_hits(FAULT_WRITE))
            errno = ENOSPC;
        else
            written = write(descriptor, next, count);
        if (written < 0 && !wait_for(descriptor, POLLOUT))
            return -1;
        if (written > 0) {
            next += written;
            count -= (size_t)written;
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

int platform_descriptor_write(int descriptor, const void *bytes, size_t count) {
    int cancellation = platform_hold_cancellation();
    sigset_t raised, before, pending;
    raised_by_write(&raised);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &raised, &before);
    int result = write_all(descriptor, bytes, count), error = errno;
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
