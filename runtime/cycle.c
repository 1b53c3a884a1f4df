/* SPDX-License-Identifier: MIT */
/*
 * The collection cycle, told once. The collector's thread runs it:
 *
 *   1. Finish sweeping: every mark bit is clear.
 *   2. A handshake turns every mutator's barrier on; a second one lets stores end that began
 * before. Nothing is marked before all have answered.
 *   3. A handshake has every mutator push its own roots and allocate black from there on; the
 *      collector does it for those in native code. No stack is looked at again.
 *   4. The collector pushes static slots, handles, stopped coroutines, and what finalizers keep.
 *   5. Marking: the collector in bursts, helpers, and mutators that allocate too fast (assists).
 *   6. When work has run out, ephemerons whose keys are marked give more; then a handshake has
 *      every mutator look through its barrier's words. More work: back to 5.
 *   7. The world is stopped. A barrier's word that is white: start it, and back to 5. Else marking
 *      has ended: barriers off, and the bits turn over: marks become allocations. Start the world.
 *   8. Weak references are settled, finalizers queued, beside the running program, which takes
 *      fresh spans meanwhile. Then sweeping opens, and the collector sweeps.
 *
 * A heap without barriers has the world stopped from 2 to 7. docs/design/marking.md has the
 * invariants and why they hold, tests/model/ checks them.
 */
#include "cycle.h"

#include <string.h>

#include "instance.h"
#include "mark/weak.h"
#include "observe/observe.h"
#include "verify.h"

/* One burst of marking or sweeping while CPUs are busy, and the least nap after it: a waking thread
 * is let in at once, a runnable one costs somebody a tick of the scheduler. Measured on 2 CPUs
 * with two busy mutators: 100 us bursts keep an iteration's p99.9 at 150 us. */
#define BURST_NS 100000
#define NAP_NS_LEAST 60000
/* A marker that lost so much of a burst was set aside by the OS: CPUs are busy, for so long at
 * least. A thread is set aside for a tick, 1 to 4 ms. */
#define SET_ASIDE_NS 500000
#define BUSY_NS ((int64_t)1000000000)
/* One burst where a CPU is idle. */
#define LONG_BURST_NS 400000
/* Bytes scanned between two looks at the clock: some 20 us. */
#define LOOK_BYTES ((size_t)16384)
/* How often a marker that finds no work looks again, and how long it naps then, while others have
 * some. The looks take some 2 us; with the OS's slack the nap is some 70 us. */
#define HUNGRY_LOOKS 100
#define HUNGRY_NAP_NS 20000
/* How long a helper naps while no CPU is idle. */
#define BUSY_NAP_NS 4000000
/* Share of an idle CPU that the collector's thread takes while the limiter is limiting: beside one
 * busy mutator a little less than half of all, so that the limiter's bucket drains. */
#define LIMITED_SHARE 0.9
/* How long the collector waits for work in others' hands before mutators give way. */
#define STARVED_NS 1000000
/* A heap with fewer live bytes is marked before a helper is awake. Guess. */
#define HELP_BYTES ((size_t)4 << 20)
/* The collector looks at the clock for periodic cycles this often. */
#define PERIOD_LOOK_NS ((int64_t)1000000000)
/* Who waits for a cycle looks so often whether there is a thread to run it. */
#define FORCE_LOOK_NS ((int64_t)100000000)

/* ---- Mutators' parts in handshakes ---- */

static void barrier_turn_on(gait_mutator *mutator) {
    mutator->head.barrier = 1;
    mutator->assist_credit_bytes = 0;
}

/* What a mutator began before this handshake has ended: neither a store nor a weak read has a
 * safepoint inside. */
static void pass_safepoint(gait_mutator *mutator) { (void)mutator; }

static void roots_scan(gait_mutator *mutator) {
    mutator_scan_roots(mutator);
    cache_blacken(&mutator->cache);
    counter_add(&mutator->heap->cycle.stack_bytes, mutator->stack_bytes);
}

