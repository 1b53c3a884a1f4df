/* SPDX-License-Identifier: MIT */
/*
 * The slow path of allocation: let the collector in, pay for what was taken, refill a run; and when
 * there is no memory: collect, ask the handler, give up.
 */
#include <gait/gait.h>
#include <gait/library.h>

#include "instance.h"
#include "zero.h"

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

/* So much a running mutator gives back for its pages: some 0.1 ms. What
 * is more is given back in native code. */
#define EXCESS_AT_ONCE_BYTES ((size_t)1 << 20)

static bool has_references(const gait_heap *heap, gait_kind kind) {
    return heap->kinds.kinds[kind].layout != GAIT_LEAF;
}

static void count(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    gait_heap *heap = mutator->heap;
    if (control_allocated(&heap->control, mutator, bytes, has_references(heap, kind)))
        cycle_request(heap);
}

static void *take_small(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    unsigned size_class = gait_size_class(bytes);
    size_t run_bytes = cache_refill(&mutator->cache, kind, size_class);
    if (run_bytes == 0)
        return NULL;
    count(mutator, kind, run_bytes);
    struct gait_run *run = &mutator->head.runs[kind][size_class];
    char *object = run->cursor;
    run->cursor += class_table[size_class].cell_bytes;
    return object;
}

/* The pages of a large object. A size that overflows is refused where pages are taken. */
static size_t large_bytes(size_t bytes) { return (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1); }

static void *take_large(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    bool zeroed;
    char *object = cache_large(&mutator->cache, kind, bytes, &zeroed);
    if (!object)
        return NULL;
    if (!zeroed)
        zero_pages(mutator, object, large_bytes(bytes));
    cache_large_done(&mutator->cache, object);
    count(mutator, kind, large_bytes(bytes));
    return object;
}

static void *take(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    return bytes <= GAIT_SMALL_MAX_BYTES ? take_small(mutator, kind, bytes)
                                         : take_large(mutator, kind, bytes);
}

/* ---- Out of memory ---- */

/* What leads to the frame of the handler's call, or NULL: it is not pushed. */
static struct gait_frame **handler_link(gait_mutator *mutator) {
    struct gait_frame **link = &mutator->head.frames;
    while (*link && *link != &mutator->oom_call.frame)
        link = &(*link)->previous;
    return *link ? link : NULL;
}

static void handler_end(gait_mutator *mutator) {
    struct gait_frame **link = handler_link(mutator);
    if (link)
        *link = mutator->oom_call.frame.previous;
    mutator->oom_call.low = NULL;
}

/* Is the mutator within the handler? One that was left by longjmp ends here: its frame is not
 * pushed any more (gait_frames_restore), or the stack has come back to where it was called. */
static bool handler_runs(gait_mutator *mutator, const char *here) {
    const struct oom_call *call = &mutator->oom_call;
    if (call->low && call->coroutine == mutator->coroutine &&
        (here >= call->low || !handler_link(mutator)))
        handler_end(mutator);
    return call->low != NULL;
}

/* A handler that allocates what is not to be had gets NULL, and is not called once more. */
static __attribute__((noinline)) bool ask_handler(gait_mutator *mutator, size_t bytes) {
    gait_heap *heap = mutator->heap;
    lock_acquire(&heap->oom_lock);
    gait_oom_fn handler = heap->oom_handler;
    void *data = heap->oom_data;
    lock_release(&heap->oom_lock);
    char *here = __builtin_frame_address(0);
    if (!handler || handler_runs(mutator, here))
        return false;
    mutator->oom_call.low = here;
    mutator->oom_call.coroutine = mutator->coroutine;
    gait_push_frame(mutator, &mutator->oom_call.frame, NULL, 0);
    bool again = handler(mutator, bytes, data);
    handler_end(mutator);
    return again;
}

/* Out of memory: a full collection, then the handler as long as it says so, then NULL. */
static void *take_after_collecting(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    do {
        gait_collect(mutator);
        void *object = take(mutator, kind, bytes);
        if (object)
            return object;
    } while (ask_handler(mutator, bytes));
    return NULL;
}

bool gait_out_of_memory(gait_mutator *mutator, size_t bytes, unsigned failures) {
    mutator_check(mutator);
    handler_runs(mutator, __builtin_frame_address(0)); /* or was left by longjmp */
    if (failures > 0 && !ask_handler(mutator, bytes))
        return false;
    gait_collect(mutator);
    return true;
}

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
static bool passes_limit(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    struct control *control = &mutator->heap->control;
    if (bytes > GAIT_SMALL_MAX_BYTES)
        return control_is_tight(control, large_bytes(bytes));
    return control_is_tight(control, 0) &&
           cache_needs_pages(&mutator->cache, kind, gait_size_class(bytes));
}

/* Before the limit is passed: use all that sweeping gives; then wait for a cycle to end, if one may
 * help, and nobody holds it up: then the limit waits. */
static void make_room(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    gait_heap *heap = mutator->heap;
    bool passes;
    size_t excess;
    if (bytes > GAIT_SMALL_MAX_BYTES &&
        (excess = control_excess_bytes(&heap->control, large_bytes(bytes))) >
            EXCESS_AT_ONCE_BYTES) {
        gait_enter_native(mutator);
        cycle_scavenge(heap, excess);
        gait_leave_native(mutator);
    }
    while ((passes = passes_limit(mutator, kind, bytes)) && sweep_step(&heap->sweeper))
        gait_poll(mutator);
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
static void pay(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    gait_heap *heap = mutator->heap;
    int64_t end_ns = bytes < FAR_BYTES ? 0 : platform_now_ns() + START_NS_MOST_FAR;
    while (cycle_lets_mark(mutator)) { /* not before: docs/design/marking.md, .early and .unborn */
        bool again = control_assist(&heap->control, mutator, passes_limit(mutator, kind, bytes));
        bool owes = end_ns && mutator->assist_credit_bytes < 0 && platform_now_ns() < end_ns;
        if ((!again && !owes) || world_is_held_up(&heap->world))
            return;
        gait_poll(mutator);
    }
}

void *gait_alloc_slow(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    gait_heap *heap = mutator->heap;
    mutator_check_as(mutator, "gait_alloc");
    if (kind >= kinds_count(&heap->kinds))
        platform_fatal("gait_alloc: unknown kind %u", (unsigned)kind);
    if (bytes == 0)
        bytes = 1;
    /* a class whose cells would do without the last bit never gets a run */
    if (heap->wide_cells && bytes % 16 != 0 && bytes <= GAIT_SMALL_MAX_BYTES)
        return gait_alloc(mutator, kind, (bytes + 15) & ~(size_t)15);
    handler_runs(mutator, __builtin_frame_address(0)); /* or was left by longjmp */
    gait_poll(mutator);
    if (heap->options.gcstress && ++mutator->stress_count >= heap->options.gcstress) {
        mutator->stress_count = 0;
        gait_collect(mutator);
    }
    if (control_is_late(&heap->control, cycle_lets_mark(mutator)))
        wait_for_start(mutator, bytes);
    make_room(mutator, kind, bytes);
    pay(mutator, kind, bytes);
    void *object = take(mutator, kind, bytes);
    return object ? object : take_after_collecting(mutator, kind, bytes);
}
