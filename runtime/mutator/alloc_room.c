/* SPDX-License-Identifier: MIT */
/*
 * Waits before memory is taken. See alloc_room.h.
 */
#include "alloc_room.h"

#include "../heap/chunks.h"
#include "../instance.h"
#include "../platform/timeline.h"

/* How long the mutator may wait, here_ns of which it has in this call. */
static struct gait_governor_patience patience(const gait_mutator *mutator,
                                              enum gait_governor_wait what, size_t want_bytes,
                                              int64_t here_ns) {
    return control_patience(what,
                            &(struct gait_governor_waited){want_bytes, here_ns, mutator->late_ns});
}

/* How many stops of the world have ended: read before a look at what one may bring. */
static unsigned stops_now(const gait_mutator *mutator) {
    return AO_int_load_acquire(&mutator->heap->world.stops); /* pairs with world_open */
}

/* Sleep in native code, where the collector acts in this mutator's place: until a stop has ended,
 * and with it a short cycle, or for so long. */
static void nap(gait_mutator *mutator, unsigned stops, int64_t ns) {
    gait_enter_native(mutator);
    platform_wait(&mutator->heap->world.stops, stops, ns);
    gait_leave_native(mutator);
}

/* Does this take pages? A free cell of its kind and class takes none. */
static bool takes_pages(const gait_mutator *mutator, const struct alloc_need *need) {
    return !need->cell ||
           cache_needs_pages(&mutator->cache, need->kind, gait_size_class(need->bytes));
}

/* Would this take pages that pass the limit? Of most cells the first two tell: where the CPU can't
 * hold the limit, memory is above it at each of them. */
static bool passes_limit(gait_mutator *mutator, const struct alloc_need *need) {
    size_t bytes = need->cell ? 0 : need->page_bytes;
    return control_is_limited(&mutator->heap->control) && takes_pages(mutator, need) &&
           control_is_tight(&mutator->heap->control, bytes);
}