void cycle_mutator_joins(gait_mutator *mutator) {
    struct cycle *cycle = &mutator->heap->cycle;
    mutator->head.barrier = AO_int_load(&cycle->barrier_on);
    mutator->cache.black = AO_int_load(&cycle->black) != 0;
}

void cycle_mutator_leaves(gait_mutator *mutator) {
    gait_heap *heap = mutator->heap;
    if (mutator->head.barrier)
        mutator_flush_barrier(mutator);
    counter_add(&heap->cycle.black_bytes,
                mutator->cache.black_bytes + marker_take_marked(&mutator->marker));
    control_unallocated(&heap->control, cache_destroy(&mutator->cache), false);
}

/* ---- Marking ---- */

/* Is there no work, published or held? If none is published at one moment, all of it is in the
 * hands of active threads. When later there is no active thread, and nothing was published in
 * between, they have used it up: what is left of it is published before a thread ends. */
static bool work_is_out(struct mark_queue *queue) {
    AO_t published = AO_load_acquire(&queue->published);
    return !queue_has_work(queue) && AO_load_acquire(&queue->active) == 0 &&
           AO_load_acquire(&queue->published) == published;
}

/* Is there a CPU for so many markers beside the mutators that run? Threads that are no mutators,
 * and other processes, show when a marker is set aside in the middle of a burst. */
static bool cpu_is_idle(gait_heap *heap, unsigned markers) {
    return control_idle_cpu(&heap->control, AO_load(&heap->world.running) + markers - 1) &&
           platform_now_ns() >= (int64_t)AO_load(&heap->cycle.busy_until_ns);
}

/* A burst took so much wall time and CPU time. */
static void look_at_contention(struct cycle *cycle, int64_t wall_ns, int64_t cpu_ns) {
    if (wall_ns - cpu_ns > SET_ASIDE_NS)
        AO_store(&cycle->busy_until_ns, (AO_t)(platform_now_ns() + BUSY_NS));
}

static bool is_shutdown(struct cycle *cycle) { return AO_int_load_acquire(&cycle->shutdown) != 0; }

/* Does somebody wait for a forced cycle? */
static bool is_awaited(struct cycle *cycle) {
    return AO_int_load_acquire(&cycle->wanted) != AO_int_load(&cycle->done);
}

/* Mark in one burst. Counts work and CPU time. @return CPU time spent, ns. */
static int64_t mark_burst(gait_heap *heap, struct marker *marker, enum cpu_purpose purpose,
                          int64_t burst_ns) {
    int64_t begin_ns = platform_now_ns(), begin_cpu_ns = platform_thread_cpu_ns();
    size_t before = marker->scanned_bytes;
    marker_begin(marker);
    while (!marker_drain(marker, LOOK_BYTES))
        if (platform_now_ns() - begin_ns >= burst_ns)
            break;
    marker_end(marker);
    int64_t spent_ns = platform_thread_cpu_ns() - begin_cpu_ns;
    if (purpose != CPU_IDLE)
        look_at_contention(&heap->cycle, platform_now_ns() - begin_ns, spent_ns);
    control_add_cpu(&heap->control, purpose, spent_ns);
    marker->cpu_ns += spent_ns;
    control_marked(&heap->control, marker->scanned_bytes - before);
    return spent_ns;
}

/* Wait a little for work that another marker holds. */
static void wait_for_work(struct mark_queue *queue) {
    AO_fetch_and_add1_full(&queue->hungry);
    for (unsigned i = 0; i < HUNGRY_LOOKS && !queue_has_work(queue); i++)
        platform_pause();
    if (!queue_has_work(queue))
        platform_sleep_ns(HUNGRY_NAP_NS);
    AO_fetch_and_sub1_full(&queue->hungry);
}

/* A mutator sleeps for a moment, so that a helper at idle priority gets its CPU. */
static void give_way(gait_mutator *mutator) {
    if (AO_int_load(&mutator->state) == MUTATOR_RUNNING) /* else the collector acts for it */
        platform_sleep_ns(BURST_NS);
}

