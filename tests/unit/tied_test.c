/* SPDX-License-Identifier: MIT */
/*
 * Coroutines that live only as long as an object of theirs is reachable.
 */
#include <criterion/criterion.h>
#include <gait/gait.h>
#include <gait/stats.h>
#include <gait/tied.h>
#include <stdlib.h>

/* A generator: an object, and the coroutine that it leads to. Its shadow stack is in plain memory.
 */
struct stack {
    gait_coroutine *coroutine;
    struct gait_frame frame;
    gait_word slots[2];
};

struct generator {
    struct stack *stack;
    gait_word other;
};

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind kind_generator, kind_refs;
static size_t freed;

static void scan(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)bytes, (void)data;
    const struct generator *generator = object;
    const struct stack *stack = __atomic_load_n(&generator->stack, __ATOMIC_ACQUIRE);
    gait_visit_range(visitor, &generator->other, 1);
    if (stack)
        gait_visit_coroutine(visitor, stack->coroutine);
}

static void clean_up(gait_mutator *at, void *data) {
    struct stack *stack = data;
    gait_coroutine_free(at, stack->coroutine);
    free(stack);
    freed++;
}

/* One that has run, and holds two words. */
static struct generator *generator_new(gait_word first, gait_word second) {
    gait_word roots[3] = {first, second, 0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, roots, 3);
    struct generator *generator = gait_alloc(mutator, kind_generator, sizeof *generator);
    roots[2] = (gait_word)generator;
    struct stack *stack = calloc(1, sizeof *stack);
    stack->coroutine = gait_coroutine_new(mutator, NULL, NULL, NULL, NULL);
    gait_coroutine_tie(mutator, stack->coroutine, generator);
    cr_assert_eq(gait_cleanup_add(mutator, generator, clean_up, stack), 0);
    __atomic_store_n(&generator->stack, stack, __ATOMIC_RELEASE);
    gait_coroutine_switch(mutator, stack->coroutine);
    stack->slots[0] = roots[0];
    stack->slots[1] = roots[1];
    gait_push_frame(mutator, &stack->frame, stack->slots, 2);
    gait_coroutine_switch(mutator, NULL);
    gait_pop_frame(mutator);
    return generator;
}

static void count(gait_mutator *at, void *data) {
    (void)at;
    ++*(size_t *)data;
}

static void finalize(gait_mutator *at, void *object, void *data) {
    (void)at, (void)object;
    ++*(size_t *)data;
}

static void begin(uint32_t flags, const char *debug, const char *minor) {
    gait_config config;
    gait_config_init(&config);
    config.flags = flags;
    config.debug = debug;
    config.minor = minor;
    heap = gait_heap_create(&config, NULL, 0);
    mutator = gait_attach(heap);
    kind_generator = (gait_kind)gait_kind_register(
        heap, &(gait_kind_info){.name = "generator", .layout = GAIT_CALLBACK, .scan = scan});
    kind_refs =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    freed = 0;
}

static void collect(void) {
    gait_collect(mutator);
    gait_run_finalizers(mutator, SIZE_MAX);
}