bool alloc_has_room(const gait_mutator *mutator, const struct alloc_need *need) {
    gait_heap *heap = mutator->heap;
    return need->cell && sweep_is_open(&heap->sweeper) &&
           control_lets_go_on(&heap->control,
                              control_is_limited(&heap->control) && takes_pages(mutator, need));
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
 * it answers first. at_limit: what is waited for keeps the limit. */
static bool is_held_up(gait_mutator *mutator, bool at_limit) {
    const struct world *world = &mutator->heap->world;
    world_poll(mutator);
    return at_limit ? world_is_held_up_at_limit(world) : world_is_held_up(world);
}

/* A wait in naps, by the governor's reckoning: a process that is stopped does not wait. */
struct naps {
    int64_t now_ns;    /* the last look */
    int64_t waited_ns; /* since the first */
};

static struct naps naps_begin(void) { return (struct naps){.now_ns = platform_now_ns()}; }

static void naps_look(struct naps *naps, gait_mutator *mutator) {
    int64_t before_ns = naps->now_ns;
    naps->now_ns = platform_now_ns();
    int64_t since_ns = control_waited_ns(naps->now_ns - before_ns, control_looks().cycle_ns);
    naps->waited_ns += since_ns;
    mutator->late_ns += since_ns;
}

/* HELP: the live heap has reached its goal before the cycle lets mutators assist: the OS has not
 * let the collector in, or it still sweeps. Help it, or leave it the CPU, for a moment. */
static void help(gait_mutator *mutator, const struct alloc_need *need, struct control_want *want) {
    gait_heap *heap = mutator->heap;
    for (struct naps naps = naps_begin();; naps_look(&naps, mutator)) {
        unsigned stops = stops_now(mutator);
        struct gait_governor_patience left =
            patience(mutator, control_for_start(&heap->control), need->bytes, naps.waited_ns);
        if (is_held_up(mutator, false) || ask(mutator, need, want) != GAIT_GOVERNOR_HELP)
            return;
        if (!AO_load(&heap->control.marking))
            collector_request(heap); /* .inv.impatient */
        if (left.most_ns == 0)
            return;
        if (sweep_step(&heap->sweeper))
            world_poll(mutator);
        else
            nap(mutator, stops, left.nap_ns);
    }
}

/* What the cycle that has just ended found dead can't be used before weak words are settled; pages
 * that are taken in its place stay, for some objects in them live on. While that is a few, go on;
 * then leave the collector the CPU: as a rule the OS has preempted it. */
static void wait_for_settling(gait_mutator *mutator, const struct alloc_need *need, bool awaited) {
    gait_heap *heap = mutator->heap;
    if (sweep_is_open(&heap->sweeper))
        return; /* the clock is not read for nothing */
    size_t bytes = need->cell ? 0 : need->page_bytes;
    enum gait_governor_wait what =
        control_for_dead(awaited, awaited && passes_limit(mutator, need));
    struct naps naps = naps_begin();
    while (!sweep_is_open(&heap->sweeper)) {
        struct gait_governor_patience left = patience(mutator, what, need->bytes, naps.waited_ns);
        if (left.most_ns == 0 || !control_outgrows_settling(&heap->control, bytes) ||
            !takes_pages(mutator, need) ||
            is_held_up(mutator, what == GAIT_GOVERNOR_FOR_DEAD_AT_LIMIT))
            return;
        nap(mutator, stops_now(mutator), left.nap_ns); /* settled by no stop: in naps */
        naps_look(&naps, mutator);
    }
}

/* Before a large object takes pages that the OS would have to give: sweep as many as it takes,
 * times the pages of a step. A mutator that needs cells does as much for each span. */
static void sweep_for_pages(gait_mutator *mutator, const struct alloc_need *need) {
    gait_heap *heap = mutator->heap;
    for (size_t bytes = 0; bytes < need->page_bytes; bytes += PAGE_BYTES) {
        if (AO_load(&heap->space.free_bytes) >= need->page_bytes || !sweep_step(&heap->sweeper))
            return;
        world_poll(mutator);
    }
}

bool alloc_await_cleanups(gait_mutator *mutator) {
    struct finalizers *finalizers = &mutator->heap->finalizers;
    struct gait_governor_patience left = patience(mutator, GAIT_GOVERNOR_FOR_CLEANUPS, 0, 0);
    if (mutator->runs_finalizers || left.most_ns == 0 || !finalizers_are_served(finalizers))
        return false;
    struct served_wait wait = {left.most_ns, left.nap_ns, control_waited_ns(INT64_MAX, left.nap_ns),
                               left.idle_ns};
    bool some;
    gait_enter_native(mutator);
    int64_t waited_ns = finalizers_await_served(finalizers, &wait, &some);
    gait_leave_native(mutator);
    mutator->late_ns += waited_ns;
    return some;
}

/* Before the limit is passed: use all that sweeping gives, and what waits to be given back. */
static void use_rest(gait_mutator *mutator, const struct alloc_need *need) {
    gait_heap *heap = mutator->heap;
    size_t excess = need->cell ? 0 : control_return_due(&heap->control, need->page_bytes);
    if (control_gives_back_aside(excess)) {
        bool rests = world_lets_rest_with_locks(&heap->world);
        if (rests)
            gait_enter_native(mutator);
        scavenger_give_back(heap, excess);
        if (rests)
            gait_leave_native(mutator);
    }
    if (!passes_limit(mutator, need))
        return;
    chunks_drain(&heap->space); /* what waits for arenas: before anybody waits for a cycle */
    while (passes_limit(mutator, need) && sweep_step(&heap->sweeper))
        world_poll(mutator);
    if (passes_limit(mutator, need))
        alloc_await_cleanups(mutator);
}

/* The cycle that the limit was kept for has ended: what it found dead goes before the pages that
 * would pass the limit, though settling that takes the OS some ticks. */
static void use_found(gait_mutator *mutator, const struct alloc_need *need) {
    wait_for_settling(mutator, need, true);
    use_rest(mutator, need);
}

/* AWAIT: a cycle ends, and gives room below the limit. Not if a mutator that computes holds it up:
 * then the limit waits. ended: before the mutator was told; a cycle that ended since is one. A
 * mutator that may wait no more asks for it all the same: .inv.impatient. */
static void await(gait_mutator *mutator, unsigned ended, struct control_want *want) {
    gait_heap *heap = mutator->heap;
    int64_t most_ns = patience(mutator, GAIT_GOVERNOR_FOR_END, 0, 0).most_ns;
    if (most_ns > 0 && !is_held_up(mutator, true)) {
        gait_enter_native(mutator);
        int64_t begin_ns = TIMELINE_BEGIN(wait_cycle);
        int64_t waited_ns = collector_await(heap, ended, most_ns);
        TIMELINE_END(wait_cycle, heap->space.heap_number, begin_ns, 0);
        gait_leave_native(mutator);
        mutator->late_ns += waited_ns;
    } else {
        collector_request_unless(heap, ended);
    }
    want->awaited = true;
}

/* No work is available for what the mutator owes: leave the CPU to the marker that has it, until
 * there is. What comes of it is no delay, so only waits for nothing count; and by themselves, since
 * they say nothing of how long the cycle's next steps may be waited for.
 * @return whether to ask again. */
static bool await_work(gait_mutator *mutator, enum gait_governor_wait what) {
    struct gait_governor_waited waited = {.in_all_ns = mutator->starved_ns};
    int64_t most_ns = control_patience(what, &waited).most_ns;
    if (most_ns == 0)
        return false;
    int64_t begin_ns = platform_now_ns();
    gait_enter_native(mutator);
    bool some = control_await_work(&mutator->heap->control, most_ns);
    gait_leave_native(mutator);
    if (!some)
        mutator->starved_ns += control_waited_ns(platform_now_ns() - begin_ns, most_ns);
    return true;
}

/* MARK for what was allocated: a piece, and more only at a limit, or before an object so large that
 * pieces would not keep up with it: until end_ns.
 * @return whether to ask again. */
static bool pay(gait_mutator *mutator, struct control_want *want, int64_t end_ns) {
    /* cycle_lets_mark, not before: docs/design/marking.md, .early and .unborn */
    enum gait_governor_then then = control_assist(&mutator->heap->control, mutator, want, end_ns);
    if (then == GAIT_GOVERNOR_THEN_TAKE || is_held_up(mutator, want->takes_pages))
        return false;
    if (then == GAIT_GOVERNOR_THEN_WAIT)
        return await_work(mutator, GAIT_GOVERNOR_FOR_WORK);
    if (then == GAIT_GOVERNOR_THEN_WAIT_AT_LIMIT)
        return await_work(mutator, GAIT_GOVERNOR_FOR_WORK_AT_LIMIT);
    return true;
}

/* Of one that may go on: is there nothing to wait for before it is told so again? As for most cells
 * while a cycle marks. One that has helped is told nothing else, by the same figures. */
static bool waits_for_nothing(const gait_mutator *mutator, const struct alloc_need *need) {
    const gait_heap *heap = mutator->heap;
    return need->cell && sweep_is_open(&heap->sweeper) && !control_is_limited(&heap->control);
}

void alloc_make_room(gait_mutator *mutator, const struct alloc_need *need) {
    struct control_want want = {0};
    if (collector_is_held(mutator->heap)) { /* no cycle comes that could be waited for */
        use_rest(mutator, need);
        return;
    }
    enum gait_governor_advice first = ask(mutator, need, &want);
    if (want.marks) /* as for pay */
        control_take_turn(&mutator->heap->control, mutator);
    if (first == GAIT_GOVERNOR_GO && waits_for_nothing(mutator, need))
        return;
    if (first == GAIT_GOVERNOR_HELP)
        help(mutator, need, &want);
    want.helped = true;
    wait_for_settling(mutator, need, false);
    if (!need->cell)
        sweep_for_pages(mutator, need);
    use_rest(mutator, need);
    int64_t pays_ns = control_pays_ns(need->bytes);
    int64_t end_ns = pays_ns ? platform_now_ns() + pays_ns : 0;
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
