/* SPDX-License-Identifier: MIT */
/*
 * Giving memory back. See scavenger.h.
 */
#include "scavenger.h"

#include "../heap/chunks.h"
#include "../instance.h"
#include "../platform/timeline.h"

static bool is_ending(const struct scavenger *scavenger) {
    return AO_int_load_acquire(&scavenger->ending) != 0;
}

size_t scavenger_give_back(gait_heap *heap, size_t bytes) {
    int64_t told_ns = TIMELINE_BEGIN(scavenge), begin_ns = platform_thread_cpu_ns();
    size_t excess = control_excess_bytes(&heap->control, 0);
    size_t most = excess < bytes && bytes < SIZE_MAX ? excess : bytes;
    /* above the limit, what nobody may use before the next cycle goes first */
    size_t given = most > 0 ? arenas_release(&heap->arenas, most) : 0;
    lock_acquire(&heap->scavenger.lock);
    if (given < bytes && bytes - given > AO_load(&heap->space.free_bytes))
        chunks_drain(&heap->space);
    if (given < bytes)
        given += space_scavenge(&heap->space, bytes - given);
    if (given < most && chunks_drain(&heap->space) > 0)
        given += space_scavenge(&heap->space, bytes - given);
    lock_release(&heap->scavenger.lock);
    TIMELINE_END(scavenge, heap->space.heap_number, told_ns, given);
    control_add_cpu(&heap->control, CPU_SCAVENGE, platform_thread_cpu_ns() - begin_ns);
    return given;
}

/* Ended arenas become inaccessible; and where no cycle comes (GOGC=off), or comes late, memory of
 * those is given back that are beyond twice what may wait for it. */
static void tend_arenas(gait_heap *heap) {
    int64_t begin_ns = platform_thread_cpu_ns();
    while (!is_ending(&heap->scavenger) && arenas_tend(&heap->arenas))
        ;
    size_t bytes = AO_load(&heap->arenas.quarantined_bytes);
    size_t most = control_quarantine_most_bytes(&heap->control);
    if (bytes > most)
        arenas_release(&heap->arenas, bytes - most);
    control_add_cpu(&heap->control, CPU_SCAVENGE, platform_thread_cpu_ns() - begin_ns);
}

/* Give back what is due, for so long that a nap's length is right. @return CPU time spent, ns. */
static int64_t work(gait_heap *heap) {
    if (AO_load(&heap->arenas.quarantined) > 0)
        tend_arenas(heap);
    struct gait_governor_stretch stretch = control_scavenge_stretch();
    int64_t spent_ns = 0;
    size_t due, piece = (size_t)stretch.piece_bytes;
    /* above the limit, or what is kept beyond it: at once */
    while ((due = control_return_due(&heap->control, 0)) > 0 && !is_ending(&heap->scavenger) &&
           scavenger_give_back(heap, due < piece ? due : piece) > 0)
        ;
    int64_t begin_ns = platform_thread_cpu_ns();
    while (spent_ns < stretch.work_ns && (due = control_scavenge_due(&heap->control)) > 0 &&
           scavenger_give_back(heap, due) > 0)
        spent_ns = platform_thread_cpu_ns() - begin_ns;
    return spent_ns;
}

/* Sleep, whatever is asked for meanwhile but the end. */
static void nap(struct scavenger *scavenger, int64_t ns) {
    int64_t end_ns = platform_deadline_ns(ns);
    for (;;) {
        /* before the look at the end, which is set before the word changes */
        unsigned wake = AO_int_load_acquire(&scavenger->wake);
        int64_t left_ns = end_ns - platform_now_ns();
        if (left_ns <= 0 || is_ending(scavenger))
            return;
        platform_wait(&scavenger->wake, wake, left_ns);
    }
}

static void run(void *argument) {
    gait_heap *heap = argument;
    struct scavenger *scavenger = &heap->scavenger;
    int64_t look_ns = control_looks().scavenger_ns; /* unless it is woken */
    while (!is_ending(scavenger)) {
        /* before the look at what is due, and at the end, which is set before the word changes */
        unsigned wake = AO_int_load_acquire(&scavenger->wake);
        int64_t spent_ns = work(heap);
        if (spent_ns > 0)
            nap(scavenger, control_scavenge_nap_ns(&heap->control, spent_ns));
        else if (!is_ending(scavenger))
            platform_wait(&scavenger->wake, wake, look_ns);
    }
}

void scavenger_wake(gait_heap *heap) {
    AO_int_fetch_and_add1_full(&heap->scavenger.wake);
    platform_wake(&heap->scavenger.wake, 1);
}

void scavenger_cycle_ended(gait_heap *heap) {
    if (AO_load(&heap->arenas.quarantined) > 0 || control_return_due(&heap->control, 0) > 0 ||
        control_scavenge_due(&heap->control) > 0)
        scavenger_wake(heap);
}

void scavenger_init(struct scavenger *scavenger) {
    lock_init(&scavenger->lock, LOCK_SWEEP, "scavenger");
}

void scavenger_destroy(struct scavenger *scavenger) { lock_destroy(&scavenger->lock); }

int scavenger_start(gait_heap *heap) {
    AO_int_store(&heap->scavenger.ending, 0);
    return platform_thread_start(&heap->scavenger.thread, run, heap, "gait-scavenge");
}

void scavenger_end(gait_heap *heap) {
    AO_int_store_full(&heap->scavenger.ending, 1);
    scavenger_wake(heap);
    platform_thread_join(&heap->scavenger.thread);
}