static void check_all(void) {
    gait_word roots[4] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, roots, 4);
    /* one that its own stack refers to, and one that nothing does */
    for (int i = 0; i < 100; i++) {
        struct generator *generator = generator_new(0, 0);
        generator->stack->slots[0] = i % 2 ? (gait_word)generator : 0;
    }
    collect();
    cr_assert_eq(freed, 100u);

    /* what it holds lives as long as it */
    roots[0] = (gait_word)generator_new((gait_word)gait_alloc(mutator, kind_refs, 64), 0);
    gait_word held = ((struct generator *)roots[0])->stack->slots[0];
    gait_word handle = (gait_word)gait_handle_new(mutator, 0);
    ((gait_word *)held)[3] = 77;
    collect();
    cr_assert_eq(((gait_word *)held)[3], 77u);
    cr_assert_eq(gait_object_base(heap, (void *)held), (void *)held);
    gait_handle_free(mutator, (gait_handle *)handle);

    /* a chain, each on the stack of the next, as of a stream that is built of streams */
    freed = 0;
    roots[1] = 0;
    for (int i = 0; i < 1000; i++)
        roots[1] = (gait_word)generator_new(roots[1], roots[0]);
    roots[0] = 0;
    collect();
    cr_assert_eq(freed, 0u);
    roots[1] = 0;
    collect();
    cr_assert_eq(freed, 1001u);

    /* a pair that refer to each other */
    struct generator *one = generator_new(0, 0);
    roots[0] = (gait_word)one;
    struct generator *two = generator_new(roots[0], 0);
    ((struct generator *)roots[0])->stack->slots[0] = (gait_word)two;
    roots[2] = (gait_word)two;
    roots[0] = 0;
    collect();
    cr_assert_eq(freed, 1001u);
    roots[2] = 0;
    collect();
    cr_assert_eq(freed, 1003u);

    /* one that runs keeps its object */
    struct stack *stack = generator_new(0, 0)->stack;
    gait_coroutine_switch(mutator, stack->coroutine);
    gait_collect(mutator);
    gait_collect(mutator);
    cr_assert_eq(gait_run_finalizers(mutator, SIZE_MAX), 0u);
    gait_coroutine_switch(mutator, NULL);
    collect();
    cr_assert_eq(freed, 1004u);

    /* its finalizer keeps what its stack holds, and not itself by that */
    size_t finalized = 0;
    roots[0] = (gait_word)generator_new((gait_word)gait_alloc(mutator, kind_refs, 64), 0);
    held = ((struct generator *)roots[0])->stack->slots[0];
    ((gait_word *)held)[3] = 78;
    cr_assert_eq(gait_finalizer_set(mutator, (void *)roots[0], finalize, &finalized), 0);
    roots[0] = 0;
    collect();
    cr_assert_eq(finalized, 1u);
    cr_assert_eq(((gait_word *)held)[3], 78u);
    collect();
    cr_assert_eq(freed, 1005u);

    /* dead, it is no root, also before its cleanup has run: what it held is another object's place
     */
    held = (gait_word)gait_alloc(mutator, kind_refs, 64);
    generator_new(held, 0);
    gait_collect(mutator);
    gait_word again = 0;
    for (int i = 0; again != held && i < 1000000; i++)
        again = (gait_word)gait_alloc(mutator, kind_refs, 64);
    cr_assert_eq(again, held);
    size_t gone = 0;
    cr_assert_eq(gait_cleanup_add(mutator, (void *)again, count, &gone), 0);
    gait_collect(mutator);
    gait_run_finalizers(mutator, SIZE_MAX);
    cr_assert_eq(gone, 1u);
    cr_assert_eq(freed, 1006u);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
}

Test(tied, beside_the_program) {
    begin(0, "gccheckmark=1,clobberfree=1", "off");
    check_all();
}

Test(tied, with_the_world_stopped) {
    begin(GAIT_STOP_THE_WORLD, "gccheckmark=1,clobberfree=1", "off");
    check_all();
}

Test(tied, freed_while_its_object_lives) {
    begin(0, "gcstress=1,clobberfree=1", "off");
    gait_word root = (gait_word)generator_new(0, 0);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &root, 1);
    struct generator *generator = (struct generator *)root;
    struct stack *stack = generator->stack;
    cr_assert_eq(gait_cleanup_cancel(mutator, generator, clean_up, stack), 1u);
    __atomic_store_n(&generator->stack, NULL, __ATOMIC_RELEASE);
    gait_coroutine_free(mutator, stack->coroutine);
    free(stack);
    for (int i = 0; i < 50; i++)
        gait_alloc(mutator, kind_refs, 64);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
}

/* Old ones are looked at in minor cycles, whatever was stored. */
Test(tied, minor_cycles) {
    begin(0, "gcminor=8,gccheckmark=1,clobberfree=1", "on");
    gait_word roots[64] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, roots, 64);
    for (int i = 0; i < 64; i++)
        roots[i] = (gait_word)generator_new(0, 0);
    gait_collect(mutator);
    for (int round = 0; round < 40000; round++) {
        struct stack *stack = ((struct generator *)roots[round % 64])->stack;
        gait_coroutine_switch(mutator, stack->coroutine);
        gait_word *fresh = gait_alloc(mutator, kind_refs, 512);
        gait_init(&fresh[1], (gait_word)round);
        cr_assert(!stack->slots[0] ||
                  ((gait_word *)stack->slots[0])[1] % 64 == (gait_word)round % 64);
        stack->slots[0] = (gait_word)fresh;
        gait_coroutine_switch(mutator, NULL);
    }
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    cr_assert(stats.minor_cycles > 0);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
}
