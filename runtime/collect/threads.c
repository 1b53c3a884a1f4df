/* SPDX-License-Identifier: MIT */
/*
 * The collector's threads, and how they are asked: the collector, which runs cycles, the scavenger,
 * and helpers.
 */
#include "../heap/chunks.h"
#include "../instance.h"
#include "../platform/perturb.h"
#include "background.h"

/* The collector looks at the clock for periodic cycles this often, the scavenger at what is due. */
#define PERIOD_LOOK_NS ((int64_t)1000000000)
/* The scavenger works so long at a stretch: a shorter nap would not be exact. */
#define SCAVENGE_WORK_NS ((int64_t)1000000)
/* What is above the limit is given back in such pieces: some 0.5 ms under the lock. Guess. */
#define EXCESS_BYTES ((size_t)4 << 20)
/* Who waits for a cycle looks so often whether there is a thread to run it. */
#define FORCE_LOOK_NS ((int64_t)100000000)
/* Who waits for a cycle to keep the limit looks so often whether it is held up. */
#define AWAIT_LOOK_NS ((int64_t)10000000)

/* A limit that is a percentage follows the machine: the cgroup's limit may have changed. */
static void look_at_limit(gait_heap *heap) {
    int64_t limit_bytes;
    if (heap->options.memory_limit_percent > 0 &&
        options_limit_from_percent(heap->options.memory_limit_percent, &limit_bytes) == 0 &&
        limit_bytes != heap->percent_limit_bytes) {
        heap->percent_limit_bytes = limit_bytes;
        control_set_limit(&heap->control, limit_bytes);
    }
}

static void collector_run(void *argument) {
    gait_heap *heap = argument;
    struct cycle *cycle = &heap->cycle;
    while (!cycle_is_shutdown(cycle)) {
        unsigned wake = AO_int_load_acquire(&cycle->wake);
        bool forced = cycle_is_awaited(cycle);
        bool periodic = !forced && control_periodic_due(&heap->control);
        if (forced || periodic || AO_int_load_acquire(&cycle->due)) {
            lock_acquire(&cycle->gate);
            cycle_run(heap, forced, periodic);
            lock_release(&cycle->gate);
        } else {
            look_at_limit(heap);
            platform_wait(&cycle->wake, wake, PERIOD_LOOK_NS);
        }
    }
}

size_t cycle_scavenge(gait_heap *heap, size_t bytes) {
    int64_t begin_ns = platform_thread_cpu_ns();
    size_t excess = control_excess_bytes(&heap->control, 0);
    size_t most = excess < bytes && bytes < SIZE_MAX ? excess : bytes;
    /* above the limit, what nobody may use before the next cycle goes first */
    size_t given = most > 0 ? arenas_release(&heap->arenas, most) : 0;
    lock_acquire(&heap->cycle.scavenge_lock);
    if (given < bytes && bytes - given > AO_load(&heap->space.free_bytes))
        chunks_drain(&heap->space);
    if (given < bytes)
        given += space_scavenge(&heap->space, bytes - given);
    if (given < most && chunks_drain(&heap->space) > 0)
        given += space_scavenge(&heap->space, bytes - given);
    lock_release(&heap->cycle.scavenge_lock);
    control_add_cpu(&heap->control, CPU_SCAVENGE, platform_thread_cpu_ns() - begin_ns);
    return given;
}

void cycle_wake_scavenger(gait_heap *heap) {
    AO_int_fetch_and_add1_full(&heap->cycle.scavenge);
    platform_wake(&heap->cycle.scavenge, 1);
}

void cycle_quarantined(gait_heap *heap, bool open) {
    if (open)
        cycle_wake_scavenger(heap);
    if (AO_load(&heap->arenas.quarantined_bytes) > control_quarantine_bytes(&heap->control))
        cycle_request(heap);
}

void cycle_arena_created(gait_heap *heap) {
    if (arenas_may_leak(&heap->arenas, control_quarantine_bytes(&heap->control)))
        cycle_request(heap);
}

/* Ended arenas become inaccessible; and where no cycle comes (GOGC=off), or comes late, memory of
 * those is given back that are beyond twice what may wait for it. */
