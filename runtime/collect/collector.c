/* SPDX-License-Identifier: MIT */
/*
 * The collector's thread, requests, and how a heap's threads begin and end. See collector.h.
 */
#include "collector.h"

#include "../instance.h"
#include "../platform/perturb.h"

static bool is_ending(const struct collector *collector) {
    return AO_int_load_acquire(&collector->ending) != 0;
}

/* ---- The thread ---- */

/* A limit that is a percentage follows the machine: the cgroup's limit may have changed. */
static void look_at_limit(gait_heap *heap) {
    int64_t limit_bytes;
    if (heap->options.memory_limit_percent > 0 &&
        options_limit_from_percent(heap->options.memory_limit_percent, &limit_bytes) == 0 &&
        limit_bytes != heap->percent_limit_bytes) {
        heap->percent_limit_bytes = limit_bytes;
        if (control_set(&heap->control, GAIT_SETTING_LIMIT, limit_bytes, true) > limit_bytes)
            AO_int_store(&heap->collector.look, 1);
    }
}

/* Were settings lowered, so that a cycle is due? Here, and not where they are lowered: only between
 * two cycles do figures say what one would find. */
static bool is_due_by_settings(gait_heap *heap) {
    unsigned *look = &heap->collector.look;
    return AO_int_load(look) && AO_int_compare_and_swap_full(look, 1, 0) &&
           control_is_due(&heap->control);
}

/* A request says which figures it was made by: those since this many cycles have ended marking. Not
 * 0. */
static unsigned figures_tag(const gait_heap *heap) { return space_epoch(&heap->space) << 1 | 1; }

/* Was a cycle asked for that nobody waits for? One asked for by figures that are no longer is not:
 * .inv.asked. */
static bool is_wanted(const gait_heap *heap) {
    const struct collector *collector = &heap->collector;
    unsigned due = AO_int_load_acquire(&collector->due);
    return due == figures_tag(heap) || (due != 0 && AO_int_load(&collector->whole));
}

static void run_cycle(gait_heap *heap, bool periodic) {
    struct collector *collector = &heap->collector;
    lock_acquire(&collector->gate); /* first: a fork leaves the child what no cycle has taken up */
    unsigned forced = AO_int_load_acquire(&collector->forced); /* these are done by this cycle */
    /* asked for before this: the next request is another cycle's */
    bool whole =
        AO_int_load(&collector->whole) && AO_int_compare_and_swap_full(&collector->whole, 1, 0);
    cycle_begin(heap, forced != AO_int_load(&collector->done), periodic, whole);
    /* not before: until then a mutator may ask for the cycle that has begun */
    PERTURB(CYCLE_BEGIN);
    AO_int_store_full(&collector->due, 0); /* before the look: request_whole does both in turn */
    if (AO_int_load(&collector->whole))
        collector_request(heap); /* it came after this cycle was begun: it is the next one's */
    AO_int_store(&collector->overdue, 0);
    if (cycle_run(heap)) {
        PERTURB(CYCLE_DONE);
        AO_int_store_release(&collector->done, forced);
        platform_wake(&collector->done, INT32_MAX);
        AO_int_fetch_and_add1_full(&collector->ended);
        platform_wake(&collector->ended, INT32_MAX);
        scavenger_cycle_ended(heap);
    }
    lock_release(&collector->gate);
    AO_int_store_release(&collector->beginning, 0);
}

static void run(void *argument) {
    gait_heap *heap = argument;
    struct collector *collector = &heap->collector;
    int64_t look_ns = control_looks().collector_ns;
    while (!is_ending(collector)) {
        /* before the look at requests, which are made before the word changes */
        unsigned wake = AO_int_load_acquire(&collector->wake);
        bool forced = AO_int_load_acquire(&collector->forced) != AO_int_load(&collector->done);
        bool periodic = !forced && control_periodic_due(&heap->control);
        if (periodic && world_has_hooks(&heap->world)) {
            AO_int_store(&collector->overdue, 1);
            periodic = false;
        }
        bool wanted = forced || periodic || is_wanted(heap);
        if (wanted && collector_may_begin(collector)) {
            run_cycle(heap, periodic);
            continue;
        }
        look_at_limit(heap);
        if (!collector_is_held(heap) && is_due_by_settings(heap) &&
            collector_may_begin(collector)) {
            run_cycle(heap, false);
        } else {
            platform_wait(&collector->wake, wake, look_ns);
        }
    }
}

/* ---- How the threads begin and end ---- */

static void thread_wake(struct collector *collector) {
    AO_int_fetch_and_add1_full(&collector->wake);
    platform_wake(&collector->wake, 1);
}

/* The threads that a heap can't do without, or none. Helpers are started by cycles. */
static int threads_start(gait_heap *heap) {
    struct collector *collector = &heap->collector;
    AO_int_store(&collector->ending, 0);
    PERTURB(THREADS_START);
    if (scavenger_start(heap) < 0)
        goto no_scavenger;
    if (platform_thread_start(&collector->thread, run, heap, "gait-collect") < 0)
        goto no_collector;
    return 0;
no_collector:
    scavenger_end(heap);
no_scavenger:
    AO_int_store_full(&collector->ending, 1); /* threads that wait for a cycle wait no more */
    return -1;
}

static void threads_end(gait_heap *heap) {
    struct collector *collector = &heap->collector;
    AO_int_store_full(&collector->ending, 1);
    workers_give_up(heap);
    thread_wake(collector);
    platform_thread_join(&collector->thread);
    scavenger_end(heap);
    workers_end(heap);
}

