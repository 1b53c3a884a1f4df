/* SPDX-License-Identifier: MIT */
/*
 * A program that looks for what cycles leave to be done only where its own poll finds something to
 * do: it sees each cycle, wherever the collector was answered.
 *
 *   allocates  never polls otherwise, so that the collector is answered within allocations
 *   asks       for a cycle itself
 *   native     is in native code while a cycle passes, and another thread asks for it
 *   siblings   polls in one heap: what the other one's cycle left stays to be seen there
 */
#include "stress.h"

#define OBJECT_BYTES 64
#define ROUNDS (UNDER_TSAN || UNDER_ASAN ? 10 : 40)

struct program {
    gait_heap *heap;
    gait_mutator *mutator;
    gait_kind kind;
    size_t cleaned;
};

static bool is_up(gait_mutator *mutator) {
    const struct gait_mutator_head *head = (const struct gait_mutator_head *)mutator;
    return __atomic_load_n(&head->poll, __ATOMIC_RELAXED) != 0;
}

static void program_begin(struct program *program, const char *debug) {
    *program = (struct program){.heap = heap_new(0, debug, "100")};
    program->mutator = attach(program->heap);
    program->kind = kind_new(program->heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
}

static void program_end(struct program *program) {
    gait_detach(program->mutator);
    gait_heap_destroy(program->heap);
}

/* No cycle is under way, so nothing but the end of one raises the word. */
static void settle(struct program *program) {
    gait_collect(program->mutator);
    gait_poll(program->mutator);
    CHECK(!is_up(program->mutator), "a poll does not lower the word");
}

static void clean(gait_mutator *mutator, void *data) {
    (void)mutator;
    (*(size_t *)data)++;
}

static void garbage_new(struct program *program) {
    void *object = allocate(program->mutator, program->kind, OBJECT_BYTES);
    CHECK(gait_cleanup_add(program->mutator, object, clean, &program->cleaned) == 0,
          "gait_cleanup_add");
}

/* Allocate until a cycle has ended; none of the library's safepoints takes it back. */
static void allocates_test(const char *debug) {
    struct program program;
    printf("allocates, %s\n", debug ? debug : "beside the program");
    program_begin(&program, debug);
    settle(&program);
    for (size_t i = 0; i < ROUNDS; i++) {
        uint64_t before = stats_of(program.heap).cycles;
        size_t cleaned = program.cleaned;
        garbage_new(&program);
        while (stats_of(program.heap).cycles == before)
            for (size_t n = 0; n < 256; n++)
                allocate(program.mutator, program.kind, OBJECT_BYTES);
        CHECK(is_up(program.mutator), "cycle %" PRIu64 " is not seen", before + 1);
        gait_poll(program.mutator);
        gait_run_finalizers(program.mutator, SIZE_MAX);
        CHECK(program.cleaned == cleaned + 1, "%zu cleaned up", program.cleaned - cleaned);
    }
    program_end(&program);
}

static void asks_test(void) {
    struct program program;
    printf("asks\n");
    program_begin(&program, NULL);
    for (size_t i = 0; i < ROUNDS; i++) {
        settle(&program);
        gait_collect(program.mutator);
        CHECK(is_up(program.mutator), "its own cycle is not seen");
        gait_run_finalizers(program.mutator, SIZE_MAX);
        CHECK(is_up(program.mutator), "running finalizers is no poll");
    }
    program_end(&program);
}

static void *collect(void *argument) {
    gait_mutator *mutator = attach(argument);
    gait_collect(mutator);
    gait_detach(mutator);
    return NULL;
}

static void native_test(void) {
    struct program program;
    printf("native\n");
    program_begin(&program, NULL);
    for (size_t i = 0; i < ROUNDS; i++) {
        settle(&program);
        gait_enter_native(program.mutator);
        pthread_join(thread_start(collect, program.heap), NULL);
        gait_leave_native(program.mutator);
        CHECK(is_up(program.mutator), "a cycle that passed meanwhile is not seen");
    }
    program_end(&program);
}

static void siblings_test(void) {
    struct program first, second;
    printf("siblings\n");
    program_begin(&first, NULL);
    program_begin(&second, NULL);
    for (size_t i = 0; i < ROUNDS; i++) {
        settle(&first);
        settle(&second);
        gait_poll(first.mutator);
        gait_collect(second.mutator);
        gait_poll(first.mutator);
        CHECK(is_up(second.mutator), "the other heap's poll took it back");
    }
    program_end(&second);
    program_end(&first);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1);
    allocates_test(NULL);
    allocates_test("gcstoptheworld=1");
    allocates_test("gcstoptheworld=2");
    asks_test();
    native_test();
    siblings_test();
}
