/* SPDX-License-Identifier: MIT */
/*
 * Coroutines that switch while the collector marks: with shadow stacks, with C stacks that are
 * scanned conservatively, and moved from one thread to another while they stand still.
 *
 * A coroutine holds a list of objects by nothing but its own stack, checks it whenever it goes on,
 * and changes it. Each is in the pool, or in the hands of the one thread that runs it.
 */
#include "stress.h"

#include <ucontext.h>

/* ThreadSanitizer is told of the switches. */
#if UNDER_TSAN
#include <sanitizer/tsan_interface.h>
#define FIBER_NEW() __tsan_create_fiber(0)
#define FIBER_SELF() __tsan_get_current_fiber()
#define FIBER_SWITCH(fiber) __tsan_switch_to_fiber(fiber, 0)
#define FIBER_END(fiber) __tsan_destroy_fiber(fiber)
#else
#define FIBER_NEW() NULL
#define FIBER_SELF() NULL
#define FIBER_SWITCH(fiber) (void)(fiber)
#define FIBER_END(fiber) (void)(fiber)
#endif

#define THREADS 3
#define COROUTINES 12
#define LIST 10
#define C_STACK_BYTES ((size_t)65536)

struct item {
    gait_word stamp;
    gait_word next;
    gait_word check;
};

struct worker;

struct coroutine {
    gait_coroutine *handle;
    ucontext_t context;
    void *fiber;
    struct worker *worker; /* that runs it now */
    char *c_stack;
    uint64_t random;
    gait_word callback_root; /* visited by its root callback */
    gait_word callback_stamp;
    uint64_t turns;
    bool started, finished;
    struct coroutine *next; /* in the pool */
};

struct worker {
    gait_mutator *mutator;
    ucontext_t context;
    void *fiber;
    uint64_t random;
};

static gait_heap *heap;
static gait_kind kind_item, kind_leaf;
static bool conservative;
static uint64_t stamps; /* atomic */

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct coroutine *pool; /* lock pool_lock */

static struct coroutine *pool_take(void) {
    pthread_mutex_lock(&pool_lock);
    struct coroutine *coroutine = pool;
    if (coroutine)
        pool = coroutine->next;
    pthread_mutex_unlock(&pool_lock);
    return coroutine;
}

/* At the end: every coroutine gets its turn. */
static void pool_put(struct coroutine *coroutine) {
    coroutine->next = NULL;
    pthread_mutex_lock(&pool_lock);
    struct coroutine **link = &pool;
    while (*link)
        link = &(*link)->next;
    *link = coroutine;
    pthread_mutex_unlock(&pool_lock);
}

/* ---- What a coroutine does ---- */

static gait_word item_new(gait_mutator *mutator, gait_word *next) {
    struct item *item = allocate(mutator, kind_item, sizeof *item);
    gait_word stamp = __atomic_add_fetch(&stamps, 1, __ATOMIC_RELAXED) << 1 | 1;
    gait_init(&item->stamp, stamp);
    gait_init(&item->check, mix(stamp ^ (gait_word)item) | 1);
    gait_init(&item->next, *next);
    return (gait_word)item;
}

static void item_check(gait_word reference) {
    struct item *item = (struct item *)reference;
    CHECK(item->check == (mix(item->stamp ^ reference) | 1), "item %p is lost", (void *)item);
}

static size_t list_check(gait_word first) {
    size_t length = 0;
    for (; first; first = slot_load(&((struct item *)first)->next), length++)
        item_check(first);
    return length;
}

/* Back to the worker; on return another worker may run us. */
__attribute__((noinline)) static void yield(struct coroutine *coroutine) {
    struct worker *worker = coroutine->worker;
    gait_coroutine_switch(worker->mutator, NULL);
    FIBER_SWITCH(worker->fiber);
    swapcontext(&coroutine->context, &worker->context);
}

static void visit_root(gait_visitor *visitor, void *data) {
    gait_visit(visitor, ((struct coroutine *)data)->callback_root);
}