/* The collector's marking, until there is no work anywhere. */
static void mark_until_out(gait_heap *heap, bool stopped) {
    struct cycle *cycle = &heap->cycle;
    struct mark_queue *queue = &heap->queue;
    double share = control_fraction(&heap->control);
    int64_t hungry_ns = 0; /* since when nobody has published any */
    while (!work_is_out(queue) && !is_shutdown(cycle)) {
        if (!queue_has_work(queue)) {
            wait_for_work(queue);
            int64_t now_ns = platform_now_ns();
            if (hungry_ns == 0)
                hungry_ns = now_ns;
            if (!stopped && now_ns - hungry_ns > STARVED_NS) {
                /* a helper got work while a CPU was idle, and now none is */
                world_handshake(&heap->world, give_way);
                hungry_ns = 0;
            }
            continue;
        }
        hungry_ns = 0;
        bool idle = cpu_is_idle(heap, 1), limiting = control_is_limiting(&heap->control);
        bool flat = stopped || share >= 1 || (idle && !limiting);
        double nap_share = idle && limiting ? LIMITED_SHARE : share;
        int64_t spent_ns =
            mark_burst(heap, &cycle->marker, share >= 1 ? CPU_DEDICATED : CPU_FRACTIONAL, BURST_NS);
        if (!queue_has_work(queue))
            continue;
        int64_t nap_ns = flat ? 0 : (int64_t)((double)spent_ns * (1 / nap_share - 1));
        int64_t ahead_ns = is_awaited(cycle) ? 0 : control_ahead_ns(&heap->control);
        if (ahead_ns > nap_ns && ahead_ns >= BURST_NS) {
            int64_t begin_ns = platform_now_ns();
            platform_sleep_ns(ahead_ns);
            control_held_back(&heap->control, platform_now_ns() - begin_ns - nap_ns);
        } else if (!flat) {
            platform_sleep_ns(nap_ns > NAP_NS_LEAST ? nap_ns : NAP_NS_LEAST);
        }
    }
}

static void helpers_wake(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    if (cycle->helper_count == 0)
        return;
    AO_int_fetch_and_add1_full(&cycle->helping); /* odd */
    platform_wake(&cycle->helping, CYCLE_HELPERS_MAX);
}

static void helpers_rest(gait_heap *heap) {
    if (heap->cycle.helper_count > 0)
        AO_int_fetch_and_add1_full(&heap->cycle.helping); /* even */
}

static void helper_run(void *argument) {
    struct cycle_helper *helper = argument;
    gait_heap *heap = helper->heap;
    struct cycle *cycle = &heap->cycle;
    struct mark_queue *queue = &heap->queue;
    if (helper->idle && heap->concurrent)
        platform_thread_idle_priority();
    while (!is_shutdown(cycle)) {
        unsigned helping = AO_int_load_acquire(&cycle->helping);
        if (helping % 2 == 0) {
            platform_wait(&cycle->helping, helping, -1);
            continue;
        }
        if (helper->idle && heap->concurrent &&
            (!cpu_is_idle(heap, helper->number + 1) || control_is_limiting(&heap->control))) {
            platform_sleep_ns(BUSY_NAP_NS);
        } else if (!queue_has_work(queue)) {
            wait_for_work(queue);
        } else {
            mark_burst(heap, &helper->marker, helper->idle ? CPU_IDLE : CPU_DEDICATED, BURST_NS);
        }
    }
}

/* Phase 4. */
static void push_shared_roots(gait_heap *heap) {
    struct marker *marker = &heap->cycle.marker;
    marker_begin(marker);
    roots_push(&heap->roots, marker);
    /* as gait_coroutine_switch numbers cycles: by the epoch that this one ends with */
    roots_push_coroutines(&heap->roots, marker, space_epoch(&heap->space) + 1);
    finalizers_push(&heap->finalizers, marker);
    marker_end(marker);
}

