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

/* How long a mutator waits in all for a cycle's settling: two ticks of the scheduler, in which the
 * collector has its turn. Where more is to be settled than that, the program goes on. */
#define SETTLE_NS_IN_ALL ((int64_t)8000000)

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

/* Does this take pages? A free cell of its kind and class takes none. */
static bool takes_pages(gait_mutator *mutator, const struct alloc_need *need) {
    return !need->cell ||
           cache_needs_pages(&mutator->cache, need->kind, gait_size_class(need->bytes));
}

/* Would this take pages that pass the limit? */
static bool passes_limit(gait_mutator *mutator, const struct alloc_need *need) {
    size_t bytes = need->cell ? 0 : need->page_bytes;
    return control_is_tight(&mutator->heap->control, bytes) && takes_pages(mutator, need);
}

/* Ask what to do. want keeps what was done already. */
static enum gait_governor_advice ask(gait_mutator *mutator, const struct alloc_need *need,
                                     struct control_want *want) {
    want->page_bytes = need->cell ? 0 : need->page_bytes;
    want->takes_pages = passes_limit(mutator, need);
    want->marks = cycle_lets_mark(mutator);
    return control_advise(&mutator->heap->control, mutator, want);
}

/* Does another mutator hold the world up? This one, if it was preempted when asked, does no longer:
 * it answers first. */
static bool is_held_up(gait_mutator *mutator) {
    gait_poll(mutator);
    return world_is_held_up(&mutator->heap->world);
}

/* HELP: the live heap has reached its goal before the cycle lets mutators assist: the OS has not
 * let the collector in, or it still sweeps. Help it, or leave it the CPU, for a moment. */
static void help(gait_mutator *mutator, const struct alloc_need *need, struct control_want *want) {
    gait_heap *heap = mutator->heap;
    int64_t begin_ns = platform_now_ns(), now_ns = begin_ns;
    int64_t most_ns = need->bytes < FAR_BYTES ? START_NS_MOST : START_NS_MOST_FAR;
    while (now_ns - begin_ns < most_ns && mutator->late_ns < START_NS_IN_ALL &&
           !is_held_up(mutator) && !settling_takes_long(heap, begin_ns) &&
           ask(mutator, need, want) == GAIT_GOVERNOR_HELP) {
        if (!AO_load(&heap->control.marking))
            collector_request(heap);
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

/* What the cycle that has just ended found dead can't be used before weak words are settled; pages
 * that are taken in its place stay, for some objects in them live on. While that is a few, go on;
 * then leave the collector the CPU: as a rule the OS has set it aside. most_ns: in all, with what
 * was waited before. */
static void wait_for_settling(gait_mutator *mutator, const struct alloc_need *need,
                              int64_t most_ns) {
    gait_heap *heap = mutator->heap;
    size_t bytes = need->cell ? 0 : need->page_bytes;
    while (!sweep_is_open(&heap->sweeper) && mutator->late_ns < most_ns &&
           control_outgrows_settling(&heap->control, bytes) && takes_pages(mutator, need) &&
           !is_held_up(mutator)) {
        int64_t begin_ns = platform_now_ns();
        gait_enter_native(mutator);
        platform_sleep_ns(START_WAIT_NS);
        gait_leave_native(mutator);
        mutator->late_ns += platform_now_ns() - begin_ns;
    }
}

/* Before a large object takes pages that the OS would have to give: sweep as many as it takes,
 * times the pages of a step. A mutator that needs cells does as much for each span. */
static void sweep_for_pages(gait_mutator *mutator, const struct alloc_need *need) {
    gait_heap *heap = mutator->heap;
    for (size_t bytes = 0; bytes < need->page_bytes; bytes += PAGE_BYTES) {
        if (AO_load(&heap->space.free_bytes) >= need->page_bytes || !sweep_step(&heap->sweeper))
            return;
        gait_poll(mutator);
    }
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

/* Before the limit is passed: use all that sweeping gives, and what waits to be given back. */
static void use_rest(gait_mutator *mutator, const struct alloc_need *need) {
    gait_heap *heap = mutator->heap;
    size_t excess;
    if (!need->cell &&
        (excess = control_excess_bytes(&heap->control, need->page_bytes)) > EXCESS_AT_ONCE_BYTES) {
        gait_enter_native(mutator);
        scavenger_give_back(heap, excess);
        gait_leave_native(mutator);
    }
    if (passes_limit(mutator, need))
        chunks_drain(&heap->space); /* what waits for arenas: before anybody waits for a cycle */
    while (passes_limit(mutator, need) && sweep_step(&heap->sweeper))
        gait_poll(mutator);
    if (passes_limit(mutator, need))
        alloc_await_cleanups(mutator);
}

/* The cycle that the limit was kept for has ended: what it found dead goes before the pages that
 * would pass the limit, though settling that takes the OS some ticks. */
static void use_found(gait_mutator *mutator, const struct alloc_need *need) {
    wait_for_settling(mutator, need, LIMIT_NS_IN_ALL);
    use_rest(mutator, need);
}

/* AWAIT: a cycle ends, and gives room below the limit. Not if a mutator holds it up: then the limit
 * waits. ended: before the mutator was told; a cycle that ended since is one. */
static void await(gait_mutator *mutator, unsigned ended, struct control_want *want) {
    gait_heap *heap = mutator->heap;
    if (mutator->late_ns < LIMIT_NS_IN_ALL && !is_held_up(mutator)) {
        int64_t begin_ns = platform_now_ns(), most_ns = LIMIT_NS_IN_ALL - mutator->late_ns;
        gait_enter_native(mutator);
        collector_await(heap, ended, most_ns);
        gait_leave_native(mutator);
        mutator->late_ns += platform_now_ns() - begin_ns;
    }
    want->awaited = true;
}

/* MARK for what was allocated: a piece, and more only at a limit, or before an object so large that
 * pieces would not keep up with it: until end_ns.
 * @return whether to ask again. */
static bool pay(gait_mutator *mutator, struct control_want *want, int64_t end_ns) {
    gait_heap *heap = mutator->heap;
    /* cycle_lets_mark, not before: docs/design/marking.md, .early and .unborn */
    bool again = control_assist(&heap->control, mutator, want);
    bool owes = end_ns && mutator->assist_credit_bytes < 0 && platform_now_ns() < end_ns;
    return (again || owes) && !is_held_up(mutator);
}

void alloc_make_room(gait_mutator *mutator, const struct alloc_need *need) {
    struct control_want want = {0};
    if (ask(mutator, need, &want) == GAIT_GOVERNOR_HELP)
        help(mutator, need, &want);
    want.helped = true;
    wait_for_settling(mutator, need, SETTLE_NS_IN_ALL);
    if (!need->cell)
        sweep_for_pages(mutator, need);
    use_rest(mutator, need);
    int64_t end_ns = need->bytes < FAR_BYTES ? 0 : platform_now_ns() + START_NS_MOST_FAR;
    for (bool waited = false;; waited = true) {
        /* before the mutator is told, or lets cycles run */
        unsigned ended = AO_int_load_acquire(&mutator->heap->collector.ended);
        switch (ask(mutator, need, &want)) {
        case GAIT_GOVERNOR_AWAIT:
            await(mutator, ended, &want);
            continue;
        case GAIT_GOVERNOR_MARK:
            if (pay(mutator, &want, end_ns))
                continue;
            break;
        case GAIT_GOVERNOR_HELP:
        case GAIT_GOVERNOR_GO:
            break;
        }
        if (waited && passes_limit(mutator, need))
            use_found(mutator, need);
        return;
    }
}