/* Recursion with a frame at each level, and turns at each. */
__attribute__((noinline)) static void coroutine_level(struct coroutine *coroutine, unsigned depth) {
    volatile gait_word list[2] = {0, 0}; /* a list, and one more object */
    struct gait_frame frame;
    if (!conservative)
        gait_push_frame(coroutine->worker->mutator, &frame, (gait_word *)list, 2);
    for (size_t i = 0; i < LIST; i++) {
        gait_word next = list[0];
        list[0] = item_new(coroutine->worker->mutator, &next);
    }
    size_t length = LIST;
    while (!time_is_up()) {
        gait_mutator *mutator = coroutine->worker->mutator;
        CHECK(list_check(list[0]) == length, "the list has another length");
        if (list[1])
            item_check(list[1]);
        if (coroutine->callback_root) {
            item_check(coroutine->callback_root);
            CHECK(((struct item *)coroutine->callback_root)->stamp == coroutine->callback_stamp,
                  "the callback's object is another");
        }
        switch (pick(&coroutine->random, 6)) {
        case 0: { /* drop the first, so that the rest hangs on the stack alone */
            struct item *first = (struct item *)list[0];
            if (first && length > 1) {
                list[0] = slot_load(&first->next);
                gait_store(mutator, &first->next, 0);
                length--;
            }
            break;
        }
        case 1: {
            gait_word next = list[0];
            list[0] = item_new(mutator, &next);
            length++;
            break;
        }
        case 2: {
            gait_word none = 0;
            list[1] = item_new(mutator, &none);
            break;
        }
        case 3: {
            gait_word none = 0;
            coroutine->callback_root = item_new(mutator, &none);
            coroutine->callback_stamp = ((struct item *)coroutine->callback_root)->stamp;
            break;
        }
        case 4:
            for (size_t i = 0; i < 20; i++)
                allocate(mutator, kind_leaf, 512);
            break;
        default:
            if (depth > 0)
                coroutine_level(coroutine, depth - 1);
            if (one_in(&coroutine->random, 6))
                break;
        }
        yield(coroutine);
        coroutine->turns++;
        if (depth < 3 && one_in(&coroutine->random, 30))
            break;
    }
    if (!conservative)
        gait_pop_frame(coroutine->worker->mutator);
}

static void coroutine_main(unsigned high, unsigned low) {
    struct coroutine *coroutine = (struct coroutine *)((uintptr_t)high << 32 | low);
    coroutine_level(coroutine, 3);
    coroutine->finished = true;
    yield(coroutine);
}

/* ---- Workers ---- */

static void coroutine_run(struct worker *worker, struct coroutine *coroutine) {
    coroutine->worker = worker;
    gait_coroutine_switch(worker->mutator, coroutine->handle);
    if (!coroutine->started) {
        coroutine->started = true;
        coroutine->fiber = FIBER_NEW();
        getcontext(&coroutine->context);
        coroutine->context.uc_stack.ss_sp = coroutine->c_stack;
        coroutine->context.uc_stack.ss_size = C_STACK_BYTES;
        coroutine->context.uc_link = NULL;
        uintptr_t address = (uintptr_t)coroutine;
        makecontext(&coroutine->context, (void (*)(void))coroutine_main, 2,
                    (unsigned)(address >> 32), (unsigned)address);
    }
    FIBER_SWITCH(coroutine->fiber);
    swapcontext(&worker->context, &coroutine->context);
}

