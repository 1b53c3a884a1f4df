/* SPDX-License-Identifier: MIT */
/*
 * Waits before memory is taken. See alloc_room.h.
 */
#include "alloc_room.h"

#include "../heap/chunks.h"
#include "../instance.h"

/* How long a mutator waits for a cycle to begin that is late, in naps of some 70 us with the OS's
 * slack. For one allocation: two ticks of the scheduler, in which the collector has its turn; and
 * for one that takes the heap far past its goal, so long that it comes to its end. For all until
 * the cycle has come: so long that a busy machine lets the collector in, and that what keeps it out
 * holds up nobody for ever. All but the ticks are guesses. */
#define START_WAIT_NS 20000
#define START_NS_MOST ((int64_t)8000000)
#define START_NS_MOST_FAR ((int64_t)100000000)
#define START_NS_IN_ALL ((int64_t)500000000)
#define FAR_BYTES ((size_t)8 << 20)
/* How long a mutator waits in all for a cycle that is to keep the limit, before it begins and once
 * more before it ends: marking of some 8 GiB by half of two CPUs. Guess. */
#define LIMIT_NS_IN_ALL ((int64_t)2000000000)
/* The longest that one allocation waits while weak words and finalizers are settled. By the clock:
 * a nap is long where CPUs are busy. */
#define SETTLE_WAIT_NS 3000000

/* The longest that one allocation waits for cleanups that another thread runs. Guess. */
#define CLEANUPS_NS_MOST ((int64_t)100000000)

/* So much a running mutator gives back for its pages: some 0.1 ms. What is more is given back in
 * native code. */
#define EXCESS_AT_ONCE_BYTES ((size_t)1 << 20)

/* Has the thread waited long enough for weak words and finalizers to be settled? */
static bool settling_takes_long(gait_heap *heap, int64_t begin_ns) {
    return !AO_load(&heap->control.marking) && !sweep_is_open(&heap->sweeper) &&
           platform_now_ns() - begin_ns >= SETTLE_WAIT_NS;
}

/* The live heap has reached its goal before the cycle lets mutators assist: the OS has not let the
 * collector in, or it still sweeps. Help it, or leave it the CPU, for a moment. */
static void wait_for_start(gait_mutator *mutator, size_t bytes) {
    gait_heap *heap = mutator->heap;
    struct control *control = &heap->control;
    int64_t begin_ns = platform_now_ns(), now_ns = begin_ns;
    int64_t most_ns = bytes < FAR_BYTES ? START_NS_MOST : START_NS_MOST_FAR;
    while (now_ns - begin_ns < most_ns && mutator->late_ns < START_NS_IN_ALL &&
           control_is_late(control, cycle_lets_mark(mutator)) && !world_is_held_up(&heap->world) &&
           !settling_takes_long(heap, begin_ns)) {
        if (!AO_load(&control->marking))
            cycle_request(heap);
        if (sweep_step(&heap->sweeper)) {
            gait_poll(mutator);
        } else {
            gait_enter_native(mutator);
            platform_sleep_ns(START_WAIT_NS);
            gait_leave_native(mutator);
        }
        int64_t before_ns = now_ns;
        now_ns = platform_now_ns();
        mutator->late_ns += now_ns - before_ns;
    }
}

/* Would this take pages that pass the limit? A free cell of its kind and class takes none. */
static bool passes_limit(gait_mutator *mutator, const struct alloc_need *need) {
    struct control *control = &mutator->heap->control;
    if (!need->cell)
        return control_is_tight(control, need->page_bytes);
    return control_is_tight(control, 0) &&
           cache_needs_pages(&mutator->cache, need->kind, gait_size_class(need->bytes));
}

bool alloc_await_cleanups(gait_mutator *mutator) {
    struct finalizers *finalizers = &mutator->heap->finalizers;
    if (mutator->runs_finalizers || mutator->late_ns >= LIMIT_NS_IN_ALL ||
        !finalizers_are_served(finalizers))
        return false;
    int64_t begin_ns = platform_now_ns();
    gait_enter_native(mutator);
    bool some = finalizers_await_served(finalizers, CLEANUPS_NS_MOST);
    gait_leave_native(mutator);
    mutator->late_ns += platform_now_ns() - begin_ns;
    return some;
}

/* Before the limit is passed: use all that sweeping gives; then wait for a cycle to end, if one may
 * help, and nobody holds it up: then the limit waits. */
static void keep_limit(gait_mutator *mutator, const struct alloc_need *need) {
    gait_heap *heap = mutator->heap;
    bool passes;
    size_t excess;
    if (!need->cell &&
        (excess = control_excess_bytes(&heap->control, need->page_bytes)) > EXCESS_AT_ONCE_BYTES) {
        gait_enter_native(mutator);
        cycle_scavenge(heap, excess);
        gait_leave_native(mutator);
    }
    if (passes_limit(mutator, need))
        chunks_drain(&heap->space); /* what waits for arenas: before anybody waits for a cycle */
    while ((passes = passes_limit(mutator, need)) && sweep_step(&heap->sweeper))
        gait_poll(mutator);
    if (passes && alloc_await_cleanups(mutator))
        passes = passes_limit(mutator, need);
    /* before the mutator lets cycles run: one that ends from here on is one */
    unsigned finished = AO_int_load_acquire(&heap->cycle.finished);
    if (passes && mutator->late_ns < LIMIT_NS_IN_ALL &&
        control_awaits_cycle(&heap->control, cycle_lets_mark(mutator)) &&
        !world_is_held_up(&heap->world)) {
        int64_t begin_ns = platform_now_ns(), most_ns = LIMIT_NS_IN_ALL - mutator->late_ns;
        gait_enter_native(mutator);
        cycle_await(heap, finished, most_ns);
        gait_leave_native(mutator);
        mutator->late_ns += platform_now_ns() - begin_ns;
    }
}

/* Mark for what was allocated: a piece, and more only at a limit, or before an object so large that
 * pieces would not keep up with it. */
static void pay(gait_mutator *mutator, const struct alloc_need *need) {
    gait_heap *heap = mutator->heap;
    int64_t end_ns = need->bytes < FAR_BYTES ? 0 : platform_now_ns() + START_NS_MOST_FAR;
    while (cycle_lets_mark(mutator)) { /* not before: docs/design/marking.md, .early and .unborn */
        bool again = control_assist(&heap->control, mutator, passes_limit(mutator, need));
        bool owes = end_ns && mutator->assist_credit_bytes < 0 && platform_now_ns() < end_ns;
        if ((!again && !owes) || world_is_held_up(&heap->world))
            return;
        gait_poll(mutator);
    }
}

void alloc_make_room(gait_mutator *mutator, const struct alloc_need *need) {
    if (control_is_late(&mutator->heap->control, cycle_lets_mark(mutator)))
        wait_for_start(mutator, need->bytes);
    keep_limit(mutator, need);
    pay(mutator, need);
}
