/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform/timeline: whose events these are.
 */
#include "platform/timeline.h"

#include <criterion/criterion.h>
#include <gait/gait.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/ring.h"

static void take(void *data, const void *event) {
    *(int *)data = ((const struct timeline_event *)event)->thread;
}

/* @return the thread that an event of this one names. */
static int told_thread(void) {
    int thread = 0;
    struct ring *ring = ring_new(8, sizeof(struct timeline_event));
    cr_assert(timeline_open(ring));
    TIMELINE_NOW(limiter, 1);
    timeline_close(ring);
    ring_take(ring, take, &thread);
    ring_free(ring);
    return thread;
}

static int own_number(void) { return (int)syscall(SYS_gettid); }

Test(timeline, a_forks_child_tells_its_own_number) {
    cr_assert_eq(told_thread(), own_number());
    pid_t child = fork();
    if (child == 0)
        _exit(told_thread() == own_number() ? 0 : 1);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    cr_expect_eq(told_thread(), own_number());
    gait_heap_destroy(
        gait_heap_create(NULL, NULL, 0)); /* the library is there, and hears of forks */
}