void collector_init(gait_heap *heap) {
    struct collector *collector = &heap->collector;
    lock_init(&collector->gate, LOCK_CYCLE, "cycle");
    workers_init(heap);
    cycle_init(heap);
    scavenger_init(&heap->scavenger);
    if (heap->options.memory_limit_percent > 0)
        collector_start(heap); /* its thread follows the limit */
}

void collector_destroy(gait_heap *heap) {
    if (AO_int_load(&heap->collector.started))
        threads_end(heap);
    scavenger_destroy(&heap->scavenger);
    cycle_destroy(heap);
    lock_destroy(&heap->collector.gate);
}

/* What the lost threads were in the middle of, word by word: docs/design/world.md, fork. */
void collector_lost(gait_heap *heap) {
    struct collector *collector = &heap->collector;
    AO_int_store(&collector->started, 0);
    AO_int_store(&collector->ending, 0);
    AO_int_store(&collector->due, 0);
    AO_int_store(&collector->look, 0);
    AO_int_store(&collector->beginning, 0);
    AO_int_store(&collector->overdue, 0);
    AO_int_store(&collector->done, AO_int_load(&collector->forced)); /* nobody waits here */
    AO_int_store(&heap->scavenger.ending, 0);
    workers_lost(heap);
    written_lost(heap);
}

/* ---- Requests ---- */

void collector_start(gait_heap *heap) {
    struct collector *collector = &heap->collector;
    if (AO_int_load(&collector->started) == 0 &&
        AO_int_compare_and_swap_full(&collector->started, 0, 1) &&
        threads_start(heap) < 0) { /* the next that needs them tries again */
        AO_int_store(&collector->due, 0);
        AO_int_store_release(&collector->started, 0);
    }
}

static void ask(gait_heap *heap) {
    collector_start(heap);
    PERTURB(REQUEST);
    thread_wake(&heap->collector);
}

/* For what only a full cycle finds. */
static void request_whole(gait_heap *heap) {
    AO_int_store_full(&heap->collector.whole, 1); /* then the request */
    collector_request(heap);
}

void collector_request(gait_heap *heap) {
    struct collector *collector = &heap->collector;
    bool first = false, there = false;
    while (!first && !there) {
        /* in this order: no request by newer figures is replaced */
        unsigned due = AO_int_load_acquire(&collector->due), tag = figures_tag(heap);
        there = due == tag;
        first = !there && AO_int_compare_and_swap_full(&collector->due, due, tag);
    }
    /* a request that was made already is no good while nobody is there to hear it */
    if (first || AO_int_load(&collector->started) == 0)
        ask(heap);
}

bool collector_is_overdue(gait_heap *heap) {
    const struct collector *collector = &heap->collector;
    return AO_int_load(&collector->overdue) ||
           (AO_int_load(&collector->started) == 0 && control_periodic_due(&heap->control));
}

void collector_request_unless(gait_heap *heap, unsigned ended) {
    const struct collector *collector = &heap->collector;
    /* in this order: one that is on no more has ended */
    if (!AO_int_load_acquire(&collector->beginning) && AO_int_load(&collector->ended) == ended)
        collector_request(heap);
}

/* control.marking is set before due is not. */
bool collector_is_due(const gait_heap *heap) {
    return is_wanted(heap) || AO_load(&heap->control.marking);
}

void collector_await_marked(gait_heap *heap) {
    while (collector_is_due(heap) && !is_ending(&heap->collector) && !collector_is_held(heap)) {
        unsigned stops = AO_int_load_acquire(&heap->world.stops);
        if (collector_is_due(heap))
            platform_wait(&heap->world.stops, stops, control_looks().cycle_ns);
    }
}

void collector_look(gait_heap *heap) {
    struct collector *collector = &heap->collector;
    AO_int_store_full(&collector->look, 1);
    if (AO_int_load(&collector->started) == 0 && control_is_due(&heap->control))
        collector_start(heap); /* no cycle runs: figures are good */
    thread_wake(collector);
}

int64_t collector_await(gait_heap *heap, unsigned ended, int64_t most_ns) {
    struct collector *collector = &heap->collector;
    int64_t look_ns = control_looks().cycle_ns, waited_ns = 0, now_ns = platform_now_ns();
    while (AO_int_load_acquire(&collector->ended) == ended && !is_ending(collector) &&
           !world_is_held_up_at_limit(&heap->world) && !collector_is_held(heap) &&
           waited_ns < most_ns) {
        collector_request_unless(heap, ended);
        platform_wait(&collector->ended, ended, look_ns);
        int64_t before_ns = now_ns;
        now_ns = platform_now_ns();
        waited_ns += control_waited_ns(now_ns - before_ns, look_ns);
    }
    return waited_ns;
}

void collector_force(gait_heap *heap) {
    struct collector *collector = &heap->collector;
    if (collector_is_held(heap))
        return;
    workers_awaited(&heap->workers);
    unsigned mine = AO_int_fetch_and_add1_full(&collector->forced) + 1;
    int64_t look_ns = control_looks().forced_ns;
    ask(heap);
    for (;;) {
        unsigned done = AO_int_load_acquire(&collector->done);
        if ((int)(done - mine) >= 0 || is_ending(collector) || collector_is_held(heap))
            break;
        platform_wait(&collector->done, done, look_ns);
    }
    workers_not_awaited(&heap->workers);
}

void collector_quarantined(gait_heap *heap, bool open) {
    if (open)
        scavenger_wake(heap);
    if (AO_load(&heap->arenas.quarantined_bytes) > control_quarantine_bytes(&heap->control))
        request_whole(heap);
}

void collector_arena_created(gait_heap *heap) {
    collector_start(heap); /* the scavenger looks after the memory of those that end */
    if (arenas_may_leak(&heap->arenas, control_quarantine_bytes(&heap->control)))
        request_whole(heap);
}