/* Phases 5 and 6, without the handshake: until marking gives no more work by itself.
 * @return how many blocks had been published before the last look at ephemerons began: as long as
 * there are no more, nothing was marked since, and no work is in anybody's hands. */
static AO_t mark_to_fixpoint(gait_heap *heap, bool stopped) {
    struct marker *marker = &heap->cycle.marker;
    AO_t published = 0;
    for (bool more = true; more && !is_shutdown(&heap->cycle);) {
        mark_until_out(heap, stopped);
        published = AO_load_acquire(&heap->queue.published);
        if (!work_is_out(&heap->queue))
            continue;
        marker_begin(marker);
        more = marker_ephemerons(marker);
        if (AO_load_acquire(&heap->queue.overflowed)) {
            marker_rescan(marker);
            finalizers_push(&heap->finalizers, marker);
            more = true;
        }
        marker_end(marker);
    }
    return published;
}

/* Bytes marked in this cycle, and those allocated black; the counts begin anew. */
static uint64_t take_marked(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    uint64_t marked = marker_take_marked(&cycle->marker) + AO_load(&cycle->black_bytes);
    AO_store(&cycle->black_bytes, 0);
    for (unsigned i = 0; i < cycle->helper_count; i++)
        marked += marker_take_marked(&cycle->helpers[i].marker);
    for (gait_mutator *mutator = heap->world.first; mutator; mutator = mutator->next) {
        marked += marker_take_marked(&mutator->marker) + mutator->cache.black_bytes;
        mutator->cache.black_bytes = 0;
    }
    return marked;
}

/* Has nothing been marked or found white since mark_to_fixpoint returned this? */
static bool is_quiet(struct mark_queue *queue, AO_t published) {
    return AO_load_acquire(&queue->published) == published && !AO_load_acquire(&queue->overflowed);
}

/* Phase 7, with the world stopped. @return false: a barrier held a white word. */
static bool marking_is_over(gait_heap *heap, AO_t published) {
    for (gait_mutator *mutator = heap->world.first; mutator; mutator = mutator->next)
        mutator_flush_barrier(mutator);
    return is_quiet(&heap->queue, published) && !is_shutdown(&heap->cycle);
}

/* What the collector's thread has done beside marking in bursts: handshakes, roots, last passes. */
static void count_rest(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    int64_t cpu_ns = platform_thread_cpu_ns();
    control_add_cpu(&heap->control, CPU_DEDICATED,
                    cpu_ns - cycle->begin_cpu_ns - cycle->marker.cpu_ns);
    cycle->begin_cpu_ns = cpu_ns;
    cycle->marker.cpu_ns = 0;
}

static void turn_over(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    count_rest(heap);
    uint64_t marked = take_marked(heap);
    for (gait_mutator *mutator = heap->world.first; mutator; mutator = mutator->next) {
        mutator->head.barrier = 0;
        mutator->cache.black = false;
        mutator->assist_credit_bytes = 0;
    }
    AO_int_store(&cycle->barrier_on, 0);
    AO_int_store(&cycle->black, 0);
    AO_int_store_release(&heap->space.epoch, space_epoch(&heap->space) + 1);
    control_end(&heap->control, &cycle->record, marked, AO_load(&cycle->stack_bytes),
                roots_bytes(&heap->roots));
}

static void count_pause(struct cycle *cycle, int64_t ns) {
    unsigned bucket = 63u - (unsigned)__builtin_clzll((unsigned long long)ns | 1);
    lock_acquire(&cycle->lock);
    cycle->pauses++;
    cycle->pause_total_ns += (uint64_t)ns;
    if ((uint64_t)ns > cycle->pause_max_ns)
        cycle->pause_max_ns = (uint64_t)ns;
    cycle->pause_histogram[bucket < GAIT_PAUSE_BUCKETS ? bucket : GAIT_PAUSE_BUCKETS - 1]++;
    lock_release(&cycle->lock);
}

