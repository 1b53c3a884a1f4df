/* SPDX-License-Identifier: MIT */
/*
 * Coroutines that are tied to objects: resumed by any thread, abandoned, and freed by their
 * cleanups, while marking reaches them. Each holds an item and perhaps another generator by its own
 * stack alone; generators refer to themselves and to each other.
 */
#include "stress.h"

#include <gait/tied.h>

#define THREADS 3
#define SHARED 48

struct item {
    gait_word stamp, check;
};

struct stack {
    gait_coroutine *coroutine;
    struct gait_frame frame;
    gait_word slots[2]; /* an item, another generator */
    unsigned busy;      /* atomic: somebody runs it, or changes it */
};

struct generator {
    struct stack *stack;
    gait_coroutine *coroutine; /* what scan leads to: the object has it itself */
};

struct worker {
    gait_mutator *mutator;
    uint64_t random;
};

static gait_heap *heap;
static gait_kind kind_generator, kind_item, kind_leaf;
static gait_word shared[SHARED];              /* static slots */
static uint64_t made, freed, resumed, stamps; /* atomic */

static void scan(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)bytes, (void)data;
    const struct generator *generator = object;
    gait_visit_coroutine(visitor, __atomic_load_n(&generator->coroutine, __ATOMIC_ACQUIRE));
}

static void clean_up(gait_mutator *mutator, void *data) {
    struct stack *stack = data;
    gait_coroutine_free(mutator, stack->coroutine);
    free(stack);
    __atomic_fetch_add(&freed, 1, __ATOMIC_RELAXED);
}

static gait_word item_new(gait_mutator *mutator) {
    struct item *item = allocate(mutator, kind_item, sizeof *item);
    gait_word stamp = __atomic_add_fetch(&stamps, 1, __ATOMIC_RELAXED) << 1 | 1;
    item->stamp = stamp;
    item->check = mix(stamp ^ (gait_word)item) | 1;
    return (gait_word)item;
}

static void item_check(gait_word word) {
    const struct item *item = (const struct item *)word;
    CHECK(item->check == (mix(item->stamp ^ word) | 1), "item %p is lost", (void *)word);
}

/* As the coroutine: what it holds is whole; then it holds something else. */
static void run_as(struct worker *worker, struct stack *stack, gait_word itself) {
    gait_mutator *mutator = worker->mutator;
    gait_coroutine_switch(mutator, stack->coroutine);
    item_check(stack->slots[0]);
    if (one_in(&worker->random, 2))
        stack->slots[0] = item_new(mutator);
    if (one_in(&worker->random, 3))
        stack->slots[1] =
            one_in(&worker->random, 2) ? itself : slot_load(&shared[pick(&worker->random, SHARED)]);
    if (one_in(&worker->random, 4))
        for (size_t i = 0; i < 10; i++)
            allocate(mutator, kind_leaf, 400);
    item_check(stack->slots[0]);
    gait_coroutine_switch(mutator, NULL);
    __atomic_fetch_add(&resumed, 1, __ATOMIC_RELAXED);
}

static gait_word generator_new(struct worker *worker) {
    gait_mutator *mutator = worker->mutator;
    gait_word word = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &word, 1);
    struct generator *generator = allocate(mutator, kind_generator, sizeof *generator);
    word = (gait_word)generator;
    struct stack *stack = calloc(1, sizeof *stack);
    CHECK(stack, "calloc");
    stack->coroutine = gait_coroutine_new(mutator, NULL, NULL, NULL, NULL);
    CHECK(stack->coroutine, "gait_coroutine_new");
    gait_coroutine_tie(mutator, stack->coroutine, generator);
    CHECK(gait_cleanup_add(mutator, generator, clean_up, stack) == 0, "cleanup");
    generator->stack = stack;
    __atomic_store_n(&generator->coroutine, stack->coroutine, __ATOMIC_RELEASE);
    gait_coroutine_switch(mutator, stack->coroutine);
    gait_push_frame(mutator, &stack->frame, stack->slots, 2);
    stack->slots[0] = item_new(mutator);
    gait_coroutine_switch(mutator, NULL);
    __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
    gait_pop_frame(mutator);
    return word;
}