static void tend_arenas(gait_heap *heap) {
    int64_t begin_ns = platform_thread_cpu_ns();
    while (!cycle_is_shutdown(&heap->cycle) && arenas_tend(&heap->arenas))
        ;
    size_t bytes = AO_load(&heap->arenas.quarantined_bytes);
    size_t most = 2 * control_quarantine_bytes(&heap->control);
    if (bytes > most)
        arenas_release(&heap->arenas, bytes - most);
    control_add_cpu(&heap->control, CPU_SCAVENGE, platform_thread_cpu_ns() - begin_ns);
}

/* Give back what is due, for so long that a nap's length is right. @return CPU time spent, ns. */
static int64_t scavenger_work(gait_heap *heap) {
    if (AO_load(&heap->arenas.quarantined) > 0)
        tend_arenas(heap);
    int64_t spent_ns = 0;
    size_t due;
    /* above the limit: at once */
    while ((due = control_excess_bytes(&heap->control, 0)) > 0 &&
           !cycle_is_shutdown(&heap->cycle) &&
           cycle_scavenge(heap, due < EXCESS_BYTES ? due : EXCESS_BYTES) > 0)
        ;
    int64_t begin_ns = platform_thread_cpu_ns();
    while (spent_ns < SCAVENGE_WORK_NS && (due = control_scavenge_due(&heap->control)) > 0 &&
           cycle_scavenge(heap, due) > 0)
        spent_ns = platform_thread_cpu_ns() - begin_ns;
    return spent_ns;
}

/* Sleep, whatever is asked for meanwhile but the end. */
static void scavenger_nap(struct cycle *cycle, int64_t ns) {
    int64_t end_ns = platform_deadline_ns(ns);
    for (;;) {
        /* before the look at shutdown, which is set before the word changes */
        unsigned scavenge = AO_int_load_acquire(&cycle->scavenge);
        int64_t left_ns = end_ns - platform_now_ns();
        if (left_ns <= 0 || cycle_is_shutdown(cycle))
            return;
        platform_wait(&cycle->scavenge, scavenge, left_ns);
    }
}

static void scavenger_run(void *argument) {
    gait_heap *heap = argument;
    struct cycle *cycle = &heap->cycle;
    while (!cycle_is_shutdown(cycle)) {
        /* before the look at what is due, and at shutdown, which is set before the word changes */
        unsigned scavenge = AO_int_load_acquire(&cycle->scavenge);
        int64_t spent_ns = scavenger_work(heap);
        if (spent_ns > 0)
            scavenger_nap(cycle, control_scavenge_nap_ns(&heap->control, spent_ns));
        else if (!cycle_is_shutdown(cycle))
            platform_wait(&cycle->scavenge, scavenge, PERIOD_LOOK_NS);
    }
}

/* ---- Requests ---- */

static int threads_start(gait_heap *heap);

static void collector_wake(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    if (AO_int_load(&cycle->threads) == 0 && AO_int_compare_and_swap_full(&cycle->threads, 0, 1) &&
        threads_start(heap) < 0) { /* the next request tries again */
        AO_int_store(&cycle->due, 0);
        AO_int_store_release(&cycle->threads, 0);
    }
    PERTURB(REQUEST);
    AO_int_fetch_and_add1_full(&cycle->wake);
    platform_wake(&cycle->wake, 1);
}

void cycle_request(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    bool first = AO_int_load(&cycle->due) == 0 && AO_int_compare_and_swap_full(&cycle->due, 0, 1);
    /* a request that was made already is no good while nobody is there to hear it */
    if (first || AO_int_load(&cycle->threads) == 0)
        collector_wake(heap);
}

void cycle_await(gait_heap *heap, unsigned finished, int64_t most_ns) {
    struct cycle *cycle = &heap->cycle;
    int64_t begin_ns = platform_now_ns();
    while (AO_int_load_acquire(&cycle->finished) == finished && !cycle_is_shutdown(cycle) &&
           !world_is_held_up(&heap->world) && platform_now_ns() - begin_ns < most_ns) {
        if (sweep_done(&heap->sweeper) && !AO_load(&heap->control.marking)) /* else one is on */
            cycle_request(heap);
        platform_wait(&cycle->finished, finished, AWAIT_LOOK_NS);
    }
}

void cycle_force(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    unsigned mine = AO_int_fetch_and_add1_full(&cycle->wanted) + 1;
    collector_wake(heap);
    for (;;) {
        unsigned done = AO_int_load_acquire(&cycle->done);
        if ((int)(done - mine) >= 0 || cycle_is_shutdown(cycle))
            return;
        platform_wait(&cycle->done, done, FORCE_LOOK_NS);
    }
}