/* End a stop: count it as a pause. @return its length, ns. */
static int64_t start_the_world(gait_heap *heap) {
    int64_t begin_ns = heap->world.stop_begin_ns;
    world_start(&heap->world);
    int64_t pause_ns = platform_now_ns() - begin_ns;
    count_pause(&heap->cycle, pause_ns);
    return pause_ns;
}

/* Phases 2 to 7 beside the running program. @return false: given up. */
static bool mark_concurrently(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    struct cycle_record *record = &cycle->record;
    AO_int_store_release(&cycle->barrier_on, 1);
    world_handshake(&heap->world, barrier_turn_on);
    world_handshake(&heap->world, pass_safepoint); /* stores: marking.md, .inv.store */
    AO_int_store_release(&cycle->black, 1);
    world_handshake(&heap->world, roots_scan);
    record->mark_ns = platform_now_ns();
    push_shared_roots(heap);
    if (record->start_bytes >= HELP_BYTES)
        helpers_wake(heap);
    for (;;) {
        AO_t published;
        do {
            published = mark_to_fixpoint(heap, false);
            world_handshake(&heap->world, mutator_flush_barrier);
        } while (!is_quiet(&heap->queue, published) && !is_shutdown(cycle));
        world_stop(&heap->world);
        if (marking_is_over(heap, published) || is_shutdown(cycle))
            break;
        start_the_world(heap);
    }
    if (AO_int_load(&cycle->helping) % 2)
        helpers_rest(heap);
    bool over = !is_shutdown(cycle);
    if (over) {
        if (heap->options.gccheckmark)
            verify_marks(heap);
        turn_over(heap);
    }
    record->stop_ns = start_the_world(heap);
    return over;
}

/* Phases 2 to 7 with the world stopped. */
static bool mark_stopped(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    world_stop(&heap->world);
    cycle->record.mark_ns = platform_now_ns();
    for (gait_mutator *mutator = heap->world.first; mutator; mutator = mutator->next) {
        mutator_scan_roots(mutator);
        cache_blacken(&mutator->cache);
        counter_add(&cycle->stack_bytes, mutator->stack_bytes);
    }
    push_shared_roots(heap);
    if (cycle->record.start_bytes >= HELP_BYTES)
        helpers_wake(heap);
    mark_to_fixpoint(heap, true);
    if (AO_int_load(&cycle->helping) % 2)
        helpers_rest(heap);
    bool over = !is_shutdown(cycle);
    if (over) {
        if (heap->options.gccheckmark)
            verify_marks(heap);
        turn_over(heap);
    }
    cycle->record.stop_ns = start_the_world(heap);
    return over;
}

/* ---- Sweeping ---- */

static void sweep_in_bursts(gait_heap *heap) {
    struct sweeper *sweeper = &heap->sweeper;
    for (bool more = true; more && !is_shutdown(&heap->cycle);) {
        int64_t begin_ns = platform_now_ns(), begin_cpu_ns = platform_thread_cpu_ns();
        while ((more = sweep_step(sweeper)) && platform_now_ns() - begin_ns < BURST_NS)
            ;
        control_add_cpu(&heap->control, CPU_SWEEP, platform_thread_cpu_ns() - begin_cpu_ns);
        if (more && !cpu_is_idle(heap, 1) &&
            AO_load(&heap->control.live_bytes) < AO_load(&heap->control.trigger_bytes))
            platform_sleep_ns(NAP_NS_LEAST);
    }
    sweep_finish(sweeper);
    size_t excess = control_excess_bytes(&heap->control);
    if (excess > 0)
        cycle_scavenge(heap, excess);
    control_swept(&heap->control);
}

/* ---- The cycle ---- */

