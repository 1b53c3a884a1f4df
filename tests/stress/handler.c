/* SPDX-License-Identifier: MIT */
/*
 * Out-of-memory handlers that allocate, and that are left by longjmp: at most one at a time is
 * called, and the next failure calls it again.
 */
#include "stress.h"

#include <setjmp.h>

static gait_heap *heap;
static gait_kind refs;
static size_t calls, depth;
static jmp_buf target;
static bool jumps;

static bool handle(gait_mutator *mutator, size_t bytes, void *data) {
    (void)bytes, (void)data;
    calls++;
    CHECK(++depth == 1, "%zu handlers at a time", depth);
    CHECK(!gait_alloc(mutator, refs, (size_t)1 << 40), "more than the heap has");
    for (size_t i = 0; i < 100; i++)
        gait_alloc(mutator, refs, 32); /* an exception: the heap may have room for it or not */
    CHECK(!gait_alloc(mutator, refs, (size_t)1 << 40), "more than the heap has");
    depth--;
    if (jumps)
        longjmp(target, 1);
    return false;
}

/* Fail so deep in calls. */
static __attribute__((noinline)) void *fail(gait_mutator *mutator, size_t deep) {
    gait_word slots[4] = {deep};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 4);
    void *object = deep > 0 ? fail(mutator, deep - 1) : gait_alloc(mutator, refs, (size_t)1 << 40);
    gait_pop_frame(mutator);
    return object;
}

static void fail_and_jump(gait_mutator *mutator, size_t deep) {
    struct gait_frames frames = gait_frames_save(mutator);
    if (setjmp(target) == 0) {
        fail(mutator, deep);
        CHECK(false, "the handler was not called");
    }
    gait_frames_restore(mutator, frames);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1);
    gait_config config;
    gait_config_init(&config);
    config.reserve_bytes = (size_t)8 << 20;
    heap = heap_of(&config);
    refs = kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    gait_mutator *mutator = attach(heap);
    gait_set_oom_handler(heap, handle, NULL);
    uint64_t random = run.seed;
    size_t failures = 0;
    for (; !time_is_up(); failures++) {
        jumps = one_in(&random, 2);
        size_t deep = pick(&random, 100);
        if (jumps)
            fail_and_jump(mutator, deep);
        else
            CHECK(!fail(mutator, deep), "more than the heap has");
        CHECK(calls == failures + 1, "%zu calls for %zu failures", calls, failures + 1);
    }
    /* full: the handler, too, gets nothing */
    gait_word list = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &list, 1);
    jumps = false;
    for (gait_word *cell; (cell = gait_alloc(mutator, refs, 64)); list = (gait_word)cell)
        gait_init(cell, list);
    CHECK(calls == failures + 1, "%zu calls for %zu failures", calls, failures + 1);
    gait_pop_frame(mutator);
    printf("%zu failures\n", calls);
    gait_heap_destroy(heap);
    return 0;
}
