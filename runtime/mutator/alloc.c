/* SPDX-License-Identifier: MIT */
/*
 * The slow path of allocation: let the collector in, pay for what was taken, refill a run; and when
 * there is no memory: collect, ask the handler, give up.
 */
#include <gait/gait.h>
#include <gait/library.h>

#include "../heap/chunks.h"
#include "../instance.h"
#include "../platform/timeline.h"
#include "alloc_room.h"
#include "alloc_sample.h"
#include "zero.h"

static bool has_references(const gait_heap *heap, gait_kind kind) {
    return heap->kinds.kinds[kind].layout != GAIT_LEAF;
}

void alloc_count(gait_mutator *mutator, gait_kind kind, unsigned size_class, size_t bytes) {
    gait_heap *heap = mutator->heap;
    if (__builtin_expect(timeline_is_open(), 0))
        census_hand(&heap->space.handed, size_class, bytes);
    if (mutator->freed_bytes > 0) /* what is freed and allocated again makes no cycle due */
        control_freed(&heap->control, mutator);
    if (control_allocated(&heap->control, mutator, bytes, has_references(heap, kind)) ||
        collector_is_overdue(heap))
        collector_request(heap);
}

static void *take_small(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    unsigned size_class = gait_size_class(bytes);
    mutator->cache.single = mutator->heap->options.gcstress || alloc_samples_each(mutator->heap);
    size_t run_bytes = cache_refill(&mutator->cache, kind, size_class);
    if (run_bytes == 0)
        return NULL;
    alloc_count(mutator, kind, size_class, run_bytes);
    struct gait_run *run = &mutator->head.runs[kind][size_class];
    char *object = run->cursor;
    run->cursor += class_table[size_class].cell_bytes;
    alloc_sample(mutator, kind, object, class_table[size_class].cell_bytes, run_bytes);
    return object;
}

/* The pages of a large object. A size that overflows is refused where pages are taken. */
static size_t large_bytes(size_t bytes) { return (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1); }

static void *take_large(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    bool zeroed;
    char *object = cache_large(&mutator->cache, kind, bytes, &zeroed);
    if (!object)
        return NULL;
    if (!zeroed && !mutator->heap->kinds.kinds[kind].raw)
        zero_pages(mutator, object, large_bytes(bytes));
    cache_large_done(&mutator->cache, object);
    alloc_count(mutator, kind, CLASS_LARGE, large_bytes(bytes));
    alloc_sample(mutator, kind, object, large_bytes(bytes), large_bytes(bytes));
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

/* A handler that allocates what is not available gets NULL, and is not called once more. */
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
    bool again;
    MUTATOR_CALL_OUT(mutator, again = handler(mutator, bytes, data));
    handler_end(mutator);
    return again;
}

/* A full collection, then the handler as long as it says so. */
bool gait_out_of_memory(gait_mutator *mutator, size_t bytes, unsigned failures) {
    mutator_check(mutator);
    handler_runs(mutator, __builtin_frame_address(0)); /* or was left by longjmp */
    if (failures > 0 && !ask_handler(mutator, bytes))
        return false;
    gait_collect(mutator);
    alloc_await_cleanups(mutator);
    chunks_drain(&mutator->heap->space); /* addresses, and memory, that only arenas could take */
    return true;
}

static void *take_after_collecting(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    void *object = NULL;
    for (unsigned failures = 0; !object && gait_out_of_memory(mutator, bytes, failures); failures++)
        object = take(mutator, kind, bytes);
    return object;
}

/* How long a cycle of any kind is waited for, that gcstress asks for. */
#define STRESS_NS ((int64_t)1000000000)

/* gcstress: a full cycle; or, where minor ones are asked for, the next of any kind. */
static void stress(gait_mutator *mutator) {
    gait_heap *heap = mutator->heap;
    if (!heap->options.gcminor || collector_is_held(heap)) {
        gait_collect(mutator); /* or nothing, if it is held */
        return;
    }
    unsigned ended = AO_int_load_acquire(&heap->collector.ended);
    mutator_save_stack();
    world_rest();
    collector_await(heap, ended, STRESS_NS);
    world_resume();
    world_poll(mutator);
}

/* Where the program's means stop threads: one that makes a cycle due waits until its stop is over.
 * Else it would go on, and be interrupted in some call of the system's. What it has allocated is
 * kept, whether this part of its stack is scanned or not. */
static void await_due(gait_mutator *mutator, void *object) {
    gait_heap *heap = mutator->heap;
    if (!world_has_hooks(&heap->world) || heap->watches || !collector_is_due(heap))
        return;           /* beside the program a cycle may take long */
    mutator_save_stack(); /* before the push: this function's frame lies below what is saved */
    gait_word word = (gait_word)object;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &word, 1);
    world_rest();
    collector_await_marked(heap);
    world_resume();
    gait_pop_frame(mutator);
}

void *gait_alloc_slow(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    gait_heap *heap = mutator->heap;
    mutator_check_fast(mutator, "gait_alloc");
    if (kind >= kinds_count(&heap->kinds))
        platform_fatal("gait_alloc: unknown kind %u", (unsigned)kind);
    if (bytes == 0)
        bytes = 1;
    /* a class whose cells would do without the last bit never gets a run */
    if (heap->wide_cells && bytes % 16 != 0 && bytes <= GAIT_SMALL_MAX_BYTES)
        return gait_alloc(mutator, kind, (bytes + 15) & ~(size_t)15);
    mutator->sampler.caller = __builtin_return_address(0);
    handler_runs(mutator, __builtin_frame_address(0)); /* or was left by longjmp */
    world_poll(mutator);
    if (heap->options.gcstress && ++mutator->stress_count >= heap->options.gcstress) {
        mutator->stress_count = 0;
        stress(mutator);
    }
    struct alloc_need need = {.bytes = bytes, .page_bytes = large_bytes(bytes), .kind = kind};
    need.cell = bytes <= GAIT_SMALL_MAX_BYTES;
    if (!alloc_has_room(mutator, &need))
        alloc_make_room(mutator, &need);
    void *object = take(mutator, kind, bytes);
    if (!object)
        object = take_after_collecting(mutator, kind, bytes);
    await_due(mutator, object);
    return object;
}