static void run_cycle(gait_heap *heap, bool forced, bool periodic) {
    struct cycle *cycle = &heap->cycle;
    unsigned wanted = AO_int_load_acquire(&cycle->wanted);
    if (!sweep_done(&heap->sweeper))
        sweep_in_bursts(heap);
    for (size_t kind = 0; kind < kinds_count(&heap->kinds); kind++) {
        AO_store(&heap->kinds.kinds[kind].live_objects, 0);
        AO_store(&heap->kinds.kinds[kind].live_bytes, 0);
    }
    uint64_t number = cycle->record.number + 1;
    memset(&cycle->record, 0, sizeof cycle->record);
    cycle->record.number = number;
    cycle->record.forced = forced;
    cycle->record.stopped = !heap->concurrent;
    control_begin(&heap->control, &cycle->record, periodic, !heap->concurrent,
                  AO_load(&cycle->stack_bytes), roots_bytes(&heap->roots));
    /* not before: until then a mutator may ask for the cycle that has begun */
    AO_int_store(&cycle->due, 0);
    observe_begin(heap, &cycle->record);
    AO_store(&cycle->stack_bytes, 0);
    bool over = heap->concurrent ? mark_concurrently(heap) : mark_stopped(heap);
    if (!over)
        return;
    queue_clear(&heap->queue); /* pairs that wait for dead keys */
    weak_settle(&heap->space, heap->value_mask);
    size_t kept = finalizers_settle(&heap->finalizers, &heap->space, heap->value_mask);
    counter_add(&heap->control.live_bytes, kept);
    world_handshake(&heap->world, pass_safepoint); /* weak reads: before a cell gets a new object */
    count_rest(heap);
    sweep_open(&heap->sweeper);
    lock_acquire(&cycle->lock);
    cycle->cycles++;
    cycle->forced_cycles += forced;
    cycle->last = cycle->record;
    lock_release(&cycle->lock);
    observe_cycle(heap, &cycle->record);
    sweep_in_bursts(heap);
    observe_swept(heap, &cycle->record);
    AO_int_store_release(&cycle->done, wanted);
    platform_wake(&cycle->done, INT32_MAX);
    AO_int_fetch_and_add1_full(&cycle->scavenge);
    platform_wake(&cycle->scavenge, 1);
}

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
    while (!is_shutdown(cycle)) {
        unsigned wake = AO_int_load_acquire(&cycle->wake);
        bool forced = is_awaited(cycle);
        bool periodic = !forced && control_periodic_due(&heap->control);
        if (forced || periodic || AO_int_load_acquire(&cycle->due)) {
            lock_acquire(&cycle->gate);
            run_cycle(heap, forced, periodic);
            lock_release(&cycle->gate);
        } else {
            look_at_limit(heap);
            platform_wait(&cycle->wake, wake, PERIOD_LOOK_NS);
        }
    }
}

size_t cycle_scavenge(gait_heap *heap, size_t bytes) {
    int64_t begin_ns = platform_thread_cpu_ns();
    lock_acquire(&heap->cycle.scavenge_lock);
    size_t given = space_scavenge(&heap->space, bytes);
    lock_release(&heap->cycle.scavenge_lock);
    control_add_cpu(&heap->control, CPU_SCAVENGE, platform_thread_cpu_ns() - begin_ns);
    return given;
}

