/* SPDX-License-Identifier: MIT */
/* Generators: coroutines that are collected with their objects, wherever they stand. */
#include "example.h"

#include <gait/tied.h>

#include <ucontext.h>

enum { GENERATORS = 200, STACK_BYTES = 64 << 10 };

/* What an object has outside of the heap. */
struct stack {
    gait_coroutine *coroutine;
    ucontext_t context;
    char *memory;
    gait_word yielded; /* for whoever resumes: taken before the next safepoint */
};

struct generator {
    gait_coroutine *coroutine; /* what its scan function leads to; 0: none */
    struct stack *stack;
};

static gait_mutator *mutator;
static gait_kind kind, pair;
static ucontext_t caller;
static int freed;

static void scan(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)bytes, (void)data;
    const struct generator *generator = object;
    gait_visit_coroutine(visitor, __atomic_load_n(&generator->coroutine, __ATOMIC_ACQUIRE));
}

/* The object is gone, and so is all that could resume it. */
static void clean_up(gait_mutator *at, void *data) {
    struct stack *stack = data;
    gait_coroutine_free(at, stack->coroutine); /* before the memory that it stands on */
    free(stack->memory);
    free(stack);
    freed++;
}

static void yield(struct stack *stack, gait_word value) {
    stack->yielded = value;
    gait_coroutine_switch(mutator, NULL);
    swapcontext(&stack->context, &caller);
}

/* Yields lists of 1, 2, 3 … pairs, and holds the last one. */
static void run(unsigned high, unsigned low) {
    struct stack *stack = (struct stack *)((uintptr_t)high << 32 | low);
    gait_word list = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &list, 1); /* on this coroutine's shadow stack */
    for (;;) {
        gait_word *object = gait_alloc(mutator, pair, 2 * sizeof(gait_word));
        CHECK(object);
        gait_init(&object[0], list);
        list = (gait_word)object;
        yield(stack, list);
    }
}

static struct stack *stack_new(void) {
    struct stack *stack = calloc(1, sizeof *stack);
    CHECK(stack && (stack->memory = malloc(STACK_BYTES)));
    CHECK(getcontext(&stack->context) == 0);
    stack->context.uc_stack.ss_sp = stack->memory;
    stack->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&stack->context, (void (*)(void))run, 2, (unsigned)((uintptr_t)stack >> 32),
                (unsigned)(uintptr_t)stack);
    return stack;
}

static gait_word generator_new(void) {
    struct stack *stack = stack_new();
    struct generator *generator = gait_alloc(mutator, kind, sizeof *generator);
    CHECK(generator);
    stack->coroutine =
        gait_coroutine_new(mutator, NULL, NULL, stack->memory, stack->memory + STACK_BYTES);
    CHECK(stack->coroutine);
    gait_coroutine_tie(mutator, stack->coroutine, generator);
    CHECK(gait_cleanup_add(mutator, generator, clean_up, stack) == 0);
    generator->stack = stack;
    __atomic_store_n(&generator->coroutine, stack->coroutine, __ATOMIC_RELEASE);
    return (gait_word)generator;
}

/* Whoever resumes a generator holds it in a root. */
static gait_word next(const gait_word *generator) {
    struct stack *stack = ((struct generator *)*generator)->stack;
    gait_coroutine_switch(mutator, stack->coroutine);
    swapcontext(&caller, &stack->context);
    return stack->yielded;
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    mutator = gait_attach(heap);
    kind = example_kind(
        heap, &(gait_kind_info){.name = "generator", .layout = GAIT_CALLBACK, .scan = scan});
    pair = example_kind(heap, &(gait_kind_info){.name = "pair", .layout = GAIT_REFS});
    gait_word kept = generator_new(), other = 0;
    struct gait_frame frame, frame_2;
    gait_push_frame(mutator, &frame, &kept, 1);
    gait_push_frame(mutator, &frame_2, &other, 1);
    for (int i = 0; i < GENERATORS; i++) {
        other = generator_new();
        next(&other);
        next(&kept); /* the others are abandoned, after one value each */
    }
    other = 0;
    gait_collect(mutator);
    gait_run_finalizers(mutator, SIZE_MAX);
    CHECK(freed == GENERATORS);
    int length = 0;
    for (gait_word at = next(&kept); at; at = *(gait_word *)at)
        length++;
    CHECK(length == GENERATORS + 1);
    kept = 0;
    gait_collect(mutator);
    gait_run_finalizers(mutator, SIZE_MAX);
    CHECK(freed == GENERATORS + 1);
    gait_pop_frame(mutator);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
