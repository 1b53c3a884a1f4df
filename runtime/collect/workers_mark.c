/* SPDX-License-Identifier: MIT */
/*
 * Marking in bursts: by the collector's thread, with naps between, and by its helpers. How much CPU
 * they may take, and why in bursts, is in docs/design/control.md.
 */
#include "workers.h"

#include "../instance.h"
#include "../platform/perturb.h"
#include "../platform/timeline.h"

static bool is_awaited(const struct workers *workers) {
    return AO_int_load_acquire(&workers->awaited) != 0;
}

/* Does the limiter hold marking down? Not while a thread waits for it: less would not let that
 * thread run any sooner. */
static bool is_limited(gait_heap *heap) {
    return control_is_limiting(&heap->control) && !is_awaited(&heap->workers);
}

/* Threads that the program's means have stopped count as running, except for this. */
static bool is_stopped(const gait_heap *heap) {
    return !heap->concurrent ||
           (world_has_hooks(&heap->world) && AO_int_load(&heap->world.stopping));
}

static struct gait_governor_crew crew_of(gait_heap *heap) {
    const struct workers *workers = &heap->workers;
    return (struct gait_governor_crew){
        .procs = control_procs(&heap->control),
        .dedicated = (int32_t)AO_int_load(&workers->dedicated),
        .running = (int32_t)AO_load(&heap->world.running),
        .stopped = is_stopped(heap),
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

/* Mark in one burst, with a marker that has begun and goes on to hold what is left. Counts work and
 * CPU time. @return whether there is more. */
static bool mark_burst(gait_heap *heap, struct marker *marker, enum cpu_purpose purpose,
                       int64_t burst_ns, int64_t *cpu_ns) {
    int64_t begin_ns = platform_now_ns(), begin_cpu_ns = platform_thread_cpu_ns();
    size_t all_before = marker->scanned_bytes, before = all_before;
    size_t look_bytes = (size_t)control_rhythm().look_bytes;
    bool more;
    while ((more = !marker_drain(marker, look_bytes))) {
        /* at once: a mutator that finds no credit marks in the background's place */
        control_credit(&heap->control, marker->scanned_bytes - before);
        before = marker->scanned_bytes;
        if (platform_now_ns() - begin_ns >= burst_ns || must_leave(marker))
            break;
    }
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
    TIMELINE_END(burst, heap->space.heap_number, begin_ns, marker->scanned_bytes - all_before);
    control_add_cpu(&heap->control, purpose, spent_ns);
    marker->cpu_ns += spent_ns;
    control_credit(&heap->control, marker->scanned_bytes - before);
    if (!marker->lockless) /* the collector does it soon enough */
        control_marked(&heap->control);
    *cpu_ns = spent_ns;
    return more;
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

/* Others hold all the work that there is: wait for some. A helper that has got it while a CPU was
 * idle, and now has none, is let in. */
struct starvation {
    int64_t since_ns; /* 0: not now */
    AO_t bursts;      /* that helpers had ended then */
};

static void await_work(gait_heap *heap, struct starvation *starvation, bool stopped) {
    wait_for_work(&heap->queue);
    int64_t now_ns = platform_now_ns();
    AO_t bursts = AO_load(&heap->workers.bursts);
    if (starvation->since_ns == 0 || bursts != starvation->bursts)
        *starvation = (struct starvation){now_ns, bursts};
    if (stopped || now_ns - starvation->since_ns <= control_rhythm().starved_ns)
        return;
    world_handshake(&heap->world, give_way);
    starvation->since_ns = 0;
}

/* The collector's bursts, with what is left in its hands from one to the next, until it is to nap.
 * @return for how long; 0: it has run out of work. */
static int64_t mark_until_nap(gait_heap *heap, bool stopped, struct control_turns *turns) {
    struct workers *workers = &heap->workers;
    int64_t nap_ns = 0;
    bool more = true;
    marker_begin(&workers->marker);
    while (more && nap_ns == 0 && !workers_are_ending(workers)) {
        struct gait_governor_pace pace =
            control_mark_pace(&heap->control, workers_have_cpu(heap), is_limited(heap), stopped);
        if (control_turns_suffice(&heap->control, &pace, turns)) {
            control_marked(&heap->control);
            nap_ns = pace.burst_ns;
            break;
        }
        int64_t spent_ns;
        more = mark_burst(heap, &workers->marker, pace.dedicated ? CPU_DEDICATED : CPU_FRACTIONAL,
                          pace.burst_ns, &spent_ns);
        if (more)
            nap_ns = control_nap_ns(&pace, spent_ns);
    }
    marker_end(&workers->marker);
    return nap_ns;
}

/* The collector's marking, until there is no work anywhere. */
void workers_mark(gait_heap *heap, bool stopped) {
    struct starvation starvation = {0};
    struct control_turns turns = {0};
    while (!queue_is_out(&heap->queue) && !workers_are_ending(&heap->workers)) {
        if (!queue_has_work(&heap->queue)) {
            await_work(heap, &starvation, stopped);
            continue;
        }
        starvation.since_ns = 0;
        int64_t nap_ns = mark_until_nap(heap, stopped, &turns);
        if (nap_ns > 0)
            timeline_nap(heap->space.heap_number, nap_ns);
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

/* A helper's bursts, while there is work and it may go on. What is left stays in its hands from one
 * to the next: whoever is hungry is given some in the middle of a burst, except for what can't be
 * shared, such as the one reference that a list comes down to. */
static void help_while(struct helper *helper, unsigned helping) {
    struct workers *workers = &helper->heap->workers;
    int64_t burst_ns = control_rhythm().burst_ns, spent_ns;
    if (!marker_join(&helper->marker))
        return;
    while (mark_burst(helper->heap, &helper->marker, purpose_of(helper), burst_ns, &spent_ns) &&
           AO_int_load(&workers->helping) == helping && !must_rest(helper))
        counter_add(&workers->bursts, 1);
    marker_end(&helper->marker);
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
            timeline_nap(heap->space.heap_number, rhythm.busy_nap_ns);
        else if (!queue_has_work(queue))
            wait_for_work(queue);
        else {
            PERTURB(HELP_BURST);
            help_while(helper, helping);
        }
    }
}