static void scavenger_run(void *argument) {
    gait_heap *heap = argument;
    struct cycle *cycle = &heap->cycle;
    while (!is_shutdown(cycle)) {
        unsigned scavenge = AO_int_load_acquire(&cycle->scavenge);
        size_t due = control_scavenge_due(&heap->control);
        if (due == 0) {
            platform_wait(&cycle->scavenge, scavenge, -1);
            continue;
        }
        int64_t begin_ns = platform_thread_cpu_ns();
        if (cycle_scavenge(heap, due) == 0)
            platform_wait(&cycle->scavenge, scavenge, -1);
        else
            platform_sleep_ns(gait_pacer_scavenge_sleep_ns(platform_thread_cpu_ns() - begin_ns,
                                                           control_set_procs(&heap->control, 0)));
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
    AO_int_fetch_and_add1_full(&cycle->wake);
    platform_wake(&cycle->wake, 1);
}

void cycle_request(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    if (AO_int_load(&cycle->due) == 0 && AO_int_compare_and_swap_full(&cycle->due, 0, 1))
        collector_wake(heap);
}

void cycle_force(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    unsigned mine = AO_int_fetch_and_add1_full(&cycle->wanted) + 1;
    collector_wake(heap);
    for (;;) {
        unsigned done = AO_int_load_acquire(&cycle->done);
        if ((int)(done - mine) >= 0 || is_shutdown(cycle))
            return;
        platform_wait(&cycle->done, done, FORCE_LOOK_NS);
    }
}

/* ---- Threads ---- */

/* Dedicated helpers beside the collector's thread, which is the first, then idle ones. */
static void helpers_plan(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    int32_t procs = heap->options.max_procs;
    int32_t dedicated = gait_pacer_divide(procs, false, !heap->concurrent).dedicated;
    for (int32_t i = 1; i < procs && cycle->helper_count < CYCLE_HELPERS_MAX; i++) {
        struct cycle_helper *helper = &cycle->helpers[cycle->helper_count++];
        helper->heap = heap;
        helper->number = (unsigned)i;
        helper->idle = i >= dedicated;
        marker_init(&helper->marker, &heap->space, &heap->queue, heap->value_mask);
    }
}

static void threads_end(struct cycle *cycle, unsigned helpers, bool scavenger, bool collector) {
    AO_int_store_full(&cycle->shutdown, 1);
    AO_int_fetch_and_add_full(&cycle->helping, 2);
    platform_wake(&cycle->helping, CYCLE_HELPERS_MAX);
    AO_int_fetch_and_add1_full(&cycle->scavenge);
    platform_wake(&cycle->scavenge, 1);
    AO_int_fetch_and_add1_full(&cycle->wake);
    platform_wake(&cycle->wake, 1);
    if (collector)
        platform_thread_join(&cycle->collector);
    if (scavenger)
        platform_thread_join(&cycle->scavenger);
    for (unsigned i = 0; i < helpers; i++)
        platform_thread_join(&cycle->helpers[i].thread);
}

/* All of the threads or none. */
static int threads_start(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    unsigned helpers = 0;
    bool scavenger = false;
    AO_int_store(&cycle->shutdown, 0);
    for (; helpers < cycle->helper_count; helpers++)
        if (platform_thread_start(&cycle->helpers[helpers].thread, helper_run,
                                  &cycle->helpers[helpers], "gait-mark") < 0)
            goto no_thread;
    if (platform_thread_start(&cycle->scavenger, scavenger_run, heap, "gait-scavenge") < 0)
        goto no_thread;
    scavenger = true;
    if (platform_thread_start(&cycle->collector, collector_run, heap, "gait-collect") < 0)
        goto no_thread;
    return 0;
no_thread:
    threads_end(cycle, helpers, scavenger, false);
    return -1;
}

int cycle_init(gait_heap *heap) {
    struct cycle *cycle = &heap->cycle;
    cycle->heap = heap;
    lock_init(&cycle->gate, LOCK_CYCLE, "cycle");
    lock_init(&cycle->scavenge_lock, LOCK_SWEEP, "scavenge");
    lock_init(&cycle->lock, LOCK_LOG, "figures");
    marker_init(&cycle->marker, &heap->space, &heap->queue, heap->value_mask);
    helpers_plan(heap);
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
        threads_end(cycle, cycle->helper_count, true, true);
    lock_destroy(&cycle->gate);
    lock_destroy(&cycle->scavenge_lock);
    lock_destroy(&cycle->lock);
}

void cycle_threads_lost(gait_heap *heap) {
    AO_int_store(&heap->cycle.threads, 0);
    AO_store(&heap->queue.active, 0);
    AO_store(&heap->queue.hungry, 0);
}