/* ---- Threads ---- */

static void helpers_init(gait_heap *heap, struct cycle_helpers *helpers, bool idle) {
    helpers->idle = idle;
    for (unsigned i = 0; i < CYCLE_HELPERS_MAX; i++) {
        struct cycle_helper *helper = &helpers->helpers[i];
        helper->heap = heap;
        helper->helpers = helpers;
        helper->number = i;
        marker_init(&helper->marker, &heap->space, &heap->queue, heap->value_mask);
        helper->marker.lockless = idle;
    }
}

static void helpers_want(struct cycle_helpers *helpers, int32_t wanted) {
    unsigned most = wanted < CYCLE_HELPERS_MAX ? (unsigned)wanted : CYCLE_HELPERS_MAX;
    for (; helpers->started < most; helpers->started++) {
        struct cycle_helper *helper = &helpers->helpers[helpers->started];
        if (platform_thread_start(&helper->thread, background_help, helper, "gait-mark") < 0)
            break; /* the next cycle tries again */
    }
    AO_int_store(&helpers->wanted, most < helpers->started ? most : helpers->started);
}

void cycle_want_helpers(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    struct gait_governor_helpers helpers = control_helpers(&heap->control, !heap->concurrent);
    helpers_want(&cycle->dedicated, helpers.dedicated);
    helpers_want(&cycle->idle, helpers.idle);
}

static void helpers_join(struct cycle_helpers *helpers) {
    for (unsigned i = 0; i < helpers->started; i++)
        platform_thread_join(&helpers->helpers[i].thread);
    helpers->started = 0;
}

static void threads_end(struct cycle *cycle, bool scavenger, bool collector) {
    AO_int_store_full(&cycle->shutdown, 1);
    AO_int_fetch_and_add_full(&cycle->helping, 2);
    platform_wake(&cycle->helping, INT32_MAX);
    cycle_wake_scavenger(cycle->heap);
    AO_int_fetch_and_add1_full(&cycle->wake);
    platform_wake(&cycle->wake, 1);
    if (collector)
        platform_thread_join(&cycle->collector);
    if (scavenger)
        platform_thread_join(&cycle->scavenger);
    helpers_join(&cycle->dedicated);
    helpers_join(&cycle->idle);
}

/* Both threads that a heap can't do without, or none. */
static int threads_start(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    bool scavenger = false;
    AO_int_store(&cycle->shutdown, 0);
    PERTURB(THREADS_START);
    if (platform_thread_start(&cycle->scavenger, scavenger_run, heap, "gait-scavenge") < 0)
        goto no_thread;
    scavenger = true;
    if (platform_thread_start(&cycle->collector, collector_run, heap, "gait-collect") < 0)
        goto no_thread;
    return 0;
no_thread:
    threads_end(cycle, scavenger, false);
    return -1;
}

int cycle_init(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    cycle->heap = heap;
    lock_init(&cycle->gate, LOCK_CYCLE, "cycle");
    lock_init(&cycle->scavenge_lock, LOCK_SWEEP, "scavenge");
    lock_init(&cycle->lock, LOCK_LOG, "figures");
    marker_init(&cycle->marker, &heap->space, &heap->queue, heap->value_mask);
    helpers_init(heap, &cycle->dedicated, false);
    helpers_init(heap, &cycle->idle, heap->concurrent);
    AO_int_store(&cycle->threads, 1);
    if (threads_start(heap) == 0)
        return 0;
    AO_int_store(&cycle->threads, 0);
    cycle_destroy(heap);
    return -1;
}

void cycle_destroy(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    if (AO_int_load(&cycle->threads))
        threads_end(cycle, true, true);
    lock_destroy(&cycle->gate);
    lock_destroy(&cycle->scavenge_lock);
    lock_destroy(&cycle->lock);
}

/* What the lost threads were in the middle of, word by word: docs/design/world.md, fork. */
void cycle_threads_lost(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    AO_int_store(&cycle->threads, 0);
    AO_int_store(&cycle->shutdown, 0);
    AO_int_store(&cycle->due, 0);
    AO_int_store(&cycle->done, AO_int_load(&cycle->wanted)); /* nobody waits here */
    cycle->dedicated.started = cycle->idle.started = 0;
    AO_store(&heap->queue.hungry, 0); /* nobody is active: no cycle runs */
}
