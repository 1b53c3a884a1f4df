/* SPDX-License-Identifier: MIT */
/*
 * The timeline. See timeline.h.
 */
#include "timeline.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "ring.h"

volatile AO_t timeline_ring;

#ifdef GAIT_USDT
/* Where tracers look for them; raised by the kernel for a tracer, never here. */
#define SEMAPHORE(kind, value)                                                                     \
    volatile unsigned short gait_##kind##_semaphore __attribute__((section(".probes")));
TIMELINE_KINDS(SEMAPHORE)
#undef SEMAPHORE
#endif

bool timeline_open(struct ring *ring) {
    return AO_compare_and_swap_full(&timeline_ring, 0, (AO_t)ring); /* full: the ring is whole */
}

void timeline_close(struct ring *ring) { AO_compare_and_swap_full(&timeline_ring, (AO_t)ring, 0); }

static bool is_moment(enum timeline_kind kind) { return kind >= TIMELINE_limiter; }

/* The system's number of this thread; 0: not asked yet. */
static __thread int thread;

void timeline_forked(void) { thread = 0; }

void timeline_add(enum timeline_kind kind, int64_t begin_ns, uint64_t value) {
    struct ring *ring = (struct ring *)AO_load_acquire(&timeline_ring);
    if (!ring)
        return;
    if (!thread)
        thread = (int)syscall(SYS_gettid);
    const struct timeline_event event = {
        .begin_ns = begin_ns,
        .end_ns = is_moment(kind) ? begin_ns : platform_now_ns(),
        .value = value,
        .kind = kind,
        .thread = thread,
    };
    ring_put(ring, &event);
}
