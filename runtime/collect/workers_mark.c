/* SPDX-License-Identifier: MIT */
/*
 * Marking in bursts: by the collector's thread, with naps between, and by its helpers. How much CPU
 * they may take, and why in bursts, is in docs/design/control.md.
 */
#include "workers.h"

#include "../instance.h"
#include "../platform/perturb.h"

static bool is_awaited(const struct workers *workers) {
    return AO_int_load_acquire(&workers->awaited) != 0;
}

/* Does the limiter hold marking down? Not while a thread waits for it: less would not let that
 * thread run any sooner. */
static bool is_limited(gait_heap *heap) {
    return control_is_limiting(&heap->control) && !is_awaited(&heap->workers);
}

static struct gait_governor_crew crew_of(gait_heap *heap) {
    const struct workers *workers = &heap->workers;
    return (struct gait_governor_crew){
        .procs = control_procs(&heap->control),
        .dedicated = (int32_t)AO_int_load(&workers->dedicated),
        .running = (int32_t)AO_load(&heap->world.running),
        .stopped = !heap->concurrent,
        .awaited = is_awaited(workers),
        .limited = is_limited(heap),
        .busy = contention_is_busy(&workers->contention, platform_now_ns()),
    };
}

bool workers_have_cpu(gait_heap *heap) {
    struct gait_governor_crew crew = crew_of(heap);
    return contention_has_cpu(&crew, 1);
}

/* Is a marker to stop in the middle of a burst, since it would have to wait for locks? */
static bool must_leave(const struct marker *marker) {
    return marker->lockless && AO_load(&marker->queue->keys.pairs) > 0;
}

/* Mark in one burst, with a marker that has begun, and end it. Counts work and CPU time. @return
 * CPU time spent, ns. */
static int64_t mark_burst(gait_heap *heap, struct marker *marker, enum cpu_purpose purpose,
                          int64_t burst_ns) {
    int64_t begin_ns = platform_now_ns(), begin_cpu_ns = platform_thread_cpu_ns();
    size_t before = marker->scanned_bytes, look_bytes = (size_t)control_rhythm().look_bytes;
    while (!marker_drain(marker, look_bytes)) {
        /* at once: a mutator that finds no credit marks in the background's place */
        control_credit(&heap->control, marker->scanned_bytes - before);
        before = marker->scanned_bytes;
        if (platform_now_ns() - begin_ns >= burst_ns || must_leave(marker))
            break;
    }
    marker_end(marker);
    int64_t spent_ns = platform_thread_cpu_ns() - begin_cpu_ns;
    int64_t now_ns = platform_now_ns();
    struct gait_governor_burst burst = {
        .now_ns = now_ns,
        .cpu_ns = spent_ns,
        .lost_ns = now_ns - begin_ns - spent_ns,
        .idle = marker->lockless,
    };
    if (contention_note(&heap->workers.contention, &burst) && marker == &heap->workers.marker)
        control_preempted(&heap->control, burst.lost_ns);
    control_add_cpu(&heap->control, purpose, spent_ns);
    marker->cpu_ns += spent_ns;
    control_credit(&heap->control, marker->scanned_bytes - before);
    if (!marker->lockless) /* the collector does it soon enough */
        control_marked(&heap->control);
    return spent_ns;
}

/* Wait a little for work that another marker holds. */
static void wait_for_work(struct mark_queue *queue) {
    struct gait_governor_rhythm rhythm = control_rhythm();
    AO_fetch_and_add1_full(&queue->hungry);
    for (unsigned i = 0; i < rhythm.hungry_looks && !queue_has_work(queue); i++)
        platform_pause();
    if (!queue_has_work(queue))
        platform_sleep_ns(rhythm.hungry_nap_ns);
    AO_fetch_and_sub1_full(&queue->hungry);
}

/* A mutator sleeps for a moment, so that a helper at idle priority gets its CPU. */
static void give_way(gait_mutator *mutator) {
    if (AO_int_load(&mutator->state) == MUTATOR_RUNNING) /* else the collector acts for it */
        platform_sleep_ns(control_rhythm().burst_ns);
}