static void *work(void *argument) {
    struct worker *worker = argument;
    worker->mutator = attach(heap);
    worker->fiber = FIBER_SELF();
    volatile gait_word mine[1] = {0}; /* on the thread's own stack, while coroutines run */
    gait_word none = 0;
    struct gait_frame frame;
    if (!conservative)
        gait_push_frame(worker->mutator, &frame, (gait_word *)mine, 1);
    mine[0] = item_new(worker->mutator, &none);
    for (bool more = true; more;) {
        struct coroutine *coroutine = pool_take();
        if (!coroutine) { /* the others have them all */
            gait_enter_native(worker->mutator);
            sleep_us(100);
            gait_leave_native(worker->mutator);
            more = !time_is_up();
            continue;
        }
        /* several turns here, then perhaps elsewhere */
        for (size_t turns = 1 + pick(&worker->random, 3); turns > 0 && !coroutine->finished;
             turns--)
            coroutine_run(worker, coroutine);
        item_check(mine[0]);
        if (one_in(&worker->random, 16))
            mine[0] = item_new(worker->mutator, &none);
        if (one_in(&worker->random, 200))
            gait_collect(worker->mutator);
        if (one_in(&worker->random, 20)) {
            gait_enter_native(worker->mutator);
            gait_leave_native(worker->mutator);
        }
        if (coroutine->finished) {
            gait_coroutine_free(worker->mutator, coroutine->handle);
            FIBER_END(coroutine->fiber);
        } else {
            pool_put(coroutine);
        }
    }
    if (!conservative)
        gait_pop_frame(worker->mutator);
    gait_detach(worker->mutator);
    return NULL;
}

static void coroutines_test(uint32_t flags, const char *debug, double seconds) {
    heap = heap_new(flags, debug, "10");
    conservative = flags & GAIT_CONSERVATIVE_STACKS;
    kind_item = kind_new(heap, (gait_kind_info){.name = "item", .layout = GAIT_REFS});
    kind_leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    static struct coroutine coroutines[COROUTINES];
    static struct worker workers[THREADS];
    memset(coroutines, 0, sizeof coroutines);
    gait_mutator *mutator = attach(heap);
    pool = NULL;
    for (size_t i = 0; i < COROUTINES; i++) {
        struct coroutine *coroutine = &coroutines[i];
        coroutine->random = mix(run.seed + 100 + i);
        CHECK(coroutine->c_stack = malloc(C_STACK_BYTES), "malloc");
        coroutine->handle = gait_coroutine_new(
            mutator, visit_root, coroutine, conservative ? coroutine->c_stack : NULL,
            conservative ? coroutine->c_stack + C_STACK_BYTES : NULL);
        CHECK(coroutine->handle, "gait_coroutine_new");
        pool_put(coroutine);
    }
    gait_detach(mutator);
    run_for(seconds);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.random = mix(run.seed + i)};
        threads[i] = thread_start(work, &workers[i]);
    }
    uint64_t turns = 0;
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < COROUTINES; i++) {
        turns += coroutines[i].turns;
        CHECK(coroutines[i].finished, "coroutine %zu has not ended", i);
        free(coroutines[i].c_stack);
    }
    uint64_t cycles = stats_of(heap).cycles;
    printf("%s, %-26s %8" PRIu64 " turns, %6" PRIu64 " cycles\n",
           conservative ? "C stacks" : "shadow stacks", debug, turns, cycles);
    fflush(stdout);
    CHECK(turns > 0 && cycles > 0, "nothing happened");
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    double seconds = run.seconds / 8;
    coroutines_test(0, "clobberfree=1", seconds);
    coroutines_test(0, "clobberfree=1,gccheckmark=1", seconds);
    coroutines_test(0, "clobberfree=1,gcminor=5,gccheckmark=1", seconds);
    coroutines_test(GAIT_STOP_THE_WORLD, "clobberfree=1", seconds);
    coroutines_test(GAIT_CONSERVATIVE_STACKS, "clobberfree=1", seconds);
    coroutines_test(GAIT_CONSERVATIVE_STACKS, "clobberfree=1,gccheckmark=1", seconds);
    coroutines_test(GAIT_CONSERVATIVE_STACKS, "clobberfree=1,gcminor=5", seconds);
    coroutines_test(GAIT_CONSERVATIVE_STACKS | GAIT_STOP_THE_WORLD, "clobberfree=1", seconds);
}