/* One that is freed while its object lives. */
static void free_early(struct worker *worker) {
    gait_mutator *mutator = worker->mutator;
    gait_word word = generator_new(worker);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &word, 1);
    struct generator *generator = (struct generator *)word;
    struct stack *stack = generator->stack;
    CHECK(gait_cleanup_cancel(mutator, generator, clean_up, stack) == 1, "cancel");
    __atomic_store_n(&generator->coroutine, NULL, __ATOMIC_RELEASE);
    clean_up(mutator, stack);
    gait_pop_frame(mutator);
}

static bool claim(struct stack *stack) {
    unsigned free = 0;
    return __atomic_compare_exchange_n(&stack->busy, &free, 1, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static void *work(void *argument) {
    struct worker *worker = argument;
    worker->mutator = attach(heap);
    gait_word word = 0;
    struct gait_frame frame;
    gait_push_frame(worker->mutator, &frame, &word, 1);
    while (!time_is_up()) {
        size_t at = pick(&worker->random, SHARED);
        word = slot_load(&shared[at]);
        if (!word || one_in(&worker->random, 8)) {
            word = generator_new(worker);
            gait_store(worker->mutator, &shared[at], word);
        }
        struct stack *stack = ((struct generator *)word)->stack;
        if (claim(stack)) {
            if (one_in(&worker->random, 8)) /* from outside, as a static slot */
                gait_store(worker->mutator, &stack->slots[1], 0);
            run_as(worker, stack, word);
            __atomic_store_n(&stack->busy, 0, __ATOMIC_RELEASE);
        }
        if (one_in(&worker->random, 16))
            gait_store(worker->mutator, &shared[at], 0);
        if (one_in(&worker->random, 20))
            gait_run_finalizers(worker->mutator, 50);
        if (one_in(&worker->random, 40))
            free_early(worker);
        if (one_in(&worker->random, 500))
            gait_collect(worker->mutator);
        gait_poll(worker->mutator);
    }
    gait_pop_frame(worker->mutator);
    gait_detach(worker->mutator);
    return NULL;
}

static void generators_test(uint32_t flags, const char *debug, double seconds) {
    heap = heap_new(flags, debug, "20");
    kind_generator = kind_new(
        heap, (gait_kind_info){.name = "generator", .layout = GAIT_CALLBACK, .scan = scan});
    kind_item = kind_new(heap, (gait_kind_info){.name = "item", .layout = GAIT_LEAF});
    kind_leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    made = freed = resumed = 0;
    gait_mutator *mutator = attach(heap);
    memset(shared, 0, sizeof shared);
    CHECK(gait_roots_add(mutator, shared, SHARED) == 0, "roots");
    run_for(seconds);
    static struct worker workers[THREADS];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.random = mix(run.seed + i)};
        threads[i] = thread_start(work, &workers[i]);
    }
    gait_enter_native(mutator);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);
    for (size_t i = 0; i < SHARED; i++)
        gait_store(mutator, &shared[i], 0);
    for (size_t i = 0; i < 2; i++) {
        gait_collect(mutator);
        gait_run_finalizers(mutator, SIZE_MAX);
    }
    CHECK(made == freed, "%" PRIu64 " made, %" PRIu64 " freed", made, freed);
    printf("%-30s %8" PRIu64 " made and freed, %8" PRIu64 " resumed, %6" PRIu64 " cycles\n", debug,
           made, resumed, (uint64_t)stats_of(heap).cycles);
    fflush(stdout);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    double part = run.seconds / 5;
    generators_test(0, "clobberfree=1", part);
    generators_test(0, "gccheckmark=1,clobberfree=1", part);
    generators_test(0, "gcstress=32,clobberfree=1", part);
    generators_test(0, "gcminor=4,gccheckmark=1,clobberfree=1", part);
    generators_test(GAIT_STOP_THE_WORLD, "clobberfree=1", part);
    return 0;
}