/* The collector's marking, until there is no work anywhere. */
void workers_mark(gait_heap *heap, bool stopped) {
    struct workers *workers = &heap->workers;
    struct mark_queue *queue = &heap->queue;
    int64_t hungry_ns = 0; /* since when nobody has published any */
    while (!queue_is_out(queue) && !workers_are_ending(workers)) {
        if (!queue_has_work(queue)) {
            wait_for_work(queue);
            int64_t now_ns = platform_now_ns();
            if (hungry_ns == 0)
                hungry_ns = now_ns;
            if (!stopped && now_ns - hungry_ns > control_rhythm().starved_ns) {
                /* a helper got work while a CPU was idle, and now none is */
                world_handshake(&heap->world, give_way);
                hungry_ns = 0;
            }
            continue;
        }
        hungry_ns = 0;
        struct gait_governor_pace pace =
            control_mark_pace(&heap->control, workers_have_cpu(heap), is_limited(heap), stopped);
        marker_begin(&workers->marker);
        int64_t spent_ns = mark_burst(
            heap, &workers->marker, pace.dedicated ? CPU_DEDICATED : CPU_FRACTIONAL, pace.burst_ns);
        if (!queue_has_work(queue))
            continue;
        int64_t nap_ns = control_nap_ns(&pace, spent_ns);
        if (nap_ns > 0)
            platform_sleep_ns(nap_ns);
    }
}

void workers_await_rest(gait_heap *heap, bool stopped) {
    struct gait_governor_rhythm rhythm = control_rhythm();
    int64_t begin_ns = platform_now_ns();
    while (queue_active(&heap->queue) > 0 && !workers_are_ending(&heap->workers)) {
        platform_sleep_ns(rhythm.hungry_nap_ns);
        if (!stopped && platform_now_ns() - begin_ns > rhythm.starved_ns)
            world_handshake(&heap->world, give_way);
    }
}

/* Is a helper to keep away for now? */
static bool must_rest(const struct helper *helper) {
    gait_heap *heap = helper->heap;
    struct gait_governor_crew crew = crew_of(heap);
    struct gait_governor_marking marking = contention_marking(&crew);
    int32_t number = (int32_t)helper->number;
    if (!helper->team->idle)
        return number >= marking.normal;
    return number >= marking.idle || must_leave(&helper->marker) ||
           contention_has_rest(&heap->workers.contention, platform_now_ns());
}

/* What its CPU time counts as: helpers beyond those of every cycle are on CPUs that are idle. */
static enum cpu_purpose purpose_of(const struct helper *helper) {
    bool dedicated =
        !helper->team->idle && helper->number < AO_int_load(&helper->heap->workers.dedicated);
    return dedicated ? CPU_DEDICATED : CPU_IDLE;
}

void workers_help(void *argument) {
    struct helper *helper = argument;
    gait_heap *heap = helper->heap;
    struct workers *workers = &heap->workers;
    struct mark_queue *queue = &heap->queue;
    struct gait_governor_rhythm rhythm = control_rhythm();
    if (helper->team->idle)
        platform_thread_idle_priority();
    for (;;) {
        /* before the look at the end, which is set before the word changes */
        unsigned helping = AO_int_load_acquire(&workers->helping);
        if (workers_are_ending(workers))
            return;
        PERTURB(HELP_LOOK);
        if (helping % 2 == 0 || helper->number >= AO_int_load(&helper->team->wanted))
            platform_wait(&workers->helping, helping, -1);
        else if (must_rest(helper))
            platform_sleep_ns(rhythm.busy_nap_ns);
        else if (!queue_has_work(queue))
            wait_for_work(queue);
        else {
            PERTURB(HELP_BURST);
            if (marker_join(&helper->marker))
                mark_burst(heap, &helper->marker, purpose_of(helper), rhythm.burst_ns);
        }
    }
}
